"""Plan the tar of a bag before a byte of content is read: where each member will lie, and how large all will be.

Sizes come from the listing of the submission; digests have fixed lengths; so every offset is known beforehand, blocks
can be filled by several processes at once, and an upload can be begun with its exact size.  Plans are spooled to
disk: a package may have a million members.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from preserve.bags import names
from preserve.bags.entries import BATCH_ENTRIES, FILE, FOLDER, LINK, Entry, Spool
from preserve.model.digests import Algorithm, start
from preserve.packages import tar
from preserve.packages.making import filling


class Planned(NamedTuple):
    """One member of the tar with what the books of the package say of it; marshalled as a plain tuple.

    The first fields are those of `filling.Entry`, so that a slice of it is an order's entry.
    """

    extent: int
    kind: bytes
    name: bytes
    size: int
    mode: int
    mtime_ns: int
    source: bytes
    source_offset: int
    state: tuple[int, int, int, int]
    path: str
    """Path in the bag relative to `data/`; for files outside `data/`, relative to the bag."""
    original: bytes | None
    """The original path where it differs from `path`."""
    member: int
    """Its `preserve.packages.members.Kind`, or `NO_MEMBER` for what lies outside `data/`."""
    link_to: bytes | None
    record: str | None


NO_MEMBER = -1
ENTRY_FIELDS = len(filling.Entry._fields)

State = tuple[int, int, int, int]
"""(size, mtime_ns, ctime_ns, inode) of a source file when it was listed."""

_TAR_KINDS = (tar.FILE, tar.FOLDER, b"")  # by the kind of the listed entry; links have no member


@dataclass(slots=True)
class Totals:
    """What a planned payload adds up to."""

    files: int = 0
    payload_bytes: int = 0
    entries: int = 0
    extent_bytes: int = 0
    manifest_path_bytes: int = 0
    """Length of all manifest lines without their digests."""

    def manifest_bytes(self, algorithm: Algorithm) -> int:
        """Length of the payload manifest of one algorithm."""
        return self.manifest_path_bytes + self.files * 2 * start_size(algorithm)


def start_size(algorithm: Algorithm) -> int:
    """Length of a digest in bytes."""
    return len(start(algorithm).digest())


def planned_tag_file(package_id: str, path: str, file: Path, created_ns: int) -> Planned:
    """Where a file that we generated (`file`, finished) stands; `path` is relative to the bag."""
    state = state_of(bytes(file))
    return _tag(package_id, path, tar.FILE, state[0], created_ns, bytes(file), state)


def planned_submitted_file(package_id: str, path: str, entry: Entry) -> Planned:
    """Where a tag file of a submitted bag stands; `entry` is how it was listed, `path` relative to our bag."""
    _, _, size, mtime_ns, ctime_ns, inode, _, _, source, offset = entry
    state = (size, mtime_ns, ctime_ns, inode) if ctime_ns else state_of(source)
    return _tag(package_id, path, tar.FILE, size, mtime_ns, source, state)._replace(source_offset=offset)


def state_of(source: bytes) -> State:
    """What a source file is like now."""
    facts = os.stat(source)
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino


def planned_tag_folder(package_id: str, path: str, created_ns: int) -> Planned:
    """A folder of the bag that is not payload; `path` ends with a slash, or is empty for the bag's own folder."""
    return _tag(package_id, path, tar.FOLDER, 0, created_ns, b"", (0, 0, 0, 0))


def tag_extent(package_id: str, path: str, size: int, created_ns: int) -> int:
    """How much room a tag file of `size` bytes will take in the tar."""
    name = f"{package_id}/{path}".encode()
    return tar.header_bytes(name, size, created_ns // 1_000_000_000) + size + tar.padding_bytes(size)


def end_of_tar() -> Planned:
    """The two zero blocks."""
    return Planned(tar.END, b"", b"", 0, 0, 0, b"", 0, (0, 0, 0, 0), "", None, NO_MEMBER, None, None)


def _tag(
    package_id: str, path: str, kind: bytes, size: int, created_ns: int, source: bytes, state: tuple[int, int, int, int]
) -> Planned:
    name = f"{package_id}/{path}".encode()
    mode = 0o755 if kind == tar.FOLDER else 0o644
    extent = tag_extent(package_id, path, size, created_ns)
    return Planned(extent, kind, name, size, mode, created_ns, source, 0, state, path, None, NO_MEMBER, None, None)


class Payload:
    """The planned payload of one package: entries in tar order, spooled to disk when they are many."""

    def __init__(self, package_id: str, work: Path) -> None:
        self._prefix = f"{package_id}/data/".encode()
        self._spool = Spool(work)
        self._batch: list[Planned] = []
        self.totals = Totals()

    def extent(self, kind: int, name: bytes, size: int, mtime_ns: int) -> int:
        """How much room an entry takes in the tar, in bytes; `name` is its path in the bag."""
        if kind == LINK:
            return 0
        full = self._prefix + name + b"/" if kind == FOLDER else self._prefix + name
        return tar.header_bytes(full, size, mtime_ns // 1_000_000_000) + size + -size % 512

    def is_full(self, extent: int, most_bytes: int) -> bool:
        """Whether another file that takes `extent` bytes would make this payload larger than `most_bytes`."""
        return self.totals.files > 0 and self.totals.extent_bytes + extent > most_bytes

    def add(self, entry: Entry, state: State, bag_path: str, name: bytes, record: str | None, extent: int) -> None:
        """Append a listed entry, which is called `bag_path` in the bag (`name`: the same in UTF-8).  Raises `NoSpace`.

        Runs for every entry there is, and therefore builds the plain tuple of a `Planned` directly.
        """
        kind, path, size, mtime_ns, _, _, mode, target, source, offset = entry
        original = None if name == path else path
        totals = self.totals
        totals.entries += 1
        totals.extent_bytes += extent
        if kind == FILE:
            totals.files += 1
            totals.payload_bytes += size
            # `data/`, two blanks, LF; and what percent-encoding adds
            totals.manifest_path_bytes += len(name) + 8
            if "%" in bag_path or "\n" in bag_path or "\r" in bag_path:
                totals.manifest_path_bytes += len(names.encode(bag_path)) - len(bag_path)
        self._batch.append(
            (  # type: ignore[arg-type]
                extent,
                _TAR_KINDS[kind],
                self._prefix + name + b"/" if kind == FOLDER else self._prefix + name,
                size,
                mode,
                mtime_ns,
                source,
                offset,
                state,
                bag_path,
                original,
                kind,
                target or None,
                record,
            )
        )
        if len(self._batch) >= BATCH_ENTRIES:
            self._spool.add(self._batch)
            self._batch = []

    def chunks(self) -> Iterator[Sequence[Planned]]:
        """The entries again, in order, as plain tuples; may be read several times."""
        yield from self._spool.batches()
        if self._batch:
            yield self._batch

    def close(self) -> None:
        """Forget everything."""
        self._spool.close()


@dataclass(slots=True)
class Piece:
    """The part of a tar that lies in one block and comes from consecutive entries.

    The first entry had `skip` bytes in earlier blocks; the last may go on in the next.  `begin` and `end` are
    offsets within the block; `starts` the offset in the tar of each entry's header.
    """

    block: int
    begin: int
    end: int = 0
    skip: int = 0
    entries: list[Planned] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)


def cut(chunks: Iterable[Sequence[Planned]], position: int, block_bytes: int) -> Iterator[Piece]:
    """Cut consecutive entries, the first of which begins at offset `position` of the tar, at block boundaries.

    The last piece may end within a block.  Entries without extent (links) go with the piece they stand in.
    """
    piece = Piece(position // block_bytes, position % block_bytes)
    for chunk in chunks:
        ends = list(accumulate((entry[0] for entry in chunk), initial=position))[1:]
        done = 0
        while done < len(chunk):
            limit = (piece.block + 1) * block_bytes
            # All entries that end at or before the block's end are whole in it.
            whole = bisect_right(ends, limit, done)
            piece.entries += chunk[done:whole]
            piece.starts += [ends[number] - chunk[number][0] for number in range(done, whole)]
            done = whole
            if done < len(chunk):
                begin = ends[done] - chunk[done][0]
                if begin < limit:
                    piece.entries.append(chunk[done])
                    piece.starts.append(begin)
                piece.end = block_bytes
                yield piece
                skip = max(0, limit - begin)
                while ends[done] > limit + block_bytes:
                    yield Piece(limit // block_bytes, 0, block_bytes, skip, [chunk[done]], [begin])
                    limit, skip = limit + block_bytes, skip + block_bytes
                piece = Piece(limit // block_bytes, 0, 0, skip, [], [])
                if skip:
                    piece.entries.append(chunk[done])
                    piece.starts.append(begin)
                    done += 1
        position = ends[-1] if ends else position
    piece.end = position - piece.block * block_bytes
    if piece.entries or piece.end > piece.begin:
        yield piece
