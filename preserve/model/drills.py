"""Drills (演练): what one proved, what of it missed policy, which failure a later one answers, how they went so far.

The point in time of a drill (GB/T 20988-2007, 3: 恢复点目标) is the moment at which its disaster is supposed to strike:
what was taken in before it and does not come back is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from preserve.model.disaster_levels import Drill
from preserve.model.drill_thaws import DrillThaw, ThawBasis
from preserve.model.nouns import Role
from preserve.model.policy import Policy


class DrillFault(StrEnum):
    """In what a drill did not do what it should."""

    CATALOG = "catalog"  # the store alone did not give the books back
    MISSING = "missing packages"  # it does not hold what the books say it holds
    BYTES = "bytes"  # what came back is not what was deposited
    STRUCTURE = "structure"  # a reader of bags rejects what came back
    UNOPENED = "documents"  # some do not open
    RTO = "recovery time"  # it took longer than policy allows
    RPO = "recovery point"  # more would be lost than policy allows


class DrillVerdict(StrEnum):
    """What a drill came to.  Where some of it could not be judged it proved less than it was to, and is no pass."""

    PASSED = "passed"
    IN_PART = "passed in part"
    FAILED = "not passed"


@dataclass(frozen=True, slots=True)
class Document:
    """A document that does not open, or that nobody could try: `where` is package and path, `why` in English."""

    where: str
    sha256: str
    why: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A person answers for a document, by the digest of its bytes: it was deposited so, or opens by other means.

    `drill` is the drill that had named it, `because` what the person said.
    """

    document: Document
    drill: str
    at: str
    by: str
    because: str


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How many packages kept under a version of a policy a drill restored; `is_whole`: all that are in the store."""

    policy: str
    policy_sha256: str
    packages: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class DrillEntry:
    """A drill as the ledger has it; spans are whole seconds, the RTO milliseconds, and None where nobody knows how long
    thawing took.

    `sample` is how many packages were to be drawn with `seed`, None for everything.  `rpo_seconds` is the time between
    the drill's point in time (`begun_at`) and the accession of the newest record restored, None where none was;
    `lost_seconds` the time since the oldest accession that the store should hold and does not, 0 where there is none.
    `unopened` documents do not open, `unjudged` ones nobody here can try to open; for `acknowledged` ones, which would
    be among these, a person answers.  `unread_bags` are those of which the reader that is not ours broke down.  `thaw`
    is what the RTO has of thawing, None where nothing lay in cold storage; `is_rto_unjudged`: policy limits it, and
    nobody can tell whether it was kept.  `id` is given by the books.
    """

    store: str
    begun_at: str
    sample: int | None
    seed: str
    without_catalog: bool
    faults: tuple[DrillFault, ...]
    packages: int
    files: int
    bytes: int
    unopened: int
    unjudged: int
    acknowledged: int
    unread_bags: int
    rpo_seconds: int | None
    lost_seconds: int
    rto_milliseconds: int | None
    policies: tuple[Rehearsed, ...]
    certificate: str
    certificate_sha256: str
    thaw: DrillThaw | None = None
    is_rto_unjudged: bool = False
    id: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether everything was to be restored, and not a sample."""
        return self.sample is None

    @property
    def has_passed(self) -> bool:
        """Whether nothing that was judged was otherwise than it should be."""
        return not self.faults

    @property
    def verdict(self) -> DrillVerdict:
        if self.faults:
            return DrillVerdict.FAILED
        is_open = self.unjudged or self.unread_bags or self.is_rto_unjudged
        return DrillVerdict.IN_PART if is_open else DrillVerdict.PASSED

    @property
    def rto_seconds(self) -> float | None:
        """The recovery time; None where nobody knows how long thawing took."""
        return None if self.rto_milliseconds is None else self.rto_milliseconds / 1000

    def answers(self, failed: DrillEntry) -> bool:
        """Whether this drill, which passed, asked of the same store all that `failed` had asked, and could judge it."""
        is_as_wide = self.is_whole or not failed.is_whole
        is_as_hard = self.without_catalog or not failed.without_catalog
        is_as_sharp = DrillFault.UNOPENED not in failed.faults or self.unjudged <= failed.unjudged
        is_as_well_read = DrillFault.STRUCTURE not in failed.faults or self.unread_bags <= failed.unread_bags
        is_as_timed = DrillFault.RTO not in failed.faults or not self.is_rto_unjudged
        is_as_good = is_as_sharp and is_as_well_read and is_as_timed
        return self.has_passed and self.store == failed.store and is_as_wide and is_as_hard and is_as_good


@dataclass(frozen=True, slots=True)
class Limits:
    """The least RPO and RTO in seconds that any of some policies asks for; None: none does."""

    rpo_seconds: int | None
    rto_seconds: int | None


def limits(policies: Iterable[Policy], role: Role) -> Limits:
    """What a recovery from a store of `role` alone is held to: the city is lost where only the remote one is left."""
    rules = [policy.recovery for policy in policies if policy.recovery is not None]
    if role is Role.REMOTE_OFFLINE:
        rpos = [rule.city_lost_rpo_seconds for rule in rules]
        rtos = [rule.city_lost_rto_seconds for rule in rules]
    else:
        rpos = [rule.rpo_seconds for rule in rules]
        rtos = [rule.rto_seconds for rule in rules]
    return Limits(_least(rpos), _least(rtos))


def _least(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)


def missed(limit: Limits, lost_seconds: int, rto_seconds: float) -> list[DrillFault]:
    """Which of the limits a drill missed for certain; `rto_seconds` is what the recovery took at least.

    The RPO is judged by what would be lost, and not by the age of the newest record that came back: where nothing was
    deposited for a month, that is a month old, and nothing is lost.
    """
    faults = []
    if limit.rto_seconds is not None and rto_seconds > limit.rto_seconds:
        faults.append(DrillFault.RTO)
    if limit.rpo_seconds is not None and lost_seconds > limit.rpo_seconds:
        faults.append(DrillFault.RPO)
    return faults


def is_rto_open(limit: Limits, least_seconds: float, most_seconds: float | None) -> bool:
    """Whether nobody can tell that the RTO was kept, or missed: the limit lies between what the recovery took at least
    and what it took at most (None: not known)."""
    allowed = limit.rto_seconds
    return allowed is not None and least_seconds <= allowed and (most_seconds is None or most_seconds > allowed)


@dataclass(frozen=True, slots=True)
class Spread:
    """How a measure was distributed over several drills: half of them stayed within `p50`, 95 of 100 within `p95`."""

    drills: int
    p50: float
    p95: float


def spread(values: Collection[float]) -> Spread | None:
    """Nearest-rank percentiles: each is a value that was measured.  None where there is none."""
    if not values:
        return None
    ordered = sorted(values)
    return Spread(len(ordered), _at_rank(ordered, 50), _at_rank(ordered, 95))


def _at_rank(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(-(-len(ordered) * percent // 100), 1) - 1]


@dataclass(frozen=True, slots=True)
class Trend:
    """How the drills of one sort from one store went: how many, how many passed wholly or in part, and their measures.

    `lost_seconds` is what policy's RPO is held against, `rpo_seconds` the age of the newest record that came back.
    """

    store: str
    is_whole: bool
    drills: int
    passed: int
    in_part: int
    lost_seconds: Spread | None
    rpo_seconds: Spread | None
    rto_seconds: Spread | None


def trends(drills: Iterable[DrillEntry]) -> list[Trend]:
    """One for each store and sort of drill; a sample's time says nothing of the whole, so they are kept apart."""
    alike: dict[tuple[str, bool], list[DrillEntry]] = {}
    for each in drills:
        alike.setdefault((each.store, each.is_whole), []).append(each)
    return [
        Trend(
            store,
            is_whole,
            len(group),
            sum(each.verdict is DrillVerdict.PASSED for each in group),
            sum(each.verdict is DrillVerdict.IN_PART for each in group),
            spread([each.lost_seconds for each in group]),
            spread([each.rpo_seconds for each in group if each.rpo_seconds is not None]),
            spread([each.rto_seconds for each in group if each.rto_seconds is not None]),
        )
        for (store, is_whole), group in sorted(alike.items())
    ]


def as_proofs(drills: Iterable[DrillEntry]) -> list[Drill]:
    """The drills as levels of disaster recovery count them: one for each version of a policy that was rehearsed."""
    return [
        Drill(
            at=datetime.fromisoformat(each.begun_at),
            policy_sha256=part.policy_sha256,
            is_whole=each.is_whole and part.is_whole,
            has_passed=each.has_passed,
            rpo_seconds=each.lost_seconds if each.rpo_seconds is None else each.rpo_seconds,
            rto_seconds=each.rto_seconds,
            certificate=each.certificate,
            is_rto_estimated=each.thaw is not None and each.thaw.basis is ThawBasis.ESTIMATED,
        )
        for each in drills
        for part in each.policies
    ]


def rehearsed(restored: Mapping[str, int], held: Mapping[str, int], policies: Mapping[str, Policy]) -> list[Rehearsed]:
    """What a drill restored of each policy in force, by the counts of packages restored and held under each name."""
    return [
        Rehearsed(name, policies[name].sha256, count, count == held.get(name))
        for name, count in sorted(restored.items())
        if name in policies
    ]
