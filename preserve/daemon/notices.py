"""The work of telling people: due every few minutes, about all that the other works leave undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from preserve import compose
from preserve.daemon.watching import look
from preserve.daemon.works import Shift, Work
from preserve.model.concerns import HANGS_ON_DATES
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.sentences import sentence
from preserve.operations.notify import NOT_SET_UP, NotifyReport, NotifyRequest, notify

EVERY = timedelta(minutes=5)
"""How often somebody looks whether there is anything to tell."""
SUBJECT = "owners"


def tell(shift: Shift, works: Sequence[Work]) -> NotifyReport:
    """Look at everything, and tell everybody what is theirs to know now.  Raises `Unavailable`, `Refused`."""
    addresses = compose.addresses(shift.home)
    if not addresses:
        return NOT_SET_UP
    looked = look(shift, works)
    post = compose.post(shift.workplace.clock)
    unseen = HANGS_ON_DATES if looked.status.clock_doubt else ()
    return notify(
        shift.workplace, NotifyRequest(looked.concerns, shift.policies, addresses, post, shift.voices, unseen)
    )


def notice_work(works: Sequence[Work]) -> Work:
    """The work of telling what the other `works` leave undone."""

    def derive(shift: Shift, now: datetime) -> Iterator[Duty]:
        if not compose.addresses(shift.home):
            return
        last = shift.workplace.books.noticed_at()
        due_at = now if last is None or last > now else last + EVERY
        yield Duty(DutyKind.NOTICE, SUBJECT, due_at, sentence("who answers for it is told what is wrong"))

    def do(shift: Shift, duty: Duty) -> Ended:
        report = tell(shift, works)
        failed = [*(each.addressee for each in report.failed), *report.unaddressed]
        what = sentence("letters sent: {sent}; could not be told: {failed}", sent=len(report.sent), failed=len(failed))
        # It is never done: in a turn that takes hours it is due again every few minutes.  Somebody who could not be
        # told is an incident of its own.
        return Ended(Ending.PARTLY, what)

    return Work(DutyKind.NOTICE, derive, do)
