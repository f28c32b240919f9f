"""Works that make what policy wants: copies that are not there yet, and parity beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from preserve import compose
from preserve.clock import moment_of, monotonic_seconds
from preserve.daemon.works import Shift, Work
from preserve.errors import Refused, Unavailable
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.nouns import CopyEntry, Role, StoreEntry
from preserve.model.on_the_way import time_allowed
from preserve.model.placing import copies_due
from preserve.model.policy import Policy
from preserve.model.sentences import sentence
from preserve.state.standing_reading import AlikeStanding

if TYPE_CHECKING:
    from preserve.operations.make_parity import ParityNotMade, ParityReport

PACKAGES_AT_ONCE = 100
"""Packages that are replicated before anybody looks at what else is due."""


@dataclass(frozen=True, slots=True)
class _Shortfall:
    """Packages that stand alike, the stores in which each lacks a copy, and when the first of them was booked."""

    standing: AlikeStanding
    stores: tuple[str, ...]
    since: datetime


def _shortfalls(shift: Shift, policy: Policy) -> list[_Shortfall]:
    """Stores that are away are named only where no other may take the copy."""
    books, away = shift.workplace.books, shift.workplace.away
    registered = books.stores()
    found = []
    for standing in books.standings():
        if standing.policy == policy.name:
            copies = [CopyEntry("", store, state, "") for store, state in standing.states.items()]
            due = copies_due(policy, registered, copies, away)
            since = books.first_booked(standing) if due else None
            if since is not None:  # somebody may have made them by now
                found.append(_Shortfall(standing, tuple(due), moment_of(since)))
    return found


def _replications(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty for each policy under which packages lack copies: due at once, late when the time is over that policy
    allows for them."""
    books = shift.workplace.books
    stores = {store.name: store for store in books.stores()}
    for name, policy in sorted(shift.policies.items()):
        short = _shortfalls(shift, policy)
        if not short:
            continue
        late = [
            each.since + within
            for each in short
            for store in each.stores
            if (within := time_allowed(policy, stores[store].role)) is not None
        ]
        count = sum(each.standing.packages * len(each.stores) for each in short)
        why = sentence("copies that policy {policy} wants and that are not there: {count}", policy=name, count=count)
        yield Duty(
            DutyKind.REPLICATION, name, min(each.since for each in short), why, min(late, default=None), copies=count,
            stores=tuple(sorted({store for each in short for store in each.stores})), policies=(name,),
        )  # fmt: skip


def _replicate(shift: Shift, duty: Duty) -> Ended:
    """Make copies a batch of packages after the other, until none is due or the allowance is spent."""
    from preserve.operations.replicate import ReplicateRequest

    policy = shift.policies.get(duty.subject)
    if policy is None:
        raise Refused("{subject} is no policy in force", subject=duty.subject)
    request = ReplicateRequest(compose.policy_in_force(shift.workplace.books))
    began, made, moved = monotonic_seconds(), 0, 0
    while True:
        packages = _next_packages(shift, policy)
        if not packages:
            break
        if shift.allowance.is_spent(monotonic_seconds() - began, moved):
            return Ended(Ending.PARTLY, sentence("copies made: {made}", made=made), moved)
        report = shift.crew.replicate(shift.workplace, replace(request, among=tuple(packages), until=shift.until))
        made += len(report.made)
        moved += sum(each.bytes for each in report.made)
        if not report.made and not report.not_made:  # the stores that lack them are full, say
            return Ended(Ending.PUT_OFF, sentence("copies made: {made}", made=made), moved)
        if report.not_made:
            what = sentence(
                "copies made: {made}; {package} is not in {store}: {why}",
                made=made, package=report.not_made[0].package, store=report.not_made[0].store,
                why=report.not_made[0].why,
            )  # fmt: skip
            is_only_away = all(isinstance(each.why, Unavailable) for each in report.not_made)
            return Ended(Ending.PUT_OFF if is_only_away else Ending.FAILED, what, moved)
    _require_all_in_reach(shift, policy)
    return Ended(Ending.DONE, sentence("copies made: {made}", made=made), moved)


def _next_packages(shift: Shift, policy: Policy) -> list[str]:
    """The oldest packages that lack a copy in a store in reach."""
    books, away = shift.workplace.books, shift.workplace.away
    found: list[tuple[str, str]] = []
    for each in _shortfalls(shift, policy):
        if not away.issuperset(each.stores):
            found += books.packages_standing(policy.name, each.standing.states, PACKAGES_AT_ONCE)
    return [package for package, _ in sorted(found, key=lambda each: each[1])[:PACKAGES_AT_ONCE]]


def _require_all_in_reach(shift: Shift, policy: Policy) -> None:
    waiting = sorted({store for each in _shortfalls(shift, policy) for store in each.stores})
    if waiting:
        raise Unavailable("copies wait for stores that are away: {stores}", stores=", ".join(waiting))


def _parity_lacking(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty for each store in which verified copies lack parity that policies want."""
    for store in shift.workplace.books.stores():
        if count := _count_without_parity(shift, store):
            why = sentence("copies without parity in store {store}: {count}", store=store.name, count=count)
            yield Duty(DutyKind.PARITY, store.name, now, why, copies=count, stores=(store.name,))


def _count_without_parity(shift: Shift, store: StoreEntry) -> int:
    wanted = {name: percent for name, policy in shift.policies.items() if (percent := policy.parity_on(store.role))}
    books = shift.workplace.books
    return sum(books.count_lacking_parity(name, store.name, percent) for name, percent in wanted.items())


@dataclass(slots=True)
class _ParityMade:
    """What came of one duty: how many were made and how many could not be, with the first of these."""

    made: int = 0
    bytes: int = 0
    failed: int = 0
    first: ParityNotMade | None = None
    is_only_away: bool = True

    def add(self, report: ParityReport) -> None:
        self.made += report.made_count
        self.bytes += report.made_bytes
        self.failed += report.not_made_count
        self.first = self.first or next(iter(report.not_made), None)
        self.is_only_away = self.is_only_away and report.is_only_away


def _make_parity(shift: Shift, duty: Duty) -> Ended:
    """Make parity in one store, until each copy that lacks it had its turn or the allowance is spent.

    The next goes on behind the last one that was tried, so that those whose parity cannot be made keep it from none.
    """
    if duty.subject in shift.workplace.away:
        raise Unavailable("store {store} is away", store=duty.subject)
    role = shift.workplace.books.store(duty.subject).role
    began, sum_of = monotonic_seconds(), _ParityMade()
    ended = [_try_each(shift, duty, policy, began, sum_of) for policy in _wanting_parity(shift, role)]
    is_through = all(ended)
    if sum_of.first is not None and (is_through or not sum_of.made):
        what = sentence(
            "parity made: {made}; could not be made: {failed}; {package} has none in {store}: {why}",
            made=sum_of.made, failed=sum_of.failed, package=sum_of.first.package, store=sum_of.first.store,
            why=sum_of.first.why,
        )  # fmt: skip
        return Ended(Ending.PUT_OFF if sum_of.is_only_away else Ending.FAILED, what, sum_of.bytes)
    left = _count_without_parity(shift, shift.workplace.books.store(duty.subject))
    what = sentence("parity made: {made}; still due: {left}", made=sum_of.made, left=left)
    return Ended(Ending.PARTLY if left else Ending.DONE, what, sum_of.bytes)


def _wanting_parity(shift: Shift, role: Role) -> list[Policy]:
    return [policy for _, policy in sorted(shift.policies.items()) if policy.parity_on(role)]


def _try_each(shift: Shift, duty: Duty, policy: Policy, began: float, sum_of: _ParityMade) -> bool:
    """Try the copies under one policy in turn, from where the last duty ended; whether all had theirs."""
    from preserve.operations.make_parity import ParityRequest, make_parity

    books, job = shift.workplace.books, f"parity/{duty.subject}/{policy.name}"
    first = after = books.progress(job) or ""
    is_round = not first
    while not shift.allowance.is_spent(monotonic_seconds() - began, sum_of.bytes):
        request = ParityRequest({policy.name: policy}, (duty.subject,), most=PACKAGES_AT_ONCE, after=after)
        report = make_parity(shift.workplace, request)
        sum_of.add(report)
        after = report.last or ""
        if report.tried < PACKAGES_AT_ONCE:  # the end: the next begins anew
            if is_round:
                books.clear_progress(job)
                return True
            after, is_round = "", True
        books.set_progress(job, after)
        if is_round and first and after >= first:
            return True
        if report.tried and not report.made_count and report.is_only_away:  # what these wait for, the next may, too
            return False
    return False


PARITY = Work(DutyKind.PARITY, _parity_lacking, _make_parity)
REPLICATION = Work(DutyKind.REPLICATION, _replications, _replicate)
