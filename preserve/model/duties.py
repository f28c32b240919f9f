"""Duties: work that policy and books say is due at a moment, and in which order it is to be done.

A duty is derived anew each time somebody asks, never kept: a crash loses none, and what was done is simply not derived
again.  Kinds stand in the order in which they are done; a duty of a kind that only looks (audits, drills, inspections)
goes before others of these once it is late, so that none waits for ever behind the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from preserve.model.sentences import Sentence


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


_KINDS = list(DutyKind)
_LOOKING = _KINDS.index(DutyKind.AUDIT)
"""From this kind on nothing is mended or made: lateness goes before kind."""


@dataclass(frozen=True, slots=True)
class Duty:
    """One piece of work: `subject` names what it is about (a store, a source, a policy, a medium).

    It is due from `due_at` and late after `latest` (None: never).  `urgency` orders duties of a kind, smaller first.
    `copies` and `bytes` say how much it is, as far as that is known.  There is one duty of a kind about a subject.
    """

    kind: DutyKind
    subject: str
    due_at: datetime
    why: Sentence
    latest: datetime | None = None
    urgency: int = 0
    copies: int = 0
    bytes: int = 0

    @property
    def name(self) -> str:
        """Kind and subject, as claims, jobs and incidents name it."""
        return f"{self.kind} {self.subject}"

    def is_due(self, now: datetime) -> bool:
        return self.due_at <= now

    def is_late(self, now: datetime) -> bool:
        return self.latest is not None and self.latest < now


class Ending(StrEnum):
    """How the work on a duty ended."""

    DONE = "done"
    PARTLY = "partly done"  # its share of time or data is used up, and some of it is left
    PUT_OFF = "put off"  # a store or a person has to come first; nothing went wrong here
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a duty, in a sentence; `bytes` were read and written for it."""

    ending: Ending
    what: Sentence
    bytes: int = 0


def in_order(duties: Iterable[Duty], now: datetime) -> list[Duty]:
    """The duties in the order in which they are to be done."""

    def rank(duty: Duty) -> tuple[int, bool, int, int, datetime, str]:
        kind = _KINDS.index(duty.kind)
        if kind < _LOOKING:
            return kind, False, 0, duty.urgency, duty.due_at, duty.subject
        return _LOOKING, not duty.is_late(now), kind, duty.urgency, duty.due_at, duty.subject

    return sorted(duties, key=rank)
