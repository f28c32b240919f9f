"""The work that brings what is new at the sources: harvests by the backup rules of policies, looks at drop folders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from preserve import clock, compose
from preserve.clock import moment_of
from preserve.daemon.works import Shift, Work
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.harvest_due import SourceStanding, harvests_due
from preserve.model.sentences import sentence
from preserve.model.sources import Registered, SourceKind
from preserve.state.books import Books
from preserve.workplace import Workplace

MOST_NAMED = 10
_LOOK = "look into drop folder "
"""What the note of the last look begins with."""


def _harvests(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty for each source that is harvested by a rule."""
    books = shift.workplace.books
    standings = []
    for source in books.sources():
        harvested_at = _last_look(books, source)
        registered_at = moment_of(source.registered_at)
        standings.append(SourceStanding(source, registered_at, moment_of(harvested_at) if harvested_at else None))
    for due in harvests_due(standings, shift.policies, clock.zone, now):
        why = sentence("source {source} is to be harvested", source=due.source)
        stores = _stores_for(shift, books.source(due.source))
        yield Duty(DutyKind.HARVEST, due.source, due.due_at, why, due.latest, stores=stores)


def _stores_for(shift: Shift, source: Registered) -> tuple[str, ...]:
    """The stores that may take what is harvested: it is not begun while none of them can be reached."""
    policy = shift.policies.get(source.entry.policy)
    roles = {rule.role for rule in policy.copies} if policy else set()
    return tuple(store.name for store in shift.workplace.books.stores() if store.role in roles)


def _last_look(books: Books, source: Registered) -> str | None:
    """When a source was last gone through.  Of a drop folder in which nothing lay there is but a note."""
    if source.entry.kind is SourceKind.DROP:
        return books.progress(_LOOK + source.entry.name)
    last = books.last_whole_harvest(source.entry.name)
    return last.seen_at if last else None


def _harvest(shift: Shift, duty: Duty) -> Ended:
    """Harvest one source.  What the brake holds is an incident, and the work is done all the same."""
    from preserve.operations.harvest import harvest

    place = shift.workplace
    source = place.books.source(duty.subject)
    if source.entry.kind is SourceKind.DROP:
        return _taken(shift, place, source)
    report = harvest(place, compose.harvest_request(shift.home, place, source))
    if report.entry is None:
        what = sentence("ALARM: the brake holds source {source}; see the incident", source=duty.subject)
        return Ended(Ending.DONE, what)
    counts = report.entry.counts
    if counts.passed_over:
        what = sentence(
            "source {source}: new {new}, changed {changed}, vanished {vanished}; ALARM: passed over {passed_over}; see"
            " the incident",
            source=duty.subject,
            new=counts.new,
            changed=counts.changed,
            vanished=counts.vanished,
            passed_over=counts.passed_over,
        )
        return Ended(Ending.DONE, what)
    what = sentence(
        "source {source}: new {new}, changed {changed}, vanished {vanished}",
        source=duty.subject,
        new=counts.new,
        changed=counts.changed,
        vanished=counts.vanished,
    )
    return Ended(Ending.DONE, what)


def _taken(shift: Shift, place: Workplace, source: Registered) -> Ended:
    from preserve.operations.take_submissions import take_submissions

    report = take_submissions(place, compose.take_request(shift.home, place, source))
    place.books.set_progress(_LOOK + source.entry.name, place.now())
    if report.orphans:
        what = sentence(
            "ALARM: in drop folder {source} lie markers without a submission ({names}); ask who laid them there, and"
            " remove them if nothing was handed over",
            source=source.entry.name,
            names=", ".join(report.orphans[:MOST_NAMED]),
        )
        return Ended(Ending.FAILED, what, has_incident=True)
    if report.forgotten:
        what = sentence(
            "ALARM: in drop folder {source} lies what was not declared complete for long, or does not come to rest"
            " ({names}); ask who laid it there",
            source=source.entry.name,
            names=", ".join(report.forgotten[:MOST_NAMED]),
        )
        return Ended(Ending.FAILED, what, has_incident=True)
    what = sentence(
        "source {source}: submissions taken {taken}, waiting {waiting}, refused {refused}",
        source=source.entry.name,
        taken=len(report.taken),
        waiting=len(report.waiting),
        refused=len(report.refused),
    )
    return Ended(Ending.FAILED if report.refused else Ending.DONE, what, has_incident=True)


HARVEST = Work(DutyKind.HARVEST, _harvests, _harvest)
