"""Bytes of a stored object that no copy has right as a whole, merged from what all copies give, and proved by a digest.

Every package smaller than a block is one block: three copies with one different byte wrong in each have no sound block
between them, and every byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from preserve.errors import NotThere, Unavailable, Unreadable
from preserve.model.blocks import BlockList
from preserve.model.keys import Key
from preserve.model.merging import Extent, Known, merged, origins
from preserve.packages import tar
from preserve.packages.members import Kind, Member
from preserve.packages.reading import read_fully
from preserve.ports import Store

MOST_COPIES = 6
"""So many are merged at most, current ones before superseded ones."""

MOST_HELD_BYTES = 128 * 1024 * 1024
"""What is held in memory of them, each twice: of blocks of 16 MiB, those of four copies; never fewer than two."""

Origin = tuple[int, int, int]
"""From, to (within what was merged), and the place it was taken from, by its number among those asked."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What was put together, and which place gave which part of it."""

    content: bytes
    origins: tuple[Origin, ...]


def merged_from(
    places: Sequence[tuple[Store, Key]],
    begin: int,
    length: int,
    digest: bytes,
    files: Iterable[Extent] = (),
    known: Iterable[Known] = (),
) -> Merged | None:
    """`length` bytes from `begin` on of an object that lies in several places; None where they do not make it up.

    A place that is away or does not give anything is passed over; one that ends early counts as zeros from there.
    Callers with several threads let one merge at a time: there is room for one block of each copy.
    """
    given = list(islice(_all_given(places, begin, length), most_merged(length)))
    before = [bytes(content) for _, content in given]
    content = merged([content for _, content in given], digest, files, known)
    if content is None:
        return None
    found = origins(before, content)
    return Merged(content, tuple((start, stop, given[which][0]) for start, stop, which in found))


def most_merged(length: int) -> int:
    """From how many copies a stretch of so many bytes is merged."""
    return max(2, min(MOST_COPIES, MOST_HELD_BYTES // (2 * max(length, 1))))


def files_in(members: Iterable[Member], blocks: BlockList, number: int) -> tuple[list[Extent], list[Member]]:
    """The files that lie wholly within a block, as they lie there, and all that touch it; `members` in tar order."""
    offset, length = blocks.span(number)
    extents: list[Extent] = []
    touching: list[Member] = []
    for member in members:
        if member.kind is not Kind.FILE:
            continue
        if member.offset >= offset + length + tar.BLOCK:
            break
        begin, end = member.offset - offset, member.offset + member.size - offset
        if end + tar.BLOCK < 0:
            continue
        touching.append(member)
        if member.size and begin >= 0 and end <= length:
            extents.append(Extent(begin, end, member.sha256))
    return extents, touching


def known_in(package_id: str, members: Iterable[Member], blocks: BlockList, number: int) -> list[Known]:
    """The headers and the padding of files, as far as they lie in a block: they follow from the list of the files."""
    offset, length = blocks.span(number)
    found: list[Known] = []
    for member in members:
        name = f"{package_id}/data/{member.path}".encode()
        head = tar.header(name, member.size, member.mode, member.mtime_ns // 1_000_000_000, tar.FILE)
        pieces = (
            (member.offset - len(head), head),
            (member.offset + member.size, bytes(tar.padding_bytes(member.size))),
        )
        for at, piece in pieces:
            begin, end = max(at, offset), min(at + len(piece), offset + length)
            if begin < end:
                found.append(Known(begin - offset, piece[begin - at : end - at]))
    return found


def _all_given(places: Sequence[tuple[Store, Key]], begin: int, length: int) -> Iterator[tuple[int, bytearray]]:
    for number, (store, key) in enumerate(places):
        content = _given(store, key, begin, length)
        if content is not None:
            yield number, content


def _given(store: Store, key: Key, begin: int, length: int) -> bytearray | None:
    content = bytearray(length)
    try:
        count = read_fully(store, key, begin, memoryview(content))
    except (NotThere, Unreadable, Unavailable):
        return None
    content[count:] = bytes(length - count)
    return content if count else None
