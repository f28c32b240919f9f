"""Which drills are due by policy, and which are late: derived from policies, stores and the drills that were made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from preserve.model.audit import is_to_come
from preserve.model.drill_samples import DEFAULT_SAMPLE
from preserve.model.drills import DrillEntry
from preserve.model.nouns import StoreEntry
from preserve.model.policy import Policy

LEAST_GRACE = timedelta(days=1)
GRACE_SHARE = 10
"""A drill is late when it is due for longer than a tenth of its interval, and a day at least: who works by night must
have had a night for it."""


@dataclass(frozen=True, slots=True)
class DrillDue:
    """A drill that policy wants from a store: of a sample of `sample_packages`, or of everything (None).

    The first is due as soon as the store holds anything, and late after one whole interval.
    """

    store: str
    policy: str
    every: timedelta
    sample_packages: int | None
    without_catalog: bool
    last_at: datetime | None
    due_at: datetime
    late_at: datetime

    @property
    def is_whole(self) -> bool:
        return self.sample_packages is None

    def is_due(self, now: datetime) -> bool:
        return self.due_at <= now

    def is_late(self, now: datetime) -> bool:
        return self.late_at < now


def drills_due(
    policies: Iterable[Policy],
    stores: Sequence[StoreEntry],
    held_since: Mapping[str, datetime],
    drills: Sequence[DrillEntry],
    now: datetime,
) -> list[DrillDue]:
    """Every drill that policies want, those to come included; those that are due first come first.

    `policies` are those under which anything is kept: the others want none yet.  `held_since` says since when each
    store holds anything.  A drill of everything is one of a sample too, and one without the catalog one with it;
    whether it passed is no matter here: a failed one is an incident.  One that is
    dated on a day still to come, by a clock that ran ahead, counts as none.
    """
    believed = [each for each in drills if not is_to_come(datetime.fromisoformat(each.begun_at), now)]
    wanted = [
        due
        for policy in policies
        for store in stores
        if store.name in held_since
        for due in _wanted(policy, store, held_since[store.name], believed)
    ]
    return sorted(wanted, key=lambda due: (due.due_at, not due.is_whole, due.store, due.policy))


def drills_in_turn(due: Iterable[DrillDue], now: datetime) -> dict[str, Sequence[DrillDue]]:
    """For each store its drills, the one to hold next first: of several that are due, one of everything."""
    by_store: dict[str, list[DrillDue]] = {}
    for each in due:
        by_store.setdefault(each.store, []).append(each)

    def rank(each: DrillDue) -> tuple[bool, bool, bool, datetime]:
        is_due = each.is_due(now)
        return (not is_due, is_due and not each.is_whole, not each.without_catalog, each.due_at)

    return {store: sorted(group, key=rank) for store, group in sorted(by_store.items())}


def _wanted(policy: Policy, store: StoreEntry, since: datetime, drills: Sequence[DrillEntry]) -> Iterator[DrillDue]:
    rule = policy.drills
    if rule is None or store.role not in rule.roles:
        return
    for every_days, sample in (
        (rule.every_days, rule.sample_packages or DEFAULT_SAMPLE),
        (rule.full_every_days, None),
    ):
        if every_days is None:
            continue
        every = timedelta(days=every_days)
        last_at = _last(drills, store.name, sample is None, rule.without_catalog)
        due_at = since if last_at is None else last_at + every
        grace = max(every / GRACE_SHARE, LEAST_GRACE)
        late_at = (since + every if last_at is None else due_at) + grace
        yield DrillDue(store.name, policy.name, every, sample, rule.without_catalog, last_at, due_at, late_at)


def _last(drills: Sequence[DrillEntry], store: str, is_whole: bool, without_catalog: bool) -> datetime | None:
    """When the last drill was made that asked of the store as much."""
    return max(
        (
            datetime.fromisoformat(each.begun_at)
            for each in drills
            if each.store == store and (each.is_whole or not is_whole) and (each.without_catalog or not without_catalog)
        ),
        default=None,
    )
