"""One turn of the runner: all that is due is done in order, and what cannot be done now is left for the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from preserve import compose, environment
from preserve.clock import monotonic_seconds
from preserve.daemon import heartbeat, oversight
from preserve.daemon.crew import ALONE, Crew
from preserve.daemon.heartbeat import Heartbeat
from preserve.daemon.leases import kept_up
from preserve.daemon.pulse import Pulse
from preserve.daemon.works import Shift, Work
from preserve.errors import PreserveError, Tampered, Unavailable
from preserve.model.attempts import MOST_ATTEMPTS
from preserve.model.audit import NO_LIMIT, Budget
from preserve.model.certificates import ENGLISH, Voice
from preserve.model.duties import Duty, DutyKind, Ended, Ending, in_order
from preserve.model.sentences import Sentence, sentence
from preserve.settings.home import Home
from preserve.workplace import Workplace

SHARE_SECONDS = 600.0
"""After so long the work on one duty lets others go first: harm that an audit found is mended before the audit ends."""
BETWEEN_RUNS = timedelta(hours=25)
"""When the next sign of life is expected after a single run: such are made each day, or more often."""

LOOKING = frozenset([DutyKind.AUDIT, DutyKind.LISTING, DutyKind.DRILL, DutyKind.INSPECTION])
"""What may find harm."""

BY_ANY_CLOCK = frozenset([DutyKind.REPAIR, DutyKind.PUBLICATION, DutyKind.NOTICE])
"""What is done also while the clock is not to be trusted: nothing of it locks anything, as a canary is locked."""


@dataclass(frozen=True, slots=True)
class Worked:
    """One duty that was worked on, and what became of it."""

    duty: Duty
    ended: Ended


@dataclass(frozen=True, slots=True)
class TurnReport:
    """What one turn did, and which duties are still due.

    `is_ended_by_budget`: some of those were not begun because the budget was spent.  `doubted_clock` names the incident
    about a clock that is not to be trusted: what hangs on dates was left alone.  `next_due` comes first of what is not
    due yet.
    """

    worked: tuple[Worked, ...]
    left: tuple[Duty, ...]
    late: tuple[Duty, ...]
    next_due: Duty | None
    seconds: float
    is_ended_by_budget: bool = False
    doubted_clock: str | None = None

    @property
    def is_as_wanted(self) -> bool:
        """Whether nothing failed, and nothing is late."""
        is_any_failed = any(each.ended.ending is Ending.FAILED for each in self.worked)
        return not (is_any_failed or self.late or self.doubted_clock)


def derived(works: Sequence[Work], shift: Shift, now: datetime) -> list[Duty]:
    """All duties, those to come included, in the order in which they are to be done."""
    return in_order((duty for work in works for duty in work.derive(shift, now)), now)


def turn(
    home: Home,
    workplace: Workplace,
    works: Sequence[Work],
    budget: Budget = NO_LIMIT,
    expected_within: timedelta = BETWEEN_RUNS,
    sign: Callable[[], None] = lambda: None,
    crew: Crew = ALONE,
    voices: Sequence[Voice] = (ENGLISH,),
) -> TurnReport:
    """Do what is due, in order, until nothing is left that can be done now, or the budget is spent.

    Policies are read anew: what was registered since the last turn counts.  The next heartbeat is said to be
    `expected_within` so long; `sign` is called with each.  Heavy work is `crew`'s; what is written for
    people is whole in each of `voices`.  Raises `Tampered` where evidence does not fit itself: nothing more is done
    then.
    """
    shift = Shift(home, workplace, compose.policies(workplace.books), Budget(SHARE_SECONDS), crew, voices)
    return _Turn(shift, works, budget, expected_within, sign).run()


@dataclass(slots=True)
class _Turn:
    """The state of one turn while it runs."""

    shift: Shift
    works: Sequence[Work]
    budget: Budget
    expected_within: timedelta
    sign: Callable[[], None]
    last: Heartbeat | None = None
    began: float = field(default_factory=monotonic_seconds)
    spent_bytes: int = 0
    ended: dict[str, str] = field(default_factory=dict)

    def run(self) -> TurnReport:
        workplace = self.shift.workplace
        clock = oversight.clock_state(workplace, heartbeat.read(self.shift.home))
        duties = self._derived(clock)
        self._beat(clock, duties)
        self._oversee(clock, duties)
        worked = list(self._worked(clock))
        duties, now = self._derived(clock), self.shift.now()
        self._oversee(clock, duties)
        self._beat(clock, duties)
        left = tuple(duty for duty in duties if duty.is_due(now))
        return TurnReport(
            tuple(worked),
            left,
            late=tuple(duty for duty in left if duty.is_late(now)),
            next_due=_next(duties, now),
            seconds=monotonic_seconds() - self.began,
            is_ended_by_budget=self._is_spent() and any(duty.name not in self.ended for duty in left),
            doubted_clock=clock.incident,
        )

    def _derived(self, clock: oversight.ClockState) -> list[Duty]:
        works = [work for work in self.works if clock.is_trusted or work.kind in BY_ANY_CLOCK]
        return derived(works, self.shift, self.shift.now())

    def _worked(self, clock: oversight.ClockState) -> Iterator[Worked]:
        """Duties as they are ended.  What is due is derived again after each: it may have brought others about."""
        doers = {work.kind: work for work in self.works}
        while not self._is_spent():
            duties, now = self._derived(clock), self.shift.now()
            waits = {(job.kind, job.subject) for job in self.shift.workplace.books.jobs() if not job.may_be_tried(now)}
            duty = next((each for each in duties if self._is_to_be_done(each, now, waits)), None)
            if duty is None:
                return
            self._beat(clock, duties, duty)
            result = self._done(doers[duty.kind], duty)
            self.spent_bytes += result.bytes
            if result.ending is not Ending.PARTLY:
                self.ended[duty.name] = result.ending.value
            if duty.kind in LOOKING:
                self._let_repair_again()
            yield Worked(duty, result)

    def _let_repair_again(self) -> None:
        """What was mended in this turn may be found harmed by a look in it: then that is not left for the next."""
        for name, ending in list(self.ended.items()):
            if name.startswith(f"{DutyKind.REPAIR} ") and ending == Ending.DONE.value:
                del self.ended[name]

    def _is_to_be_done(self, duty: Duty, now: datetime, waits: set[tuple[str, str]]) -> bool:
        return duty.is_due(now) and duty.name not in self.ended and (duty.kind.value, duty.subject) not in waits

    def _is_spent(self) -> bool:
        return self.budget.is_spent(monotonic_seconds() - self.began, self.spent_bytes)

    def _allowance(self) -> Budget:
        """The share of one duty, and no more than is left of the budget."""
        seconds = SHARE_SECONDS
        if self.budget.seconds is not None:
            seconds = min(seconds, self.budget.seconds - (monotonic_seconds() - self.began))
        return Budget(seconds, None if self.budget.bytes is None else self.budget.bytes - self.spent_bytes)

    def _done(self, work: Work, duty: Duty) -> Ended:
        """Do one duty under a lease, and note how it ended."""
        workplace = self.shift.workplace
        books, machine = workplace.books, environment.machine_name()
        try:
            with workplace.claim(f"duty {duty.name}"):
                job = books.take_job(duty.kind.value, duty.subject, machine, self.shift.now())
                if job is None:
                    return Ended(Ending.PUT_OFF, sentence("another machine is at it"))
                with kept_up(books, job, workplace.clock):
                    result = self._attempted(work, duty)
                if result.ending is Ending.FAILED:
                    attempts = books.end_job(job, self.shift.now(), str(result.what))
                    if attempts >= MOST_ATTEMPTS:
                        oversight.failed(workplace, duty, attempts, str(result.what))
                elif result.ending is not Ending.PUT_OFF:
                    books.end_job(job, self.shift.now())
                    oversight.succeeded(workplace, duty)
                return result
        except Unavailable as error:  # the claim: another process is at it
            return Ended(Ending.PUT_OFF, Sentence(error.template, error.values))

    def _attempted(self, work: Work, duty: Duty) -> Ended:
        try:
            place = self.shift.workplace
            place = replace(place, progress=Pulse(place.progress, self._again))
            return work.do(replace(self.shift, workplace=place, allowance=self._allowance()), duty)
        except Tampered:
            raise
        except PreserveError as error:
            ending = Ending.PUT_OFF if isinstance(error, Unavailable) else Ending.FAILED
            return Ended(ending, Sentence(error.template, error.values))

    def _oversee(self, clock: oversight.ClockState, duties: Sequence[Duty]) -> None:
        if clock.is_trusted:
            kinds, now = [work.kind for work in self.works], self.shift.now()
            oversight.missed(self.shift.workplace, duties, kinds, now)
            oversight.settled(self.shift.workplace, duties, kinds, now)

    def _beat(self, clock: oversight.ClockState, duties: Sequence[Duty], doing: Duty | None = None) -> None:
        """Give a sign of life; a home that is full or away does not keep what is due from being tried."""
        now, following = self.shift.now(), _next(duties, self.shift.now())
        beat = Heartbeat(
            at=now,
            expected_by=now + self.expected_within,
            machine=environment.machine_name(),
            process=environment.process_number(),
            reading=clock.reading,
            clock_incident=clock.incident,
            doing=doing.name if doing else None,
            done=self.ended,
            late=[duty.name for duty in duties if duty.is_late(now)],
            next_due=(following.name, following.due_at) if following else None,
        )
        self._write(beat)

    def _again(self) -> None:
        """The same sign of life once more: work goes on."""
        if self.last is not None:
            now = self.shift.now()
            self._write(replace(self.last, at=now, expected_by=now + self.expected_within))

    def _write(self, beat: Heartbeat) -> None:
        self.last = beat
        self.sign()
        try:
            heartbeat.write(self.shift.home, beat)
        except Unavailable as error:
            self.shift.workplace.progress.alert(error.template, **error.values)


def _next(duties: Sequence[Duty], now: datetime) -> Duty | None:
    return min((duty for duty in duties if not duty.is_due(now)), key=lambda duty: duty.due_at, default=None)
