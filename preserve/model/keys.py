"""Object keys: names in a store that every file system and every S3-compatible server keeps as they are."""

from __future__ import annotations

import re
from typing import NewType

from preserve.errors import Refused

Key = NewType("Key", str)
"""Slash-separated ASCII segments; see `key`."""

# Measured on four servers: segments over 255 bytes, `//`, `\`, `.`, `..` and a trailing slash are refused or silently
# changed by one or another (preserve/DESIGN.md, "Object keys").
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,198}")
LONGEST_KEY = 900

BAG = "bag.tar"
BLOCKS = "blocks.sha256"
MEMBERS = "members.parquet"
RECEIPT = "receipt.json"
PARITY = "parity.rs"
"""Beside a copy whose policy asks for it; it is no part of the package, and each store may have another or none."""
_FORMATS = re.compile(r"formats\.[1-9][0-9]*\.parquet")
PARTS_BEFORE_RECEIPT = (BAG, BLOCKS, MEMBERS)
"""The objects of a package, in the order they are written; the receipt comes last and commits them."""

_GENERATION = re.compile(r"(?P<base>.+)\.g(?P<number>[1-9][0-9]*)")


def key(text: str) -> Key:
    """`text` as a key.  Raises `Refused` unless each segment starts with a letter or digit and holds only
    letters, digits, `.`, `_`, `-`, at most 199 of them."""
    if not is_key(text):
        raise Refused("{key} is not a safe object key", key=repr(text))
    return Key(text)


def is_key(text: str) -> bool:
    """Whether `text` has the form of a key."""
    return len(text) <= LONGEST_KEY and all(_SEGMENT.fullmatch(part) for part in text.split("/"))


def package_folder(package_id: str) -> Key:
    """The prefix under which all objects of a package lie: `packages/<shard>/<id>`."""
    return Key(f"packages/{package_id[-2:]}/{package_id}")


def object_key(package_id: str, part: str, generation: int = 1) -> Key:
    """Key of one object of a package; a repaired object is a new generation (`bag.tar.g2`)."""
    return generation_key(f"{package_folder(package_id)}/{part}", generation)


def formats_part(number: int) -> str:
    """The object that says what formats the files of a package were found to be in, the `number`th time, from 1.

    It is no part of the package: each identification is a new object beside it.
    """
    return f"formats.{number}.parquet"


def is_formats_part(part: str) -> bool:
    """Whether an object's name is such a one."""
    return _FORMATS.fullmatch(part) is not None


def generation_key(base: str, generation: int) -> Key:
    """The key of one generation of any object: a damaged one is replaced beside it, under its name and `.g2`."""
    return Key(base if generation == 1 else f"{base}.g{generation}")


def split_generation(name: Key | str) -> tuple[str, int]:
    """`bag.tar.g2` -> (`bag.tar`, 2); a name without a mark is the first generation."""
    match = _GENERATION.fullmatch(name)
    return (match["base"], int(match["number"])) if match else (str(name), 1)
