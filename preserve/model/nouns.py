"""The nouns of the design that books and operations pass around: stores, packages, copies, findings, events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from preserve.model.blocks import BLOCK_BYTES
from preserve.model.digests import Algorithm
from preserve.model.keys import PARITY


class Role(StrEnum):
    """What a store is for (S01 of the founding essays)."""

    PRIMARY = "primary"
    SAME_CITY = "same_city"  # 同城异地备份
    REMOTE_OFFLINE = "remote_offline"  # 远端异地离线储存


class CopyState(StrEnum):
    """How far a copy (副本) can be relied on.  Only `verified` counts as safe."""

    DUE = "due"  # policy wants it, nobody has made it yet
    WRITTEN = "written"  # the store said yes
    ATTESTED = "attested"  # the store confirmed our digest itself
    VERIFIED = "verified"  # read back by us and equal
    SUSPECT = "suspect"  # it could not be read, or something about it does not fit
    BAD = "bad"  # read, and not equal
    AWAY = "away"  # its store cannot be reached


class Condition(StrEnum):
    """What is wrong with a thing a finding names."""

    DAMAGED = "damaged"  # read, and its bytes are not those we know
    MISSING = "missing"  # the store answers, and does not have it
    UNREADABLE = "unreadable"  # the store answers, and this does not come; it may be sound
    UNEXPECTED = "unexpected"  # the store holds it, and the books know nothing of it
    OVERDUE = "overdue"  # nobody has looked for longer than policy allows


HARMS = (Condition.DAMAGED, Condition.MISSING, Condition.UNREADABLE)
"""What may be wrong with an object that a store should hold."""


class Level(StrEnum):
    """How deeply an audit looks."""

    EXISTS = "exists"  # the objects are listed with their sizes
    ATTESTED = "attested"  # the store confirms our digests itself
    SAMPLE = "sample"  # blocks drawn at random are read
    FULL = "full"  # every byte is read

    @property
    def is_reading(self) -> bool:
        """Whether bytes are read, and not only their store is asked."""
        return self in (Level.SAMPLE, Level.FULL)


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """A registered store.  `attributes` are site, city, power_grid, river_basin, seismic_zone, vendor, software,
    medium, credential_domain, jurisdiction: what copies must differ in so that one event cannot take both."""

    name: str
    store_id: str
    role: Role
    url: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    capabilities: Mapping[str, bool] = field(default_factory=dict)
    profile: str | None = None
    """Name of the credentials' profile in the AWS standard chain; the credentials themselves are never kept.

    It is the writer's, and does the auditor's or disposer's work too where they have no profile of their own.
    """
    auditor_profile: str | None = None
    """Whose key reads: audits, restores, drills, rebuilds."""
    disposer_profile: str | None = None
    """Whose key may erase; kept for disposal, and tried by the probe on objects of its own."""

    @property
    def is_networked(self) -> bool:
        """Whether it is reached over a network; a folder may be a mount of one, which nobody can tell from its URL."""
        return not self.url.startswith("file:")


@dataclass(frozen=True, slots=True)
class RetiredStore:
    """A store that is out of use since `retired_at`, and why; `is_lost`: nobody can read it any more.

    `copies` counts what is booked in it and counts for nothing.
    """

    entry: StoreEntry
    retired_at: str
    why: str
    is_lost: bool
    copies: int

    @property
    def day(self) -> str:
        """When it was retired, as people say it."""
        return self.retired_at[:10]


@dataclass(frozen=True, slots=True)
class ObjectDigest:
    """Size in bytes and SHA-256 (hex) of one small object of a package."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What `receipt.json` says: the identity of a package and the digests of its other objects.

    `blocks_root` is `BlockList.root` of `bag.tar` in hex.  `part_of` links the packages of a split submission:
    (accession id, number from 1, how many).
    """

    package_id: str
    created_at: str
    payload_files: int
    payload_bytes: int
    records: int
    policy: str
    policy_sha256: str
    algorithms: tuple[Algorithm, ...]
    bag_bytes: int
    blocks_root: str
    blocks: ObjectDigest
    members: ObjectDigest
    metadata: Mapping[str, str]
    part_of: tuple[str, int, int] | None = None
    block_bytes: int = BLOCK_BYTES
    written_by: str = ""


@dataclass(frozen=True, slots=True)
class PackageEntry:
    """A package in the books: its receipt and the receipt's own digest (hex)."""

    receipt: Receipt
    receipt_sha256: str
    receipt_bytes: int

    @property
    def id(self) -> str:
        return self.receipt.package_id


@dataclass(frozen=True, slots=True)
class CopyEntry:
    """A copy in the books.  `generations` gives the current generation of each object that was ever repaired, and of a
    parity object where it has one."""

    package_id: str
    store: str
    state: CopyState
    booked_at: str
    generations: Mapping[str, int] = field(default_factory=dict)
    audited_at: str | None = None
    audited_level: Level | None = None
    retain_until: str | None = None
    audits: Mapping[Level, str] = field(default_factory=dict)
    """When each level last got an answer (sound, damaged or missing); `audited_at` is the latest of them."""

    def generation(self, part: str) -> int:
        return self.generations.get(part, 1)

    @property
    def has_parity(self) -> bool:
        """Whether a parity object lies beside it; the books say which."""
        return PARITY in self.generations

    @property
    def was_repaired(self) -> bool:
        """Whether any of its objects had to be made anew."""
        return any(number > 1 for number in self.generations.values())

    def looked_at(self, level: Level) -> str | None:
        """When somebody last looked as deeply as `level`, or deeper; None if nobody ever did."""
        levels = list(Level)
        return max((self.audits[deep] for deep in levels[levels.index(level) :] if deep in self.audits), default=None)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, as a value (风险隐患): what, where, what was expected, what was found.

    `where` is the object key; `blocks` the numbers of the bad blocks of a bag, `files` the payload paths they
    touch (at most `MOST_FILES_NAMED`, `files_touched` counts all).  `id` is given by the books when it is opened.
    """

    package_id: str | None
    store: str
    condition: Condition
    where: str
    expected: str
    found: str
    blocks: tuple[int, ...] = ()
    files: tuple[str, ...] = ()
    files_touched: int = 0
    id: str = ""
    opened_at: str = ""
    closed_at: str | None = None
    closed_with: str | None = None

    @property
    def spares_records(self) -> bool:
        """Whether only what a store holds beside its packages is harmed: its rescue kit, its ledger."""
        return self.package_id is None and self.condition in HARMS


class AboutStore(Protocol):
    """One finding, or several alike."""

    @property
    def store(self) -> str:
        """The store that it is about."""

    @property
    def spares_records(self) -> bool:
        """Whether only what the store holds beside its packages is harmed."""


def stores_with_records_spared(findings: Iterable[AboutStore]) -> list[str]:
    """The stores whose findings all spare the records, in the order in which they are first named."""
    by_store: dict[str, bool] = {}
    for finding in findings:
        by_store[finding.store] = by_store.get(finding.store, True) and finding.spares_records
    return [store for store, are_spared in by_store.items() if are_spared]


MOST_FILES_NAMED = 1000


class EventType(StrEnum):
    """PREMIS event types (Library of Congress vocabulary, eventType) where one fits, else our own."""

    INITIALISED = "initialisation"
    STORE_ADDED = "store registration"
    STORE_PROBED = "store check"
    STORE_RETIRED = "store retirement"
    CANARY_TRIED = "canary trial"
    POLICY_REGISTERED = "policy assignment"
    DECLARED = "declaration"
    INGEST_BEGUN = "ingestion start"
    INGEST_ABANDONED = "ingestion abandoned"
    PACKAGED = "ingestion end"
    COPIED = "replication"
    COPY_MOVED = "copy state change"
    LOCK_EXTENDED = "lock extension"
    PARITY_MADE = "parity creation"
    THAW_ASKED = "thaw request"
    AUDIT_BEGUN = "fixity audit start"
    AUDITED = "fixity check"
    AUDIT_ENDED = "fixity audit end"
    FOUND = "finding opened"
    CLOSED = "finding closed"
    REPAIRED = "recovery"
    RESTORED = "dissemination"
    REBUILT = "catalog rebuilt"
    KEY_CHANGED = "signing key change"
    BOOKS_MOVED = "books moved"
    MACHINE_JOINED = "machine joined"
    SOURCE_REGISTERED = "source registration"
    SOURCE_RETIRED = "source retirement"
    HARVESTED = "harvest"
    HARVEST_HELD = "harvest held"
    SOURCE_RELEASED = "source release"
    INCIDENT_OPENED = "incident opened"
    INCIDENT_CLOSED = "incident closed"
    NOTIFICATION_SET = "notification setting"
    MEDIUM_REGISTERED = "medium registration"
    MEDIUM_LABELLED = "medium label"
    MEDIUM_CHECKED_OUT = "medium check-out"
    MEDIUM_CHECKED_IN = "medium check-in"
    MEDIUM_INSPECTED = "medium inspection"
    REFRESH_BEGUN = "refresh start"
    REFRESH_ENDED = "refresh end"
    READER_CHECKED = "reader check"
    DRILLED = "drill"
    MEDIUM_IMAGED = "medium image made"
    ACKNOWLEDGED = "document acknowledged"
    ACKNOWLEDGEMENT_WITHDRAWN = "acknowledgement withdrawn"
    RATINGS_IMPORTED = "format ratings import"
    IDENTIFIED = "format identification"
    FORMATS_KEPT = "format list kept"
    FORMATS_SETTLED = "format settlement"
    SETTLEMENT_WITHDRAWN = "format settlement withdrawn"
    RISK_RECORDED = "format risk record"
    MIGRATION_PLANNED = "migration plan"
    MIGRATION_PILOTED = "migration pilot"
    MIGRATION_APPROVED = "migration approval"
    MIGRATION_BEGUN = "migration start"
    MIGRATED = "migration"
    MIGRATION_STOPPED = "migration stop"
    FILE_DECIDED = "migrated file decision"
    FILES_VIEWED = "migrated files viewed"
    MIGRATION_ENDED = "migration end"
    MIGRATION_ROLLED_BACK = "migration rolled back"
    MIGRATION_REINSTATED = "migration reinstated"
    MIGRATION_WITHDRAWN = "migration withdrawn"


class KeyChangeCause(StrEnum):
    """Why the signing key was changed."""

    RENEWED = "renewed"  # the old key was at hand and handed over
    OLD_KEY_LOST = "old key lost"  # it, or its passphrase, was not: a person said so
    HOME_REBUILT = "home rebuilt"  # the home it lay in is gone


class Outcome(StrEnum):
    """PREMIS eventOutcome."""

    SUCCESS = "success"
    FAILURE = "fail"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the ledger (台账): what happened to what, by whom, why, when, how it ended.

    `detail` is plain JSON without fractions (strings, whole numbers, booleans, null, lists, objects) and carries
    everything that the catalog needs: the catalog is what the events say, applied in order.
    """

    type: EventType
    at: str
    actor: str
    reason: str
    outcome: Outcome
    detail: Mapping[str, object]
    tool: str


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something and why: becomes part of every event of one command."""

    actor: str
    reason: str
