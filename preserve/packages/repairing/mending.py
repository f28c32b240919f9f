"""Make one object of a copy anew beside the bad one: what is sound in it stays, only bad blocks come from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from preserve.errors import NotThere, Unreadable
from preserve.model.blocks import BlockList, block_bytes_for, count
from preserve.model.digests import sha256
from preserve.model.healing import runs
from preserve.model.keys import BAG, Key
from preserve.packages.at_once import do_all
from preserve.packages.gathering import Gathering, Place
from preserve.ports import Upload

WRITERS = 4
"""Parts made at a time; each takes the memory of one part, 16 MiB up to 160 GB of bag."""


@dataclass(frozen=True, slots=True)
class Mended:
    """How an object was made anew, or which blocks of it (`lost`) nobody in reach has: then nothing was made.

    `sources` counts the bad blocks by the store they came from; one that was merged, for each that gave a part of it.
    `bytes_read` and `bytes_written` are what travelled
    for it from and to all stores: sound blocks, parts, and what a store that cannot copy by itself had us carry.
    """

    lost: tuple[int, ...] = ()
    sources: Mapping[str, int] = field(default_factory=dict)
    bytes_read: int = 0
    bytes_written: int = 0
    is_copied_by_store: bool = False


def part_bytes(part: str, blocks: BlockList) -> int:
    """How an object is cut for its upload: a bag by its blocks; those of the members are too small for that."""
    return blocks.block_bytes if part == BAG else block_bytes_for(blocks.total_bytes)


class Mending:
    """A new generation `key` of object `part` beside `old` in the same store; `bad` are the blocks of `old` that are
    not sound.  `gathering` gives fresh sound blocks, and knows that `bad` of `old` are none."""

    def __init__(
        self,
        part: str,
        old: Place,
        key: Key,
        bad: Sequence[int],
        gathering: Gathering,
        retain_until: datetime | None,
    ) -> None:
        self._store = old.store
        self._old = old.key
        self._key = key
        self._bad = frozenset(bad)
        self._gathering = gathering
        self._retain_until = retain_until
        self._blocks = gathering.blocks
        self._part_bytes = part_bytes(part, gathering.blocks)
        self._lock = Lock()
        self._lost: set[int] = set()
        self._sources: Counter[str] = Counter()
        self._moved_bytes = 0
        self._taken_bytes = 0
        self._carried_bytes = 0

    def run(self) -> Mended:
        """Raises `Unavailable`, `NoSpace` or `AlreadyThere` of the store; nothing is visible then."""
        total = self._blocks.total_bytes
        with self._store.create(
            self._key,
            total,
            part_bytes=self._part_bytes,
            retain_until=self._retain_until,
            resume=self._is_part_a_block,
        ) as upload:
            bad_parts = {number * self._blocks.block_bytes // self._part_bytes for number in self._bad}
            good_parts = [part for part in range(count(total, self._part_bytes)) if part not in bad_parts]
            for run in runs([part for part in good_parts if not self._is_held(upload, part)]):
                bad_parts.update(self._take(upload, run))
            do_all(lambda part: self._make(upload, part), sorted(bad_parts), WRITERS, upload.leave)
            if self._lost:
                return Mended(lost=tuple(sorted(self._lost)))
            upload.commit()
        return Mended(
            sources=dict(self._sources),
            bytes_read=self._gathering.bytes_read + self._carried_bytes - self._carried_bytes // 2,
            bytes_written=self._moved_bytes + self._carried_bytes // 2,
            is_copied_by_store=self._taken_bytes > 0 and self._carried_bytes == 0,
        )

    @property
    def _is_part_a_block(self) -> bool:
        return self._part_bytes == self._blocks.block_bytes

    def _is_held(self, upload: Upload, part: int) -> bool:
        """Whether an interrupted repair brought this sound part over already.  The bad ones are sent anew: they are
        few, and where they came from is to be told."""
        if not self._is_part_a_block:
            return False
        offset, length = self._blocks.span(part)
        if not upload.holds(offset, self._blocks.digest(part)):
            return False
        self._taken_bytes += length
        return True

    def _take(self, upload: Upload, parts: range) -> range:
        """Have the store copy whole parts from the old object; returns those that it could not."""
        offset = parts.start * self._part_bytes
        length = min(parts.stop * self._part_bytes, self._blocks.total_bytes) - offset
        try:
            self._carried_bytes += upload.take(offset, self._old, offset, length)
        except (NotThere, Unreadable):
            return parts
        self._taken_bytes += length
        return range(0)

    def _make(self, upload: Upload, part: int) -> None:
        """Put a part together from sound blocks and send it; once a block is lost, only look for more that are."""
        offset = part * self._part_bytes
        length = min(self._part_bytes, self._blocks.total_bytes - offset)
        buffer = memoryview(bytearray(length + 1))
        for number in self._blocks.touching(offset, length):
            within = self._blocks.span(number)[0] - offset
            place = self._gathering.read(number, buffer[within:])
            names = self._gathering.merge(number, buffer[within:]) if place is None else (place.name,)
            with self._lock:
                self._note(number, names)
        if not self._lost:
            content = buffer[:length]
            upload.write(offset, content, sha256(content))
            with self._lock:
                self._moved_bytes += length

    def _note(self, number: int, names: Collection[str]) -> None:
        if not names:
            self._lost.add(number)
        elif number in self._bad:
            self._sources.update(names)
