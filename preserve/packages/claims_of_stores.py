"""What a store itself says of a bag, held against the digests of its blocks: all that one that lies frozen gives."""

from __future__ import annotations

from preserve.errors import NotThere, Unreadable
from preserve.model.blocks import BlockList
from preserve.model.digests import sha256
from preserve.model.entries import AuditResult
from preserve.model.keys import Key
from preserve.model.nouns import CopyState
from preserve.model.phrases import phrase
from preserve.packages.reading import Look
from preserve.ports import ObjectFacts, Store


def bag_claim(facts: ObjectFacts, blocks: BlockList) -> tuple[str, str] | None:
    """What a store should claim of a bag, and what it claims, in hex; None where it makes no claim to compare.

    An object of one block is claimed by its own digest.  One that was taken in parts is claimed by the SHA-256 over the
    digests of its parts (Amazon S3 user guide, "Checking object integrity": composite checksums); a block is a part.
    """
    if facts.attested_sha256 is not None and len(blocks) == 1:
        return blocks.digest(0).hex(), facts.attested_sha256.hex()
    claim = facts.attested_parts
    if claim is not None and claim.parts == len(blocks):
        return sha256(blocks.digests).hex(), claim.sha256.hex()
    return None


def look_at_claim(store: Store, key: Key, blocks: BlockList) -> tuple[CopyState, Look]:
    """How far a bag that cannot be read now may be relied on: `attested` where the store's claim fits the blocks, else
    `written`; the look is sound unless size or claim contradict.  Raises `Unavailable`."""
    size = phrase("{bytes} bytes", bytes=blocks.total_bytes)
    try:
        facts = store.stat(key)
    except NotThere:
        return CopyState.BAD, Look(AuditResult.MISSING, size, phrase("nothing"))
    except Unreadable as error:
        return CopyState.SUSPECT, Look(AuditResult.UNREADABLE, size, str(error))
    if facts.size != blocks.total_bytes:
        return CopyState.BAD, Look(AuditResult.DAMAGED, size, phrase("{bytes} bytes", bytes=facts.size))
    claim = bag_claim(facts, blocks)
    if claim is None:
        return CopyState.WRITTEN, Look(AuditResult.SOUND, size, size)
    expected, claimed = claim
    if expected == claimed:
        return CopyState.ATTESTED, Look(AuditResult.SOUND, expected, claimed)
    found = phrase("{digest} (as the store attests)", digest=claimed)
    return CopyState.BAD, Look(AuditResult.DAMAGED, expected, found)
