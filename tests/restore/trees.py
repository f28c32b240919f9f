"""Compare two folder trees: names as bytes, kinds, contents, modes, times, link targets."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

Facts = tuple[str, int, int, bytes]
"""Kind, mode, mtime_ns, and SHA-256 of a file or target of a link."""


def tree(root: Path) -> dict[bytes, Facts]:
    """Everything below `root` by its path relative to it; links are not followed."""
    found: dict[bytes, Facts] = {}
    top = os.fsencode(root)
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, top)] = _facts(path)
    return found


def _facts(path: bytes) -> Facts:
    facts = os.lstat(path)
    mode = stat.S_IMODE(facts.st_mode)
    if stat.S_ISLNK(facts.st_mode):
        return ("link", 0, facts.st_mtime_ns, os.readlink(path))
    if stat.S_ISDIR(facts.st_mode):
        return ("folder", mode, facts.st_mtime_ns, b"")
    assert stat.S_ISREG(facts.st_mode), path
    with open(path, "rb") as file:
        return ("file", mode, facts.st_mtime_ns, hashlib.file_digest(file, "sha256").digest())


def differences(one: Path, other: Path) -> list[str]:
    """What differs between two trees, a line each; empty where they are identical in every respect."""
    left, right = tree(one), tree(other)
    return [
        f"{path!r}: {left.get(path)} is not {right.get(path)}"
        for path in sorted(left.keys() | right.keys())
        if left.get(path) != right.get(path)
    ]
