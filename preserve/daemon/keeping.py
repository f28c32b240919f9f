"""Works that keep what protects copies in force: the renewal of object locks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from preserve.daemon.works import Shift, Work
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.locks import LockStanding, lock_rules, with_locks
from preserve.model.sentences import sentence
from preserve.operations.extend_locks import ExtendRequest, extend_locks


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
            yield Duty(DutyKind.LOCK_EXTENSION, store, min(due), why, min(latest, default=None), copies=count)


def _extend(shift: Shift, duty: Duty) -> Ended:
    """Renew the locks in one store."""
    report = extend_locks(shift.workplace, ExtendRequest(lock_rules(shift.policies), duty.subject))
    what = sentence(
        "object locks extended: {extended}; not extended: {left}",
        extended=len(report.extended),
        left=len(report.not_extended),
    )
    if not report.not_extended:
        return Ended(Ending.DONE, what)
    return Ended(Ending.PUT_OFF if report.is_only_away else Ending.FAILED, what)


LOCK_EXTENSION = Work(DutyKind.LOCK_EXTENSION, _ending_locks, _extend)
