"""Watch the media: find what is due about them, and open an incident for what is late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from preserve.model import events
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.medium_care import CareKind, CareRules, MediumDuty, duties
from preserve.model.medium_register import overdue_subject
from preserve.model.nouns import Event
from preserve.model.phrases import phrase
from preserve.state.books import Books
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class WatchReport:
    """What is due now, and the incidents about late media that are open after this."""

    due: tuple[MediumDuty, ...]
    incidents: tuple[Incident, ...]


def media_duties(books: Books, rules: CareRules, *, with_copies: bool = True) -> list[MediumDuty]:
    """All that media need next by the books, the earliest first; what is out of use needs nothing but to be let go.

    Without a look at the copies, which may be millions, a disk counts as powered on when it was last inspected.
    """
    in_use = {entry.name for entry in books.stores()}
    media = [each for each in books.media() if each.store in in_use or each.refreshed_into is not None]
    uses = books.medium_uses() if with_copies else {}
    return duties(media, uses, books.readers(), rules)


def is_watched(books: Books, duties: Sequence[MediumDuty], now: datetime) -> bool:
    """Whether `watch_media` would change nothing."""
    late = {overdue_subject(duty.subject) for duty in duties if duty.is_late(now)}
    return late == {incident.subject for incident in _ours(books)}


def _ours(books: Books) -> list[Incident]:
    """The open incidents about late media."""
    subjects = {overdue_subject(medium.number) for medium in books.media()}
    return [each for each in books.incidents() if each.kind is IncidentKind.MEDIUM and each.subject in subjects]


def watch_media(workplace: Workplace, rules: CareRules) -> WatchReport:
    """Open an incident for each medium that is out, or waits to be inspected or refreshed, past the deadline; close
    what is over.

    Doing it again changes nothing.
    """
    books, now = workplace.books, workplace.clock.now()
    due = [duty for duty in media_duties(books, rules) if duty.is_due(now)]
    late = {overdue_subject(duty.subject): duty for duty in reversed(due) if duty.is_late(now)}  # the first is named
    workplace.record(*_bookings(workplace, late))
    return WatchReport(tuple(due), tuple(_ours(books)))


def _bookings(workplace: Workplace, late: dict[str, MediumDuty]) -> Iterator[Event]:
    act, at = workplace.act, workplace.now()
    for incident in _ours(workplace.books):
        if incident.subject not in late:
            yield events.incident_closed(act, at, incident.id, phrase("nothing about it is late any more"))
    for subject, duty in late.items():
        yield events.incident_opened(act, at, Incident(IncidentKind.MEDIUM, subject, _what(duty)))


def _what(duty: MediumDuty) -> str:
    day = duty.deadline.date().isoformat() if duty.deadline else "-"
    if duty.kind is CareKind.RETURN:
        return phrase(
            "medium {medium} should be back, or received, since {day}: {why}",
            medium=duty.subject,
            day=day,
            why=str(duty.why),
        )
    if duty.kind is CareKind.REFRESH:
        return phrase(
            "medium {medium} was to be refreshed by {day}: {why}", medium=duty.subject, day=day, why=str(duty.why)
        )
    return phrase(
        "medium {medium} was to be inspected by {day}: {why}", medium=duty.subject, day=day, why=str(duty.why)
    )
