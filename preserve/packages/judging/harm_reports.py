"""Put what is wrong with an object of a copy into findings: where, which blocks, which files, expected and found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from preserve.errors import NotThere, Unreadable
from preserve.model.blocks import BlockList
from preserve.model.entries import AuditResult
from preserve.model.keys import BAG
from preserve.model.nouns import Condition, Finding
from preserve.model.phrases import phrase
from preserve.packages.block_lists import PackageBlocks
from preserve.packages.held import HeldCopy, block_count
from preserve.packages.judging.harmed_files import NamedFiles, StoredBlocks, harmed, named, touched
from preserve.packages.judging.tally import Tally
from preserve.packages.members import Member
from preserve.packages.members_anywhere import members_from_any
from preserve.packages.reading import Look

MOST_BLOCKS_NAMED = 10_000
"""Numbers of bad blocks in one finding; the text says how many there are."""

Others = Callable[[], Sequence[HeldCopy]]
"""The other copies of the same package; asked for only where something is wrong."""

_DIGEST_CHARACTERS = 64


def object_finding(held: HeldCopy, part: str, look: Look) -> Finding:
    """The finding for one object that was looked at as a whole; a bag that is not there takes all files with it."""
    is_gone = part == BAG and look.sight is AuditResult.MISSING
    return Finding(
        package_id=held.package.id,
        store=held.store.name,
        condition=Condition(look.sight.value),
        where=held.key(part),
        expected=look.expected,
        found=look.found,
        files_touched=held.receipt.payload_files if is_gone else 0,
    )


def bag_findings(held: HeldCopy, tally: Tally, blocks: PackageBlocks | None, others: Others) -> list[Finding]:
    """One finding for each thing that is wrong with a bag: gone, damaged blocks, blocks that do not come.

    Raises `Unavailable` when the store cannot serve the bytes in which files are looked for.
    """
    if tally.missing:
        return [object_finding(held, BAG, Look(AuditResult.MISSING, _bytes(held.receipt.bag_bytes), phrase("nothing")))]
    if blocks is None:
        return [_whole_finding(held, tally.whole, others())] if tally.whole else []
    copies = (held, *others())
    findings = []
    if tally.first_damaged:
        files = _harmed(held, copies, blocks, tally.damaged)
        findings.append(_blocks_finding(held, tally.first_damaged, tally.damaged, files))
    if tally.first_unreadable:
        files = _touched(copies, blocks, tally.unreadable)
        findings.append(_blocks_finding(held, tally.first_unreadable, tally.unreadable, files))
    return findings


def _blocks_finding(held: HeldCopy, first: Look, numbers: Sequence[int], files: NamedFiles | None) -> Finding:
    expected, found = (
        phrase("block {number}: {what}", number=first.number, what=what) for what in (first.expected, first.found)
    )
    if first.sight is AuditResult.DAMAGED:
        size = _size(held)
        if size != held.receipt.bag_bytes:
            expected, found = _bytes(held.receipt.bag_bytes), _bytes(size)
    found = phrase(
        "{what}; bad blocks: {bad} of {blocks}", what=found, bad=len(numbers), blocks=block_count(held.receipt)
    )
    if files is None:
        found = phrase("{what}; which files that touches is not known, for no copy has sound members", what=found)
    return Finding(
        package_id=held.package.id,
        store=held.store.name,
        condition=Condition(first.sight.value),
        where=held.key(BAG),
        expected=expected,
        found=found,
        blocks=tuple(numbers[:MOST_BLOCKS_NAMED]),
        files=files.names if files else (),
        files_touched=files.count if files else 0,
    )


def _whole_finding(held: HeldCopy, look: Look, others: Sequence[HeldCopy]) -> Finding:
    """The finding for a bag that no sound list of blocks describes: its files are judged one by one."""
    receipt = held.receipt
    anything = BlockList(receipt.bag_bytes, b"", receipt.block_bytes)
    members = members_from_any((held, *others), None)
    stored = StoredBlocks(held.store, held.key(BAG), anything)
    files = _named(None if members is None else harmed(members.all(), anything, range(block_count(receipt)), stored))
    is_root = len(look.expected) == _DIGEST_CHARACTERS
    expected = phrase("root {digest}", digest=look.expected) if is_root else look.expected
    unknown = "{what}; no copy has a sound list of blocks, so the bag cannot be judged block by block"
    return Finding(
        package_id=held.package.id,
        store=held.store.name,
        condition=Condition(look.sight.value),
        where=held.key(BAG),
        expected=expected,
        found=phrase(unknown, what=look.found),
        files=files.names if files else (),
        files_touched=files.count if files else 0,
    )


def _harmed(
    held: HeldCopy, copies: Sequence[HeldCopy], blocks: PackageBlocks, numbers: Sequence[int]
) -> NamedFiles | None:
    members = members_from_any(copies, blocks.members)
    stored = StoredBlocks(held.store, held.key(BAG), blocks.bag)
    return _named(None if members is None else harmed(members.all(), blocks.bag, numbers, stored))


def _touched(copies: Sequence[HeldCopy], blocks: PackageBlocks, numbers: Sequence[int]) -> NamedFiles | None:
    members = members_from_any(copies, blocks.members)
    return _named(None if members is None else touched(members.all(), blocks.bag, numbers))


def _named(members: Iterable[Member] | None) -> NamedFiles | None:
    """The files, or None where the members do not come whole."""
    try:
        return None if members is None else named(members)
    except ValueError:
        return None


def _bytes(count: int) -> str:
    return phrase("{bytes} bytes", bytes=count)


def _size(held: HeldCopy) -> int:
    try:
        return held.store.stat(held.key(BAG)).size
    except (NotThere, Unreadable):
        return 0
