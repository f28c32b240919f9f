"""Which files are lost when no copy in reach has some blocks of a bag sound, and which are whole all the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from preserve.errors import Unavailable
from preserve.model.blocks import BlockList
from preserve.model.keys import BAG, Key
from preserve.packages.gathering import Gathering
from preserve.packages.held import HeldCopy
from preserve.packages.judging.harmed_files import (
    BlockBytes,
    LastBlock,
    NamedFiles,
    StoredBlocks,
    is_harmed,
    named,
    touched,
)
from preserve.packages.members import Member, MembersFile
from preserve.packages.merging import merged_from
from preserve.ports import Store


def lost_files(
    members: MembersFile, copies: Sequence[HeldCopy], gathering: Gathering, lost: Collection[int]
) -> NamedFiles | None:
    """The files of which no copy in reach, helped by the sound blocks of all others, has the right bytes, and that
    cannot be merged from several either.

    A bad block may be bad in a header or in padding alone, or in another file in each copy.  None where the members
    do not come whole.
    """
    try:
        return named(_lost(members, copies, gathering, lost))
    except ValueError:
        return None


def _lost(
    members: MembersFile, copies: Sequence[HeldCopy], gathering: Gathering, lost: Collection[int]
) -> Iterator[Member]:
    blocks, numbers = gathering.blocks, sorted(lost)
    readings = [LastBlock(_as_far_as_known(held, gathering, frozenset(lost))) for held in copies]
    places = [(held.store, held.key(BAG)) for held in copies]
    for member in touched(members.all(), blocks, numbers):
        if all(is_harmed(member, blocks, numbers, reading) for reading in readings) and not _is_merged(
            member, places, blocks
        ):
            yield member


def _is_merged(member: Member, places: Sequence[tuple[Store, Key]], blocks: BlockList) -> bool:
    """Whether a file can be put together as `restore` does it, though its block cannot."""
    small = member.size <= blocks.block_bytes
    return small and merged_from(places, member.offset, member.size, member.sha256) is not None


def _as_far_as_known(held: HeldCopy, gathering: Gathering, lost: frozenset[int]) -> BlockBytes:
    """Sound blocks from anywhere, and the lost ones as this copy has them."""
    stored = StoredBlocks(held.store, held.key(BAG), gathering.blocks)

    def block_bytes(number: int) -> bytes:
        buffer = memoryview(bytearray(gathering.blocks.span(number)[1] + 1))
        if number not in lost and gathering.read(number, buffer) is not None:
            return bytes(buffer[:-1])
        try:
            return stored(number)
        except Unavailable:
            return b""

    return block_bytes
