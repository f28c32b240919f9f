"""What the copies in reach still prove together of a package's blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from preserve.errors import Unavailable
from preserve.model.blocks import BlockList
from preserve.model.digests import sha256
from preserve.model.healing import fitting, merged_candidates
from preserve.packages import block_lists
from preserve.packages.block_lists import PackageBlocks
from preserve.packages.held import HeldCopy, block_count, blocks_from_any
from preserve.packages.judging.inspection import digest_found, looks_as_they_are
from preserve.packages.members_anywhere import blocks_of_a_whole


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Block lists proved by the receipt; `listing` are the bytes of `blocks.sha256` if they are known."""

    bag: BlockList | None
    members: BlockList | None
    listing: bytes | None


def known_of(copies: Sequence[HeldCopy], by_parity: Callable[[], PackageBlocks | None]) -> Knowledge:
    """From the first sound list of blocks, or that which parity gives; else from the bags and members themselves."""
    blocks = blocks_from_any(copies) or by_parity()
    if blocks is not None:
        return Knowledge(blocks.bag, blocks.members, block_lists.encode(blocks))
    bag, members = _bag_blocks(copies), blocks_of_a_whole(copies)
    return Knowledge(bag, members, _listing(copies, bag, members))


def _bag_blocks(copies: Sequence[HeldCopy]) -> BlockList | None:
    """Each copy's blocks as they are, combined so that they give the receipt's root."""
    if not copies:
        return None
    receipt = copies[0].receipt
    candidates = merged_candidates([_digests(held) for held in copies], block_count(receipt))
    return fitting(candidates, receipt.bag_bytes, receipt.block_bytes, bytes.fromhex(receipt.blocks_root))


def _digests(held: HeldCopy) -> dict[int, bytes]:
    try:
        looks = list(looks_as_they_are(held))
    except Unavailable:
        return {}
    return {look.number: digest for look in looks if (digest := digest_found(look)) is not None}


def _listing(copies: Sequence[HeldCopy], bag: BlockList | None, members: BlockList | None) -> bytes | None:
    if bag is None or members is None:
        return None
    content = block_lists.encode(PackageBlocks(bag, members))
    return content if sha256(content).hex() == copies[0].receipt.blocks.sha256 else None
