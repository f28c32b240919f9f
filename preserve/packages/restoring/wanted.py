"""What a restore wants of one package: plain tuples, spooled, because there may be a million of them."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from preserve.bags.entries import BATCH_ENTRIES, FILE, FOLDER, Spool
from preserve.model.digests import Algorithm, start
from preserve.packages.members import Kind, Member

_PIECE_BYTES = 1024 * 1024
_NANOSECONDS = 1_000_000_000


class Wanted(NamedTuple):
    """One entry to restore: `path` relative to the target; `offset` and `size` locate a file's content in the bag."""

    path: bytes
    kind: int
    """`FILE`, `FOLDER` or `LINK`."""
    offset: int
    size: int
    sha256: bytes
    mode: int
    mtime_ns: int
    link_to: bytes


class WantedList:
    """The wanted entries of one package, in the order of its tar: each folder before what lies in it."""

    def __init__(self, work: Path) -> None:
        self._spool = Spool(work)
        self.count = 0
        self.files = 0
        self.total_bytes = 0

    def extend(self, entries: Iterable[Wanted]) -> None:
        """Add entries.  Raises `NoSpace`."""
        batch: list[tuple[object, ...]] = []
        for entry in entries:
            self.count += 1
            if entry.kind == FILE:
                self.files += 1
                self.total_bytes += entry.size
            batch.append(tuple(entry))
            if len(batch) >= BATCH_ENTRIES:
                self._spool.add(batch)
                batch = []
        if batch:
            self._spool.add(batch)

    def __iter__(self) -> Iterator[Wanted]:
        for batch in self._spool.batches():
            for plain in batch:
                yield Wanted(*plain)

    def close(self) -> None:
        """Forget everything."""
        self._spool.close()


def as_deposited(member: Member) -> Wanted:
    """A member under its original name."""
    return Wanted(
        member.name,
        int(member.kind),
        member.offset,
        member.size,
        member.sha256,
        member.mode,
        member.mtime_ns,
        member.link_to or b"",
    )


def as_in_bag(members: Iterable[Member]) -> Iterator[Wanted]:
    """The members as `tar x` would lay them down; links are no entries of a bag."""
    for member in members:
        if member.kind is not Kind.LINK:
            # A tar keeps whole seconds.
            mtime_ns = member.mtime_ns // _NANOSECONDS * _NANOSECONDS
            yield as_deposited(member)._replace(path=b"data/" + member.path.encode(), mtime_ns=mtime_ns)


def from_tar(member: tarfile.TarInfo, package_id: str, sha256: bytes) -> Wanted:
    """A tag file or folder of the bag as its header describes it."""
    path = os.fsencode(member.name.removeprefix(package_id).strip("/"))
    kind = FOLDER if member.isdir() else FILE
    size = 0 if member.isdir() else member.size
    return Wanted(path, kind, member.offset_data, size, sha256, member.mode, int(member.mtime) * _NANOSECONDS, b"")


def tag_entries(bag: IO[bytes], package_id: str, begin: int) -> Iterator[Wanted]:
    """The entries of the bag from offset `begin` on that are no payload; `begin` is that of a header.

    Stops at the first payload entry that is a file.  `bag` gives out sound bytes alone, and each tag file is digested
    here.  Raises OSError where a block is lost.
    """
    bag.seek(begin)
    payload = f"{package_id}/data/"
    with tarfile.open(fileobj=bag, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # it would keep every one of them
            if member.name.startswith(payload):
                if member.isfile():
                    return
                continue
            if member.name == package_id:
                continue
            at = bag.tell()
            yield from_tar(member, package_id, _digest(bag, member) if member.isfile() else b"")
            bag.seek(at)


def _digest(bag: IO[bytes], member: tarfile.TarInfo) -> bytes:
    running, left = start(Algorithm.SHA256), member.size
    bag.seek(member.offset_data)
    while left:
        piece = bag.read(min(left, _PIECE_BYTES))
        running.update(piece)
        left -= len(piece)
    return running.digest()
