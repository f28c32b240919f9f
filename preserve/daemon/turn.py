"""One turn of the runner: all that is due is done in order, and what cannot be done now is left for the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from preserve import compose, environment
from preserve.clock import monotonic_seconds
from preserve.daemon import faults, heartbeat, oversight
from preserve.daemon.crew import ALONE, Crew
from preserve.daemon.deriving import by_clock, derived_of, duties_name, work_hours
from preserve.daemon.heartbeat import Heartbeat
from preserve.daemon.leases import kept_up
from preserve.daemon.pulse import Pulse
from preserve.daemon.works import Shift, Work
from preserve.errors import NoSpace, PreserveError, Tampered, Unavailable
from preserve.model.attempts import MOST_ATTEMPTS
from preserve.model.audit import NO_LIMIT, Budget
from preserve.model.certificates import ENGLISH, Voice
from preserve.model.duties import NO_HOURS, Duty, DutyKind, Ended, Ending, WorkHours, in_order
from preserve.model.sentences import Sentence, sentence
from preserve.packages.timekeeping import TRUSTED, ClockState, judged
from preserve.settings.home import Home
from preserve.workplace import Workplace

SHARE_SECONDS = 600.0
"""After so long the work on one duty lets others go first: harm that an audit found is mended before the audit ends."""
BETWEEN_RUNS = timedelta(hours=25)
"""When the next sign of life is expected after a single run: such are made each day, or more often."""

LOOKING = frozenset([DutyKind.THAW, DutyKind.AUDIT, DutyKind.LISTING, DutyKind.DRILL, DutyKind.INSPECTION])
"""What may find harm."""

_BRINGS_ABOUT = {
    **dict.fromkeys(LOOKING, (DutyKind.REPAIR,)),
    DutyKind.HARVEST: (DutyKind.REPLICATION, DutyKind.PARITY),
    DutyKind.REPLICATION: (DutyKind.PARITY,),
}
"""What work of a kind may make due that goes before what is left; all else is found out when that is done."""


@dataclass(frozen=True, slots=True)
class Worked:
    """One duty that was worked on, and what became of it."""

    duty: Duty
    ended: Ended


@dataclass(frozen=True, slots=True)
class TurnReport:
    """What one turn did, and which duties are still due.

    `is_ended_by_budget`: some of those were not begun because the budget was spent.  `doubted_clock` names the incident
    about a clock that is not to be trusted: what hangs on dates was left alone, and nobody can tell what is late.
    `next_due` comes first of what is not due yet; `waiting` are due, and wait for a store's or a policy's window.
    `failing` are kinds of work of which nobody can tell what is due.
    """

    worked: tuple[Worked, ...]
    left: tuple[Duty, ...]
    late: tuple[Duty, ...]
    next_due: Duty | None
    seconds: float
    is_ended_by_budget: bool = False
    doubted_clock: str | None = None
    failing: Mapping[DutyKind, Sentence] = field(default_factory=dict)
    waiting: tuple[Duty, ...] = ()

    @property
    def is_as_wanted(self) -> bool:
        """Whether nothing failed, and nothing is late."""
        is_any_failed = any(each.ended.ending is Ending.FAILED for each in self.worked)
        return not (is_any_failed or self.late or self.doubted_clock or self.failing)


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
    alone = replace(workplace, is_attended=False)
    shift = Shift(home, alone, compose.policies(workplace.books), Budget(SHARE_SECONDS), crew, voices)
    return _Turn(shift, works, budget, expected_within, sign).run()


@dataclass(slots=True)
class _Turn:
    """The state of one turn while it runs."""

    shift: Shift
    works: Sequence[Work]
    budget: Budget
    expected_within: timedelta
    sign: Callable[[], None]
    clock: ClockState = TRUSTED
    hours: WorkHours = NO_HOURS
    duties: dict[DutyKind, list[Duty]] = field(default_factory=dict)
    failing: dict[DutyKind, Sentence] = field(default_factory=dict)
    derived_at: float = 0.0
    is_all_derived: bool = False
    last: Heartbeat | None = None
    began: float = field(default_factory=monotonic_seconds)
    spent_bytes: int = 0
    ended: dict[str, str] = field(default_factory=dict)

    def run(self) -> TurnReport:
        self.clock = judged(self.shift.workplace)
        self.hours = work_hours(self.shift)
        self._derive_all()
        self._beat()
        self._oversee()
        worked = list(self._worked())
        self._judge()
        if not self.is_all_derived:
            self._derive_all()
        self._oversee()
        self._beat()
        duties, now = self._in_order(), self.shift.now()
        left = tuple(duty for duty in duties if duty.is_due(now))
        return TurnReport(
            tuple(worked),
            left,
            late=tuple(self._late(duties)),
            waiting=tuple(duty for duty in duties if duty.is_kept_waiting(now)),
            next_due=_next(duties, now),
            seconds=monotonic_seconds() - self.began,
            is_ended_by_budget=self._is_spent() and any(duty.name not in self.ended for duty in left),
            doubted_clock=self.clock.incident,
            failing=dict(self.failing),
        )

    def _judge(self) -> None:
        """A clock may jump in a turn that takes hours: what was derived by it then counts no more."""
        was_trusted, self.clock = self.clock.is_trusted, judged(self.shift.workplace)
        if self.clock.is_trusted != was_trusted:
            self.duties, self.failing, self.is_all_derived = {}, {}, False
            self._derive_all()

    def _derive_all(self) -> None:
        for work in self._works():
            self._derive(work)
        self.derived_at = monotonic_seconds()
        self.is_all_derived = True

    def _derive(self, work: Work) -> None:
        """What is due of one kind of work; a kind of which nobody can tell is an incident."""
        found = derived_of(work, self.shift, self.shift.now())
        if isinstance(found, Sentence):
            self.failing[work.kind] = found
            self.duties.pop(work.kind, None)
            oversight.faulty(self.shift.workplace, duties_name(work.kind), found)
        else:
            self.failing.pop(work.kind, None)
            self.duties[work.kind] = found

    def _works(self) -> list[Work]:
        return by_clock(self.works, is_trusted=self.clock.is_trusted)

    def _in_order(self) -> list[Duty]:
        """What was derived, as the hours of stores and policies let it be done by now."""
        now = self.shift.now()
        return in_order((self.hours.heeded(duty, now) for each in self.duties.values() for duty in each), now)

    def _late(self, duties: Iterable[Duty]) -> list[Duty]:
        """Those that should have been done by now, as far as the clock tells."""
        now = self.shift.now()
        return [duty for duty in duties if duty.is_late(now)] if self.clock.is_trusted else []

    def _worked(self) -> Iterator[Worked]:
        """Duties as they are ended, until none is left, also when all were derived again."""
        doers = {work.kind: work for work in self.works}
        while not self._is_spent():
            self._judge()
            duty = self._next_to_do()
            if duty is None and self.is_all_derived:
                return
            if duty is None:
                self._derive_all()
                continue
            self._beat(duty)
            result = self._done(doers[duty.kind], duty)
            self.spent_bytes += result.bytes
            if result.ending not in (Ending.PARTLY, Ending.FOR_NOW):
                self.ended[duty.name] = result.ending.value
            if duty.kind in LOOKING:
                self._let_repair_again()
            self._derive_after(duty.kind)
            yield Worked(duty, result)

    def _next_to_do(self) -> Duty | None:
        now = self.shift.now()
        waits = {(job.kind, job.subject) for job in self.shift.workplace.books.jobs() if not job.may_be_tried(now)}
        return next((each for each in self._in_order() if self._is_to_be_done(each, now, waits)), None)

    def _derive_after(self, kind: DutyKind) -> None:
        """What one duty changed.  All kinds are asked when none is left to do, and where that takes long."""
        self.is_all_derived = False
        if monotonic_seconds() - self.derived_at > SHARE_SECONDS:
            self._derive_all()
            return
        for work in self._works():
            if work.kind is kind or work.kind in _BRINGS_ABOUT.get(kind, ()):
                self._derive(work)

    def _let_repair_again(self) -> None:
        """What was mended in this turn may be found harmed by a look in it: then that is not left for the next."""
        for name, ending in list(self.ended.items()):
            if name.startswith(f"{DutyKind.REPAIR} ") and ending == Ending.DONE.value:
                del self.ended[name]

    def _is_to_be_done(self, duty: Duty, now: datetime, waits: set[tuple[str, str]]) -> bool:
        return duty.is_due(now) and duty.name not in self.ended and (duty.kind.value, duty.subject) not in waits

    def _is_spent(self) -> bool:
        return self.budget.is_spent(monotonic_seconds() - self.began, self.spent_bytes)

    def _allowance(self, until: datetime | None) -> Budget:
        """The share of one duty, and no more than is left of the budget, or of its hours."""
        seconds = SHARE_SECONDS
        if self.budget.seconds is not None:
            seconds = min(seconds, self.budget.seconds - (monotonic_seconds() - self.began))
        if until is not None:
            seconds = min(seconds, (until - self.shift.now()).total_seconds())
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
                if result.ending is Ending.FAILED and not result.has_incident:
                    attempts = books.end_job(job, self.shift.now(), str(result.what))
                    if attempts >= MOST_ATTEMPTS:
                        oversight.failed(workplace, duty.name, attempts, str(result.what))
                elif result.ending in (Ending.DONE, Ending.PARTLY, Ending.FOR_NOW):
                    books.end_job(job, self.shift.now())
                    oversight.succeeded(workplace, duty)
                return result
        except Unavailable as error:  # the claim: another process is at it
            return Ended(Ending.PUT_OFF, Sentence(error.template, error.values))

    def _attempted(self, work: Work, duty: Duty) -> Ended:
        try:
            place = self.shift.workplace
            place = replace(place, progress=Pulse(place.progress, self._again))
            until = self.hours.closes_at(duty, self.shift.now())
            shift = replace(self.shift, workplace=place, allowance=self._allowance(until), until=until)
            return work.do(shift, duty)
        except Tampered:
            raise
        except PreserveError as error:
            return _ended_by(error)
        except Exception as error:  # a fault over one duty must not starve the others
            try:
                what = faults.written_down(self.shift.workplace, duty.name, error)
            except NoSpace as full:
                return _ended_by(full)
            oversight.faulty(self.shift.workplace, duty.name, what)
            return Ended(Ending.FAILED, what)

    def _oversee(self) -> None:
        """What hangs on dates is judged by a clock that is trusted, and of kinds that can be told."""
        if not self.clock.is_trusted:
            return
        workplace, now, duties = self.shift.workplace, self.shift.now(), self._in_order()
        kinds = [work.kind for work in self.works if work.kind not in self.failing]
        oversight.missed(workplace, duties, kinds, now)
        oversight.settled(workplace, duties, kinds, now)
        oversight.silent(workplace, heartbeat.signs(self.shift.home, workplace.books), now)
        if self.is_all_derived:
            oversight.forget_jobs(workplace, duties, kinds, now)

    def _beat(self, doing: Duty | None = None) -> None:
        """Give a sign of life; a home that is full or away does not keep what is due from being tried."""
        duties, now = self._in_order(), self.shift.now()
        following = _next(duties, now)
        beat = Heartbeat(
            at=now,
            expected_by=now + self.expected_within,
            machine=environment.machine_name(),
            process=environment.process_number(),
            clock_incident=self.clock.incident,
            doing=doing.name if doing else None,
            done=self.ended,
            late=[duty.name for duty in self._late(duties)],
            next_due=(following.name, following.begins_at) if following else None,
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
            self.shift.workplace.books.note_sign(beat.sign)
        except Unavailable as error:
            self.shift.workplace.progress.alert(error.template, **error.values)


def _ended_by(error: PreserveError) -> Ended:
    ending = Ending.PUT_OFF if isinstance(error, Unavailable) else Ending.FAILED
    return Ended(ending, Sentence(error.template, error.values))


def _next(duties: Sequence[Duty], now: datetime) -> Duty | None:
    return min((duty for duty in duties if not duty.is_due(now)), key=lambda duty: duty.begins_at, default=None)
