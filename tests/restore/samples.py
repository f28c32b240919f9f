"""Submissions with everything a file system allows and archives have met."""

from __future__ import annotations

import os
import random
from pathlib import Path

ANCIENT_NS = -2_208_988_800 * 10**9 + 123_456_789  # 1900
FUTURE_NS = 7_258_118_400 * 10**9 + 1  # 2200


def plain(folder: Path) -> Path:
    """Some small files, one of several slots, an empty folder."""
    rng = random.Random(7)
    for number in range(12):
        write(folder / f"卷{number % 3}" / f"文件-{number:02d}.txt", rng.randbytes(700 * number))
    write(folder / "大文件.bin", rng.randbytes(36 * 1024 * 1024 + 11))
    (folder / "空目录").mkdir()
    return folder


def hostile(folder: Path) -> Path:
    """Names, trees, links and times that were lost or changed elsewhere."""
    top = os.fsencode(folder)
    names = [
        b"100%", b"%41.txt", b"line\nend", b"carriage\rreturn", b"back\\slash", b"trailing dot.", b"trailing space ",
        b" leading", b"~home", b"-rf", b"*", b"?", b"[a]", b"CON", b"a:b", b'"quoted"', b"=C4=E3",
        b"\xc4\xe3\xba\xc3.doc",
        b"\xff\xfe", "\u00e9".encode(), "e\u0301".encode(), "档案".encode() * 42 + b"abc", b"n" * 255, b"\x01\x7f",
        b".hidden",
        b"\xf0\x9f\x98\x80",
    ]  # fmt: skip
    for number, name in enumerate(names):
        put(top + b"/names/" + name, name * number)
        put(top + b"/folders/" + name + b"/inside", b"in " + name)
    put(top + b"/deep" + b"/d" * 300 + b"/file", b"down here")
    for empty in (b"/empty", b"/empty folders/one", b"/empty folders/two/three"):
        os.makedirs(top + empty)
    put(top + b"/no bytes", b"")
    put(top + b"/linked", b"one content, two names")
    os.link(top + b"/linked", top + b"/linked too")
    os.symlink(b"linked", top + b"/soft")
    os.symlink(b"/nowhere/\xff", top + b"/dangling")
    os.symlink(b"folders", top + b"/soft folder")
    sparse = top + b"/sparse"
    put(sparse, b"begins")
    os.truncate(sparse, 20 * 1024 * 1024)
    put(top + b"/private", b"mode 600", 0o600)
    put(top + b"/program", b"mode 755", 0o755)
    put(top + b"/locked/inside", b"x")
    os.chmod(top + b"/locked", 0o500)
    for name, moment in ((b"/ancient", ANCIENT_NS), (b"/future", FUTURE_NS)):
        put(top + name, name)
        os.utime(top + name, ns=(moment, moment))
    os.utime(top + b"/empty", ns=(ANCIENT_NS, ANCIENT_NS))
    return folder


def write(path: Path, content: bytes) -> None:
    put(os.fsencode(path), content)


def put(path: bytes, content: bytes, mode: int = 0o644) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "xb") as file:
        file.write(content)
    os.chmod(path, mode)
