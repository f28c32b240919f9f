"""Entries: what a submission or a bag consists of, one plain tuple for each file, folder and link, in one order."""

from __future__ import annotations

import heapq
import io
import marshal
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from preserve.durable import raise_if_full
from preserve.errors import Unavailable

FILE = 0
FOLDER = 1
LINK = 2
UNREAD = 3
"""What could not be looked at: listed by who was asked to, so that it is not taken for gone."""

Entry = tuple[int, bytes, int, int, int, int, int, bytes, bytes, int]
"""One entry of a tree.  A plain tuple, because there are millions and they go through `marshal`:

| position | is |
|---|---|
| 0 kind | `FILE`, `FOLDER` or `LINK` (or `UNREAD`, of which only the path says anything) |
| 1 path | relative to the tree's top, as bytes, without leading or trailing slash |
| 2 size | of the content in bytes (files; else 0) |
| 3 mtime_ns | modification time of file, folder or link, nanoseconds since 1970 |
| 4 ctime_ns | of the source file's inode when it was listed (folders of files; 0 in a tar) |
| 5 inode | of the source file when it was listed (0 in a tar) |
| 6 mode | permission bits |
| 7 target | of a link, as bytes (else empty) |
| 8 source | path of the file that holds the content, as bytes (files; else empty) |
| 9 offset | where in `source` the content begins, in bytes |
"""

BATCH_ENTRIES = 4096
"""How many entries pass from hand to hand at once, about; big enough that Python's calls do not count."""


def order(path: bytes) -> bytes:
    """The sort key of listing order: names in byte order within a folder, each folder before its content."""
    return path.replace(b"/", b"\0")


class Tree(Protocol):
    """Files, folders and links that can be listed again and again, always in the same order."""

    def batches(self) -> Iterator[list[Entry]]:
        """All entries in listing order.  Raises `Unavailable` when the tree can no longer be read."""


def entries_of(tree: Tree) -> Iterator[Entry]:
    """The entries of `tree`, one by one."""
    return chain.from_iterable(tree.batches())


class Content(io.RawIOBase):
    """The content of one entry, wherever it lies: a part of a file, read-only."""

    def __init__(self, entry: Entry) -> None:
        self._size, self._start, self._at = entry[2], entry[9], 0
        self._descriptor = open_source(entry[8])

    def readable(self) -> bool:
        return True

    def readinto(self, into: bytearray | memoryview) -> int:  # type: ignore[override]
        view = memoryview(into)[: max(0, self._size - self._at)]
        count = os.preadv(self._descriptor, [view], self._start + self._at)
        self._at += count
        return count

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def open_content(entry: Entry) -> io.BufferedReader:
    """The content of a file entry as a binary file.  Raises OSError."""
    return io.BufferedReader(Content(entry), 1 << 16)


def open_source(path: bytes) -> int:
    """A descriptor of a source file: follows no link that took its place, and does not wait on a pipe that did."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


class Below:
    """What lies below one folder of another tree, as a `Tree` of its own."""

    def __init__(self, tree: Tree, top: bytes) -> None:
        self._tree = tree
        self._prefix = top + b"/"

    def batches(self) -> Iterator[list[Entry]]:
        """Entries below the folder in listing order, with paths relative to it."""
        cut = len(self._prefix)
        for batch in self._tree.batches():
            below = [(entry[0], entry[1][cut:], *entry[2:]) for entry in batch if entry[1].startswith(self._prefix)]
            if below:
                yield below


class Spool:
    """Marshalled batches: in memory while they are few, beyond that in a file of a work folder.

    A million entries take about 200 MB as Python objects and next to nothing here.  Use as a context manager, or
    `close` it: the file has no name and is gone with it.
    """

    MOST_IN_MEMORY = 2
    """Batches kept in memory, where they take about a megabyte each; several spools live at a time."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._first: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._lengths: list[int] = []

    def add(self, batch: list[Any]) -> None:
        """Keep one more batch of plain tuples.  Raises `NoSpace`."""
        data = marshal.dumps(batch)
        if len(self._first) < self.MOST_IN_MEMORY:
            self._first.append(data)
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._work)  # noqa: SIM115 - closed by `close`
            self._file.write(data)
        except OSError as error:
            raise_if_full(error, self._work)
            raise Unavailable("{folder} cannot be written: {reason}", folder=self._work, reason=error) from error
        self._lengths.append(len(data))

    def batches(self) -> Iterator[list[Any]]:
        """What was added, in that order; may be read several times, also at the same time."""
        for data in self._first:
            yield marshal.loads(data)  # noqa: S302 - our own bytes, from memory
        if self._file is None:
            return
        self._file.flush()
        at = 0
        for length in self._lengths:
            yield marshal.loads(os.pread(self._file.fileno(), length, at))  # noqa: S302 - our own nameless file
            at += length

    def items(self) -> Iterator[Any]:
        """What was added, one by one."""
        return chain.from_iterable(self.batches())

    def close(self) -> None:
        """Forget everything."""
        self._first.clear()
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()


class Sorter:
    """Puts any number of plain tuples in order with bounded memory: sorted runs in a work folder, then merged."""

    RUN_ITEMS = 65_536
    """Items of one run, sorted in memory."""
    PIECE_ITEMS = 512
    """Items of a run held in memory while runs are merged."""

    def __init__(self, work: Path, key: Callable[[Any], Any]) -> None:
        self._work = work
        self._key = key
        self._run: list[Any] = []
        self._runs: list[Spool] = []

    def add(self, item: tuple[Any, ...]) -> None:
        """One more item.  Raises `NoSpace`."""
        self._run.append(item)
        if len(self._run) >= self.RUN_ITEMS:
            self._spill()

    def extend(self, items: Iterable[tuple[Any, ...]]) -> None:
        """More items."""
        for item in items:
            self.add(item)

    def _spill(self) -> None:
        self._run.sort(key=self._key)
        spool = Spool(self._work)
        spool.MOST_IN_MEMORY = 0
        for start in range(0, len(self._run), self.PIECE_ITEMS):
            spool.add(self._run[start : start + self.PIECE_ITEMS])
        self._runs.append(spool)
        self._run = []

    def sorted(self) -> Iterator[Any]:
        """All items in order; items with equal keys in the order they came.  May be called again after the end."""
        self._run.sort(key=self._key)
        if not self._runs:
            return iter(self._run)
        return heapq.merge(*(run.items() for run in self._runs), self._run, key=self._key)

    def close(self) -> None:
        """Forget everything."""
        self._run = []
        for run in self._runs:
            run.close()


def in_batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """`entries` in lists of about `BATCH_ENTRIES`."""
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) >= BATCH_ENTRIES:
            yield batch
            batch = []
    if batch:
        yield batch
