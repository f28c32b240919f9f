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


@dataclass(frozen=True, slots=True)
class Listed:
    """Consecutive entries of a listing, and what is planned for each; all lists are of one length.

    `bag_paths` are the entries' paths in the bag, relative to `data/`, `names` the same in UTF-8; `records` the
    archival codes of the records they belong to; `extents` how much room each takes in the tar, in bytes.
    """

    entries: Sequence[Entry]
    states: Sequence[State]
    bag_paths: Sequence[str]
    names: Sequence[bytes]
    records: Sequence[str | None]
    extents: Sequence[int]

    def part(self, begin: int, end: int) -> Listed:
        """Those from `begin` to before `end`."""
        if (begin, end) == (0, len(self.entries)):
            return self
        those = slice(begin, end)
        return Listed(
            self.entries[those],
            self.states[those],
            self.bag_paths[those],
            self.names[those],
            self.records[those],
            self.extents[those],
        )


class Payload:
    """The planned payload of one package: entries in tar order, spooled to disk when they are many."""

    def __init__(self, package_id: str, work: Path) -> None:
        self._prefix = f"{package_id}/data/".encode()
        self._spool = Spool(work)
        self._batch: list[Planned] = []
        self.totals = Totals()

    def extents(self, entries: Sequence[Entry], names: Sequence[bytes]) -> list[int]:
        """How much room entries take in the tar, in bytes each; `names` are their paths in the bag."""
        sizes = [entry[2] for entry in entries]
        mtimes = [entry[3] // 1_000_000_000 for entry in entries]
        headers = tar.header_bytes_of_each(self._full_names(entries, names), sizes, mtimes)
        return [
            0 if entry[0] == LINK else header + size + -size % tar.BLOCK
            for entry, header, size in zip(entries, headers, sizes, strict=True)
        ]

    def _full_names(self, entries: Sequence[Entry], names: Sequence[bytes]) -> list[bytes]:
        prefix = self._prefix
        return [
            prefix + name + b"/" if entry[0] == FOLDER else prefix + name
            for entry, name in zip(entries, names, strict=True)
        ]

    def fitting(self, listed: Listed, begin: int, most_bytes: int) -> int:
        """Where the first file of `listed`, from `begin` on, stands that would make this payload larger than
        `most_bytes`, or its end; the first file of a payload always fits."""
        room = most_bytes - self.totals.extent_bytes
        extents = listed.extents
        if sum(extents[begin:]) <= room:
            return len(extents)
        is_any = self.totals.files > 0
        used = 0
        for at in range(begin, len(extents)):
            used += extents[at]
            if listed.entries[at][0] == FILE:
                if is_any and used > room:
                    return at
                is_any = True
        return len(extents)

    def add(self, listed: Listed) -> None:
        """Append entries.  Raises `NoSpace`.

        Runs for every entry there is, and therefore builds the plain tuples of `Planned` directly.
        """
        self._count(listed)
        # Listed in the order of `Planned`; `entry` as `preserve.bags.entries.Entry` has it.
        self._batch += [
            (  # type: ignore[misc]
                extent,
                _TAR_KINDS[entry[0]],
                full_name,
                entry[2],
                entry[6],
                entry[3],
                entry[8],
                entry[9],
                state,
                bag_path,
                None if name == entry[1] else entry[1],
                entry[0],
                entry[7] or None,
                record,
            )
            for entry, full_name, state, bag_path, name, record, extent in zip(
                listed.entries,
                self._full_names(listed.entries, listed.names),
                listed.states,
                listed.bag_paths,
                listed.names,
                listed.records,
                listed.extents,
                strict=True,
            )
        ]
        if len(self._batch) >= BATCH_ENTRIES:
            self._spool.add(self._batch)
            self._batch = []

    def _count(self, listed: Listed) -> None:
        totals = self.totals
        files = [(entry[2], name) for entry, name in zip(listed.entries, listed.names, strict=True) if entry[0] == FILE]
        names = b"".join([name for _, name in files])
        totals.entries += len(listed.entries)
        totals.extent_bytes += sum(listed.extents)
        totals.files += len(files)
        totals.payload_bytes += sum([size for size, _ in files])
        # `data/`, two blanks, LF; and percent-encoding makes three bytes of one (`preserve.bags.names.encode`)
        totals.manifest_path_bytes += len(names) + 8 * len(files) + 2 * sum(map(names.count, (b"%", b"\n", b"\r")))

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
