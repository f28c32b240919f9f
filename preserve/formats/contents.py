"""What there is of one file to look at: all of it, or the parts of a large one that say what it is."""

from __future__ import annotations

import io
import lzma
import os
import zlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import IO, NamedTuple, Protocol, cast
from zipfile import BadZipFile, ZipFile

from preserve.model.formats.signatures import EDGE_BYTES, Container

ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")  # PKWARE APPNOTE 6.3.10, 4.3.7 and 4.3.16 (a ZIP without entries)
OLE2_MARK = bytes.fromhex("D0CF11E0A1B11AE1")  # [MS-CFB] 2.2
MOST_ENTRY_BYTES = 256 * 1024
"""So much of an entry of a container is unpacked."""
MOST_NAMES = 100_000
"""Entries of a container that are looked at."""


class Part(NamedTuple):
    """Bytes of a file."""

    at: int
    length: int


class _Ole(Protocol):
    """What is used of olefile, which has no types."""

    def listdir(self, streams: bool = True, storages: bool = False) -> list[list[str]]: ...

    def openstream(self, filename: str) -> IO[bytes]: ...


class Content:
    """One file, in memory of which a descriptor is at hand.  `known` are the parts (offset, length) that were read; the
    others read as zeros, and nothing may be concluded from them."""

    def __init__(self, descriptor: int, size: int, known: Sequence[tuple[int, int]], extension: str) -> None:
        self._descriptor = descriptor
        self.size = size
        self._known = known
        self.extension = extension

    @property
    def is_whole(self) -> bool:
        """Whether all bytes of the file are there."""
        return sum(length for _, length in self._known) >= self.size

    def read(self, at: int, length: int) -> bytes:
        """Bytes of the file; fewer at its end, none behind it."""
        return os.pread(self._descriptor, max(min(length, self.size - at), 0), at) if at >= 0 else b""

    def knows(self, at: int, length: int) -> bool:
        """Whether these bytes are there."""
        return any(begin <= at and at + length <= begin + known for begin, known in self._known)

    @cached_property
    def head(self) -> bytes:
        return self.read(0, EDGE_BYTES)

    @cached_property
    def tail(self) -> bytes:
        return self.read(max(self.size - EDGE_BYTES, 0), EDGE_BYTES)

    @cached_property
    def container(self) -> Container | None:
        if self.head.startswith(ZIP_MARKS):
            return Container.ZIP
        return Container.OLE2 if self.head.startswith(OLE2_MARK) else None

    @cached_property
    def zip(self) -> ZipFile | None:
        """The file as a ZIP; None where it is none that can be listed."""
        if self.container is not Container.ZIP:
            return None
        try:
            return ZipFile(io.BufferedReader(_Raw(self)))
        except (BadZipFile, ValueError, NotImplementedError, OSError):
            return None

    @cached_property
    def ole(self) -> _Ole | None:
        """The file as an OLE2 compound file; None where it is none that can be listed."""
        if self.container is not Container.OLE2:
            return None
        import olefile  # of all files few need it

        try:
            opened = olefile.OleFileIO(io.BufferedReader(_Raw(self)))
        except OLE_FAULTS:
            return None
        return cast(_Ole, opened)

    @cached_property
    def names(self) -> frozenset[str]:
        """The entries of a container, as it spells them; parts of a path are divided by `/`."""
        if self.zip is not None:
            return frozenset(self.zip.namelist()[:MOST_NAMES])
        if self.ole is not None:
            return frozenset("/".join(path) for path in self.ole.listdir(storages=True)[:MOST_NAMES])
        return frozenset()

    def entry(self, name: str) -> bytes | None:
        """The beginning of an entry of a container; None where it cannot be read."""
        opened: Callable[[], IO[bytes]]
        if self.zip is not None:
            container = self.zip
            opened = lambda: container.open(name)  # noqa: E731
        elif self.ole is not None:
            compound = self.ole
            opened = lambda: compound.openstream(name)  # noqa: E731
        else:
            return None
        try:
            with opened() as stream:
                return stream.read(MOST_ENTRY_BYTES)
        except ENTRY_FAULTS:
            return None


OLE_FAULTS = (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What olefile raises over a compound file that is not as it should be."""

ENTRY_FAULTS = (BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, NotImplementedError, EOFError, *OLE_FAULTS)
"""What reading an entry may raise besides: encrypted, packed in a way nobody knows, torn."""


class _Raw(io.RawIOBase):
    """A file as a stream."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._content.size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._content.read(self._at, len(buffer))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
