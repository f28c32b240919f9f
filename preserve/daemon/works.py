"""What the runner can do: for each kind of duty, how it is derived and how it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from preserve.daemon.crew import ALONE, Crew
from preserve.model.audit import NO_LIMIT, Budget
from preserve.model.certificates import ENGLISH, Voice
from preserve.model.duties import Duty, DutyKind, Ended
from preserve.model.policy import Policy
from preserve.settings.home import Home
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Shift:
    """The means of one turn of the runner: `policies` are those in force, by name.

    `allowance` is what one duty may cost before it lets others go first; what was begun is brought to its end.  `crew`
    carries out what is heavy.  What is written for people is whole in each of `voices`.  Nothing is begun after
    `until`, when the hours of the duty end; None: no end is in sight.
    """

    home: Home
    workplace: Workplace
    policies: Mapping[str, Policy]
    allowance: Budget = NO_LIMIT
    crew: Crew = ALONE
    voices: Sequence[Voice] = (ENGLISH,)
    until: datetime | None = None

    def now(self) -> datetime:
        return self.workplace.clock.now()


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work.

    `derive` says what of it is due at a moment, or will be: it reads policies and books and changes nothing, and gives
    at most one duty for each subject.  `do` does one duty; it may be killed at any point, and doing it again does what
    is left.  `do` raises `Unavailable` where a store or a person has to come first, and any other `PreserveError` where
    it failed.
    """

    kind: DutyKind
    derive: Callable[[Shift, datetime], Iterable[Duty]]
    do: Callable[[Shift, Duty], Ended]
