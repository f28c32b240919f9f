"""Where the copies of a package stand and how they are looked after: what its safety follows from.

The same value describes what the books know (`preserve.operations.assess`) and what a policy asks for (`planned`), so
that a policy is judged by the rules that will judge its holdings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from preserve.model.blocks import BLOCK_BYTES
from preserve.model.media import Family, family_of
from preserve.model.nouns import Level, Role
from preserve.model.policy import AuditRule, CopyRule, Policy
from preserve.model.separation import ATTRIBUTES

DAYS_A_YEAR = 365.25
NOT_DEMANDED = "not demanded"
"""What stores have of an attribute in which no policy asks them to differ: the same, for all that is known."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a copy is audited: every `every_days` days, reading the share `reads` (0 to 1) of its blocks, drawn anew."""

    every_days: float
    reads: float = 1.0

    @property
    def delay_days(self) -> float:
        """How long damage of one block stays unseen on average: T(1/p - 1/2), half the period where all is read.

        For a drawing that begins anew each time (../shared/durability.md, F3).
        """
        return self.every_days * (1 / self.reads - 0.5)


@dataclass(frozen=True, slots=True)
class Placement:
    """One copy: the store it is in, what that store has in common with others, how it is looked after.

    `attributes` are the store's (`separation.ATTRIBUTES`); one that is lacking is not known.  `looks` are the audits it
    gets.  `is_locked`: the store itself holds it against everybody's keys, for now.  `is_supposed`: it is not there
    yet, and would share nothing with stores of which it is not known where they stand.  `is_networked`: the store is
    reached over a network, whatever its role is called.  `is_beside_home`: it was just seen on the very device that
    holds the home.
    """

    store: str
    role: Role
    attributes: Mapping[str, str] = field(default_factory=dict)
    looks: tuple[Look, ...] = ()
    is_locked: bool = False
    is_supposed: bool = False
    is_networked: bool = False
    is_beside_home: bool = False

    @property
    def is_offline(self) -> bool:
        """Whether it lies on a shelf, by its role and its place: no key and no network reaches it there."""
        return self.role is Role.REMOTE_OFFLINE and not self.is_networked and not self.is_beside_home

    @property
    def family(self) -> Family | None:
        """The family of its medium; None where it is not told, or not known."""
        return family_of(self.attributes.get("medium", ""))

    @property
    def delay_days(self) -> float | None:
        """How long silent damage stays unseen on average: the quickest of its audits finds it; None: nobody looks."""
        return min((look.delay_days for look in self.looks), default=None)

    def attribute(self, name: str) -> str | None:
        """The value of an attribute, so that it can be compared; None: not known."""
        return self.attributes.get(name, "").casefold() or None


def looks_of(rule: AuditRule, blocks: float) -> tuple[Look, ...]:
    """The audits that a rule asks for, of copies of so many blocks."""
    looks = []
    if rule.level is Level.FULL:
        looks.append(Look(rule.every_days))
    elif rule.level is Level.SAMPLE:
        looks.append(Look(rule.every_days, min(1.0, rule.sample_blocks / max(blocks, 1.0))))
    if rule.full_every_days:
        looks.append(Look(rule.full_every_days))
    return tuple(looks)


def planned(policy: Policy) -> tuple[Placement, ...]:
    """The copies a policy asks for, standing as far apart as it demands and no further.

    What the policy does not demand is taken to be the same for all: it may be so, and nobody would be told.  That a
    store of another role stands elsewhere goes without saying: it is what the roles mean.
    """
    found: list[Placement] = []
    blocks = ceil(policy.package_bytes / BLOCK_BYTES)
    for rule in policy.copies:
        looks = looks_of(rule.audit or policy.audit, blocks)
        for number in range(1, rule.count + 1):
            name = rule.role.value if rule.count == 1 else f"{rule.role.value} {number}"
            attributes = _demanded(policy, rule, name, len(found))
            found.append(Placement(name, rule.role, attributes, looks, policy.retention_lock_days > 0))
    return tuple(found)


def _demanded(policy: Policy, rule: CopyRule, name: str, number: int) -> dict[str, str]:
    """What the store of a copy must be said to be; values are the same where nothing asks that they differ.

    `name` is the copy's own, `number` says which of the policy's copies it is, from 0.
    """
    is_far = rule.role is Role.REMOTE_OFFLINE
    attributes = dict.fromkeys(ATTRIBUTES, NOT_DEMANDED)
    attributes["site"] = rule.role.value
    if is_far:
        attributes["city"] = rule.role.value
    apart: set[str] = set()
    families = vendors = 1
    if policy.separation is not None:
        apart = {*policy.separation.everywhere, *(policy.separation.remote if is_far else ())}
        families, vendors = policy.separation.medium_families, policy.separation.vendors
    if vendors > 1:
        attributes["vendor"] = str(number % vendors + 1)
    attributes |= dict.fromkeys(apart, name)
    attributes["medium"] = _demanded_family(rule, number, len(Family) if "medium" in apart else families).value
    return attributes


def _demanded_family(rule: CopyRule, number: int, families: int) -> Family:
    if rule.medium_families:
        return rule.medium_families[0]
    return list(Family)[number % min(max(families, 1), len(Family))]
