"""Refresh a medium (更新): everything on it goes to a new one, byte for byte; both are read twice, the old one is kept.

Each is read the first time while it is copied (every block of the old against its digest, the whole of the new before
its copy is booked), the second time by an audit of both when all is copied.  What the old medium no longer gives
soundly comes from other copies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from preserve.errors import NoSpace, Refused, Unavailable
from preserve.model import events, medium_events
from preserve.model.incidents import IncidentKind
from preserve.model.medium_register import Custody, MediumEntry, RefreshOutcome, RefreshPlan, overdue_subject
from preserve.model.nouns import CopyEntry, CopyState, Event, StoreEntry
from preserve.model.phrases import phrase
from preserve.packages import places
from preserve.packages.carriers.recognising import require_itself
from preserve.packages.held import HeldCopy
from preserve.packages.judging.reports import AuditReport, AuditRequest
from preserve.packages.making.copying import Copying, CopyWork
from preserve.packages.timekeeping import require_trusted
from preserve.workplace import Workplace

_MADE = [state for state in CopyState if state is not CopyState.DUE]

Audit = Callable[[AuditRequest], AuditReport]
"""Reads stores again and books what it saw (`preserve.operations.audit.audit`, in the same workplace)."""


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh came to.  `copied` copies were made now; where it is not complete, the old medium stays in use and
    the findings say what is wrong.  `hold_until` is the day until which the old one is kept."""

    plan: RefreshPlan
    outcome: RefreshOutcome
    copied: int
    hold_until: str | None
    audit: AuditReport


def refresh_medium(workplace: Workplace, plan: RefreshPlan, reading: AuditRequest, audit: Audit) -> RefreshReport:
    """Copy all of `plan.old` to `plan.new`, read both again, and put the old one out of use where the new has it all.

    `reading` gives the audit its policies and kit.  One that was interrupted goes on by the plan it began with.  Raises
    `Refused` where the two do not fit, or the three persons are not three; `Unavailable` where one of them is not
    mounted or is taken away; `NoSpace`.
    """
    books = workplace.books
    old, new = books.medium(plan.old), books.medium(plan.new)
    if old.refreshed_into is not None and books.retired_store(old.store) is not None:
        raise Refused(
            "medium {medium} was replaced by {new} already: nothing is left to do; keep it until {day}",
            medium=old.number,
            new=old.refreshed_into,
            day=old.hold_until or "-",
        )
    _refuse_misfit(plan, old, new, books.store(old.store), books.store(new.store))
    with workplace.claim(f"medium {old.number}"), workplace.claim(f"medium {new.number}"):
        for medium in (old, new):
            require_itself(books, medium, workplace.stores[medium.store])
        _require_room(workplace, old, new)
        workplace.record(medium_events.refresh_begun(workplace.act, workplace.now(), plan))
        plan = next(each.plan for each in reversed(books.refreshes_of(old.number)) if each.ended_at is None)
        taken = _copy_all(workplace, old, new)
        report = audit(
            AuditRequest(stores=tuple(sorted([old.store, new.store])), policies=reading.policies, kit=reading.kit)
        )
        _require_read(report, old, new)
        outcome = _outcome(workplace, old, new, taken.sources, report)
        hold_until = _end(workplace, plan, old, outcome) if outcome.is_complete else None
    return RefreshReport(plan, outcome, taken.copies, hold_until, report)


def _refuse_misfit(plan: RefreshPlan, old: MediumEntry, new: MediumEntry, was: StoreEntry, to: StoreEntry) -> None:
    if old.number == new.number:
        raise Refused("medium {medium} cannot be refreshed into itself; name a new one", medium=old.number)
    if len({plan.approver, plan.executor, plan.auditor}) < 3:
        raise Refused(
            "a refresh has three persons: who approves it, who carries it out and who checks it; {approver}, {executor}"
            " and {auditor} are not three",
            approver=plan.approver,
            executor=plan.executor,
            auditor=plan.auditor,
        )
    if was.role is not to.role:
        raise Refused(
            "medium {old} is for {role} and medium {new} for {other}; refresh into one of the same role",
            old=old.number,
            role=was.role,
            new=new.number,
            other=to.role,
        )
    for medium in (old, new):
        if medium.custody is not Custody.AT_HAND:
            raise Refused(
                "medium {medium} is not at hand; book with `preserve medium check-in {medium}` that it is, and mount"
                " it",
                medium=medium.number,
            )
    one, other = places.spot_of(was.url), places.spot_of(to.url)
    if one.itself is not None and one.itself == other.itself:
        raise Refused("{url} is both media; mount the new one in a place of its own", url=to.url)


def _require_room(workplace: Workplace, old: MediumEntry, new: MediumEntry) -> None:
    """A new medium that is too small is said before anything is written to it."""
    there = {copy.package_id for copy in workplace.books.copies(store=new.store, states=_MADE)}
    needed = sum(
        receipt.bag_bytes + receipt.blocks.bytes + receipt.members.bytes
        for copy in workplace.books.copies(store=old.store, states=_MADE)
        if copy.package_id not in there
        for receipt in [workplace.books.package(copy.package_id).receipt]
    )
    free = workplace.stores[new.store].free_bytes()
    if free is not None and free < needed:
        raise NoSpace(
            "medium {new} has room for {free} bytes and what is on medium {old} needs {needed}; take a larger one",
            new=new.number,
            free=free,
            old=old.number,
            needed=needed,
        )


@dataclass(frozen=True, slots=True)
class _Taken:
    """How many copies were made, and how many bytes came from each store."""

    copies: int
    sources: Mapping[str, int]


def _copy_all(workplace: Workplace, old: MediumEntry, new: MediumEntry) -> _Taken:
    sources: Counter[str] = Counter()
    copies = 0
    for copy in workplace.books.copies(store=old.store, states=_MADE):
        if workplace.books.copy(copy.package_id, new.store) is None:
            sources.update(_copy(workplace, copy, new.store))
            copies += 1
    return _Taken(copies, dict(sources))


def _copy(workplace: Workplace, copy: CopyEntry, target: str) -> Mapping[str, int]:
    """Make one copy and book it; the old medium is asked first, and other stores for what it does not give soundly."""
    package = workplace.books.package(copy.package_id)
    others = [each for each in workplace.books.copies(package=package.id, states=_MADE) if each.store != copy.store]
    sources = [HeldCopy(workplace.stores[each.store], package, each) for each in (copy, *others)]
    with workplace.claim(f"{package.id} {target}"):
        work = Copying(package, workplace.stores[target], sources, workplace.progress, workplace.work, None).run()
        workplace.record(*_copy_bookings(workplace, package.id, target, package.receipt.bag_bytes, work))
    return work.taken


def _copy_bookings(workplace: Workplace, package: str, store: str, size: int, work: CopyWork) -> Iterator[Event]:
    act, at = workplace.act, workplace.now()
    if work.mismatch:
        yield events.found(act, at, work.mismatch.finding(package, store))
    yield events.copied(act, at, package, store, work.state, size)


def _require_read(report: AuditReport, old: MediumEntry, new: MediumEntry) -> None:
    for tampered in report.contradictions.values():
        raise tampered
    for medium in (old, new):
        if medium.store in report.away:
            raise Unavailable(
                "medium {medium} was taken away while it was read, or fails: {why}; put it back and run the command"
                " again, which goes on from there",
                medium=medium.number,
                why=report.away[medium.store],
            )


def _outcome(
    workplace: Workplace, old: MediumEntry, new: MediumEntry, sources: Mapping[str, int], report: AuditReport
) -> RefreshOutcome:
    books = workplace.books
    copies = sound_on_old = sound_on_new = 0
    for copy in books.copies(store=old.store, states=_MADE):
        renewed = books.copy(copy.package_id, new.store)
        copies += 1
        sound_on_old += copy.state is CopyState.VERIFIED
        sound_on_new += renewed is not None and renewed.state is CopyState.VERIFIED
    use = books.medium_uses().get(new.store)
    return RefreshOutcome(copies, sound_on_old, sound_on_new, use.bytes if use else 0, sources, (report.run,))


def _end(workplace: Workplace, plan: RefreshPlan, old: MediumEntry, outcome: RefreshOutcome) -> str:
    """Book that the refresh came to its end and that the old medium is out of use; both or neither."""
    act, at = workplace.act, workplace.now()
    require_trusted(workplace)
    until = (workplace.clock.now() + timedelta(days=plan.hold_days)).date().isoformat()
    evidence = phrase("medium {old} was refreshed into medium {new}", old=plan.old, new=plan.new)
    subjects = (old.number, overdue_subject(old.number), old.store)
    over = [each for each in workplace.books.incidents() if each.subject in subjects and not each.ending.by_word]
    workplace.record(
        medium_events.refresh_ended(act, at, plan, outcome, until),
        events.store_retired(act, at, old.store, False, evidence),
        # Nothing more is tried or looked at there: nothing else would end what only a look ends.
        *(events.incident_closed(act, at, each.id, evidence) for each in over if each.kind is not IncidentKind.BRAKE),
    )
    return until
