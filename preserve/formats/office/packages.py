"""Documents that are a ZIP of XML parts (OOXML, OpenDocument): their parts, and what pictures they have."""

from __future__ import annotations

import hashlib
import posixpath
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from preserve.formats.contents import ENTRY_FAULTS
from preserve.formats.office.facts import UnreadableError

LARGEST_PART_BYTES = 256 * 1024 * 1024
RASTER = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".dib")
RELATIONSHIP = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"

_MARKUP = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
ALTERNATE, CHOICE, FALLBACK = f"{_MARKUP}AlternateContent", f"{_MARKUP}Choice", f"{_MARKUP}Fallback"
_MAIN = re.compile(r"officeDocument$")
_SIGNATURE = re.compile(r"^_xmlsignatures/[^/]+\.xml$", re.IGNORECASE)
_STRICT = (
    (b"http://purl.oclc.org/ooxml/officeDocument/", b"http://schemas.openxmlformats.org/officeDocument/2006/"),
    (
        b"http://purl.oclc.org/ooxml/wordprocessingml/main",
        b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    ),
    (b"http://purl.oclc.org/ooxml/spreadsheetml/main", b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"),
    (
        b"http://purl.oclc.org/ooxml/presentationml/main",
        b"http://schemas.openxmlformats.org/presentationml/2006/main",
    ),
    (b"http://purl.oclc.org/ooxml/drawingml/main", b"http://schemas.openxmlformats.org/drawingml/2006/main"),
)
"""Names of the Strict variant (ISO/IEC 29500-1, Annex A), and what the Transitional one calls the same."""


class Parts:
    """The parts of a package that is open for reading; `close` it."""

    def __init__(self, path: Path) -> None:
        """Raises `UnreadableError`."""
        try:
            self._zip = zipfile.ZipFile(path)
        except ENTRY_FAULTS as error:
            raise UnreadableError(f"no ZIP: {error}") from error
        self.names = frozenset(self._zip.namelist())

    def close(self) -> None:
        self._zip.close()

    def bytes_of(self, name: str) -> bytes:
        """A part.  Raises `UnreadableError` where it is not there, locked, damaged or too large."""
        try:
            if self._zip.getinfo(name).file_size > LARGEST_PART_BYTES:
                raise UnreadableError(f"the part {name} is too large")
            return self._zip.read(name)
        except ENTRY_FAULTS as error:
            raise UnreadableError(f"the part {name} cannot be read: {error}") from error

    def xml(self, name: str) -> ET.Element:
        """A part that is XML.  Entities are bounded by expat (2.4.1 and later) and lead nowhere.

        Raises `UnreadableError`.
        """
        try:
            content = self.bytes_of(name)
            for strict, transitional in _STRICT:
                content = content.replace(strict, transitional)
            return ET.fromstring(content)  # noqa: S314 - see above; and it runs in the sandbox
        except (ET.ParseError, ValueError, LookupError) as error:
            raise UnreadableError(f"the part {name} is no XML: {error}") from error

    def xml_if_there(self, name: str) -> ET.Element | None:
        return self.xml(name) if name in self.names else None

    def main(self) -> str:
        """The part that an OOXML package says is the document (ISO/IEC 29500-2, 9.3).  Raises `UnreadableError`."""
        for each in self.xml("_rels/.rels"):
            name = each.get("Target", "").lstrip("/")
            if _MAIN.search(each.get("Type", "")) and name in self.names:
                return name
        raise UnreadableError("the package names no document")

    def macros(self) -> int:
        """How many projects of macros an OOXML package has ([MS-OFFMACRO2] 2.2.1)."""
        return sum(1 for name in self.names if name.endswith("vbaProject.bin"))

    def signatures(self) -> int:
        """How many signatures an OOXML package has (ISO/IEC 29500-2, 12)."""
        return sum(1 for name in self.names if _SIGNATURE.match(name))

    def relations(self, part: str) -> Mapping[str, tuple[str, bool]]:
        """What a part of OOXML leads to, by id: the target, and whether it lies outside (ISO/IEC 29500-2, 9.3)."""
        folder, name = posixpath.split(part)
        root = self.xml_if_there(f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels")
        found = {}
        for each in root.iter(_RELATIONS) if root is not None else ():
            is_outside = each.get("TargetMode") == "External"
            target = each.get("Target", "")
            found[each.get("Id", "")] = (target if is_outside else _resolved(folder, target), is_outside)
        return found

    def pictures(self, names: Iterable[str]) -> int:
        """How many different pictures of pixels are among these parts."""
        wanted = {name for name in names if name.lower().endswith(RASTER) and name in self.names}
        return len({hashlib.sha256(self.bytes_of(name)).digest() for name in wanted})


def _resolved(folder: str, target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
