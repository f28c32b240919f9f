"""Where files are laid so that Siegfried can look at them: it takes paths, and reads them itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from preserve.formats.abridging import abridged
from preserve.formats.contents import Content
from preserve.formats.excerpts import MOST_OLE2_BYTES
from preserve.model.formats.signatures import Container

MOST_UNPACKED_BYTES = 128 * 1024 * 1024
"""A ZIP that unpacks to more is shown by the beginnings of its entries: Siegfried reads those that tell its sort to
their end, which took it 46 seconds for 2 GB of one letter in 8 MB."""
MOST_LINKS = 32
"""Links to one place for a file: names may end in anything."""


class Laid(NamedTuple):
    """A file as it lies in shared memory: `pieces` are offsets in the file, places in memory and lengths."""

    extension: str
    size: int
    pieces: Sequence[tuple[int, int, int]]


class Place:
    """Room for one file: a file without a name, to which a link with the right ending leads."""

    def __init__(self, folder: Path, number: int) -> None:
        self._stem = f"{folder}/{os.getpid()}-{number}"
        self._file = os.memfd_create("preserve-file", 0)
        self._shown = os.dup(self._file)
        self._links: dict[str, str] = {}  # by the ending that each shows
        self.link = ""

    def lay(self, memory: memoryview, laid: Laid, stack: ExitStack) -> Content:
        """Lay a file here; what Siegfried sees of it is there until the stack is left."""
        if sum(length for *_, length in laid.pieces) < laid.size:
            os.ftruncate(self._file, 0)  # what is not laid now reads as zeros
        os.ftruncate(self._file, laid.size)
        for at, place, length in laid.pieces:
            os.pwrite(self._file, memory[place : place + length], at)
        content = Content(self._file, laid.size, [(at, length) for at, _, length in laid.pieces], laid.extension)
        if not _may_be_shown(content):
            os.dup2(stack.enter_context(abridged(content)).fileno(), self._shown)
            stack.callback(os.dup2, self._file, self._shown)  # its memory goes with the last descriptor
        self.link = self._links.get(laid.extension) or self._led(laid.extension)
        return content

    def _led(self, extension: str) -> str:
        """A new link; they are kept, since the next file is most likely of an ending that was seen."""
        if len(self._links) == MOST_LINKS:
            for each in self._links.values():
                os.unlink(each)
            self._links.clear()
        link = f"{self._stem}.{extension}" if extension else self._stem
        os.symlink(f"/proc/self/fd/{self._shown}", link)
        self._links[extension] = link
        return link


def _may_be_shown(content: Content) -> bool:
    """Whether Siegfried is shown the very file: one that is here whole and no bomb; and, zeros and all, a compound
    file, in which all lies where it says, if looking for patterns over the zeros does not take a minute."""
    if content.is_whole:
        return content.zip is None or sum(each.file_size for each in content.zip.infolist()) <= MOST_UNPACKED_BYTES
    return content.container is Container.OLE2 and content.size <= MOST_OLE2_BYTES
