"""Which parts of a large OLE2 compound file are read to tell its sort: its tables, its directory, and the beginning of
each of its streams ([MS-CFB] 2.2 to 2.6)."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

from preserve.formats.contents import OLE_FAULTS, Part
from preserve.ports import FileToIdentify

MOST_BYTES = 16 * 1024 * 1024
"""So much of a file is read at the most; the tables of one of 512 MiB take 4 MiB."""
MOST_STREAMS = 64
STREAM_BYTES = 4096
"""So much of each of so many streams: what Siegfried and we look for stands in their first bytes."""


def compound_parts(file: FileToIdentify) -> list[Part]:
    """What of a compound file says what it is, as far as it can be followed; in the order in which it was read.

    Raises what reading the file raises.
    """
    import olefile  # of all files few need it

    raw = _Followed(file)
    try:
        opened = olefile.OleFileIO(raw)
        for entry in islice(filter(None, opened.direntries), MOST_STREAMS):
            _begin(opened, entry, raw)
    except _TooMuch:
        pass
    except OLE_FAULTS:
        if raw.failure is not None:  # not the file is at fault: its bytes cannot be had
            raise raw.failure from None
    return raw.parts


def _begin(opened: Any, entry: Any, raw: _Followed) -> None:
    """Read the beginning of a stream.  Small ones lie in one that the root has, and are read with it."""
    if entry.entry_type != 2:  # 2.6.1: a stream
        return
    if entry.size < opened.minisectorcutoff:
        opened._open(entry.isectStart, entry.size).close()
        return
    for sector in islice(_chain(opened.fat, entry.isectStart), -(-STREAM_BYTES // opened.sectorsize)):
        raw.seek((sector + 1) * opened.sectorsize)
        raw.read(opened.sectorsize)


def _chain(table: Any, sector: int) -> Iterator[int]:
    while 0 <= sector < len(table):
        yield sector
        sector = table[sector]


class _TooMuch(Exception):  # noqa: N818 - the sentence reads so
    """More of the file was asked for than is read of one."""


class _Followed(io.RawIOBase):
    """A file as a stream that notes what was read of it."""

    def __init__(self, file: FileToIdentify) -> None:
        self.parts: list[Part] = []
        self.failure: OSError | None = None
        self._file = file
        self._at = 0
        self._left = MOST_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._file.size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        part = Part(self._at, max(min(len(buffer), self._file.size - self._at), 0))
        self._left -= part.length
        if self._left < 0:
            raise _TooMuch
        if part.length:
            try:
                self._file.read(part.at, memoryview(buffer)[: part.length])
            except OSError as error:
                self.failure = error
                raise
            self.parts.append(part)
        self._at += part.length
        return part.length
