"""What repair decides without looking: which digests fit a root, under which generation a new object is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import prod

from preserve.model.blocks import BlockList

MOST_TRIES = 4096
"""How many combinations of candidate digests are tried against a root."""


def fitting(candidates: Sequence[Sequence[bytes]], total_bytes: int, block_bytes: int, root: bytes) -> BlockList | None:
    """The block list with this root among those that take one candidate digest for each block.

    This is how blocks are told apart when no list of them survived: each copy contributes what its blocks are now,
    and only the sound ones together give the root.  None where nothing fits, or there are too many to try.
    """
    if prod(len(each) for each in candidates) > MOST_TRIES:
        return None
    for digests in product(*candidates):
        blocks = BlockList(total_bytes, b"".join(digests), block_bytes)
        if blocks.root == root:
            return blocks
    return None


def next_generation(listed: Iterable[int]) -> int:
    """The generation of a new object: the lowest above all that the store lists, for nothing is overwritten.

    Where nothing is listed (the object was deleted) that is the first again, under the original key.
    """
    return max(listed, default=0) + 1


def runs(numbers: Iterable[int]) -> list[range]:
    """Ascending numbers as ranges without gaps."""
    found: list[range] = []
    for number in numbers:
        if found and found[-1].stop == number:
            found[-1] = range(found[-1].start, number + 1)
        else:
            found.append(range(number, number + 1))
    return found


def merged_candidates(found: Iterable[Mapping[int, bytes]], blocks: int) -> list[list[bytes]]:
    """For each block, the different digests that copies gave of it, the most frequent first."""
    digests: list[dict[bytes, int]] = [{} for _ in range(blocks)]
    for copy in found:
        for number, digest in copy.items():
            digests[number][digest] = digests[number].get(digest, 0) + 1
    return [sorted(each, key=lambda digest: -each[digest]) for each in digests]
