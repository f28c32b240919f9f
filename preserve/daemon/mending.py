"""Works that make up for harm: repair of open findings, publication of the ledger to stores that lag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from preserve import compose, environment
from preserve.clock import moment_of
from preserve.daemon.works import Shift, Work
from preserve.errors import Unavailable
from preserve.model import links
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.nouns import HARMS
from preserve.model.sentences import sentence
from preserve.packages import sealing

REPAIRED_WITHIN = timedelta(days=1)
"""How long known harm may wait before it is late; no policy says otherwise."""
PUBLISHED_WITHIN = timedelta(days=7)
"""How long a store that is there may lag behind the ledger."""


def _harms(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty for each store with open findings of harm."""
    counts: Counter[str] = Counter()
    oldest: dict[str, datetime] = {}
    for alike in shift.workplace.books.open_findings_alike():
        if alike.condition in HARMS:
            counts[alike.store] += alike.count
            since = moment_of(alike.oldest_at)
            oldest[alike.store] = min(oldest.get(alike.store, since), since)
    for store, since in oldest.items():
        why = sentence("open findings about store {store}: {count}", store=store, count=counts[store])
        yield Duty(DutyKind.REPAIR, store, since, why, since + REPAIRED_WITHIN, copies=counts[store],
                   stores=(store,))  # fmt: skip


def _repair(shift: Shift, duty: Duty) -> Ended:
    """Repair what is known to be bad in one store."""
    from preserve.operations.repair import RepairRequest, repair

    request = RepairRequest(store=duty.subject, kit=compose.kit(), signer=compose.signer(shift.home))
    report = repair(shift.workplace, request)
    what = sentence(
        "repaired: {made}; right when it was looked at: {right}; not repaired: {left}",
        made=len(report.repaired),
        right=len(report.sound_again),
        left=len(report.not_repaired),
    )
    if not report.not_repaired:
        return Ended(Ending.DONE, what, report.bytes_transferred)
    is_only_away = all(isinstance(each.why, Unavailable) for each in report.not_repaired)
    return Ended(Ending.PUT_OFF if is_only_away else Ending.FAILED, what, report.bytes_transferred)


def _lagging(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty for each store that was away and lacks entries of the ledger; to all others every command publishes.

    A medium under seal, or away with somebody, is left as it is.
    """
    books = shift.workplace.books
    size, absences = books.size(), books.absences(environment.machine_name())
    for store in books.stores():
        missing, since = size - books.pushed(store.name), absences.get(store.name)
        if missing and since is not None and sealing.sealed(books, store.name) is None:
            due_at = moment_of(since)
            why = sentence("store {store} lacks {count} entries of the ledger", store=store.name, count=missing)
            latest = None if links.MOUNTED_AT in store.attributes else due_at + PUBLISHED_WITHIN
            yield Duty(DutyKind.PUBLICATION, store.name, due_at, why, latest, stores=(store.name,))


def _publish(shift: Shift, duty: Duty) -> Ended:
    """Publish to every store in reach; raises what kept this one from it."""
    for unreached in compose.publish(shift.home, shift.workplace):
        if unreached.store == duty.subject:
            raise unreached.error
    return Ended(Ending.DONE, sentence("the ledger stands in store {store}", store=duty.subject))


REPAIR = Work(DutyKind.REPAIR, _harms, _repair)
PUBLICATION = Work(DutyKind.PUBLICATION, _lagging, _publish)
