"""Works that look: audits of the copies that are due, and the listing of whole stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from preserve import compose
from preserve.clock import moment_of, monotonic_seconds, stamp
from preserve.daemon.crew import ALONE
from preserve.daemon.thawing import waiting
from preserve.daemon.works import Shift, Work
from preserve.errors import Frozen, Refused
from preserve.model import looking
from preserve.model.audit import CLOCKS_DIFFER, Budget, audit_claim
from preserve.model.audit_plans import Reading
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.looking import UNVERIFIED_WITHIN, Share, Span
from preserve.model.nouns import CopyState, Level, StoreEntry
from preserve.model.on_the_way import time_allowed
from preserve.model.policy import AuditRule, Policy
from preserve.model.sentences import Sentence, sentence
from preserve.model.thawing import budget_of, is_kept_cold, month_of
from preserve.state.standing_reading import AlikeStanding, Looks

if TYPE_CHECKING:
    from preserve.operations.audit import AuditReport, AuditRequest

COPIES_AT_ONCE = 200
"""Copies of one audit: its entry in the ledger names them all, and a killed one is taken up again as a whole."""


class AuditCause(StrEnum):
    """Why copies are to be looked at, most at risk first."""

    UNVERIFIED = "unverified"  # nobody has read them back yet, or what came was doubtful
    LAST = "last"  # no other verified copy is left
    FULL = "full"  # the last reading of every byte is too long ago
    SAMPLE = "sample"  # so is the last reading of a sample


@dataclass(frozen=True, slots=True)
class _Place:
    """The copies in one store under one policy."""

    store: StoreEntry
    policy: Policy
    rank: int
    stores: int

    @property
    def rule(self) -> AuditRule:
        return self.policy.audit_on(self.store.role)

    @property
    def full_age(self) -> timedelta:
        """How old a full reading may be; where the policy asks for samples alone, as old as a sample."""
        rule = self.rule
        return timedelta(days=rule.every_days if rule.level is Level.FULL else rule.full_every_days or rule.every_days)

    def read_within(self, state: CopyState) -> timedelta:
        """How long a copy in a state that is not verified may wait for being read; policy may allow more time for the
        first reading of one that was written."""
        soon = min(UNVERIFIED_WITHIN, self.full_age)
        is_new = state in (CopyState.WRITTEN, CopyState.ATTESTED)
        return max(soon, time_allowed(self.policy, self.store.role) or soon) if is_new else soon

    def holds_unverified(self, standing: AlikeStanding) -> bool:
        state = standing.states.get(self.store.name)
        return standing.policy == self.policy.name and state is not None and looking.is_unverified(state)

    def holds_last(self, standing: AlikeStanding) -> bool:
        is_last = looking.is_last(self.policy, standing.states, self.store.name)
        return standing.policy == self.policy.name and is_last

    def spans(self, level: Level, now: datetime) -> list[Span]:
        return [each for each in looking.spans(self.rule, self.rank, self.stores, now) if each.level is level]

    def claim(self, level: Level) -> str:
        """What one runner at a time works on: what one cause names, another may name too."""
        return f"audits of {self.store.name} {self.policy.name} {level}"

    def subject(self, cause: AuditCause) -> str:
        return f"{self.store.name} {self.policy.name} {cause}"


def _places(shift: Shift) -> Iterator[_Place]:
    """Every store and policy under which copies may be in it."""
    stores = shift.workplace.books.stores()
    for _, policy in sorted(shift.policies.items()):
        ranks = looking.ranks(policy, stores)
        for store in stores:
            if store.name in ranks:
                yield _Place(store, policy, ranks[store.name], len(ranks))


# What is due


def _audits(shift: Shift, now: datetime) -> Iterator[Duty]:
    standings = shift.workplace.books.standings()
    for place in _places(shift):
        yield from _unverified(shift, place, standings)
        yield from _last(shift, place, standings, now)
        yield from _aged(shift, place, now)


def _unverified(shift: Shift, place: _Place, standings: Sequence[AlikeStanding]) -> Iterator[Duty]:
    """Copies that nobody has read back yet."""
    unread = [each for each in standings if place.holds_unverified(each)]
    oldest = ((each, shift.workplace.books.first_booked(each)) for each in unread)
    found = [(each, moment_of(at)) for each, at in oldest if at is not None]  # some may be read by now
    if not found:
        return
    count = sum(each.packages for each, _ in found)
    since = min(at for _, at in found)
    latest = min(at + place.read_within(each.states[place.store.name]) for each, at in found)
    why = sentence("copies in {store} that nobody has read back yet: {count}", store=place.store.name, count=count)
    yield Duty(
        DutyKind.AUDIT, place.subject(AuditCause.UNVERIFIED), since, why, latest, 0, copies=count,
        stores=(place.store.name,), policies=(place.policy.name,),
    )  # fmt: skip


def _last(shift: Shift, place: _Place, standings: Sequence[AlikeStanding], now: datetime) -> Iterator[Duty]:
    """Copies that are the last verified ones: they are read four times as often as they must."""
    found = [each for each in standings if place.holds_last(each)]
    due = [looked for each in found for looked in _looked_at_alike(shift, place, each, now, 1)]
    if due:
        since = moment_of(min(at for _, at in due))
        count = sum(each.packages for each in found)
        why = sentence("packages whose last verified copy is in {store}: {count}", store=place.store.name, count=count)
        yield Duty(
            DutyKind.AUDIT, place.subject(AuditCause.LAST), since + place.full_age / 4, why, since + place.full_age, 1,
            copies=count, stores=(place.store.name,), policies=(place.policy.name,),
        )  # fmt: skip


def _aged(shift: Shift, place: _Place, now: datetime) -> Iterator[Duty]:
    """Copies whose last look is too long ago, or that their share of this period is due of."""
    for number, (level, cause) in enumerate([(Level.FULL, AuditCause.FULL), (Level.SAMPLE, AuditCause.SAMPLE)], 2):
        copies, size, due, late = 0, 0, [], []
        for span in place.spans(level, now):
            looks = _looks(shift, place, span)
            if looks.oldest is not None:
                oldest = moment_of(looks.oldest)
                copies, size = copies + looks.copies, size + looks.bytes
                due.append(span.due_at(oldest, now))
                late.append(span.late_at(oldest, now))
            postdated = _postdated(shift, place, span, now)
            if postdated.copies:  # a clock ran ahead: nobody knows when these were looked at
                copies, size = copies + postdated.copies, size + postdated.bytes
                due.append(now)
                late.append(now)
        share = _share_left(shift, place, now) if level is place.rule.level else None
        if share is not None and share.copies > copies:
            copies = share.copies
            due.append(share.since)
            late.append(share.until)
        missed = _share_missed(shift, place, now) if share is not None else None
        if missed is not None:
            due.append(missed.since)
            late.append(missed.until)
        if not copies:
            yield from _next(shift, place, level, place.subject(cause), now)
        else:
            why = sentence("copies in {store} to be read again: {count}", store=place.store.name, count=copies)
            yield Duty(
                DutyKind.AUDIT, place.subject(cause), min(due), why, min(late), number, copies=copies, bytes=size,
                stores=(place.store.name,), policies=(place.policy.name,),
            )  # fmt: skip


def _next(shift: Shift, place: _Place, level: Level, subject: str, now: datetime) -> Iterator[Duty]:
    """When the next copies are to be read again, where none is now."""
    books, coming = shift.workplace.books, []
    for span in place.spans(level, now):
        oldest = books.oldest_look(place.store.name, place.policy.name, level, span.is_new)
        if oldest is not None:
            coming.append((span.due_at(moment_of(oldest), now), span.late_at(moment_of(oldest), now)))
    if coming:
        due_at, late_at = min(coming)
        why = sentence("copies in {store} are to be read again", store=place.store.name)
        yield Duty(
            DutyKind.AUDIT, subject, due_at, why, late_at, stores=(place.store.name,), policies=(place.policy.name,)
        )


def _looks(shift: Shift, place: _Place, span: Span) -> Looks:
    books, before = shift.workplace.books, stamp(span.due_before)
    return books.looks(place.store.name, place.policy.name, span.level, before, is_new=span.is_new)


def _postdated(shift: Shift, place: _Place, span: Span, now: datetime) -> Looks:
    """Copies whose last look is dated on a day still to come."""
    books, ahead = shift.workplace.books, stamp(now + CLOCKS_DIFFER)
    return books.looks(place.store.name, place.policy.name, span.level, "~", since=ahead, is_new=span.is_new)


def _looked_at_alike(
    shift: Shift, place: _Place, standing: AlikeStanding, now: datetime, most: int
) -> list[tuple[str, str]]:
    before = stamp(now - place.full_age / 4)
    return shift.workplace.books.least_looked_at_alike(standing, place.store.name, before, most)


def _share_left(shift: Shift, place: _Place, now: datetime) -> Share | None:
    """What is left to be looked at of this period's share; None for nothing."""
    books, store, policy, level = shift.workplace.books, place.store.name, place.policy.name, place.rule.level
    share = looking.share(place.rule, books.copies_in(store, policy), now)
    if share is None:
        return None
    since = stamp(share.since)
    is_new = False if level is Level.FULL else None  # a booking is no look
    done = books.looks(store, policy, level, "~", since=since, is_new=is_new).copies
    waiting = books.looks(store, policy, level, since).copies
    left = min(share.copies - done, waiting)
    return replace(share, copies=left) if left > 0 else None


def _share_missed(shift: Shift, place: _Place, now: datetime) -> Share | None:
    """The share of the period before, where it was not looked at even up to now; None where it was, or none was wanted.

    A round that was missed is made up for by the next one: of each copy the books know the last look alone.
    """
    books, store, policy, level = shift.workplace.books, place.store.name, place.policy.name, place.rule.level
    before = looking.share_before(place.rule, 0, now)
    if before is None or compose.audited_alike_since(books, place.policy, place.store.role) > stamp(before.since):
        return None
    since = stamp(before.since)
    is_new = False if level is Level.FULL else None  # a booking is no look
    done = books.looks(store, policy, level, "~", since=since, is_new=is_new).copies
    waiting = books.looks(store, policy, level, since).copies
    wanted = looking.share_before(place.rule, done + waiting, now)
    return wanted if wanted is not None and wanted.copies > done else None


# Doing it


def _audit(shift: Shift, duty: Duty) -> Ended:
    """Look at the copies of one duty, a batch after the other, until the allowance is spent."""
    place, cause = _place_of(shift, duty)
    level = Level.SAMPLE if cause is AuditCause.SAMPLE else Level.FULL
    with shift.workplace.claim(place.claim(level)):
        if is_kept_cold(place.store):
            return _ask_for_cold(shift, place, cause, level)
        return _looked_at(shift, place, cause, level)


def _looked_at(shift: Shift, place: _Place, cause: AuditCause, level: Level) -> Ended:
    began, moved, looked, wrong, unread = monotonic_seconds(), 0, 0, 0, 0
    batch: list[str] = []
    stuck: set[str] = set()  # what could not be read stays due, and must not keep the others waiting
    while batch := _batch(shift, place, cause, level, batch, stuck):
        left = _left(shift.allowance, began, moved)
        if left is None:
            return Ended(Ending.PARTLY, _looked(looked, wrong), moved)
        report = shift.crew.audit(shift.workplace, _request(shift, place, level, batch, left))
        report.require_reached(place.store.name)
        moved += report.bytes_read
        looked += _answers(report)
        wrong += _answers(report) - report.counts.sound
        unread += report.counts.unreadable
    return Ended(Ending.FAILED if unread else Ending.DONE, _looked(looked, wrong), moved)


def _ask_for_cold(shift: Shift, place: _Place, cause: AuditCause, level: Level) -> Ended:
    """Ask for the next copies of a store that keeps its bags frozen, as far as its budget goes.  They are read by the
    duty that fetches them; until then what the store says of them stands, and what policy calls overdue is."""
    on_their_way = {thaw.bag.package_id for thaw in waiting(shift, place.store.name, shift.now())}
    spent = shift.workplace.books.thaw_spent(place.store.name, month_of(shift.now()))
    if budget_of(place.store, is_attended=False).is_spent(spent):
        raise Frozen(
            "store {store} keeps its copies frozen, and this month's budget of thawing is used up, or there is none;"
            " see `preserve store thaw {store} --all --plan`",
            store=place.store.name,
        )
    batch = _batch(shift, place, cause, level, [], on_their_way)
    if not batch:
        raise Frozen("what is to be read again of store {store} was asked for", store=place.store.name)
    # Not by a crew: one at a time asks a store, and spends of its budget.
    report = ALONE.audit(shift.workplace, _request(shift, place, level, batch, shift.allowance))
    report.require_reached(place.store.name)
    report.require_thawed(place.store.name)
    return Ended(Ending.PARTLY, _looked(_answers(report), _answers(report) - report.counts.sound), report.bytes_read)


def _batch(
    shift: Shift, place: _Place, cause: AuditCause, level: Level, last: Sequence[str], stuck: set[str]
) -> list[str]:
    """The next packages to look at, first those of an audit that was killed.

    None that was looked at in the `last` batch and is due all the same: it goes to those `stuck`.
    """
    if begun := _begun(shift, place, level):
        return begun
    while True:
        offered = _offered(shift, place, cause, level, COPIES_AT_ONCE + len(stuck))
        again = {package for package, _ in offered}.intersection(last) - stuck
        if not again:
            fresh = [each for each in offered if each[0] not in stuck]
            return [package for package, _ in sorted(fresh, key=lambda each: each[1])[:COPIES_AT_ONCE]]
        stuck |= again


def _begun(shift: Shift, place: _Place, level: Level) -> list[str]:
    """The packages of an audit that was begun here, and that nobody is at any more."""
    for run in shift.workplace.books.unfinished_parts(level, place.store.name, place.policy.name):
        if not shift.workplace.is_claimed(audit_claim(level, run.stores, run.packages)):
            return list(run.packages or ())
    return []


def _offered(shift: Shift, place: _Place, cause: AuditCause, level: Level, most: int) -> list[tuple[str, str]]:
    """At least so many of the packages that are due to be looked at, if there are, and since when."""
    books, now = shift.workplace.books, shift.now()
    if cause in (AuditCause.UNVERIFIED, AuditCause.LAST):
        chosen: list[tuple[str, str]] = []
        for each in books.standings():
            if cause is AuditCause.UNVERIFIED and place.holds_unverified(each):
                chosen += books.packages_standing(each.policy, each.states, most)
            elif cause is AuditCause.LAST and place.holds_last(each):
                chosen += _looked_at_alike(shift, place, each, now, most)
        return chosen
    return _oldest(shift, place, level, now, most)


def _oldest(shift: Shift, place: _Place, level: Level, now: datetime, most: int) -> list[tuple[str, str]]:
    """Copies whose last look is too long ago; where there are none, the oldest of this period's share."""
    books, store, policy = shift.workplace.books, place.store.name, place.policy.name
    to_come = ("~", stamp(now + CLOCKS_DIFFER))
    chosen = [
        looked
        for span in place.spans(level, now)
        for before, since in ((stamp(span.due_before), ""), to_come)
        for looked in books.least_looked_at(store, policy, level, before, most, since=since, is_new=span.is_new)
    ]
    share = _share_left(shift, place, now) if level is place.rule.level else None
    if chosen or share is None:
        return chosen
    wanted = min(share.copies + most - COPIES_AT_ONCE, most)
    return books.least_looked_at(store, policy, level, stamp(share.since), wanted)


def _request(shift: Shift, place: _Place, level: Level, batch: Sequence[str], budget: Budget) -> AuditRequest:
    from preserve.operations.audit import AuditRequest

    return AuditRequest(
        level=level,
        stores=(place.store.name,),
        among=tuple(batch),
        budget=budget,
        blocks_of_each=place.rule.sample_blocks if level is Level.SAMPLE else None,
        policies=shift.policies,
    )


def _left(allowance: Budget, began: float, moved: int) -> Budget | None:
    """What is left of an allowance; None once it is spent."""
    spent = monotonic_seconds() - began
    if allowance.is_spent(spent, moved):
        return None
    return Budget(
        None if allowance.seconds is None else allowance.seconds - spent,
        None if allowance.bytes is None else allowance.bytes - moved,
    )


def _answers(report: AuditReport) -> int:
    counts = report.counts
    return counts.sound + counts.damaged + counts.missing + counts.unreadable


def _looked(copies: int, wrong: int) -> Sentence:
    return sentence("copies looked at: {copies}; not sound: {wrong}", copies=copies, wrong=wrong)


def _place_of(shift: Shift, duty: Duty) -> tuple[_Place, AuditCause]:
    """The inverse of `_Place.subject`.  Raises `Refused` where the store was retired meanwhile."""
    for place in _places(shift):
        for cause in AuditCause:
            if place.subject(cause) == duty.subject:
                return place, cause
    raise Refused("{subject} is to be audited no longer", subject=duty.subject)


# Listing


def _listings(shift: Shift, now: datetime) -> Iterator[Duty]:
    """Whole stores to be looked through for what is missing, or what nobody expects."""
    books = shift.workplace.books
    listed = books.listed_at(stamp(now + CLOCKS_DIFFER))
    rules: dict[str, list[AuditRule]] = {}
    policies: dict[str, list[str]] = {}
    for place in _places(shift):
        if books.copies_in(place.store.name, place.policy.name):
            rules.setdefault(place.store.name, []).append(place.rule)
            policies.setdefault(place.store.name, []).append(place.policy.name)
    held_since = books.held_since(rules)
    for store, its in rules.items():
        every = looking.listing_every(its)
        last = moment_of(listed[store]) if store in listed else held_since[store]
        why = sentence("store {store} is to be looked through for what is missing or unexpected", store=store)
        latest = last + timedelta(days=max(rule.every_days for rule in its))
        yield Duty(
            DutyKind.LISTING, store, last + every - looking.lead(every), why, latest,
            stores=(store,), policies=tuple(policies[store]),
        )  # fmt: skip


def _list(shift: Shift, duty: Duty) -> Ended:
    from preserve.operations.audit import AuditRequest, audit

    entry = shift.workplace.books.store(duty.subject)
    level = Level.ATTESTED if is_kept_cold(entry) else Level.EXISTS
    request = AuditRequest(level, (duty.subject,), afresh=True, policies=shift.policies, kit=compose.kit())
    report = audit(shift.workplace, request)
    report.require_reached(duty.subject)
    return Ended(Ending.DONE, _looked(_answers(report), _answers(report) - report.counts.sound), report.bytes_read)


AUDIT = Work(DutyKind.AUDIT, _audits, _audit)
LISTING = Work(DutyKind.LISTING, _listings, _list)


# What is to come


def readings(shift: Shift, now: datetime, days: int) -> Iterator[Reading]:
    """The full and sampled readings that fall due in so many days, put together by the day of the last look; each comes
    again, a copy's age after it was due, as often as these days have room for."""
    until = now + timedelta(days=days)
    for place in _places(shift):
        for level in (Level.FULL, Level.SAMPLE):
            for span in place.spans(level, now):
                before = stamp(span.due_before + (until - now))
                found = shift.workplace.books.looks_by_day(
                    place.store.name, place.policy.name, level, before, is_new=span.is_new
                )
                for day, copies, size in found:
                    looked = datetime.fromisoformat(day).replace(tzinfo=UTC)
                    for due, late in span.rounds(looked, now, until):
                        yield Reading(place.store.name, due.date(), late.date(), copies, size)
