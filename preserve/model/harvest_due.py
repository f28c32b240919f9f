"""When the next harvest of each source is due, by the backup rule of its policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from preserve.model.audit import is_to_come
from preserve.model.calendars import calendar_of, window_of
from preserve.model.policy import BackupRule, Policy
from preserve.model.sources import Registered, SourceKind

DROP_EVERY = timedelta(minutes=15)
"""How often a drop folder is looked into, whatever the policy says: a look costs next to nothing, and what was handed
over should not wait for the night."""
DROP_MISSED_AFTER = timedelta(days=2)
"""A drop folder that nobody could look into for so long is told of; who runs the runner once a day looks in time."""


@dataclass(frozen=True, slots=True)
class SourceStanding:
    """A source, when it was registered, and when it was last harvested as a whole, or looked into (None: never)."""

    source: Registered
    registered_at: datetime
    harvested_at: datetime | None


@dataclass(frozen=True, slots=True)
class HarvestDue:
    """The next harvest of a source; it is missed when it is not done by `latest` (None: nothing is missed)."""

    source: str
    due_at: datetime
    latest: datetime | None


def harvests_due(
    standings: Iterable[SourceStanding],
    policies: Mapping[str, Policy],
    zone_of: Callable[[str | None], tzinfo],
    now: datetime,
) -> Iterator[HarvestDue]:
    """The next harvest of each source, due now or later; a run that was missed is caught up once.

    A source without a backup rule in its policy is harvested by hand alone, one that the brake holds when a person has
    released it.  Outside the rule's window nothing is due until it opens.  A harvest that is dated on a day still to
    come, by a clock that ran ahead, counts as none.
    """
    for standing in (_believed(each, now) for each in standings):
        source = standing.source
        if source.is_retired or source.held is not None:
            continue
        if source.entry.kind is SourceKind.DROP:
            looked_at = standing.harvested_at
            due_at = looked_at + DROP_EVERY if looked_at else standing.registered_at
            yield HarvestDue(source.entry.name, due_at, due_at + DROP_MISSED_AFTER)
            continue
        policy = policies.get(source.entry.policy)
        if policy is not None and policy.backup is not None:
            due_at, latest = _run(standing, policy.backup, zone_of(policy.backup.timezone))
            yield HarvestDue(source.entry.name, _in_window(due_at, policy.backup, zone_of, now), latest)


def _believed(standing: SourceStanding, now: datetime) -> SourceStanding:
    at = standing.harvested_at
    return replace(standing, harvested_at=None) if at is not None and is_to_come(at, now) else standing


def _run(standing: SourceStanding, rule: BackupRule, zone: tzinfo) -> tuple[datetime, datetime]:
    """When a harvest is due, and when it is missed: at the run after it.

    The first is due at once and has a run more, for it is the longest; one that was released is due at once too.
    """
    calendar = calendar_of(rule, zone)
    if standing.harvested_at is None:
        return standing.registered_at, calendar.next(calendar.next(standing.registered_at))
    due_at = calendar.next(standing.harvested_at)
    return standing.harvested_at if standing.source.released else due_at, calendar.next(due_at)


def _in_window(due_at: datetime, rule: BackupRule, zone_of: Callable[[str | None], tzinfo], now: datetime) -> datetime:
    if rule.window is None or due_at > now:
        return due_at
    window = window_of(rule.window, zone_of(rule.timezone))
    return due_at if window.is_open(now) else window.opens_at(now)
