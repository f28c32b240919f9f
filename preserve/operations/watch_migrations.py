"""Watch migrations: whether what each was approved on is as it was, and tell where it is not, before somebody runs it.

A new release of signatures, a program that vanished or came in another version, a pathway or an entry of the register
that somebody edited re-opens the question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from preserve.model import events
from preserve.model.formats.watching import Circumstances, Reopened, reopened
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.migration_waits import standing_of
from preserve.model.migrations import Migration, PilotEntry, claim_on
from preserve.model.nouns import Event
from preserve.model.phrases import phrase
from preserve.state.books import Books
from preserve.workplace import Workplace

Now = Callable[[Migration, PilotEntry], Circumstances]
"""How things are now, for a migration and what it was tried with."""


@dataclass(frozen=True, slots=True)
class Watched:
    """How many approvals were looked at, and how many of them do not hold any more."""

    approvals: int
    reopened: int


def is_watched(books: Books) -> bool:
    """Whether any migration is under an approval that may come to be void, or an incident about one is open."""
    is_any = any(each.state.is_open and books.approval(each.number) is not None for each in books.migrations())
    return is_any or any(each.kind is IncidentKind.REOPENED for each in books.incidents())


def watch_migrations(workplace: Workplace, now: Now) -> Watched:
    """Look at all approvals; open an incident for each that is void, and close those that are over."""
    books = workplace.books
    found = dict(_looked_at(books, now))
    void = {claim_on(number): _incident(number, changed) for number, changed in found.items() if changed}
    known = {each.subject: each for each in books.incidents() if each.kind is IncidentKind.REOPENED}
    happened: list[Event] = [
        events.incident_opened(workplace.act, workplace.now(), incident)
        for subject, incident in void.items()
        if subject not in known
    ]
    evidence = phrase("looked at again, no approval of it is void any more")
    happened += [
        events.incident_closed(workplace.act, workplace.now(), incident.id, evidence)
        for subject, incident in known.items()
        if subject not in void
    ]
    if happened:
        workplace.record(*happened)
    return Watched(len(found), len(void))


def _looked_at(books: Books, now: Now) -> Iterator[tuple[int, tuple[Reopened, ...]]]:
    for migration in books.migrations():
        approval, pilot = books.approval(migration.number), books.last_pilot(migration.number)
        if migration.state.is_open and approval is not None and pilot is not None:
            yield migration.number, standing_of(migration, reopened(approval, pilot, now(migration, pilot))).reopened


def _incident(number: int, changed: tuple[Reopened, ...]) -> Incident:
    what = phrase("the approval of migration {migration} is void: {what}", migration=number, what=changed[0].what)
    return Incident(IncidentKind.REOPENED, claim_on(number), what)
