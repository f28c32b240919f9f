"""Judge one copy of a package by reading it: receipt, list of blocks, members, then the bag block by block.

What each object must be comes from the books' receipt, so that a store which changed everything alike is found out.
A copy whose own list of blocks is bad is judged by another copy's, which is proved by the same receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from preserve.errors import NotThere, Unavailable, Unreadable
from preserve.model.blocks import DIGEST_BYTES, BlockList
from preserve.model.entries import AuditResult
from preserve.model.keys import BAG, BLOCKS, MEMBERS, RECEIPT, package_folder
from preserve.model.nouns import Condition, Finding, Level
from preserve.model.phrases import phrase
from preserve.packages.block_lists import PackageBlocks
from preserve.packages.claims_of_stores import bag_claim
from preserve.packages.held import HeldCopy, block_count, blocks_from_any, decoded
from preserve.packages.judging.harm_reports import Others, bag_findings, object_finding
from preserve.packages.judging.tally import Tally
from preserve.packages.reading import BlockReader, Look, look_at_object, twice
from preserve.ports import ObjectFacts

PARTS = (RECEIPT, BLOCKS, MEMBERS, BAG)
"""In the order in which they are judged; what lies beside the package comes after them."""

KEEP_EVERY_BYTES = 4 * 1024**3
"""How much of one bag may have to be read again after the process was killed."""


@dataclass(frozen=True, slots=True)
class Survey:
    """All that one look at a copy found out.

    `level` is how deep the look really was: `exists` where a store attests nothing.  `unsound` gives for each object
    that is not sound the numbers of its bad blocks, or None where that is the whole object.  `blocks_seen` is how many
    blocks of the bag were looked at, `blocks_sound` how many of them were sound.  `is_frozen`: the bag was to be read,
    and lay in cold storage.
    """

    level: Level
    result: AuditResult
    findings: tuple[Finding, ...] = ()
    unsound: Mapping[str, frozenset[int] | None] = field(default_factory=dict)
    blocks_seen: int = 0
    blocks_sound: int = 0
    blocks: int = 0
    bytes_read: int = 0
    known_blocks: PackageBlocks | None = None
    is_frozen: bool = False


@dataclass(frozen=True, slots=True)
class Notes:
    """Where a long reading notes how far it is: `kept` is what an interrupted one left, `keep` takes the next note,
    `advance` is told of each block's bytes."""

    kept: str | None
    keep: Callable[[str], None]
    advance: Callable[[int], None]


FEW_BLOCKS = 2
"""So few are read one after the other."""

NO_NOTES = Notes(None, lambda _: None, lambda _: None)


def listed(held: HeldCopy, facts: Iterable[ObjectFacts]) -> Survey:
    """Judge a copy by what its store lists below the package's folder: presence and sizes, nothing else."""
    sizes = {fact.key: fact.size for fact in facts}
    findings = [
        finding
        for part in _parts(held)
        if (finding := _size_finding(held, part, sizes.get(held.key(part)))) is not None
    ]
    return _survey(held, Level.EXISTS, findings)


def present(held: HeldCopy) -> Survey:
    """`listed`, after asking the store; a folder that may not be listed hides all objects.  Raises `Unavailable`."""
    try:
        return listed(held, held.store.list(package_folder(held.package.id)))
    except Unreadable as error:
        return _survey(held, Level.EXISTS, [_unreadable(held, part, error) for part in _parts(held)])


def attested(held: HeldCopy) -> Survey:
    """Compare what the store itself claims of each object with what it should be.  Raises `Unavailable`.

    The level of the answer is `exists` unless the store attests every object of the package.
    """
    looks = {part: _attestation(held, part) for part in _parts(held)}
    its = [looks[part] for part in PARTS]  # what lies beside is no part of the package
    is_answered = all(attests for _, attests in its) or any(finding for finding, _ in its)
    found = [finding for finding, _ in looks.values() if finding]
    return _survey(held, Level.ATTESTED if is_answered else Level.EXISTS, found)


def read(held: HeldCopy, others: Others, numbers: Sequence[int] | None = None, notes: Notes = NO_NOTES) -> Survey:
    """Read a copy: all of it, or of the bag only the blocks `numbers`.  Raises `Unavailable`."""
    findings: list[Finding] = []
    unsound: dict[str, frozenset[int] | None] = {}
    bytes_read = 0

    receipt, blocks_look = held.fetch(RECEIPT), held.fetch(BLOCKS)
    for part, look in ((RECEIPT, receipt), (BLOCKS, blocks_look)):
        bytes_read += held.digest(part).bytes
        if not look.is_sound:
            findings.append(object_finding(held, part, look))
            unsound[part] = None
    blocks = decoded(held.package, blocks_look.content) if blocks_look.is_sound else blocks_from_any(others())

    members = _look_at_members(held)
    bytes_read += held.digest(MEMBERS).bytes
    if not members.is_sound:
        findings.append(object_finding(held, MEMBERS, members))
        unsound[MEMBERS] = _bad_members(held, blocks)

    tally = _read_bag(held, blocks, numbers, notes)
    if not tally.is_sound:
        findings += bag_findings(held, tally, blocks, others)
        unsound[BAG] = None if tally.missing or blocks is None else frozenset(tally.damaged + tally.unreadable)
    elif numbers is not None and (finding := _bag_size_finding(held)) is not None:
        findings.append(finding)
        unsound[BAG] = None
    for part in held.beside if numbers is None else ():
        digest = held.digest(part)
        look = look_at_object(held.store, held.key(part), digest.bytes, digest.sha256)
        bytes_read += digest.bytes
        if not look.is_sound:
            findings.append(object_finding(held, part, look))
            unsound[part] = None
    level = Level.FULL if numbers is None else Level.SAMPLE
    return _survey(held, level, findings, unsound, tally, bytes_read, blocks)


def _parts(held: HeldCopy) -> tuple[str, ...]:
    return (*PARTS, *held.beside)


def _survey(
    held: HeldCopy,
    level: Level,
    findings: Sequence[Finding],
    unsound: Mapping[str, frozenset[int] | None] | None = None,
    tally: Tally | None = None,
    bytes_read: int = 0,
    blocks: PackageBlocks | None = None,
) -> Survey:
    beside = {held.key(part) for part in held.beside}
    return Survey(
        level=level,
        result=_result(finding for finding in findings if finding.where not in beside),
        findings=tuple(findings),
        unsound=unsound or {},
        blocks_seen=tally.blocks_read if tally else 0,
        blocks_sound=tally.sound_count if tally else 0,
        blocks=block_count(held.receipt),
        bytes_read=bytes_read + (tally.bytes_read if tally else 0),
        known_blocks=blocks,
    )


def _result(findings: Iterable[Finding]) -> AuditResult:
    """The worst of what was found in the package; damage first, because only reading it could show it.

    A copy without what lies beside it is whole: what is wrong there is a finding, and the copy as safe as it was.
    """
    conditions = {finding.condition for finding in findings}
    for condition in (Condition.DAMAGED, Condition.MISSING, Condition.UNREADABLE):
        if condition in conditions:
            return AuditResult(condition.value)
    return AuditResult.SOUND


def _size_finding(held: HeldCopy, part: str, size: int | None) -> Finding | None:
    expected = held.size(part)
    if size == expected:
        return None
    if size is None:
        return object_finding(
            held, part, Look(AuditResult.MISSING, phrase("{bytes} bytes", bytes=expected), phrase("nothing"))
        )
    return object_finding(
        held,
        part,
        Look(AuditResult.DAMAGED, phrase("{bytes} bytes", bytes=expected), phrase("{bytes} bytes", bytes=size)),
    )


def _unreadable(held: HeldCopy, part: str, error: Unreadable) -> Finding:
    """Of an object about which the store does not even say how large it is."""
    return object_finding(
        held, part, Look(AuditResult.UNREADABLE, phrase("{bytes} bytes", bytes=held.size(part)), str(error))
    )


def _bag_size_finding(held: HeldCopy) -> Finding | None:
    """What the blocks of a sample may not show: that the bag ends early or goes on too long."""
    try:
        return _size_finding(held, BAG, held.store.stat(held.key(BAG)).size)
    except NotThere:
        return _size_finding(held, BAG, None)
    except Unreadable as error:
        return _unreadable(held, BAG, error)


def _attestation(held: HeldCopy, part: str) -> tuple[Finding | None, bool]:
    """What is wrong with an object by the store's own account, and whether the store gave one that can be compared."""
    try:
        facts = held.store.stat(held.key(part))
    except NotThere:
        return _size_finding(held, part, None), False
    except Unreadable as error:
        return _unreadable(held, part, error), False
    finding = _size_finding(held, part, facts.size)
    claim = None if finding else _claim(held, part, facts)
    if claim is None:
        return finding, False
    expected, claimed = claim
    if claimed == expected:
        return None, True
    look = Look(AuditResult.DAMAGED, expected, phrase("{digest} (as the store attests)", digest=claimed))
    return object_finding(held, part, look), True


def _claim(held: HeldCopy, part: str, facts: ObjectFacts) -> tuple[str, str] | None:
    """What a store should claim of an object, and what it claims, in hex; None where there is nothing to compare."""
    if part != BAG:
        claimed = facts.attested_sha256
        return None if claimed is None else (held.digest(part).sha256, claimed.hex())
    if facts.attested_sha256 is None and facts.attested_parts is None:
        return None
    look = held.fetch(BLOCKS)
    return bag_claim(facts, decoded(held.package, look.content).bag) if look.is_sound else None


def _look_at_members(held: HeldCopy) -> Look:
    digest = held.digest(MEMBERS)
    return look_at_object(held.store, held.key(MEMBERS), digest.bytes, digest.sha256)


def _bad_members(held: HeldCopy, blocks: PackageBlocks | None) -> frozenset[int] | None:
    """Which blocks of unsound members are bad; None: all of them, or it cannot be told."""
    if blocks is None:
        return None
    looks = list(BlockReader(held.store, held.key(MEMBERS), blocks.members).looks(range(len(blocks.members))))
    if any(look.sight is AuditResult.MISSING for look in looks):
        return None
    return frozenset(look.number for look in looks if not look.is_sound)


def _read_bag(held: HeldCopy, blocks: PackageBlocks | None, numbers: Sequence[int] | None, notes: Notes) -> Tally:
    if blocks is None:
        return _read_bag_as_a_whole(held)
    if numbers is not None:
        return _read_blocks(held, blocks.bag, numbers, Tally(), notes)
    tally = Tally.resumed(notes.kept)
    return _read_blocks(held, blocks.bag, range(tally.next_block, len(blocks.bag)), tally, notes)


def _read_blocks(
    held: HeldCopy,
    blocks: BlockList,
    numbers: Sequence[int],
    tally: Tally,
    notes: Notes = NO_NOTES,
) -> Tally:
    reader = BlockReader(held.store, held.key(BAG), blocks)
    unkept_bytes = 0
    # Of many small copies several are read at a time: threads of their own would cost them more than they gain.
    looks = reader.looks(numbers) if len(numbers) > FEW_BLOCKS else (_alone(reader, blocks, each) for each in numbers)
    try:
        for look in looks:
            if look.sight is AuditResult.MISSING:
                tally.missing = True
                break
            length = blocks.span(look.number)[1]
            tally.add(look, length)
            notes.advance(length)
            unkept_bytes += length
            if unkept_bytes >= KEEP_EVERY_BYTES:
                notes.keep(tally.note())
                unkept_bytes = 0
    except (Unavailable, KeyboardInterrupt):
        notes.keep(tally.note())
        raise
    return tally


def _alone(reader: BlockReader, blocks: BlockList, number: int) -> Look:
    return reader.read(number, memoryview(bytearray(blocks.span(number)[1] + 1)))


def _read_bag_as_a_whole(held: HeldCopy) -> Tally:
    """No copy has a sound list of blocks: the root over the blocks as they are is all that can be compared."""
    receipt = held.receipt
    look = twice(partial(look_at_root, held))
    tally = Tally()
    tally.missing = look.sight is AuditResult.MISSING
    tally.whole = None if look.is_sound else look
    tally.blocks_read = 0 if tally.missing else block_count(receipt)
    tally.bytes_read = 0 if tally.missing else receipt.bag_bytes
    return tally


def look_at_root(held: HeldCopy) -> Look:
    """Read the whole bag and compare the root over its blocks with the receipt's.  Raises `Unavailable`."""
    receipt = held.receipt
    digests: list[bytes] = []
    for look in looks_as_they_are(held):
        if not (digest := digest_found(look)):
            return Look(look.sight, receipt.blocks_root, look.found)
        digests.append(digest)
    root = BlockList(receipt.bag_bytes, b"".join(digests), receipt.block_bytes).root.hex()
    sight = AuditResult.SOUND if root == receipt.blocks_root else AuditResult.DAMAGED
    return Look(sight, receipt.blocks_root, root)


def looks_as_they_are(held: HeldCopy) -> Iterator[Look]:
    """A look at each block of a bag of which nobody knows what it should be.  Raises `Unavailable`."""
    receipt = held.receipt
    unknown = BlockList(receipt.bag_bytes, bytes(DIGEST_BYTES * block_count(receipt)), receipt.block_bytes)
    return BlockReader(held.store, held.key(BAG), unknown, once=True).looks(range(len(unknown)))


def digest_found(look: Look) -> bytes | None:
    """The digest of a block as it is; None where it did not come, or not with its length."""
    if look.sight is AuditResult.DAMAGED and len(look.found) == 2 * DIGEST_BYTES:
        return bytes.fromhex(look.found)
    return None
