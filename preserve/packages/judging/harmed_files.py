"""Which files a bad block of a bag really harms: a header or padding may be all that was hit."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from preserve.errors import NotThere, Unreadable
from preserve.model.blocks import BlockList
from preserve.model.digests import Algorithm, sha256, start
from preserve.model.keys import Key
from preserve.model.nouns import MOST_FILES_NAMED
from preserve.packages.members import Kind, Member
from preserve.packages.reading import read_fully
from preserve.ports import Store

BlockBytes = Callable[[int], bytes]
"""The bytes of a block as they are, sound or not; fewer than its span where it ends early, none where it cannot be."""

LONGEST_NAMES = 1024 * 1024
"""Characters of all paths named together: a finding is one entry of the ledger, and those are bounded."""


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """Payload paths, of which at most `MOST_FILES_NAMED` are named and `count` tells how many there are."""

    names: tuple[str, ...]
    count: int


def named(members: Iterable[Member]) -> NamedFiles:
    """Count `members` and name the first of them."""
    names: list[str] = []
    count = length = 0
    for member in members:
        count += 1
        length += len(member.path)
        if len(names) < MOST_FILES_NAMED and length <= LONGEST_NAMES:
            names.append(member.path)
    return NamedFiles(tuple(names), count)


def touched(members: Iterable[Member], blocks: BlockList, bad: Collection[int]) -> Iterator[Member]:
    """The files with content in any of the blocks `bad`."""
    numbers = sorted(bad)
    for member in members:
        if member.kind is Kind.FILE and _bad_among(numbers, blocks.touching(member.offset, member.size)):
            yield member


def harmed(
    members: Iterable[Member], blocks: BlockList, bad: Collection[int], block_bytes: BlockBytes
) -> Iterator[Member]:
    """The files with content in any of the blocks `bad` whose bytes are not those that `members` say.

    `blocks` may be without digests where nobody knows them.

    `block_bytes` is asked in ascending order as far as members lie in the order of the tar; the last answer is kept.
    """
    numbers = sorted(bad)
    content = LastBlock(block_bytes)
    for member in touched(members, blocks, bad):
        if is_harmed(member, blocks, numbers, content):
            yield member


def is_harmed(member: Member, blocks: BlockList, bad: Sequence[int], block_bytes: BlockBytes) -> bool:
    """Whether the bytes of one file are not what `member` says; `bad` are the blocks that may differ, ascending."""
    spanned = blocks.touching(member.offset, member.size)
    if _is_surely_harmed(member, blocks, _bad_among(bad, spanned), block_bytes):
        return True
    return _digest(member, blocks, spanned, block_bytes) != member.sha256


class StoredBlocks:
    """The blocks of one stored object as they are (`BlockBytes`).  Raises `Unavailable`."""

    def __init__(self, store: Store, key: Key, blocks: BlockList) -> None:
        self._store = store
        self._key = key
        self._blocks = blocks

    def __call__(self, number: int) -> bytes:
        offset, length = self._blocks.span(number)
        buffer = bytearray(length)
        try:
            count = read_fully(self._store, self._key, offset, memoryview(buffer))
        except (NotThere, Unreadable):
            return b""
        return bytes(buffer) if count == length else bytes(buffer[:count])


class LastBlock:
    """Keeps the block asked for last, so that a thousand small files in it cost one read."""

    def __init__(self, block_bytes: BlockBytes) -> None:
        self._block_bytes = block_bytes
        self._number = -1
        self._content = b""

    def __call__(self, number: int) -> bytes:
        if number != self._number:
            self._content, self._number = self._block_bytes(number), number
        return self._content


def _bad_among(bad: Sequence[int], numbers: range) -> Sequence[int]:
    return bad[bisect_left(bad, numbers.start) : bisect_left(bad, numbers.stop)]


def _is_surely_harmed(member: Member, blocks: BlockList, bad: Sequence[int], content: BlockBytes) -> bool:
    """Whether a block that lies wholly within the file differs: then the rest of a large file need not be read."""
    for number in bad if blocks.digests else ():
        offset, length = blocks.span(number)
        if member.offset <= offset and offset + length <= member.offset + member.size:
            return sha256(content(number)) != blocks.digest(number)
    return False


def _digest(member: Member, blocks: BlockList, numbers: range, content: BlockBytes) -> bytes:
    running = start(Algorithm.SHA256)
    for number in numbers:
        offset = blocks.span(number)[0]
        begin = max(0, member.offset - offset)
        running.update(memoryview(content(number))[begin : member.offset + member.size - offset])
    return running.digest()
