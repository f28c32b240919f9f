"""A file that no copy has whole, and no mixture of sound blocks either: out of parity, or merged from all copies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preserve.model.keys import BAG
from preserve.packages.merging import Merged, merged_from
from preserve.packages.sources import Sources, Standing


@dataclass(frozen=True, slots=True)
class Part:
    """The next bytes of a file, and which copy gave which of them (from, to, within these bytes)."""

    content: bytes
    stretches: tuple[tuple[int, int, Standing], ...]


def merged_parts(sources: Sources, begin: int, size: int, digest: bytes) -> Iterator[Part]:
    """The parts, in order, of the file at `begin` of the bag; they end early where something cannot be merged.

    A file of at most a block is proved by its own SHA-256 `digest`; of a larger one each block is, by the block's.
    Raises `Unavailable` where no store serves any more.
    """
    if size <= sources.receipt.block_bytes:
        merged = _merged(sources, begin, size, digest)
        if merged is not None:
            yield merged
        return
    blocks = sources.blocks()
    for number in () if blocks is None else blocks.bag.touching(begin, size):
        part = _block(sources, number)
        if part is None:
            return
        offset = number * sources.receipt.block_bytes
        yield _cut(part, max(0, begin - offset), min(len(part.content), begin + size - offset))


def _block(sources: Sources, number: int) -> Part | None:
    blocks, origin = sources.blocks(), sources.sound_in(number)
    if blocks is None:
        return None
    offset, length = blocks.bag.span(number)
    if origin is None:
        return _merged(sources, offset, length, blocks.bag.digest(number))
    content = bytearray(length)
    whole = sources.read_from(origin, offset, memoryview(content))
    return Part(bytes(content), ((0, length, origin),)) if whole else None


def _merged(sources: Sources, begin: int, length: int, digest: bytes) -> Part | None:
    standings = sources.usable()
    places = [(each.held.store, each.held.key(BAG)) for each in standings]
    with sources.merging:
        mended = sources.mended(BAG, begin, length, digest)
        if mended is not None:
            return Part(mended[0], ((0, length, mended[1]),))
        merged: Merged | None = merged_from(places, begin, length, digest)
    if merged is None:
        return None
    return Part(merged.content, tuple((start, stop, standings[which]) for start, stop, which in merged.origins))


def _cut(part: Part, begin: int, end: int) -> Part:
    stretches = (
        (max(start, begin) - begin, min(stop, end) - begin, origin)
        for start, stop, origin in part.stretches
        if start < end and stop > begin
    )
    return Part(part.content[begin:end], tuple(stretches))
