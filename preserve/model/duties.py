"""Duties: work that policy and books say is due at a moment, and in which order it is to be done.

A duty is derived anew each time somebody asks, never kept: a crash loses none, and what was done is simply not derived
again.  Kinds stand in the order in which they are done; a duty of a kind that only looks (audits, drills, inspections)
goes before others of these once it is late, so that none waits for ever behind the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from preserve.model.calendars import ALWAYS, Hours, open_together
from preserve.model.sentences import Sentence

NEVER_TOGETHER = timedelta(days=7)
"""For how long work is put off whose hours never go on together."""


class DutyKind(StrEnum):
    """What sort of work is due, in the order of urgency."""

    CANARY = "canary"  # whether keys may do only what they should
    LOCK_EXTENSION = "lock extension"
    REPAIR = "repair"
    HARVEST = "harvest"
    REPLICATION = "replication"
    PARITY = "parity"  # beside copies whose policy wants it
    PUBLICATION = "publication"  # of the ledger, to stores that lag behind
    NOTICE = "notice"  # to the person who answers for it; before what takes hours
    THAW = "thaw"  # what a cold store was asked for, and has to be fetched when it is there
    AUDIT = "audit"
    LISTING = "listing"  # of all that lies in a store, for what nobody expects
    DRILL = "drill"
    INSPECTION = "inspection"  # of removable media, by sample
    REFRESHING = "refreshing"  # of removable media that grow too old
    IDENTIFICATION = "identification"  # of formats; never before anything that keeps records safe
    RISK_RECORD = "format risk record"  # for the trend
    MIGRATION_WATCH = "migration watch"  # whether what migrations were approved on is as it was
    MIGRATION = "migration"  # of formats, which a person began; after all else


_KINDS = list(DutyKind)
_LOOKING = _KINDS.index(DutyKind.AUDIT)
"""From this kind on nothing is mended or made: lateness goes before kind."""


@dataclass(frozen=True, slots=True)
class Duty:
    """One piece of work: `subject` names what it is about (a store, a source, a policy, a medium).

    It is due from `due_at` and late after `latest` (None: never).  `urgency` orders duties of a kind, smaller first.
    `copies` and `bytes` say how much it is, as far as that is known.  There is one duty of a kind about a subject.

    One of `stores` is needed for it, and it is for one of `policies`, whose window counts; either may be empty.  It is
    not begun before `not_before`, when their hours begin; None: they go on, or there are none.
    """

    kind: DutyKind
    subject: str
    due_at: datetime
    why: Sentence
    latest: datetime | None = None
    urgency: int = 0
    copies: int = 0
    bytes: int = 0
    stores: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    not_before: datetime | None = None

    @property
    def name(self) -> str:
        """Kind and subject, as claims, jobs and incidents name it."""
        return f"{self.kind} {self.subject}"

    @property
    def begins_at(self) -> datetime:
        """When it may be begun: not before it is due, nor before its hours."""
        return self.due_at if self.not_before is None else max(self.due_at, self.not_before)

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be done now."""
        return self.begins_at <= now

    def is_kept_waiting(self, now: datetime) -> bool:
        """Whether nothing but its hours keeps it from being done."""
        return self.due_at <= now < self.begins_at

    @property
    def is_made_late(self) -> bool:
        """Whether its hours begin only when it is late already."""
        return self.not_before is not None and self.latest is not None and self.latest < self.not_before

    def is_late(self, now: datetime) -> bool:
        return self.latest is not None and self.latest < now

    @property
    def owed_since(self) -> datetime:
        """When it was to be done: a late harvest is due again only when the window of its policy opens, and was owed
        long before."""
        return self.due_at if self.latest is None else min(self.due_at, self.latest)


class Ending(StrEnum):
    """How the work on a duty ended."""

    DONE = "done"
    PARTLY = "partly done"  # its share of time or data is used up, and some of it is left
    FOR_NOW = "done for now"  # it is due again before long, also in the same turn
    PUT_OFF = "put off"  # a store or a person has to come first; nothing went wrong here
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a duty, in a sentence; `bytes` were read and written for it.

    Where work that failed `has_incident`, one of its own, it need not become one by failing often, and is tried again
    as soon as it is due.
    """

    ending: Ending
    what: Sentence
    bytes: int = 0
    has_incident: bool = False


@dataclass(frozen=True, slots=True)
class WorkHours:
    """When work may go on, by store and by policy; those that are not named have no hours."""

    stores: Mapping[str, Hours] = field(default_factory=dict)
    policies: Mapping[str, Hours] = field(default_factory=dict)

    def heeded(self, duty: Duty, now: datetime) -> Duty:
        """The duty with the moment before which it is not begun.

        Where hours that must go on together never do, nobody knows one: it is then put off for a week again and again,
        until it is late.
        """
        wanted_at = max(duty.due_at, now)
        found = [open_together(hours, wanted_at) for hours in self._ways(duty)]
        begins_at = min((moment for moment in found if moment), default=wanted_at + NEVER_TOGETHER)
        not_before = None if begins_at == wanted_at else begins_at
        return duty if not_before == duty.not_before else replace(duty, not_before=not_before)

    def closes_at(self, duty: Duty, now: datetime) -> datetime | None:
        """When the hours end in which a duty is done now; None where no end is in sight."""
        ends: list[datetime | None] = []
        for hours in self._ways(duty):
            if all(each.is_open(now) for each in hours):
                its = [end for each in hours if (end := each.closes_at(now))]
                ends.append(min(its, default=None))
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None

    def _ways(self, duty: Duty) -> Iterator[tuple[Hours, Hours]]:
        """The hours of each store that may serve, with those of each policy that it is for."""
        for store in duty.stores or ("",):
            for policy in duty.policies or ("",):
                yield self.stores.get(store, ALWAYS), self.policies.get(policy, ALWAYS)


NO_HOURS = WorkHours()


def in_order(duties: Iterable[Duty], now: datetime) -> list[Duty]:
    """The duties in the order in which they are to be done."""

    def rank(duty: Duty) -> tuple[int, bool, int, int, datetime, str]:
        kind = _KINDS.index(duty.kind)
        if kind < _LOOKING:
            return kind, False, 0, duty.urgency, duty.due_at, duty.subject
        return _LOOKING, not duty.is_late(now), kind, duty.urgency, duty.due_at, duty.subject

    return sorted(duties, key=rank)
