"""The work that fetches what a cold store was asked for, when it should be there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from preserve.clock import stamp
from preserve.daemon.works import Shift, Work
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.nouns import Level
from preserve.model.sentences import sentence
from preserve.model.thawing import MOST_DAYS, Thaw, ThawPurpose

LONGEST_WAIT = timedelta(days=MOST_DAYS + 30)
"""What was asked for longer ago is there no more."""
PACKAGES_AT_ONCE = 200


def _thaws(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty for each store that was asked for something, to be audited, that nobody has read since."""
    for entry in shift.workplace.books.stores():
        due = waiting(shift, entry.name, now)
        if not due:
            continue
        why = sentence("what store {store} was asked for is to be read when it is there", store=entry.name)
        first = min(thaw.expected_at for thaw in due)
        gone = min(thaw.expected_at + timedelta(days=thaw.days) for thaw in due)
        size = sum(thaw.bag.bytes for thaw in due)
        yield Duty(DutyKind.THAW, entry.name, first, why, gone, copies=len(due), bytes=size, stores=(entry.name,))


def waiting(shift: Shift, store: str, now: datetime) -> list[Thaw]:
    """What was asked for from a store, to be audited, was not read since, and may be there or on its way."""
    since = stamp(now - LONGEST_WAIT)
    unread = shift.workplace.books.unread_thaws(store, ThawPurpose.AUDIT, since)
    return [thaw for thaw in unread if thaw.is_current(now)]


def _fetch(shift: Shift, duty: Duty) -> Ended:
    """Read what is there by now; what is not waits, and what went away again is asked for anew, within the budget."""
    from preserve.operations.audit import AuditRequest

    now = shift.now()
    due = (thaw for thaw in waiting(shift, duty.subject, now) if thaw.may_be_there(now))
    there = list(dict.fromkeys(thaw.bag.package_id for thaw in due))  # what was expected first comes first
    request = AuditRequest(Level.FULL, (duty.subject,), among=tuple(there[:PACKAGES_AT_ONCE]), policies=shift.policies)
    report = shift.crew.audit(shift.workplace, request)
    report.require_reached(duty.subject)
    report.require_thawed(duty.subject)
    what = sentence("copies read that lay in cold storage: {count}", count=report.counts.sound)
    if report.counts.unreadable:  # they stay due, and must not be tried again at once
        return Ended(Ending.FAILED, what, report.bytes_read)
    is_all = len(there) <= PACKAGES_AT_ONCE
    return Ended(Ending.DONE if is_all else Ending.PARTLY, what, report.bytes_read)


THAW = Work(DutyKind.THAW, _thaws, _fetch)
