"""One turn of the runner: all that is due is done in order, and what cannot be done now is left for the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from preserve import compose
from preserve.clock import monotonic_seconds
from preserve.daemon.works import Shift, Work
from preserve.errors import PreserveError, Tampered, Unavailable
from preserve.model.audit import NO_LIMIT, Budget
from preserve.model.duties import Duty, Ended, Ending, in_order
from preserve.model.sentences import Sentence
from preserve.settings.home import Home
from preserve.workplace import Workplace

SHARE_SECONDS = 600.0
"""After so long the work on one duty lets others go first: harm that an audit found is mended before the audit ends."""


@dataclass(frozen=True, slots=True)
class Worked:
    """One duty that was worked on, and what became of it."""

    duty: Duty
    ended: Ended


@dataclass(frozen=True, slots=True)
class TurnReport:
    """What one turn did, and which duties are still due; `is_ended_by_budget`: of those some were not begun."""

    worked: tuple[Worked, ...]
    left: tuple[Duty, ...]
    seconds: float
    is_ended_by_budget: bool = False

    @property
    def is_any_failed(self) -> bool:
        return any(each.ended.ending is Ending.FAILED for each in self.worked)


def derived(works: Sequence[Work], shift: Shift, now: datetime) -> list[Duty]:
    """All duties, those to come included, in the order in which they are to be done."""
    return in_order((duty for work in works for duty in work.derive(shift, now)), now)


def turn(home: Home, workplace: Workplace, works: Sequence[Work], budget: Budget = NO_LIMIT) -> TurnReport:
    """Do what is due, in order, until nothing is left that can be done now, or the budget is spent.

    Policies are read anew: what was registered since the last turn counts.  Raises `Tampered` where evidence does not
    fit itself: nothing more is done then.
    """
    began = monotonic_seconds()
    shift = Shift(home, workplace, compose.policies(workplace.books), Budget(SHARE_SECONDS))
    worked = list(_worked(works, shift, budget, began))
    now = shift.now()
    left = tuple(duty for duty in derived(works, shift, now) if duty.is_due(now))
    tried = {each.duty.name for each in worked if each.ended.ending is not Ending.PARTLY}
    is_cut_short = any(duty.name not in tried for duty in left)
    return TurnReport(tuple(worked), left, monotonic_seconds() - began, is_cut_short)


def _worked(works: Sequence[Work], shift: Shift, budget: Budget, began: float) -> Iterator[Worked]:
    """Duties as they are ended.  What is due is derived again after each: it may have brought others about."""
    doers = {work.kind: work for work in works}
    ended: set[str] = set()
    spent_bytes = 0
    while not budget.is_spent(monotonic_seconds() - began, spent_bytes):
        now = shift.now()
        duty = next((each for each in derived(works, shift, now) if each.is_due(now) and each.name not in ended), None)
        if duty is None:
            return
        result = _done(doers[duty.kind], _with_allowance(shift, budget, began, spent_bytes), duty)
        spent_bytes += result.bytes
        if result.ending is not Ending.PARTLY:
            ended.add(duty.name)
        yield Worked(duty, result)


def _with_allowance(shift: Shift, budget: Budget, began: float, spent_bytes: int) -> Shift:
    """The share of one duty, and no more than is left of the budget."""
    seconds = SHARE_SECONDS
    if budget.seconds is not None:
        seconds = min(seconds, budget.seconds - (monotonic_seconds() - began))
    left_bytes = None if budget.bytes is None else budget.bytes - spent_bytes
    return replace(shift, allowance=Budget(seconds, left_bytes))


def _done(work: Work, shift: Shift, duty: Duty) -> Ended:
    try:
        with shift.workplace.claim(f"duty {duty.name}"):
            return work.do(shift, duty)
    except Tampered:
        raise
    except Unavailable as error:
        return Ended(Ending.PUT_OFF, _sentence(error))
    except PreserveError as error:
        return Ended(Ending.FAILED, _sentence(error))


def _sentence(error: PreserveError) -> Sentence:
    return Sentence(error.template, error.values)
