"""By the real command: does a tree of everything that a file system allows come back, from any store and without us?

What `tests/restore/samples.py` has, and what it has not: look-alikes of our own escapes, names at the limits in several
encodings, paths at the system's limit, moments at the edges of what 32 and 64 bits hold.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ops.campaigns.service import Service, new_service
from tests.kit import rescuing
from tests.restore import samples
from tests.restore.trees import differences, tree

MOMENTS = {
    "1901": -2_177_452_800,
    "before 1901-12-13": -(2**31) - 1,
    "1969": -1,
    "1970": 0,
    "2038": 2**31,
    "2106": 2**32 + 1,
    "2242": 8_589_934_592,
    "2262": 9_214_646_400,
}
GBK = "档案".encode("gbk")
LIMITS = [
    b"a" * 255,
    "档".encode() * 85,
    GBK * 63 + b"abc",
    b"\xff" * 255,
    b"%" * 255,
    b"\n" * 255,
    "e\u0301".encode() * 85,
]
LOOK_ALIKES = [
    b"=B5=B5",
    "档".encode("gbk"),
    b"=B5=B5~2",
    b"=~0123abcd",
    b"~2",
    b"%25",
    b"%0A",
    b"%0a",
    b"\n",
    b"\r\n",
    b"\r",
    b"\t",
    b"data",
    b"bagit.txt",
    b"manifest-sha256.txt",
    b"...",
    b" ",
    b".",
    b"-",
    b"--to",
    b"~",
    b"ABC",
    b"abc",
    b"Abc",
    "ﬁ".encode(),
    b"fi",
    "\u212a".encode(),  # the sign for kelvin, which normalises to the letter
    b"K",
]
SPARSE_BYTES = 200_000_000


def extreme(folder: Path) -> Path:
    """See the head of this file."""
    top = os.fsencode(folder)
    for name in [*LIMITS, *(name for name in LOOK_ALIKES if name != b".")]:
        samples.put(top + b"/files/" + name, b"file " + name)
        samples.put(top + b"/folders/" + name + b"/" + name, b"in folder " + name)
    # As deep as one can go: 120 folders, and a path near PATH_MAX (4096 with the root before it).
    samples.put(top + b"/deep" + b"/dd" * 120 + b"/f", b"deep")
    room = 3600 - len(top)
    samples.put(top + b"/" + b"/".join([b"x" * 199] * (room // 200)) + b"/f", b"long")
    for name, target in [
        (b"to itself", b"to itself"),
        (b"to the other", b"to one"),
        (b"to one", b"to the other"),
        (b"up", b".."),
        (b"absolute", b"/etc/passwd"),
        (b"nowhere", b"\xff\n%"),
        (b"to a folder", b"files"),
        (b"longest", b"t" * 4095),
    ]:
        os.symlink(target, top + b"/" + name)
    samples.put(top + b"/hard", b"one inode")
    os.link(top + b"/hard", top + b"/hard again")
    samples.put(top + b"/sparse", b"begins")
    os.truncate(top + b"/sparse", SPARSE_BYTES)
    samples.put(top + b"/nobody may", b"mode 000", 0o000)
    samples.put(top + b"/setuid", b"mode 4755", 0o4755)
    os.makedirs(top + b"/closed/empty")
    for moment, seconds in MOMENTS.items():
        path = top + b"/" + moment.encode()
        samples.put(path, moment.encode())
        os.utime(path, ns=(seconds * 10**9 + 1, seconds * 10**9 + 1))
    os.chmod(top + b"/closed", 0o000)
    return folder


@pytest.fixture(scope="module")
def deposited(tmp_path_factory: pytest.TempPathFactory, program: Sequence[str]) -> Iterator[tuple[Service, Path, str]]:
    folder = tmp_path_factory.mktemp("x")
    if os.geteuid():
        pytest.skip("only root may read what has mode 000")
    source = extreme(folder / "s")
    service = new_service(folder, program=program)
    service.promise("primary", "same_city")
    service.store("main", "primary")
    service.store("near", "same_city")
    made = service.ask("ingest", source)
    (package,) = made["packages"]
    yield service, source, package["id"]


def test_it_is_sound_and_comes_back_from_each_store(deposited: tuple[Service, Path, str]) -> None:
    service, source, package = deposited
    assert service.ask("audit")["counts"]["sound"] == 2
    assert service.ask("package", "list")["packages"][0]["files"] == sum(
        kind == "file" for kind, *_ in tree(source).values()
    )
    for store in ("main", "near"):
        out = service.folder / store[0]
        assert service.ask("restore", package, "--to", out, "--from", store)["verified"]
        assert differences(source, out) == []


def test_the_script_in_the_store_brings_it_back_too(deposited: tuple[Service, Path, str]) -> None:
    service, source, package = deposited
    store = service.folder / "main"
    told = rescuing.run(store / "rescue.py", "restore", store, "r", package, cwd=service.folder)
    assert told.code == 0, told.text
    back, wanted = tree(service.folder / "r" / package), tree(source)
    assert back.keys() == wanted.keys()
    # The script gives back names, kinds, contents, targets and whole seconds; modes without the set-user-ID bit.
    assert {path: (facts[0], facts[3]) for path, facts in back.items()} == {
        path: (facts[0], facts[3]) for path, facts in wanted.items()
    }
    for path, facts in wanted.items():
        if facts[0] == "file":
            assert back[path][2] // 10**9 == facts[2] // 10**9, path
