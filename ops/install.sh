#!/bin/sh
# Makes .venv and installs into it exactly what the lock files name, each package checked by its digest.
#
#   ops/install.sh run       what the program needs                          (requirements.txt)
#   ops/install.sh develop   that, and what the tests and the demo need      (requirements-dev.txt)
#   ops/install.sh postgresql  Debian's PostgreSQL server, on which the tests keep books
#   ops/install.sh tools     openssl and mkfs.ext4, with which tests look at what the program wrote, and make a disk
#   ops/install.sh converters  what converts formats and judges what came of it, and bubblewrap, within which both are done
#   ops/install.sh browser   Debian's Chromium, Chinese fonts and promtool, which tests look at pages and rules with
#   ops/install.sh ceph      Debian's Ceph object gateway for `make test-ceph`
#
# Runs on a bare Debian 12: as root it installs a missing Python by apt-get, as anybody else it says what to install.
# Packages come from wherever pip on this machine is told to look (pip.conf, PIP_* variables); nothing is named here.
# Run again, it changes nothing and ends at once.
set -eu
cd "$(dirname "$0")/.."
set_wanted=${1:-run}
venv=.venv
stamp=$venv/.installed-$set_wanted

say() { printf '%s\n' "$*" >&2; }

may_install_packages() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

apt_install() {
    say "installing from Debian: $*"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" >/dev/null
}

# Python 3.11 or newer that can make a virtual environment: Debian's lacks `ensurepip` until python3-venv is there.
is_fit() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for candidate in ${PYTHON:-} python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; do
        if is_fit "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

need_python() {
    find_python && return
    if may_install_packages; then
        apt_install python3 python3-venv
        find_python && return
    fi
    say "Python 3.11 or newer with its venv module is needed and was not found."
    say "需要 Python 3.11 或更高版本及其 venv 模块，本机未找到。"
    say "On Debian 12 or later / 在 Debian 12 或更高版本上:  sudo apt-get install python3 python3-venv"
    say "Or name one / 或指定一个:  make PYTHON=/path/to/python3.11 ..."
    return 1
}

make_venv() {
    if [ -e $venv ] && ! $venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        say "$venv does not work any more; making it anew"
        rm -rf $venv
    fi
    if [ ! -e $venv ]; then
        python=$(need_python)
        say "making $venv with $python"
        "$python" -m venv $venv
    fi
    $venv/bin/python -m pip --version >/dev/null 2>&1 || $venv/bin/python -m ensurepip --default-pip >/dev/null
    if ! cmp -s requirements-build.txt $venv/.build-tools; then
        $venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.txt
        cp requirements-build.txt $venv/.build-tools
    fi
}

# uv does not read pip's settings, so what pip is told is told to uv, unless uv has its own.
pip_setting() {
    $venv/bin/python -m pip config list 2>/dev/null |
        sed -n "s/^\(:env:\|install\|global\)\.$1='\(.*\)'\$/\2/p" | head -n 1 | sed 's/\\n/ /g; s/^ *//'
}

tell_uv() {
    variable=$1
    value=$(pip_setting "$2")
    eval "already=\${$variable:-}"
    if [ -n "$value" ] && [ -z "$already" ]; then
        export "$variable=$value"
    fi
}

install_by_uv() {
    tell_uv UV_DEFAULT_INDEX index-url
    tell_uv UV_EXTRA_INDEX_URL extra-index-url
    tell_uv UV_FIND_LINKS find-links
    tell_uv UV_INSECURE_HOST trusted-host
    tell_uv SSL_CERT_FILE cert
    tell_uv HTTPS_PROXY proxy
    offline=
    case $(pip_setting no-index) in 1 | true | True | yes | on) offline=--no-index ;; esac
    # Every file is held to its digest, so it may come from any of the indexes.  What has to be built (bagit comes as
    # source only) is built by the locked tools of requirements-build.txt, not by whatever is newest today.
    # shellcheck disable=SC2086
    $venv/bin/uv pip install --quiet --python $venv/bin/python --require-hashes --compile-bytecode \
        --no-build-isolation --index-strategy unsafe-best-match $offline -r "$1"
}

install_locked() {
    say "installing $1"
    install_by_uv "$1" && return
    say "uv could not install $1; trying pip with the same digests"
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --require-hashes \
        -r "$1"
}

install_program() {
    PYTHONDONTWRITEBYTECODE='' $venv/bin/uv pip install --quiet --python $venv/bin/python --no-deps --no-build-isolation \
        --offline -e .
}

# Of Prometheus only the one program is taken out of Debian's package: nothing is to run as a service.
take_promtool() {
    place=$(mktemp -d)
    (cd "$place" && apt-get download -qq prometheus >/dev/null && dpkg -x prometheus_*.deb . && mv usr/bin/promtool promtool)
    mkdir -p $venv/bin
    mv "$place/promtool" $venv/bin/promtool
    rm -rf "$place"
}

# Who may not install goes on without: the tests that need them say so, and in CI they fail.
need_watchers() {
    if may_install_packages; then
        command -v chromium >/dev/null 2>&1 && fc-list 2>/dev/null | grep -q NotoSansCJK || apt_install chromium fontconfig fonts-noto-cjk
        if [ ! -x $venv/bin/promtool ] && ! command -v promtool >/dev/null 2>&1; then
            say "taking promtool out of Debian's prometheus"
            apt-get update -qq
            take_promtool
        fi
    elif ! command -v chromium >/dev/null 2>&1; then
        say "tests in a browser are left out: sudo apt-get install chromium fonts-noto-cjk"
    fi
}

case $set_wanted in
    run) lock=requirements.txt ;;
    develop) lock=requirements-dev.txt ;;
    browser)
        need_watchers
        exit 0
        ;;
    tools)
        missing=
        for tool in openssl:openssl mkfs.ext4:e2fsprogs xorriso:xorriso 7z:p7zip-full; do
            PATH="$PATH:/usr/sbin:/sbin" command -v "${tool%%:*}" >/dev/null 2>&1 || missing="$missing ${tool##*:}"
        done
        [ -z "$missing" ] && exit 0
        # shellcheck disable=SC2086
        may_install_packages && apt_install $missing && exit 0
        say "the tests need:$missing; sudo apt-get install$missing"
        exit 1
        ;;
    converters)
        missing=
        for tool in bwrap:bubblewrap soffice:libreoffice-writer-nogui gs:ghostscript flac:flac ffmpeg:ffmpeg vips:libvips-tools \
            fc-list:fontconfig pdftotext:poppler-utils qpdf:qpdf mdb-export:mdbtools mlr:miller \
            tiff2rgba:libtiff-tools pngcheck:pngcheck mediaconch:mediaconch; do
            command -v "${tool%%:*}" >/dev/null 2>&1 || missing="$missing ${tool##*:}"
        done
        for part in libsc:calc libsd:impress; do
            [ -e "/usr/lib/libreoffice/program/${part%%:*}lo.so" ] || missing="$missing libreoffice-${part##*:}-nogui"
        done
        for part in libpango-1.0-0:libpango-1.0.so.0 libpangoft2-1.0-0:libpangoft2-1.0.so.0 libharfbuzz-subset0:libharfbuzz-subset.so.0; do
            ldconfig -p 2>/dev/null | grep -q "${part##*:}" || missing="$missing ${part%%:*}"
        done
        [ -e /usr/share/perl5/Email/MIME.pm ] || missing="$missing libemail-mime-perl"
        [ -e /usr/share/color/icc/ghostscript/srgb.icc ] || missing="$missing libgs-common"
        fc-list 2>/dev/null | grep -q NotoSansCJK || missing="$missing fonts-noto-cjk"
        [ -z "$missing" ] && exit 0
        # shellcheck disable=SC2086
        may_install_packages && apt_install $missing && exit 0
        say "these tests are left out: sudo apt-get install$missing"
        exit 0
        ;;
    postgresql)
        ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && exit 0
        may_install_packages && apt_install postgresql && exit 0
        say "PostgreSQL is needed by the tests: sudo apt-get install --no-install-recommends postgresql"
        exit 1
        ;;
    ceph)
        command -v radosgw >/dev/null 2>&1 && exit 0
        may_install_packages && apt_install radosgw ceph-mon ceph-osd ceph-common && exit 0
        say "Ceph is needed: sudo apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common"
        exit 1
        ;;
    *)
        say "usage: ops/install.sh run|develop|tools|converters|browser|postgresql|ceph"
        exit 2
        ;;
esac

# The folder's own name is part of the stamp: an environment does not work after it was moved.
state=$({ pwd; cat $lock requirements-build.txt setup.py pyproject.toml ops/install.sh preserve/__init__.py; } | sha256sum)
if [ -x $venv/bin/python ] && [ "$(cat $stamp 2>/dev/null)" = "$state" ]; then
    exit 0
fi
make_venv
install_locked $lock
install_program
printf '%s\n' "$state" >$stamp
say "installed: $(pwd)/$venv"
