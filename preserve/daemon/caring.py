"""Works about removable media.  A person has to come first for most: to fetch one, look at it, approve its refresh.

So the runner says what is due and with which command, and does by itself what needs nobody: it opens the incident
about a medium that is late, and closes it when that is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from preserve import compose
from preserve.daemon.works import Shift, Work
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.medium_care import CareKind, MediumDuty
from preserve.model.sentences import Sentence, sentence
from preserve.operations.watch_media import is_watched, media_duties, watch_media

WATCH = "the register of media"
"""The subject of the duty to open and close incidents about late media."""

_INSPECTIONS = (CareKind.BATCH_INSPECTION, CareKind.INSPECTION)


def _inspections(shift: Shift, now: datetime) -> Iterator[Duty]:
    books = shift.workplace.books
    if not books.media():
        return
    rules = compose.medium_rules(books)
    duties = media_duties(books, rules, with_copies=False)
    for subject, duty in _first_of_each(duties, _INSPECTIONS).items():
        yield Duty(DutyKind.INSPECTION, subject, duty.due_at, duty.why)
    if not is_watched(books, duties, now):
        yield Duty(DutyKind.INSPECTION, WATCH, now, sentence("a medium is late, or no longer late"))


def _refreshes(shift: Shift, now: datetime) -> Iterator[Duty]:
    books = shift.workplace.books
    if not books.media():
        return
    duties = media_duties(books, compose.medium_rules(books), with_copies=False)
    for subject, duty in _first_of_each(duties, (CareKind.REFRESH,)).items():
        yield Duty(DutyKind.REFRESHING, subject, duty.due_at, duty.why)


def _first_of_each(duties: list[MediumDuty], kinds: tuple[CareKind, ...]) -> dict[str, MediumDuty]:
    """For each medium what is due first of these kinds; the duties come in that order."""
    first: dict[str, MediumDuty] = {}
    for duty in duties:
        if duty.kind in kinds:
            first.setdefault(duty.subject, duty)
    return first


def _inspect(shift: Shift, duty: Duty) -> Ended:
    if duty.subject == WATCH:
        report = watch_media(shift.workplace, compose.medium_rules(shift.workplace.books))
        return Ended(Ending.DONE, sentence("incidents open about late media: {count}", count=len(report.incidents)))
    return _for_a_person(
        sentence(
            "medium {medium} waits for a person who looks at it: `preserve medium inspect {medium} --condition …`",
            medium=duty.subject,
        )
    )


def _refresh(shift: Shift, duty: Duty) -> Ended:
    return _for_a_person(
        sentence(
            "medium {medium} waits for a person who approves that it is replaced: `preserve medium refresh {medium}"
            " --to NEW`",
            medium=duty.subject,
        )
    )


def _for_a_person(what: Sentence) -> Ended:
    return Ended(Ending.PUT_OFF, what)


INSPECTION = Work(DutyKind.INSPECTION, _inspections, _inspect)
REFRESHING = Work(DutyKind.REFRESHING, _refreshes, _refresh)
