"""What comes with the program for a home and its stores: policies, and the kit that restores without the program."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from preserve.errors import Refused
from preserve.settings.home import Home

if TYPE_CHECKING:
    from preserve.packages.kit import Kit

_PROGRAM = Path(__file__).parent.parent
_POLICY_FOLDERS = (_PROGRAM.parent / "policies", Path(sys.prefix) / "share" / "preserve" / "policies")
_PATHWAY_FOLDERS = (_PROGRAM.parent / "migrations", Path(sys.prefix) / "share" / "preserve" / "migrations")
KIT = ("README.txt", "README.zh.txt", "rescue.py")
KIT_VERSIONS = "versions.txt"
"""SHA-256, size in bytes and name of every kit file that a version of this program ever laid; lines are only added."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A file that comes with the program."""

    name: str
    content: bytes


def profile_text(home: Home | None, name: str) -> str | None:
    """A BagIt profile by its file name: one of the home's own, else one that comes with the program; None: neither."""
    for folder in (*([home.profiles] if home is not None else []), *_POLICY_FOLDERS):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    return None


def policy_files() -> list[Path]:
    """The policies that come with the program, to be copied: from the checkout, else from the installation."""
    for folder in _POLICY_FOLDERS:
        if folder.is_dir():
            return sorted(folder.glob("*.toml"))
    return []


AT_FIRST = ("default.toml", "records-permanent-gm.toml")
"""The policies of a new home.  The others name offices of one kind of archives or another: each is in force only when a
person has made it their own and registered it."""


def policies() -> list[Shipped]:
    """The policies that a new home begins with, by file name."""
    return [Shipped(path.name, path.read_bytes()) for path in policy_files() if path.name in AT_FIRST]


def kit() -> Kit:
    """What is laid beside the packages in every store, so that nobody needs this program to read them."""
    from preserve.packages.kit import KitFile  # few commands need it, and it takes 15 ms to load

    folder = _PROGRAM / "kit"
    versions: dict[str, set[tuple[int, str]]] = {name: set() for name in KIT}
    for line in (folder / KIT_VERSIONS).read_text(encoding="ascii").splitlines():
        digest, size, name = line.split()
        versions[name].add((int(size), digest))
    return {name: KitFile((folder / name).read_bytes(), frozenset(versions[name])) for name in KIT}


def standard(name: str) -> str:
    """The text of a file of rules or figures that comes with the program (policies/standards).

    Raises `Refused` where the installation lacks it.
    """
    return _text("standards", name)


def format_data(name: str) -> str:
    """The text of a file about file formats that comes with the program (policies/formats).

    Raises `Refused` where the installation lacks it.
    """
    return _text("formats", name)


def _text(kind: str, name: str) -> str:
    for folder in _POLICY_FOLDERS:
        path = folder / kind / name
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise Refused("{file} is not where it was installed; install the program again", file=f"policies/{kind}/{name}")


def pathway_folders() -> list[Path]:
    """The folders of the pathways that come with the program: from the checkout, else from the installation."""
    for folder in _PATHWAY_FOLDERS:
        if folder.is_dir():
            return sorted(path.parent for path in folder.glob("*/pathway.toml"))
    return []


OWN_SIGNATURES = ("signatures.xml", "container-signatures.xml")
"""Signatures of formats that PRONOM does not know: of bytes, and of containers."""


def own_signatures() -> tuple[Path, Path]:
    """The two files of them.  Raises `Refused` where the installation lacks one."""
    for folder in _POLICY_FOLDERS:
        binary, containers = (folder / "formats" / name for name in OWN_SIGNATURES)
        if binary.is_file() and containers.is_file():
            return binary, containers
    raise Refused(
        "{file} is not where it was installed; install the program again", file=f"policies/formats/{OWN_SIGNATURES[0]}"
    )
