"""A policy (策略): what is kept in how many copies where, how often it is looked at, and who answers for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from preserve.model.digests import Algorithm
from preserve.model.nouns import Level, Role
from preserve.model.records import Classification


class LinkRule(StrEnum):
    """What to do with symbolic links in a submission."""

    KEEP = "keep"  # kept as links, never followed
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class CopyRule:
    """So many copies on stores of this role."""

    role: Role
    count: int


@dataclass(frozen=True, slots=True)
class AuditRule:
    """How deeply and how often each copy is looked at; a sample reads `sample_blocks` blocks of each package."""

    level: Level
    every_days: int
    sample_blocks: int


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
    let in; a state secret never is.  `retention_lock_days` asks stores for an object lock; 0 asks for none.
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

    @property
    def keeps_links(self) -> bool:
        return self.symlinks is LinkRule.KEEP

    def retain_until(self, now: datetime) -> datetime | None:
        """Until when a store that has object locks is asked to hold what is written `now`; None: no lock."""
        return now + timedelta(days=self.retention_lock_days) if self.retention_lock_days else None

    def copies_on(self, role: Role) -> int:
        """How many copies are wanted on stores of `role`."""
        return sum(rule.count for rule in self.copies if rule.role is role)
