"""Works that keep what protects copies in force: keys are tried on canaries, object locks are renewed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from preserve import compose
from preserve.daemon.works import Shift, Work
from preserve.model.canary import BETWEEN_STARTS, TRIED_EVERY, canaries_due
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.locks import LockStanding, is_all_locked, lock_rules, with_locks
from preserve.model.sentences import sentence


def _ending_locks(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty for each store with locks that policies want renewed, now or later."""
    books = shift.workplace.books
    standings = books.lock_standings(with_locks(books.stores()), lock_rules(shift.policies), now)
    by_store: dict[str, list[LockStanding]] = {}
    for standing in standings:
        by_store.setdefault(standing.store, []).append(standing)
    for store, stands in by_store.items():
        due = [moment for each in stands if (moment := each.due_at(now))]
        latest = [moment for each in stands if (moment := each.latest(now))]
        if due:
            count = sum(each.due for each in stands)
            why = sentence("object locks to renew in store {store}: {count}", store=store, count=count)
            yield Duty(DutyKind.LOCK_EXTENSION, store, min(due), why, min(latest, default=None), copies=count,
                       stores=(store,))  # fmt: skip


def _extend(shift: Shift, duty: Duty) -> Ended:
    """Renew the locks in one store."""
    from preserve.operations.extend_locks import ExtendRequest, extend_locks

    report = extend_locks(shift.workplace, ExtendRequest(lock_rules(shift.policies), duty.subject))
    what = sentence(
        "object locks extended: {extended}; not extended: {left}",
        extended=len(report.extended),
        left=len(report.not_extended),
    )
    if not report.not_extended:
        return Ended(Ending.DONE, what)
    return Ended(Ending.PUT_OFF if report.is_only_away else Ending.FAILED, what)


def _untried_canaries(shift: Shift, now: datetime, just_started: Collection[str] = ()) -> Iterator[Duty]:
    """One duty for each store; keys of those named in `just_started` are to be tried as soon as may be."""
    books = shift.workplace.books
    entries = books.stores()
    held_since = books.held_since(entry.name for entry in entries)
    every = dict.fromkeys(just_started, BETWEEN_STARTS)
    for due in canaries_due(entries, books.canaries(), held_since, now, lambda store: every.get(store, TRIED_EVERY)):
        why = (
            sentence("the keys of store {store} are to be tried on its canary", store=due.store)
            if due.has_keys
            else sentence("the canary in store {store} is to be looked at: nobody may have touched it", store=due.store)
        )
        yield Duty(DutyKind.CANARY, due.store, due.due_at, why, due.latest, stores=(due.store,))


def _try(shift: Shift, duty: Duty) -> Ended:
    """Try the keys of one store."""
    from preserve.operations.try_canaries import CanaryRequest, try_canaries

    in_use = (each.policy for each in shift.workplace.books.standings())
    are_locked = is_all_locked(lock_rules(shift.policies), in_use, shift.policies)
    report = try_canaries(shift.workplace, CanaryRequest(compose.key_trial, are_locked, (duty.subject,)))
    for _entry, error in report.untried:
        raise error
    if report.is_alarming:  # the trial came to its end, and the alarm is an incident
        return Ended(Ending.DONE, sentence("ALARM: the canary in store {store}; see the incident", store=duty.subject))
    if any(each.trial and each.trial.effects for each in report.tried):
        return Ended(Ending.DONE, sentence("the keys of store {store} could do no harm", store=duty.subject))
    return Ended(Ending.DONE, sentence("the canary in store {store} is as it was left", store=duty.subject))


def canary_from_start() -> Work:
    """The work on canaries for a runner that goes on: from its start on, whenever that is, it tries every store once,
    and then as the others do.

    What it tried stands in its memory alone: another machine's trial, by another machine's credentials, shows nothing
    of those that this one was started with.
    """
    tried: set[str] = set()

    def derive(shift: Shift, now: datetime) -> Iterator[Duty]:
        names = {entry.name for entry in shift.workplace.books.stores()}
        return _untried_canaries(shift, now, names - tried)

    def do(shift: Shift, duty: Duty) -> Ended:
        ended = _try(shift, duty)
        tried.add(duty.subject)
        return ended

    return Work(DutyKind.CANARY, derive, do)


CANARY = Work(DutyKind.CANARY, _untried_canaries, _try)
LOCK_EXTENSION = Work(DutyKind.LOCK_EXTENSION, _ending_locks, _extend)
