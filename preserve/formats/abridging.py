"""A short file that a signature takes for the large one of which only parts are there.

Siegfried looks for some patterns from one end of a file to the other: over the zeros between the parts of a film of
40 GB that took it minutes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from zipfile import ZipFile, ZipInfo

from preserve.formats.contents import Content
from preserve.formats.excerpts import END_BYTES, TELLING

GAP_BYTES = 64 * 1024
"""Zeros between beginning and end, so that no pattern reaches over."""
MOST_NAMES = 10_000


@contextmanager
def abridged(content: Content) -> Iterator[IO[bytes]]:
    """A file without a name, there until left: a ZIP with the same entries, of which those that tell its sort have
    content; of any other file both ends."""
    with os.fdopen(os.memfd_create("preserve-abridged", 0), "w+b") as file:
        if content.zip is not None:
            _zip(content, content.zip, file)
        else:
            file.write(content.read(0, END_BYTES))
            file.seek(GAP_BYTES, os.SEEK_CUR)
            file.write(content.read(content.size - END_BYTES, END_BYTES))
        file.flush()
        yield file


def _zip(content: Content, original: ZipFile, file: IO[bytes]) -> None:
    with ZipFile(file, "w") as short:
        for entry in original.infolist()[:MOST_NAMES]:
            is_telling = TELLING.fullmatch(entry.filename.encode("utf-8", "surrogatepass")) is not None
            short.writestr(ZipInfo(entry.filename), (content.entry(entry.filename) if is_telling else None) or b"")
