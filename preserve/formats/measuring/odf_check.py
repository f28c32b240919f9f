"""Whether an OpenDocument package is whole (ISO/IEC 26300-3): mimetype first and stored, members sound, XML sound."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.parsers import expat

from preserve.formats.contents import ENTRY_FAULTS

MIMETYPE = "mimetype"
KINDS = b"application/vnd.oasis.opendocument."
PIECE_BYTES = 1024 * 1024
MOST_BYTES = 2 * 1024**3
_NEEDED = ("META-INF/manifest.xml", "content.xml")


def complaints_about_odf(file: Path) -> tuple[str, ...]:
    """What is wrong with the package; nothing is said of what stands in it."""
    try:
        with zipfile.ZipFile(file) as package:
            members = package.infolist()
            if sum(each.file_size for each in members) > MOST_BYTES:
                return ("its members are larger than is looked at",)
            return (*_of_mimetype(package, members), *_of_members(package, members))
    except ENTRY_FAULTS as error:
        return (f"its package is not sound: {error}",)


def _of_mimetype(package: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> tuple[str, ...]:
    if not members or members[0].filename != MIMETYPE or members[0].compress_type != zipfile.ZIP_STORED:
        return ("its mimetype does not stand first, as it is",)
    return () if package.read(members[0]).startswith(KINDS) else ("its mimetype is none of OpenDocument",)


def _of_members(package: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> tuple[str, ...]:
    names = {each.filename for each in members}
    found = [f"{name} is missing" for name in _NEEDED if name not in names]
    for member in members:
        parser = expat.ParserCreate() if member.filename.endswith(".xml") and member.file_size else None
        try:
            with package.open(member) as content:  # the last piece has its checksum compared
                while piece := content.read(PIECE_BYTES):
                    if parser is not None:
                        parser.Parse(piece, False)
            if parser is not None:
                parser.Parse(b"", True)
        except expat.ExpatError as error:
            found.append(f"{member.filename} is no sound XML: {error}")
    return tuple(found)
