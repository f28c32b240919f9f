"""Pack one planned package: one read of the source gives file digests, tar, block digests, and what the stores get."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import IO, NoReturn

from preserve.bags import names
from preserve.errors import Refused, Restless, Unpackable
from preserve.model.blocks import BLOCK_BYTES, BlockList, block_bytes_for
from preserve.model.digests import Algorithm, Running, start
from preserve.packages import tar
from preserve.packages.making import layout
from preserve.packages.making.crew import Crew, slots
from preserve.packages.making.fan_out import FanOut
from preserve.packages.making.filling import CHANGED, Filled, Order
from preserve.packages.making.layout import ENTRY_FIELDS, NO_MEMBER, Piece, Planned
from preserve.packages.members import MembersWriter, Row
from preserve.ports import Progress

Judge = Callable[[str, Mapping[Algorithm, bytes]], str | None]
"""Compares a payload file's digests with what a submitted bag said of it; returns what does not fit, or None."""

MOST_TROUBLES_NAMED = 20


def _rests() -> None:
    """What lies in no folder has none that could change."""


@dataclass(frozen=True, slots=True)
class PackagePlan:
    """All that is known of a package before its content is read.

    `head` are the entries before the payload, `payload` those under `data/`, `algorithms` those written to manifests
    and members, `checked` those computed only to be compared by `judge`.  `require_rest` is asked when the last byte
    was read, and raises `Refused` where the folders are not as they were listed.
    """

    package_id: str
    created_ns: int
    folder: Path
    head: Sequence[Planned]
    payload: layout.Payload
    algorithms: Sequence[Algorithm]
    checked: Sequence[Algorithm] = ()
    judge: Judge | None = None
    require_rest: Callable[[], None] = _rests
    least_block_bytes: int = BLOCK_BYTES

    @property
    def tail_names(self) -> list[str]:
        """The files after the payload: manifests, then tag manifests."""
        return [f"{kind}-{algorithm}.txt" for kind in ("manifest", "tagmanifest") for algorithm in self.algorithms]

    def tail_sizes(self) -> list[int]:
        """Their sizes, which follow from names alone."""
        manifests = [self.payload.totals.manifest_bytes(algorithm) for algorithm in self.algorithms]
        tagged = [entry.path for entry in self.head if entry.kind == tar.FILE]
        tagged += self.tail_names[: len(self.algorithms)]
        lines = sum(len(names.encode(path).encode()) + 3 for path in tagged)
        return manifests + [lines + 2 * layout.start_size(one) * len(tagged) for one in self.algorithms]

    @property
    def tar_bytes(self) -> int:
        """Size of `bag.tar`."""
        tail = zip(self.tail_names, self.tail_sizes(), strict=True)
        return (
            sum(entry.extent for entry in self.head)
            + self.payload.totals.extent_bytes
            + sum(layout.tag_extent(self.package_id, name, size, self.created_ns) for name, size in tail)
            + tar.END
        )

    @property
    def block_bytes(self) -> int:
        """Block size of `bag.tar`."""
        return block_bytes_for(self.tar_bytes, self.least_block_bytes)


@dataclass(frozen=True, slots=True)
class Packed:
    """What packing gave: the blocks of the tar, and the file in which the members were written."""

    blocks: BlockList
    members: Path


def pack(plan: PackagePlan, crew: Crew, sink: FanOut, progress: Progress) -> Packed:
    """Read the source once and send its tar, block by block, into `sink` (which the caller commits).

    Raises `Refused` naming the files and folders that changed or could not be read; the caller then aborts the uploads.
    """
    work = _Packing(plan, crew, sink, progress)
    with work:
        work.run()
        plan.require_rest()
    return Packed(BlockList(plan.tar_bytes, bytes(work.block_digests), plan.block_bytes), work.members_path)


@dataclass(slots=True)
class _Pending:
    """One piece under way."""

    piece: Piece
    slot: int
    close: bool
    future: Future[Filled]


class _Packing:
    """The state of one run of `pack`: orders go out ahead, results are taken in the order of the tar."""

    def __init__(self, plan: PackagePlan, crew: Crew, sink: FanOut, progress: Progress) -> None:
        self._plan = plan
        self._crew = crew
        self._sink = sink
        self._tar_bytes, self._block_bytes = plan.tar_bytes, plan.block_bytes
        self._progress = progress
        self._algorithms = [*plan.algorithms, *plan.checked]
        self._sizes = [layout.start_size(algorithm) for algorithm in self._algorithms]
        self._free: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._pending: deque[_Pending] = deque()
        self._crossing: list[Running] = []  # of the file that goes on in the next block
        self._tags: list[tuple[str, list[bytes]]] = []  # files outside data/, with their digests
        self.block_digests = bytearray()
        self.members_path = plan.folder / "members.parquet"

    def __enter__(self) -> None:
        for number in range(slots(self._block_bytes)):
            self._free.put(number * self._block_bytes)
        plan = self._plan
        self._manifests: list[IO[bytes]] = [
            (plan.folder / f"manifest-{algorithm}.txt").open("wb") for algorithm in plan.algorithms
        ]
        self._manifest_digests = [[start(own) for own in plan.algorithms] for _ in plan.algorithms]
        self._members_file = self.members_path.open("wb")
        self._members = MembersWriter(self._members_file, plan.algorithms)

    def __exit__(self, *_: object) -> None:
        # Blocks still being filled hold slots of the crew: nothing of ours may go while they do.
        for pending in self._pending:
            pending.future.cancel() or pending.future.exception()
        self._members.close()
        for file in (*self._manifests, self._members_file):
            file.close()

    def run(self) -> None:
        """Payload first; then the manifests, whose content follows from it."""
        head_and_payload = self._with_head()
        last: Piece | None = None
        slot = -1
        for piece in layout.cut(head_and_payload, 0, self._block_bytes):
            if piece.end == self._block_bytes:
                self._order(piece, close=True)
            else:
                last, slot = piece, self._order(piece, close=False)
        self._take_all()
        position = (
            last.block * self._block_bytes + last.end if last else len(self.block_digests) // 32 * self._block_bytes
        )
        for piece in layout.cut([self._tail()], position, self._block_bytes):
            continues = last is not None and piece.block == last.block
            is_last = piece.block * self._block_bytes + piece.end == self._tar_bytes
            self._order(piece, close=piece.end == self._block_bytes or is_last, slot=slot if continues else None)
        self._take_all()

    def _with_head(self) -> Iterator[Sequence[Planned]]:
        yield self._plan.head
        yield from self._plan.payload.chunks()

    def _order(self, piece: Piece, *, close: bool, slot: int | None = None) -> int:
        """Send a piece to be filled; takes finished ones in while no slot is free."""
        while slot is None:
            try:
                slot = self._free.get_nowait()
            except queue.Empty:
                if self._pending:
                    self._take_first()
                else:
                    slot = self._free.get()
        entries = [entry[:ENTRY_FIELDS] for entry in piece.entries if entry[0]]
        order = Order(slot, piece.begin, piece.end, piece.skip, entries, close)
        self._pending.append(_Pending(piece, slot, close, self._crew.submit(order)))
        return slot

    def _take_all(self) -> None:
        while self._pending:
            self._take_first()

    def _take_first(self) -> None:
        pending = self._pending[0]
        filled = pending.future.result()
        self._pending.popleft()
        if filled.troubles:
            self._stop(filled.troubles)
        self._book(pending.piece, self._memory(pending), filled)
        if pending.close:
            self.block_digests += filled.block_sha256
            self._send(pending, filled.block_sha256)

    def _stop(self, troubles: list[tuple[bytes, str]]) -> NoReturn:
        """Refuse the package; what is being filled already may show more that is wrong."""
        for pending in self._pending:
            troubles += pending.future.result().troubles
        raise _refusal(troubles)

    def _memory(self, pending: _Pending) -> memoryview:
        return self._crew.memory(pending.slot, self._block_bytes)

    def _send(self, pending: _Pending, sha256: bytes) -> None:
        piece, slot = pending.piece, pending.slot
        view = self._memory(pending)[: piece.end]

        def done() -> None:
            self._progress.advance(piece.end)
            self._free.put(slot)

        self._sink.write(piece.block * self._block_bytes, view, sha256, done)

    def _book(self, piece: Piece, slot: memoryview, filled: Filled) -> None:
        """Digests of the files that end in this piece go to manifests and members."""
        lines: list[tuple[str, list[bytes]]] = []
        rows: list[Row] = []
        digests = self._digests_of_each(filled.digests)
        end = piece.block * self._block_bytes + piece.end
        for plain, begin in zip(piece.entries, piece.starts, strict=True):
            extent, kind = plain[0], plain[1]
            if begin + extent > end or begin < end - piece.end + piece.begin:
                if kind == tar.FILE:
                    self._follow(Planned(*plain), begin, piece, slot)
                if begin + extent > end:
                    continue  # it is booked where it ends
                own = [running.digest() for running in self._crossing] if kind == tar.FILE else None
            else:
                own = next(digests) if kind == tar.FILE else None
            self._book_entry(plain, begin, own, lines, rows)
        if lines:
            self._write_manifests(lines)
        if rows:
            self._members.extend(rows)

    def _digests_of_each(self, joined: bytes) -> Iterator[list[bytes]]:
        """The digests of one file after the other.  Runs for every file there is."""
        if len(self._sizes) == 1:
            size = self._sizes[0]
            return ([joined[at : at + size]] for at in range(0, len(joined), size))
        bounds = list(accumulate(self._sizes, initial=0))
        spans = list(pairwise(bounds))
        return ([joined[at + begin : at + end] for begin, end in spans] for at in range(0, len(joined), bounds[-1]))

    def _follow(self, entry: Planned, begin: int, piece: Piece, slot: memoryview) -> None:
        """Digest the part, in this piece, of a file that began before it or goes on after it."""
        base = piece.block * self._block_bytes
        if begin >= base + piece.begin:
            self._crossing = [start(algorithm) for algorithm in self._algorithms]
        content = begin + entry.extent - entry.size - tar.padding_bytes(entry.size) - base
        part = slot[max(0, content) : max(0, min(piece.end, content + entry.size))]
        for running in self._crossing:
            running.update(part)

    def _book_entry(
        self,
        plain: Planned,
        begin: int,
        digests: list[bytes] | None,
        lines: list[tuple[str, list[bytes]]],
        rows: list[Row],
    ) -> None:
        """One entry, whole at last.  Runs for every entry there is."""
        extent, _, _, size, mode, mtime_ns, _, _, _, path, original, member, link_to, record = plain
        offset = 0
        if digests is not None:
            if member == NO_MEMBER:
                self._tags.append((path, digests))
                return
            offset = begin + extent - size - -size % tar.BLOCK
            lines.append((path, digests))
            if self._plan.judge is not None:
                self._judge(path, digests)
        elif member == NO_MEMBER:
            return
        rows.append((path, original, member, offset, size, digests, mode, mtime_ns, link_to, record))

    def _judge(self, path: str, digests: list[bytes]) -> None:
        judge = self._plan.judge
        complaint = judge(path, dict(zip(self._algorithms, digests, strict=True))) if judge else None
        if complaint is not None:
            self._stop([(path.encode(), complaint)])

    def _write_manifests(self, lines: Sequence[tuple[str, list[bytes]]]) -> None:
        written = [(f"  data/{names.encode(path)}\n", digests) for path, digests in lines]
        for number, file in enumerate(self._manifests):
            text = "".join([digests[number].hex() + rest for rest, digests in written]).encode()
            file.write(text)
            for running in self._manifest_digests[number]:
                running.update(text)

    def _tail(self) -> list[Planned]:
        """Manifests and tag manifests, finished on disk, and the end of the tar."""
        plan = self._plan
        for file in self._manifests:
            file.close()
        written = list(self._tags)
        for name, digests in zip(plan.tail_names, self._manifest_digests, strict=False):
            written.append((name, [running.digest() for running in digests]))
        for number, algorithm in enumerate(plan.algorithms):
            text = "".join(f"{digests[number].hex()}  {names.encode(path)}\n" for path, digests in written)
            (plan.folder / f"tagmanifest-{algorithm}.txt").write_bytes(text.encode())
        entries = [
            layout.planned_tag_file(plan.package_id, name, plan.folder / name, plan.created_ns)
            for name in plan.tail_names
        ]
        return [*entries, layout.end_of_tar()]


def _refusal(troubles: Iterable[tuple[bytes, str]]) -> Refused:
    """The sentence for files that could not be packed."""
    named = sorted(set(troubles))[:MOST_TROUBLES_NAMED]
    changed = [source.decode("utf-8", "backslashreplace") for source, what in named if what == CHANGED]
    others = [f"{source.decode('utf-8', 'backslashreplace')}: {what}" for source, what in named if what != CHANGED]
    if changed and not others:
        return Restless(
            "these files changed while they were read: {files}; "
            "nothing was packed; run the command again when they rest",
            files=", ".join(changed),
        )
    return Unpackable(
        "these files could not be packed as they were listed; nothing was packed: {files}",
        files="; ".join([*others, *(f"{path}: {CHANGED}" for path in changed)]),
    )
