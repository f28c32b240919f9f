"""A policy (策略): what is kept in how many copies where, how often it is looked at, and who answers for it.

Spans are whole seconds or days, sizes bytes, shares whole per cent: a policy is printed as JSON and hashed as text.
What an author left out is None or empty; nothing is filled in that nobody wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from preserve.model.digests import Algorithm
from preserve.model.media import Family, Medium
from preserve.model.nouns import Level, Role
from preserve.model.records import PERMANENT, Classification, Record, retention_years

DAY_SECONDS = 86_400


class LinkRule(StrEnum):
    """What to do with symbolic links in a submission."""

    KEEP = "keep"  # kept as links, never followed
    REFUSE = "refuse"


class Importance(StrEnum):
    """How much hangs on a class of records; the media rules ask more of what is important."""

    ORDINARY = "ordinary"  # 一般
    IMPORTANT = "important"  # 重要


class CopySet(StrEnum):
    """套别: the letters of GB/T 17678.1 that stand on labels."""

    SEALED = "A"  # 封存保管
    REFERENCE = "B"  # 查阅使用
    OFFSITE = "C"  # 异地保存


class Weekday(StrEnum):
    """Days on which a weekly schedule falls."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


@dataclass(frozen=True, slots=True)
class RecordClass:
    """Which records a policy is for: an element that is empty is not restricted.

    `fonds` 全宗号, `categories` 门类, `retentions` 保管期限 as `preserve.model.records` writes them.
    """

    fonds: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    retentions: tuple[str, ...] = ()
    importance: Importance | None = None

    @property
    def is_permanent(self) -> bool:
        return PERMANENT in self.retentions

    @property
    def longest_years(self) -> int | None:
        """How long the longest retention lasts; None for ever, or where none is given."""
        if not self.retentions or self.is_permanent:
            return None
        return max(retention_years(retention) or 0 for retention in self.retentions)

    def outside(self, record: Record) -> str | None:
        """The first element by which `record` does not belong to the class; an element it lacks says nothing."""
        wanted = {"fonds": self.fonds, "category": self.categories, "retention": self.retentions}
        for element, values in wanted.items():
            value = str(getattr(record, element))
            if values and value and value not in values:
                return element
        return None


@dataclass(frozen=True, slots=True)
class AuditRule:
    """How deeply and how often each copy is looked at; a sample reads `sample_blocks` blocks of each package.

    `every_days` is the greatest age of a look at `level`, `full_every_days` that of a reading of every byte, where
    `level` is less.  A run each `run_every_days` looks at `rate_percent` of the copies, in rotation.
    """

    level: Level
    every_days: int
    sample_blocks: int
    full_every_days: int | None = None
    run_every_days: int | None = None
    rate_percent: int | None = None


@dataclass(frozen=True, slots=True)
class CopyRule:
    """So many copies on stores of this role.

    They are there within `within_seconds` of the accession, on media of `medium_families` (empty: any); `audit` is the
    rule of these copies where it differs from the policy's.  Beside each lies parity by which it survives that
    `parity_percent` of its sectors are bad, wherever they are; None: no parity.
    """

    role: Role
    count: int
    copy_set: CopySet | None = None
    medium_families: tuple[Family, ...] = ()
    within_seconds: int | None = None
    audit: AuditRule | None = None
    parity_percent: int | None = None


@dataclass(frozen=True, slots=True)
class SeparationRule:
    """In which attributes of their stores copies must differ: `everywhere` any two, `remote` the remote and any other.

    `medium_families` and `vendors` say over how many different ones the copies are spread.
    """

    everywhere: tuple[str, ...] = ()
    remote: tuple[str, ...] = ()
    medium_families: int = 1
    vendors: int = 1
    remote_distance_km: int | None = None


@dataclass(frozen=True, slots=True)
class BackupRule:
    """When the source is backed up: each `every_seconds`, `at` a time ("01:30") and on `weekdays` where given.

    `window` ("22:00-06:00") is when work may go on; both are in `timezone` (IANA).
    """

    every_seconds: int
    at: str | None = None
    weekdays: tuple[Weekday, ...] = ()
    timezone: str | None = None
    window: str | None = None


@dataclass(frozen=True, slots=True)
class RecoveryRule:
    """What may be lost (RPO) and how long a recovery may take (RTO), when the primary store or the city is lost."""

    rpo_seconds: int | None = None
    rto_seconds: int | None = None
    city_lost_rpo_seconds: int | None = None
    city_lost_rto_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class DrillRule:
    """Rehearsals (演练): `sample_packages` restored each `every_days` from each of `roles`, everything each
    `full_every_days`; `without_catalog`: with catalog and home given up for lost."""

    every_days: int
    roles: tuple[Role, ...]
    sample_packages: int | None = None
    full_every_days: int | None = None
    without_catalog: bool = False


class IdentifyWhen(StrEnum):
    """When the formats of files are told."""

    AT_INGEST = "at ingest"  # right after the copies were made, by who took them in
    AFTER = "after"  # by the runner, when nothing more urgent is due


@dataclass(frozen=True, slots=True)
class FormatRule:
    """That formats of files are told, and when; `again_on_release`: once more when the signatures changed."""

    identify: IdentifyWhen = IdentifyWhen.AFTER
    again_on_release: bool = True


@dataclass(frozen=True, slots=True)
class MigrationRule:
    """That the runner goes on with migrations which a person began, and at what pace: within `window` ("20:00-06:00",
    in `timezone`; None: at any time), and at most `files_per_day` files a day of that zone (None: any number).

    What was converted stays beside the original, whatever a policy says.
    """

    window: str | None = None
    timezone: str | None = None
    files_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class MediumRule:
    """How media of one kind are inspected by sample, and how old they may grow."""

    inspect_every_days: int | None = None
    rate_percent: int | None = None
    at_least: int | None = None
    life_days: int | None = None


@dataclass(frozen=True, slots=True)
class MediaRules:
    """Rules for removable media; `kinds` by kind of medium."""

    superseded_hold_days: int | None = None
    reader_check_every_days: int | None = None
    handover_rate_percent: int | None = None
    kinds: Mapping[Medium, MediumRule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told when nobody has acted for so long."""

    after_seconds: int
    to: str


@dataclass(frozen=True, slots=True)
class Responsible:
    """The three responsibilities of 档案法实施条例 §18: 领导责任, 管理责任, 执行责任."""

    leader: str
    manager: str
    executor: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy, as its author wrote it; `sha256` (hex) is the digest of that text.

    `package_bytes` is how much payload one package may hold.  `required_metadata` names elements of the glossary
    that every record must have.  `profile` is the file name of a BagIt profile, or None.  `classifications` are those
    let in; a state secret never is.  `retention_lock_days` asks stores for an object lock; 0 asks for none, and
    `lock_renew_before_days` says how long before its end it is renewed.  `notify` is the one who is told, `escalation`
    who is told after that.
    """

    name: str
    title: str
    description: str
    legal_basis: tuple[str, ...]
    package_bytes: int
    digests: tuple[Algorithm, ...]
    symlinks: LinkRule
    required_metadata: tuple[str, ...]
    profile: str | None
    copies: tuple[CopyRule, ...]
    audit: AuditRule
    retention_lock_days: int
    classifications: tuple[Classification, ...]
    responsible: Responsible
    notify: str
    sha256: str
    escalation: tuple[Escalation, ...] = ()
    lock_renew_before_days: int | None = None
    records: RecordClass | None = None
    separation: SeparationRule | None = None
    backup: BackupRule | None = None
    recovery: RecoveryRule | None = None
    drills: DrillRule | None = None
    media: MediaRules | None = None
    formats: FormatRule | None = None
    migration: MigrationRule | None = None

    @property
    def keeps_links(self) -> bool:
        return self.symlinks is LinkRule.KEEP

    @property
    def copies_wanted(self) -> int:
        """How many copies are wanted in all."""
        return sum(rule.count for rule in self.copies)

    def retain_until(self, now: datetime) -> datetime | None:
        """Until when a store that has object locks is asked to hold what is written `now`; None: no lock."""
        return now + timedelta(days=self.retention_lock_days) if self.retention_lock_days else None

    def copies_on(self, role: Role) -> int:
        """How many copies are wanted on stores of `role`."""
        return sum(rule.count for rule in self.copies if rule.role is role)

    def audit_on(self, role: Role) -> AuditRule:
        """The audit rule for copies on stores of `role`."""
        return next((rule.audit for rule in self.copies if rule.role is role and rule.audit), self.audit)

    def parity_on(self, role: Role) -> int | None:
        """What share of its sectors, in per cent, a copy on a store of `role` survives the loss of; None: no parity."""
        return max((rule.parity_percent or 0 for rule in self.copies if rule.role is role), default=0) or None

    def slowest_seconds(self, roles: frozenset[Role]) -> int | None:
        """How old the newest copy on one of `roles` may be: the backup's interval and the quickest of their copies.

        None where the policy does not say, or wants no such copy.
        """
        spans = [rule.within_seconds for rule in self.copies if rule.role in roles]
        if self.backup is None or not spans or None in spans:
            return None
        return self.backup.every_seconds + min(span for span in spans if span is not None)
