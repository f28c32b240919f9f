"""A policy (策略): what is kept in how many copies where, how often it is looked at, and who answers for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

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


def policy_to_json(policy: Policy) -> str:
    """`policy` as JSON, so that a command need not parse the author's text again."""
    return json.dumps(
        {
            "name": policy.name,
            "title": policy.title,
            "description": policy.description,
            "legal_basis": policy.legal_basis,
            "package_bytes": policy.package_bytes,
            "digests": policy.digests,
            "symlinks": policy.symlinks,
            "required_metadata": policy.required_metadata,
            "profile": policy.profile,
            "copies": [{"role": rule.role, "count": rule.count} for rule in policy.copies],
            "audit": {
                "level": policy.audit.level,
                "every_days": policy.audit.every_days,
                "sample_blocks": policy.audit.sample_blocks,
            },
            "retention_lock_days": policy.retention_lock_days,
            "classifications": policy.classifications,
            "responsible": {
                "leader": policy.responsible.leader,
                "manager": policy.responsible.manager,
                "executor": policy.responsible.executor,
            },
            "notify": policy.notify,
            "sha256": policy.sha256,
        },
        ensure_ascii=False,
        sort_keys=True,
    )


def policy_from_json(text: str) -> Policy:
    """The inverse of `policy_to_json`; trusts its own kind of text (KeyError, ValueError on any other)."""
    plain: dict[str, Any] = json.loads(text)
    audit, responsible = plain["audit"], plain["responsible"]
    return Policy(
        name=plain["name"],
        title=plain["title"],
        description=plain["description"],
        legal_basis=tuple(plain["legal_basis"]),
        package_bytes=plain["package_bytes"],
        digests=tuple(Algorithm(name) for name in plain["digests"]),
        symlinks=LinkRule(plain["symlinks"]),
        required_metadata=tuple(plain["required_metadata"]),
        profile=plain["profile"],
        copies=tuple(CopyRule(Role(rule["role"]), rule["count"]) for rule in plain["copies"]),
        audit=AuditRule(Level(audit["level"]), audit["every_days"], audit["sample_blocks"]),
        retention_lock_days=plain["retention_lock_days"],
        classifications=tuple(Classification(name) for name in plain["classifications"]),
        responsible=Responsible(responsible["leader"], responsible["manager"], responsible["executor"]),
        notify=plain["notify"],
        sha256=plain["sha256"],
    )
