"""What comes with the program for a home and its stores: policies, and the kit that restores without the program."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = Path(__file__).parent.parent
KIT = ("README.txt", "README.zh.txt", "rescue.py")


@dataclass(frozen=True, slots=True)
class Shipped:
    """A file that comes with the program."""

    name: str
    content: bytes


def policies() -> list[Shipped]:
    """The policies that come with the program, by file name: from the checkout, else from the installation."""
    for folder in (_PROGRAM.parent / "policies", Path(sys.prefix) / "share" / "preserve" / "policies"):
        if folder.is_dir():
            return [Shipped(path.name, path.read_bytes()) for path in sorted(folder.glob("*.toml"))]
    return []


def kit() -> list[Shipped]:
    """What is laid beside the packages in every store, so that nobody needs this program to read them."""
    return [Shipped(name, (_PROGRAM / "kit" / name).read_bytes()) for name in KIT]
