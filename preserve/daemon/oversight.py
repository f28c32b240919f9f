"""Incidents of the runner itself: runs that were missed, work that fails again and again, another machine's silence.

Each is opened once, and closed with evidence when it is over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from preserve import environment
from preserve.model import events
from preserve.model.duties import Duty, DutyKind
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.nouns import Event
from preserve.model.phrases import phrase
from preserve.model.sentences import Sentence
from preserve.model.signs_of_life import SignOfLife, silences
from preserve.workplace import Workplace


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


def failed(workplace: Workplace, name: str, attempts: int, why: str) -> None:
    """Open an incident about work that failed as often as it may."""
    what = phrase("it failed {attempts} times in a row; the last time: {why}", attempts=attempts, why=why)
    _open(workplace, Incident(IncidentKind.FAILED_WORK, name, what))


def faulty(workplace: Workplace, name: str, why: Sentence) -> None:
    """Open an incident about work over which this program failed."""
    _open(workplace, Incident(IncidentKind.FAILED_WORK, name, str(why)))


def succeeded(workplace: Workplace, duty: Duty) -> None:
    """Close the incident about work that failed, if there is one."""
    known = workplace.books.open_incident(IncidentKind.FAILED_WORK, duty.name)
    if known is not None:
        _close(workplace, known, phrase("the work was done"))


def settled(workplace: Workplace, duties: Iterable[Duty], kinds: Collection[DutyKind], now: datetime) -> None:
    """Close the incidents about failed work of `kinds` that is due no longer: somebody else did it, or it fell away."""
    due = {duty.name for duty in duties if duty.due_at <= now}  # work that waits for its hours too
    evidence = phrase("looked at again, the work is not due any more")
    _record(
        workplace,
        [
            events.incident_closed(workplace.act, workplace.now(), each.id, evidence)
            for each in workplace.books.incidents()
            if each.kind is IncidentKind.FAILED_WORK and each.subject not in due and _is_of(each, kinds)
        ],
    )


def silent(workplace: Workplace, signs: Iterable[SignOfLife], now: datetime) -> None:
    """Open an incident for each other machine whose runner is silent, and close those of who lives again.

    A person who closes one says that nobody is to be expected there any more.
    """
    books, mine = workplace.books, environment.machine_name()
    for sign in signs:
        known = books.open_incident(IncidentKind.SILENCE, sign.machine)
        silence = next(silences([sign], now), None)
        if silence is None:
            if known is not None:
                _close(workplace, known, phrase("the runner there gave a sign of life"))
        elif known is None and sign.incident is not None:
            books.forget_sign(sign.machine)
        elif sign.machine != mine:
            _open(workplace, Incident(IncidentKind.SILENCE, sign.machine, str(silence.what)))
            opened = books.open_incident(IncidentKind.SILENCE, sign.machine)
            if opened is not None and sign.incident != opened.id:
                books.note_sign(replace(sign, incident=opened.id))


def forget_jobs(workplace: Workplace, duties: Sequence[Duty], kinds: Collection[DutyKind], now: datetime) -> None:
    """Let go of what was noted of work of `kinds` that is not to be done any more, now or later."""
    names = {(duty.kind.value, duty.subject) for duty in duties}
    ours = {kind.value for kind in kinds}
    for job in workplace.books.jobs():
        if job.kind in ours and (job.kind, job.subject) not in names and not job.is_held(now):
            workplace.books.end_job(job, now)


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
