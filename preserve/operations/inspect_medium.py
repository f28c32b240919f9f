"""Inspect a medium: a person looks at the carrier, an audit reads what is on it, and both results are booked apart.

条例 §41 asks for two answers, the condition of the carrier (载体的完好程度) and the readability of the data
(数据的可读性); a third, fixity, says whether what was read is what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from preserve.errors import Refused, Unavailable
from preserve.model import events, medium_events
from preserve.model.incidents import IncidentKind
from preserve.model.medium_register import (
    Answer,
    CarrierCondition,
    Cause,
    Custody,
    Inspection,
    MediumEntry,
)
from preserve.model.nouns import Condition, Event, Level
from preserve.model.phrases import phrase
from preserve.packages.carriers.recognising import require_itself
from preserve.packages.judging.reports import AuditReport, AuditRequest
from preserve.workplace import Workplace

Audit = Callable[[AuditRequest], AuditReport]
"""Reads stores again and books what it saw (`preserve.operations.audit.audit`, in the same workplace)."""


@dataclass(frozen=True, slots=True)
class InspectRequest:
    """One medium, and the person's word about the carrier.

    `reading` is how the audit is to read, but for its stores; level full, or sample.
    """

    number: str
    condition: CarrierCondition
    reading: AuditRequest
    cause: Cause = Cause.ASKED
    note: str = ""


@dataclass(frozen=True, slots=True)
class InspectReport:
    """What was booked; `result` None where the reading was not brought to its end, and nothing was booked."""

    medium: MediumEntry
    result: Inspection | None
    audit: AuditReport | None


def inspect_medium(workplace: Workplace, request: InspectRequest, audit: Audit) -> InspectReport:
    """Read a mounted medium that is at hand, book the result, and close the incident about it where all is well.

    A broken carrier that cannot be mounted is booked as such, without a reading.  Raises `Refused` for a medium that
    is not at hand or is an older copy of itself, `Unavailable` where it is not mounted or was taken away meanwhile: the
    next inspection goes on where the reading was.
    """
    medium = workplace.books.medium(request.number)
    _refuse_not_at_hand(medium)
    with workplace.claim(f"medium {medium.number}"):
        report = _reading(workplace, medium, request, audit)
        if report is None:
            result = Inspection(
                request.cause, request.condition, Answer.NOT_CHECKED, Answer.NOT_CHECKED, note=request.note
            )
        elif report.is_ended_by_budget:
            return InspectReport(medium, None, report)
        else:
            result = _result(request, report)
        workplace.record(*_bookings(workplace, medium, result))
    return InspectReport(workplace.books.medium(medium.number), result, report)


def _refuse_not_at_hand(medium: MediumEntry) -> None:
    if medium.refreshed_into is not None:
        raise Refused(
            "medium {medium} was replaced by {new}; inspect that one", medium=medium.number, new=medium.refreshed_into
        )
    if medium.custody is not Custody.AT_HAND:
        raise Refused(
            "medium {medium} is not at hand; book with `preserve medium check-in {medium}` that it is, and mount it",
            medium=medium.number,
        )


def _reading(workplace: Workplace, medium: MediumEntry, request: InspectRequest, audit: Audit) -> AuditReport | None:
    """What an audit of the medium saw; None where a person saw that it is broken, and it cannot be mounted."""
    try:
        require_itself(workplace.books, medium, workplace.stores[medium.store])
    except Unavailable:
        if request.condition is CarrierCondition.BROKEN:
            return None
        raise
    reading = request.reading
    report = audit(
        AuditRequest(
            level=reading.level,
            stores=(medium.store,),
            budget=reading.budget,
            afresh=_has_moved_since(workplace, medium, reading.level),
            aim=reading.aim,
            policies=reading.policies,
            kit=reading.kit,
        )
    )
    for tampered in report.contradictions.values():
        raise tampered
    if report.away:
        raise Unavailable(
            "medium {medium} was taken away while it was read, or fails: {why}; put it back and inspect it again, which"
            " goes on from there",
            medium=medium.number,
            why=report.away[medium.store],
        )
    return report


def _has_moved_since(workplace: Workplace, medium: MediumEntry, level: Level) -> bool:
    """Whether the medium was in other hands since a reading of it was interrupted: what was read then says nothing."""
    begun = workplace.books.unfinished_audit(level, (medium.store,))
    return begun is not None and medium.moved_at is not None and begun.begun_at < medium.moved_at


def _looked_at(report: AuditReport) -> int:
    counts = report.counts
    return counts.sound + counts.damaged + counts.missing + counts.unreadable


def _result(request: InspectRequest, report: AuditReport) -> Inspection:
    counts = report.counts
    copies = counts.sound + counts.damaged + counts.missing + counts.unreadable + counts.not_checked
    conditions = {finding.condition for finding in report.findings}
    is_unread = bool(counts.unreadable or counts.missing or conditions & {Condition.UNREADABLE, Condition.MISSING})
    is_altered = bool(counts.damaged or Condition.DAMAGED in conditions)
    # A sample leaves copies out on purpose, but not all; of a full reading each copy must have been seen.
    is_sample = request.reading.level is Level.SAMPLE
    is_left_out = _looked_at(report) == 0 or (counts.not_checked > 0 and not is_sample)
    return Inspection(
        cause=request.cause,
        condition=request.condition,
        readability=_answer(is_unread, is_left_out),
        fixity=_answer(is_altered, is_left_out),
        run=report.run,
        copies=copies,
        not_sound=counts.damaged + counts.missing + counts.unreadable,
        note=request.note,
    )


def _answer(has_failed: bool, is_left_out: bool) -> Answer:
    if has_failed:
        return Answer.FAILED
    return Answer.NOT_CHECKED if is_left_out else Answer.PASSED


def _bookings(workplace: Workplace, medium: MediumEntry, result: Inspection) -> Iterator[Event]:
    act, at = workplace.act, workplace.now()
    yield medium_events.medium_inspected(act, at, medium.number, result)
    incident = workplace.books.open_incident(IncidentKind.MEDIUM, medium.number)
    if incident is not None and result.is_passed:
        evidence = phrase(
            "medium {medium} was inspected: {count} copies on it are sound", medium=medium.number, count=result.copies
        )
        yield events.incident_closed(act, at, incident.id, evidence)
