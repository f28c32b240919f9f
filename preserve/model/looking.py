"""Which copies are due to be looked at again: the spans of time that a policy's rule of audits means at a moment.

Every copy is looked at before its last look is older than the rule allows.  So that this does not fall on one day for
all copies of a package, the first full reading after the booking comes earlier by store: with n stores, that of the
k-th after k/n of the greatest age.  Staggered audits lose fewer packages to damage of all copies at once (DESIGN.md,
How safe); the phases then last, because every copy has the same period.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from preserve.model.nouns import CopyState, Level, StoreEntry
from preserve.model.policy import AuditRule, Policy

LEAD_SHARE = 10
LONGEST_LEAD = timedelta(days=14)
"""A copy is due before it is late by a tenth of its greatest age, or by this."""
SHORTEST_ROUND = timedelta(days=1)
"""Plans are told by the day: what is due more often counts once on each."""
UNVERIFIED_WITHIN = timedelta(days=7)
"""How long a copy that nobody has read back yet may wait for it, where its greatest age is not less."""
FEW = 1
"""A package with so many verified copies left has them read more often."""


@dataclass(frozen=True, slots=True)
class Span:
    """Copies whose last look at `level` was before `due_before` are due, those before `late_before` late.

    `is_new` True: those that nobody has read whole since they were booked; False: the others; None: both.
    """

    level: Level
    due_before: datetime
    late_before: datetime
    is_new: bool | None = None

    def due_at(self, looked_at: datetime, now: datetime) -> datetime:
        """When a copy last looked at then was, or will be, due."""
        return looked_at + (now - self.due_before)

    def late_at(self, looked_at: datetime, now: datetime) -> datetime:
        """When it was, or will be, late."""
        return looked_at + (now - self.late_before)

    def rounds(self, looked_at: datetime, now: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """When a copy last looked at then is due, and when late; and so on until a day, where it is always read as soon
        as it is due."""
        age = now - self.late_before
        due, late = self.due_at(looked_at, now), self.late_at(looked_at, now)
        while due <= until:
            yield due, late
            read_at = max(due, now)
            due, late = read_at + max(age - lead(age), SHORTEST_ROUND), read_at + age


def lead(age: timedelta) -> timedelta:
    """How long before a copy is too old it is due."""
    return min(age / LEAD_SHARE, LONGEST_LEAD)


def spans(rule: AuditRule, rank: int, stores: int, now: datetime) -> Iterator[Span]:
    """What a rule means now for the `rank`-th (from 0) of so many stores with copies of the same packages."""
    if rule.level is Level.SAMPLE:
        age = timedelta(days=rule.every_days)
        yield Span(Level.SAMPLE, now - age + lead(age), now - age)
    full_days = rule.every_days if rule.level is Level.FULL else rule.full_every_days
    if full_days is None:
        return
    age = timedelta(days=full_days)
    first = age * (rank + 1) / stores
    yield Span(Level.FULL, now - first + lead(first), now - age, is_new=True)
    yield Span(Level.FULL, now - age + lead(age), now - age, is_new=False)


def ranks(policy: Policy, stores: Sequence[StoreEntry]) -> Mapping[str, int]:
    """The place of each store among those on which the policy wants copies, by name."""
    roles = {rule.role for rule in policy.copies}
    names = sorted(store.name for store in stores if store.role in roles)
    return {name: number for number, name in enumerate(names)}


@dataclass(frozen=True, slots=True)
class Share:
    """The share of copies that is looked at in the period now running, whatever their age: rotation by a rate."""

    since: datetime
    until: datetime
    copies: int


def share(rule: AuditRule, copies: int, now: datetime) -> Share | None:
    """What a rule with runs wants looked at in the present period; None where it has none.

    Periods are counted from 1970 in UTC, so that they depend on nothing that happened.
    """
    if rule.run_every_days is None:
        return None
    number = (now - _EPOCH).days // rule.run_every_days
    since = _EPOCH + timedelta(days=number * rule.run_every_days)
    wanted = -(-copies * (rule.rate_percent or 100) // 100)
    return Share(since, since + timedelta(days=rule.run_every_days), wanted)


def share_before(rule: AuditRule, copies: int, now: datetime) -> Share | None:
    """The share of the period before the present one, of so many `copies` that were there through all of it."""
    running = share(rule, copies, now)
    if running is None:
        return None
    return Share(running.since - (running.until - running.since), running.since, running.copies)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def listing_every(rules: Sequence[AuditRule]) -> timedelta:
    """How often a store is looked through for what is missing or nobody expects: as often as the quickest rule runs."""
    return timedelta(days=min(rule.run_every_days or rule.every_days for rule in rules))


def is_unverified(state: CopyState) -> bool:
    """Whether nobody has read such a copy back, or what came was doubtful; a bad one needs repair, not another look."""
    return state in (CopyState.WRITTEN, CopyState.ATTESTED, CopyState.AWAY, CopyState.SUSPECT)


def is_last(policy: Policy, states: Mapping[str, CopyState], store: str) -> bool:
    """Whether the copy in a store is the last verified one of packages that should have several."""
    verified = [each for each, state in states.items() if state is CopyState.VERIFIED]
    return policy.copies_wanted > FEW and verified == [store]
