"""Incidents of the runner itself: a clock that is not to be trusted, runs that were missed, work that fails again and
again.  Each is opened once, and closed with evidence when it is over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from preserve import environment
from preserve.clock import moment_of
from preserve.daemon.heartbeat import Heartbeat
from preserve.model import events
from preserve.model.clock_trust import Reading, doubt
from preserve.model.duties import Duty, DutyKind
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.nouns import Event
from preserve.model.phrases import phrase
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class ClockState:
    """`reading` is the last that was trusted; `incident` is the open one where the clock is not to be trusted now."""

    reading: Reading
    incident: str | None

    @property
    def is_trusted(self) -> bool:
        return self.incident is None


def clock_state(workplace: Workplace, last: Heartbeat | None) -> ClockState:
    """Judge the clock, and open or close the incident about it, which names the machine: each has a clock of its own.

    Where a person closed the incident, the clock is right from then on, however it came to be so.
    """
    books = workplace.books
    now = Reading(workplace.clock.now(), workplace.clock.counter_seconds(), environment.boot_id())
    trusted = last.reading if last is not None else None
    newest = books.newest_moment()
    why = doubt(now, trusted, moment_of(newest) if newest else None)
    machine = environment.machine_name()
    known = books.open_incident(IncidentKind.CLOCK, machine)
    if why is None:
        if known is not None:
            _close(workplace, known, phrase("the clock agrees again with the machine's counter"))
        return ClockState(now, None)
    ours = last.clock_incident if last is not None else None
    if known is None and ours is not None:  # we opened one, and somebody closed it: a person vouches for the clock
        return ClockState(now, None)
    if known is None:
        _open(workplace, Incident(IncidentKind.CLOCK, machine, str(why)))
        known = books.open_incident(IncidentKind.CLOCK, machine)
    return ClockState(trusted or now, known.id if known else None)


def missed(workplace: Workplace, duties: Sequence[Duty], kinds: Collection[DutyKind], now: datetime) -> None:
    """Open an incident for each duty that is late, and close those about duties that are late no longer.

    Only incidents about `kinds` are ours to close.
    """
    late = {duty.name: duty for duty in duties if duty.is_late(now)}
    known = {each.subject: each for each in workplace.books.incidents() if each.kind is IncidentKind.MISSED_RUN}
    happened: list[Event] = []
    for name, duty in late.items():
        if name not in known:
            what = phrase("it was to be done by {latest}: {what}", latest=duty.latest, what=duty.why)
            happened.append(_opened(workplace, Incident(IncidentKind.MISSED_RUN, name, what)))
    for subject, incident in known.items():
        if subject not in late and _is_of(incident, kinds):
            evidence = phrase("it was caught up: looked at again, it is late no longer")
            happened.append(events.incident_closed(workplace.act, workplace.now(), incident.id, evidence))
    _record(workplace, happened)


def failed(workplace: Workplace, duty: Duty, attempts: int, why: str) -> None:
    """Open an incident about work that failed as often as it may."""
    what = phrase("it failed {attempts} times in a row; the last time: {why}", attempts=attempts, why=why)
    _open(workplace, Incident(IncidentKind.FAILED_WORK, duty.name, what))


def succeeded(workplace: Workplace, duty: Duty) -> None:
    """Close the incident about work that failed, if there is one."""
    known = workplace.books.open_incident(IncidentKind.FAILED_WORK, duty.name)
    if known is not None:
        _close(workplace, known, phrase("the work was done"))


def settled(workplace: Workplace, duties: Sequence[Duty], kinds: Collection[DutyKind], now: datetime) -> None:
    """Close the incidents about failed work of `kinds` that is due no longer: somebody else did it, or it fell away."""
    due = {duty.name for duty in duties if duty.is_due(now)}
    evidence = phrase("looked at again, the work is not due any more")
    _record(
        workplace,
        [
            events.incident_closed(workplace.act, workplace.now(), each.id, evidence)
            for each in workplace.books.incidents()
            if each.kind is IncidentKind.FAILED_WORK and each.subject not in due and _is_of(each, kinds)
        ],
    )


def _is_of(incident: Incident, kinds: Collection[DutyKind]) -> bool:
    return any(incident.subject.startswith(f"{kind} ") for kind in kinds)


def _opened(workplace: Workplace, incident: Incident) -> Event:
    return events.incident_opened(workplace.act, workplace.now(), incident)


def _open(workplace: Workplace, incident: Incident) -> None:
    if workplace.books.open_incident(incident.kind, incident.subject) is None:
        workplace.record(_opened(workplace, incident))


def _close(workplace: Workplace, incident: Incident, evidence: str) -> None:
    workplace.record(events.incident_closed(workplace.act, workplace.now(), incident.id, evidence))


def _record(workplace: Workplace, happened: Iterable[Event]) -> None:
    several = list(happened)
    if several:
        workplace.record(*several)
