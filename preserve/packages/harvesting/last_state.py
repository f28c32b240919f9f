"""The last state of a source in the home, for comparing a million files in a second; it may be lost without loss.

    <magic> then for each batch: <4 numbers> <marshalled `Seen`s> <marshalled `Kept`s>

The numbers are lengths and CRC-32 of the two parts.  Comparing needs the first part alone; the second is read where
something is different.  Whatever does not fit its CRC makes the whole file worthless: the state is then fetched from a
store, where the truth is.
"""

from __future__ import annotations

import marshal
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import IO, Any, Self

from preserve.bags.entries import BATCH_ENTRIES
from preserve.durable import raise_if_full
from preserve.packages.harvesting.rows import Kept, Row, Seen

_MAGIC = b"preserve-last-state/1\n"
_HEAD = Struct("<4Q")


class WornError(Exception):
    """The file is not what was written; the state is to be fetched anew."""


class Batch:
    """Some rows that follow one another."""

    def __init__(self, seen: list[Seen], file: IO[bytes], at: int, length: int, check: int) -> None:
        self.seen = seen
        self._file = file
        self._place = (at, length, check)
        self._kept: list[Kept] | None = None

    def kept(self) -> list[Kept]:
        """Where each row's content is kept.  Raises `WornError`."""
        if self._kept is None:
            at, length, check = self._place
            self._kept = _loaded(os.pread(self._file.fileno(), length, at), check)
        return self._kept


class LastState:
    """A state that was written.  Use as a context manager."""

    def __init__(self, path: Path) -> None:
        """Raises `WornError` where there is none."""
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise WornError from error
        if self._file.read(len(_MAGIC)) != _MAGIC:
            self._file.close()
            raise WornError

    def batches(self) -> Iterator[Batch]:
        """All rows in listing order; may be called again.  Raises `WornError`."""
        at, end = len(_MAGIC), os.fstat(self._file.fileno()).st_size
        while at < end:
            head = os.pread(self._file.fileno(), _HEAD.size, at)
            if len(head) < _HEAD.size:
                raise WornError
            first, first_check, second, second_check = _HEAD.unpack(head)
            at += _HEAD.size
            seen = _loaded(os.pread(self._file.fileno(), first, at), first_check)
            yield Batch(seen, self._file, at + first, second, second_check)
            at += first + second
        if at != end:
            raise WornError

    def rows(self) -> Iterator[Row]:
        """All rows, one by one.  Raises `WornError`."""
        for batch in self.batches():
            yield from zip(batch.seen, batch.kept(), strict=True)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class NoState(LastState):
    """That of a source which was never harvested."""

    def __init__(self) -> None:
        """There is nothing to open."""

    def batches(self) -> Iterator[Batch]:
        return iter(())

    def close(self) -> None:
        """Nothing is open."""


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write a state, in listing order, in place of what is there.  Raises `NoSpace`.

    It is not forced to the medium: one that was torn by a power failure is known by its CRC, and fetched anew.
    """
    beside = path.with_name(f".{path.name}.partial")
    try:
        with beside.open("wb") as file:
            file.write(_MAGIC)
            seen: list[Seen] = []
            kept: list[Kept] = []
            for row in rows:
                seen.append(row[0])
                kept.append(row[1])
                if len(seen) == BATCH_ENTRIES:
                    _add(file, seen, kept)
                    seen, kept = [], []
            if seen:
                _add(file, seen, kept)
        beside.replace(path)
    except OSError as error:
        raise_if_full(error, path)
        raise
    finally:
        beside.unlink(missing_ok=True)


def _add(file: IO[bytes], seen: list[Seen], kept: list[Kept]) -> None:
    first, second = marshal.dumps(seen), marshal.dumps(kept)
    file.write(_HEAD.pack(len(first), zlib.crc32(first), len(second), zlib.crc32(second)))
    file.write(first)
    file.write(second)


def _loaded(data: bytes, check: int) -> list[Any]:
    if zlib.crc32(data) != check:
        raise WornError
    loaded: list[Any] = marshal.loads(data)  # noqa: S302 - our own bytes, in our own home, and checked
    return loaded
