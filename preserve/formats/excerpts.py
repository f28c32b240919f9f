"""Which parts of a file are read to tell its format: all of a small one; of a large one what says what it is."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator

from preserve.formats.compounds import compound_parts
from preserve.formats.contents import OLE2_MARK, ZIP_MARKS, Part
from preserve.ports import FileToIdentify

WHOLE_BYTES = 16 * 1024 * 1024
"""A file of so many bytes is read whole."""
WHOLE_OLE2_BYTES = 64 * 1024 * 1024
"""And one of so many, where it is an OLE2 compound file: what tells its sort may lie anywhere in it."""
MOST_OLE2_BYTES = 512 * 1024 * 1024
"""In one of so many, what tells its sort is looked for; a larger one is told by its ends."""
END_BYTES = 1024 * 1024
"""So much of either end of a larger one.  Siegfried's signatures look at 64 KiB at most."""
MOST_DIRECTORY_BYTES = 4 * 1024 * 1024
"""So much of the central directory of a large ZIP."""
MOST_ENTRY_BYTES = 128 * 1024
"""So much of each entry of a large ZIP that says what sort of document it is."""
MOST_ENTRIES = 32
"""And of so many of them: a directory may name one of them a thousand times, and all parts must fit in memory."""

TELLING = re.compile(
    rb"mimetype|\[Content_Types\]\.xml|OFD\.xml|uof\.xml|META-INF/(?:manifest|container)\.xml|(?:_rels/)?\.rels"
    rb"|word/document\.xml|xl/workbook\.xml|ppt/presentation\.xml|content\.xml|AndroidManifest\.xml|doc\.kml"
)
"""Entries of a ZIP that say what sort of document it is."""
_END_RECORD = struct.Struct("<4s4H2IH")  # PKWARE APPNOTE 6.3.10, 4.3.16
_END64_LOCATOR = struct.Struct("<4sIQI")  # 4.3.15
_END64_RECORD = struct.Struct("<4sQ2H2I4Q")  # 4.3.14
_ENTRY = struct.Struct("<4s6H3I5H2I")  # 4.3.12
_LOCAL_BYTES = 30


def parts(file: FileToIdentify) -> list[Part]:
    """What is to be read of a file, in order, no byte twice.  Raises what reading raises."""
    if file.size <= WHOLE_BYTES:
        return [Part(0, file.size)] if file.size else []
    ends = [Part(0, END_BYTES), Part(file.size - END_BYTES, END_BYTES)]
    mark = _read(file, Part(0, len(OLE2_MARK)))
    if mark == OLE2_MARK and file.size <= WHOLE_OLE2_BYTES:
        return [Part(0, file.size)]
    if mark == OLE2_MARK and file.size <= MOST_OLE2_BYTES:
        return _merged([*ends, *compound_parts(file)])
    if not mark.startswith(ZIP_MARKS):
        return ends
    return _merged([*ends, *_of_zip(file)])


def _read(file: FileToIdentify, part: Part) -> bytes:
    piece = bytearray(part.length)
    file.read(part.at, memoryview(piece))
    return bytes(piece)


def _of_zip(file: FileToIdentify) -> Iterator[Part]:
    """The central directory, and the beginnings of entries that tell what the document is."""
    directory = _directory(file)
    if directory is None or directory.length > MOST_DIRECTORY_BYTES or directory.at + directory.length > file.size:
        return
    yield directory
    listed, at, left = _read(file, directory), 0, MOST_ENTRIES
    while left and at + _ENTRY.size <= len(listed):
        fields = _ENTRY.unpack_from(listed, at)
        if fields[0] != b"PK\x01\x02":
            return
        packed, name_bytes, extra_bytes, comment_bytes, begin = fields[8], *fields[10:13], fields[16]
        name = listed[at + _ENTRY.size : at + _ENTRY.size + name_bytes]
        if TELLING.fullmatch(name) and begin < file.size:
            length = _LOCAL_BYTES + name_bytes + 1024 + min(packed, MOST_ENTRY_BYTES)
            yield Part(begin, min(length, file.size - begin))
            left -= 1
        at += _ENTRY.size + name_bytes + extra_bytes + comment_bytes


def _directory(file: FileToIdentify) -> Part | None:
    """Where the central directory of a ZIP lies; None where its end does not say so."""
    tail_at = file.size - END_BYTES
    tail = _read(file, Part(tail_at, END_BYTES))
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END_RECORD.size > len(tail):
        return None
    fields = _END_RECORD.unpack_from(tail, at)
    length, begin = int(fields[5]), int(fields[6])
    if 0xFFFFFFFF not in (length, begin):
        return Part(begin, length)
    if at < _END64_LOCATOR.size:
        return None
    mark, _, record_at, _ = _END64_LOCATOR.unpack_from(tail, at - _END64_LOCATOR.size)
    if mark != b"PK\x06\x07" or not tail_at <= record_at <= file.size - _END64_RECORD.size:
        return None
    record = _END64_RECORD.unpack_from(tail, record_at - tail_at)
    return Part(int(record[9]), int(record[8])) if record[0] == b"PK\x06\x06" else None


def _merged(found: Iterable[Part]) -> list[Part]:
    merged: list[Part] = []
    for part in sorted(found):
        if merged and part.at <= merged[-1].at + merged[-1].length:
            last = merged.pop()
            part = Part(last.at, max(last.at + last.length, part.at + part.length) - last.at)
        if part.length:
            merged.append(part)
    return merged
