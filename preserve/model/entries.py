"""What the books answer beyond the common nouns: accessions, registered policies, audit runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from preserve.model.nouns import CopyState, Level


class AccessionState(StrEnum):
    """How far an accession (接收) has come."""

    OPEN = "open"  # begun; some of its packages are not booked yet
    COMMITTED = "committed"  # all its packages are booked
    ABANDONED = "abandoned"  # given up on purpose; nothing of it counts


@dataclass(frozen=True, slots=True)
class AccessionEntry:
    """One submission taken in: what was seen of it when it began, and the packages it becomes.

    `listing_sha256` digests the names, sizes and times of the source, `metadata_sha256` the metadata file given with
    it; the same four digests and source mean the same submission.
    """

    id: str
    source: str
    listing_sha256: str
    metadata_sha256: str | None
    policy_sha256: str
    packages: tuple[str, ...]
    accession_at: str
    state: AccessionState = AccessionState.OPEN


@dataclass(frozen=True, slots=True)
class RecordHolding:
    """A package that holds a record, or a part of it, and when it was booked.

    `accession` is None where a rebuild found the package in a store and the ledger did not name it.
    """

    archival_code: str
    package_id: str
    accession: str | None
    packaged_at: str


@dataclass(frozen=True, slots=True)
class PolicyEntry:
    """A policy as it was registered: versions count from 1 for each name; `text` is what the author wrote."""

    name: str
    version: int
    sha256: str
    text: str
    registered_at: str


@dataclass(frozen=True, slots=True)
class DeclarationsEntry:
    """What people declared to meet a standard, as it was registered; versions count from 1 for each standard."""

    standard: str
    version: int
    sha256: str
    text: str
    declared_at: str


@dataclass(frozen=True, slots=True)
class AuditRun:
    """One audit, which may span several commands.  `packages` None: all packages."""

    id: str
    level: Level
    stores: tuple[str, ...]
    packages: tuple[str, ...] | None
    begun_at: str


class AuditResult(StrEnum):
    """What an audit says of one copy it looked at."""

    SOUND = "sound"
    DAMAGED = "damaged"
    MISSING = "missing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Audited:
    """The result of looking at one copy: of its `blocks` blocks, `blocks_read` were read, `bytes_read` bytes in all."""

    package_id: str
    store: str
    level: Level
    result: AuditResult
    blocks_read: int
    blocks: int
    bytes_read: int


def state_after(state: CopyState, result: AuditResult, level: Level) -> CopyState:
    """The state of a copy after an audit: only a full read makes it `verified`; a lesser look cures nothing."""
    if result in (AuditResult.DAMAGED, AuditResult.MISSING):
        return CopyState.BAD
    if result is AuditResult.UNREADABLE:
        return CopyState.BAD if state is CopyState.BAD else CopyState.SUSPECT
    if level is Level.FULL:
        return CopyState.VERIFIED
    if state is CopyState.AWAY:
        state = CopyState.WRITTEN  # it is back, and what it was worth before it left is not known to hold
    if level is Level.ATTESTED and state is CopyState.WRITTEN:
        return CopyState.ATTESTED
    return state
