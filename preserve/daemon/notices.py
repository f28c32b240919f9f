"""The work of telling people: due every few minutes, about all that the other works leave undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from preserve import compose
from preserve.clock import Clock
from preserve.daemon.watching import look
from preserve.daemon.works import Shift, Work
from preserve.model.certificates import Voice
from preserve.model.concerns import HANGS_ON_DATES
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.nouns import Act
from preserve.model.sentences import sentence
from preserve.operations.notify import NOT_SET_UP, InMind, NotifyReport, NotifyRequest, notify, notify_unbooked
from preserve.ports import NoProgress
from preserve.settings.home import Home
from preserve.state.books import Books

EVERY = timedelta(minutes=5)
"""How often somebody looks whether there is anything to tell."""
SUBJECT = "owners"
_NOBODY = Act("", "")


def tell(shift: Shift, works: Sequence[Work]) -> NotifyReport:
    """Look at everything, and tell everybody what is theirs to know now.  Raises `Unavailable`, `Refused`."""
    request = _request(shift, works)
    return notify(shift.workplace, request) if request else NOT_SET_UP


def _request(shift: Shift, works: Sequence[Work]) -> NotifyRequest | None:
    """What is to be told now; None where nobody can be."""
    addresses = compose.addresses(shift.home)
    if not addresses:
        return None
    looked = look(shift, works)
    post = compose.post(shift.workplace.clock)
    unseen = HANGS_ON_DATES if looked.status.clock_doubt else ()
    return NotifyRequest(looked.concerns, looked.answering, addresses, post, shift.voices, unseen)


class Unbooked:
    """Letters of a runner that can book nothing, since the home's disk is full: what they told is noted when it can."""

    def __init__(self) -> None:
        self._mind: InMind | None = None

    def tell(self, home: Home, works: Sequence[Work], voices: Sequence[Voice], clock: Clock) -> NotifyReport:
        """Look at everything without writing, and tell it.  Raises `PreserveError` where that does not go either."""
        with compose.workplace(home, _NOBODY, NoProgress(), patient=False, to_read=True, clock=clock) as workplace:
            policies = compose.policies(workplace.books)
            request = _request(Shift(home, workplace, policies, voices=voices), works)
            self._mind = self._mind or InMind(workplace.books)
            return notify_unbooked(workplace, request, self._mind) if request else NOT_SET_UP

    def noted_in(self, books: Books) -> None:
        """Note what was told, if anything was.  Raises `NoSpace`, `Unavailable`."""
        if self._mind is not None:
            self._mind.noted_in(books)
            self._mind = None


def notice_work(works: Sequence[Work], unbooked: Unbooked | None = None) -> Work:
    """The work of telling what the other `works` leave undone."""

    def derive(shift: Shift, now: datetime) -> Iterator[Duty]:
        if not compose.addresses(shift.home):
            return
        last = shift.workplace.books.noticed_at()
        due_at = now if last is None or last > now else last + EVERY
        yield Duty(DutyKind.NOTICE, SUBJECT, due_at, sentence("who answers for it is told what is wrong"))

    def do(shift: Shift, duty: Duty) -> Ended:
        if unbooked is not None:
            unbooked.noted_in(shift.workplace.books)
        report = tell(shift, works)
        failed = [*(each.addressee for each in report.failed), *report.unaddressed]
        what = sentence("letters sent: {sent}; could not be told: {failed}", sent=len(report.sent), failed=len(failed))
        # In a turn that takes hours it is due again every few minutes.  Somebody who could not be told is an incident
        # of its own, and told later.
        return Ended(Ending.PARTLY if failed else Ending.FOR_NOW, what)

    return Work(DutyKind.NOTICE, derive, do)
