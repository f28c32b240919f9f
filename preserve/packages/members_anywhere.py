"""The members of a package from whatever copies are in reach, block by block, never from bytes that were not proved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from preserve.errors import NotThere, Unavailable, Unreadable
from preserve.model.blocks import BlockList
from preserve.model.digests import Algorithm, sha256, start
from preserve.model.keys import MEMBERS
from preserve.packages.block_lists import MEMBERS_BLOCK_BYTES
from preserve.packages.gathering import GatheredFile, Gathering, Place
from preserve.packages.held import HeldCopy
from preserve.packages.members import MembersFile
from preserve.packages.reading import read_fully


def members_from_any(copies: Sequence[HeldCopy], blocks: BlockList | None) -> MembersFile | None:
    """The members, or None where the copies in reach do not make a whole of them.

    `blocks` are those of `members.parquet`; None where no list of blocks is sound: then one copy must have it whole.
    Iterating over the result raises ValueError where a block is needed that no copy in reach has sound.
    """
    blocks = blocks or blocks_of_a_whole(copies)
    if blocks is None or not copies:
        return None
    places = [Place(held.store, held.key(MEMBERS)) for held in copies]
    try:
        return MembersFile(GatheredFile(Gathering(places, blocks)).buffered())
    except ValueError:
        return None


def blocks_of_a_whole(copies: Iterable[HeldCopy]) -> BlockList | None:
    """The blocks of the members, from the first copy that has them whole, proved by the receipt alone."""
    for held in copies:
        try:
            blocks = _blocks_if_sound(held)
        except (Unavailable, NotThere, Unreadable):
            continue
        if blocks is not None:
            return blocks
    return None


def _blocks_if_sound(held: HeldCopy) -> BlockList | None:
    """The digests of the blocks of this copy's members, if all of it is what the receipt says."""
    expected, at = held.digest(MEMBERS), 0
    whole, digests = start(Algorithm.SHA256), bytearray()
    piece = memoryview(bytearray(MEMBERS_BLOCK_BYTES))
    while at <= expected.bytes and (count := read_fully(held.store, held.key(MEMBERS), at, piece)):
        whole.update(piece[:count])
        digests += sha256(piece[:count])
        at += count
    if at != expected.bytes or whole.hexdigest() != expected.sha256:
        return None
    return BlockList(expected.bytes, bytes(digests), MEMBERS_BLOCK_BYTES)
