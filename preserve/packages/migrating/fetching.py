"""Bring originals out of sound copies into files that a tool is shown, each proved by its digest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from preserve.durable import raise_if_full
from preserve.errors import Refused
from preserve.model.digests import Algorithm, sha256, start
from preserve.packages.migrating.candidates import Candidate
from preserve.packages.reading import UnsoundBlockError
from preserve.packages.sources import Sources

STRETCH_BYTES = 4 * 1024 * 1024
"""Neighbours are read together up to so many bytes; a larger file is streamed in pieces of this size."""
LARGEST_GAP_BYTES = 64 * 1024
"""Bytes nobody wants that are read all the same, because asking a site again takes longer."""


class LostError(Refused):
    """Tell the person: no copy that can be read now gives the file soundly."""


class Fetcher:
    """Reads originals of one package.  May be used in one thread at a time."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._mixed: IO[bytes] | None = None

    def fetch(self, wanted: Sequence[tuple[Candidate, Path]]) -> None:
        """Write each file to its path, sound.

        Raises `LostError` for the first that no copy has sound, `Unavailable` where no store serves, `NoSpace`.
        """
        buffer = memoryview(bytearray(STRETCH_BYTES))
        for stretch in _stretches(wanted):
            try:
                self._fetch_stretch(stretch, buffer)
            except OSError as error:
                raise_if_full(error, stretch[0][1])
                raise

    def _fetch_stretch(self, stretch: Sequence[tuple[Candidate, Path]], buffer: memoryview) -> None:
        first, last = stretch[0][0], stretch[-1][0]
        length = last.offset + last.original.bytes - first.offset
        origin = self._sources.read(first.offset, buffer[:length]) if length <= STRETCH_BYTES else None
        for candidate, path in stretch:
            at, size = candidate.offset - first.offset, candidate.original.bytes
            if origin is not None and sha256(buffer[at : at + size]).hex() == candidate.original.sha256:
                path.write_bytes(buffer[at : at + size])
                self._sources.credit(origin, size)
            elif not self._is_straight(candidate, path) and not self._is_put_together(candidate, path):
                raise _lost(candidate)

    def _is_straight(self, candidate: Candidate, path: Path) -> bool:
        """Whether one copy gave the whole file soundly."""
        original, name = candidate.original, candidate.original.path.decode("utf-8", "backslashreplace")
        for standing in self._sources.usable():
            running, at = start(Algorithm.SHA256), 0
            piece = memoryview(bytearray(min(STRETCH_BYTES, original.bytes)))
            with path.open("wb") as file:
                while at < original.bytes:
                    part = piece[: original.bytes - at]
                    if not self._sources.read_from(standing, candidate.offset + at, part):
                        break
                    running.update(part)
                    file.write(part)
                    at += len(part)
            if at == original.bytes and running.hexdigest() == original.sha256:
                self._sources.credit(standing, original.bytes)
                return True
            if standing.away is None:
                self._sources.suspect(standing, candidate.offset, original.bytes, name)
        return False

    def _is_put_together(self, candidate: Candidate, path: Path) -> bool:
        """Whether copies gave it between them, block by block, merged or out of parity."""
        self._mixed = self._mixed or self._sources.bag()
        if self._mixed is None:
            return False
        original, running = candidate.original, start(Algorithm.SHA256)
        self._mixed.seek(candidate.offset)
        with path.open("wb") as file:
            for piece in _pieces(self._mixed, original.bytes):
                if not piece:
                    return False
                running.update(piece)
                file.write(piece)
        return running.hexdigest() == original.sha256


def _pieces(bag: IO[bytes], size: int) -> Iterator[bytes]:
    """The next `size` bytes; an empty piece where a block is needed that nobody has sound."""
    while size:
        try:
            piece = bag.read(min(size, STRETCH_BYTES))
        except UnsoundBlockError:
            piece = b""
        yield piece
        if not piece:
            return
        size -= len(piece)


def _stretches(wanted: Iterable[tuple[Candidate, Path]]) -> Iterator[list[tuple[Candidate, Path]]]:
    """Neighbours together, as far as they lie close by and fit into a stretch."""
    stretch: list[tuple[Candidate, Path]] = []
    end = 0
    for each in wanted:
        begin = each[0].offset
        length = begin + each[0].original.bytes - (stretch[0][0].offset if stretch else begin)
        if stretch and (begin - end > LARGEST_GAP_BYTES or length > STRETCH_BYTES):
            yield stretch
            stretch = []
        stretch.append(each)
        end = begin + each[0].original.bytes
    if stretch:
        yield stretch


def _lost(candidate: Candidate) -> LostError:
    original = candidate.original
    return LostError(
        "no copy of package {package} that can be read now has {path} sound; `preserve repair --package {package}`"
        " first",
        package=original.package,
        path=original.path.decode("utf-8", "backslashreplace"),
    )
