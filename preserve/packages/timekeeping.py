"""Timekeeping: whether this machine's clock may be trusted, asked before anything hangs on it.

A lock that was set by a clock years ahead holds for years too long, and nobody can take it back; one set by a clock
that is behind ends while the record still needs it.  So who locks asks here first, the runner and people alike.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from preserve import environment
from preserve.clock import moment_of
from preserve.errors import Refused, Unavailable
from preserve.model import events
from preserve.model.clock_trust import ClockNote, Reading, doubt
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.nouns import CopyEntry
from preserve.model.phrases import phrase
from preserve.model.policy import Policy
from preserve.model.sentences import Sentence
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class ClockState:
    """`incident` is the open one about this machine's clock, and `why` says what it is about; None: it is trusted."""

    incident: str | None = None
    why: Sentence | None = None

    @property
    def is_trusted(self) -> bool:
        return self.incident is None


TRUSTED = ClockState()


def judged(workplace: Workplace) -> ClockState:
    """Judge the clock, note what it shows where it is trusted, and open or close the incident about it.

    The incident names the machine: each has a clock of its own.  Where a person closed it, the clock is right from then
    on, however it came to be so.
    """
    books, machine = workplace.books, environment.machine_name()
    noted, now = books.clock_noted(machine), _reading(workplace)
    known = books.open_incident(IncidentKind.CLOCK, machine)
    newest = _newest(workplace, noted, now)
    why = doubt(now, noted.reading, newest)
    if why is None or (known is None and noted.incident is not None):
        if known is not None:
            evidence = phrase("the clock agrees again with the machine's counter")
            workplace.record(events.incident_closed(workplace.act, workplace.now(), known.id, evidence))
        if noted.is_behind(now):
            with suppress(Unavailable):  # a home that is full, say: the next time does
                books.note_clock(machine, ClockNote(_reading(workplace)))
        return TRUSTED
    if known is None:
        incident = Incident(IncidentKind.CLOCK, machine, str(why))
        workplace.record(events.incident_opened(workplace.act, workplace.now(), incident))
        known = books.open_incident(IncidentKind.CLOCK, machine)
    identifier = known.id if known else ""
    if noted.incident != identifier:
        books.note_clock(machine, ClockNote(noted.reading, identifier, newest))
    return ClockState(identifier, why)


def doubted(workplace: Workplace) -> Sentence | None:
    """Why the clock is not to be trusted, found out without booking anything; None where it is."""
    books, machine = workplace.books, environment.machine_name()
    noted = books.clock_noted(machine)
    is_vouched_for = noted.incident is not None and books.open_incident(IncidentKind.CLOCK, machine) is None
    now = _reading(workplace)
    return None if is_vouched_for else doubt(now, noted.reading, _newest(workplace, noted, now))


def retain_until(workplace: Workplace, policy: Policy) -> datetime | None:
    """Until when a store that has object locks is asked to hold what is written now under a policy; None: no lock.

    Raises `Refused` where it is to be locked, and the clock is not to be trusted.
    """
    if policy.retain_until(workplace.clock.now()) is None:
        return None
    require_trusted(workplace)
    return policy.retain_until(workplace.clock.now())


def lock_left(workplace: Workplace, copy: CopyEntry | None) -> datetime | None:
    """Until when an object is locked that is laid beside those of a copy: as long as the copy is; None: not at all.

    By a clock that is not to be trusted no lock counts as over.
    """
    if copy is None or copy.retain_until is None:
        return None
    is_over = copy.retain_until <= workplace.now() and doubted(workplace) is None
    return None if is_over else moment_of(copy.retain_until)


def require_trusted(workplace: Workplace) -> None:
    """Raise `Refused` where nothing may be locked or held until a day by this machine's clock; an incident says so."""
    state = judged(workplace)
    if not state.is_trusted:
        raise Refused(
            "nothing is locked or held by a clock that is not to be trusted ({why}): set it right; or, where it is, say"
            " so with `preserve incident close {incident} --reason TEXT`, and run the command again",
            why=state.why,
            incident=state.incident,
        )


def _reading(workplace: Workplace) -> Reading:
    clock = workplace.clock
    return Reading(clock.now(), clock.counter_seconds(), environment.boot_id(), workplace.books.size())


def _newest(workplace: Workplace, noted: ClockNote, now: Reading) -> datetime | None:
    """The newest moment in the ledger that the clock is held against: nothing that was written before it was trusted
    last, which a clock that was wrong may have dated."""
    is_news = noted.reading is None or now.entries > noted.reading.entries
    written = workplace.books.newest_moment() if is_news else None
    return max(filter(None, [noted.newest, moment_of(written) if written else None]), default=None)
