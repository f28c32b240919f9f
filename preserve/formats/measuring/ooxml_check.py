"""Whether an OOXML package is whole: the ZIP, the XML of its parts, and that what is referred to is there.

A check of our own, and no validation against ISO/IEC 29500: of schemas and content nothing is said.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from preserve.formats.contents import ENTRY_FAULTS

LARGEST_PART_BYTES = 256 * 1024 * 1024
_TYPES = "[Content_Types].xml"
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


def complaints_about_ooxml(file: Path) -> tuple[str, ...]:
    """What is wrong with a package; () where nothing was found."""
    try:
        with zipfile.ZipFile(file) as package:
            return tuple(_complaints(package))
    except ENTRY_FAULTS as error:
        return (f"the package cannot be read: {error}",)


def _complaints(package: zipfile.ZipFile) -> Iterator[str]:
    damaged = package.testzip()
    if damaged is not None:
        yield f"{damaged} is damaged"
        return
    names = set(package.namelist())
    if _TYPES not in names:
        yield f"{_TYPES} is missing"
    if "_rels/.rels" not in names:
        yield "nothing says which part is the document"
    for name in sorted(names):
        if name.endswith((".xml", ".rels")):
            yield from _of_part(package, name, names)


def _of_part(package: zipfile.ZipFile, name: str, names: set[str]) -> Iterator[str]:
    if package.getinfo(name).file_size > LARGEST_PART_BYTES:
        yield f"{name} is too large to be looked at"
        return
    try:
        root = ET.fromstring(package.read(name))  # noqa: S314 - expat bounds entities, and this is the sandbox
    except (ET.ParseError, ValueError) as error:
        yield f"{name} is no XML: {error}"
        return
    if name.endswith(".rels"):
        folder = posixpath.dirname(posixpath.dirname(name))
        for each in root.iter(_RELATION):
            target = each.get("Target", "")
            inside = (
                target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            )
            if each.get("TargetMode") != "External" and not target.startswith("#") and inside not in names:
                yield f"{name} refers to {target}, which is not there"
