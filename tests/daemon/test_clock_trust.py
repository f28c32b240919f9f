"""Does a clock that jumps lose no run, double none, and lock or give up nothing early?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preserve import environment
from preserve.daemon.turn import TurnReport, turn
from preserve.daemon.works import Shift, Work
from preserve.model import events
from preserve.model.clock_trust import Reading, doubt
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.incidents import IncidentKind
from preserve.model.sentences import sentence
from preserve.settings.home import Home
from tests.packages.building import Service, service
from tests.stores.clocks import SetClock

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)
JUMPS = [timedelta(minutes=5), DAY, 10 * YEAR, -timedelta(minutes=5), -DAY, -10 * YEAR]


def reading(at: datetime, counter: timedelta = timedelta(), boot: str = "b") -> Reading:
    return Reading(at, counter.total_seconds(), boot)


# The judgement


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_a_jump_against_the_counter_is_seen_however_far_and_small_corrections_are_not(jump: timedelta) -> None:
    said = doubt(reading(NOW + 3 * HOUR + jump, 3 * HOUR), reading(NOW), NOW)
    assert (said is not None) == (abs(jump) > HOUR)


def test_time_that_passed_by_the_counter_is_no_jump_however_long() -> None:
    assert doubt(reading(NOW + 2 * YEAR, 2 * YEAR), reading(NOW), NOW) is None


@pytest.mark.parametrize(("later", "is_doubted"), [(HOUR, False), (170 * DAY, False), (200 * DAY, True), (-DAY, True)])
def test_after_a_start_of_the_machine_only_the_past_and_what_was_written_can_tell(
    later: timedelta, is_doubted: bool
) -> None:
    assert (doubt(reading(NOW + later, boot="next"), reading(NOW), NOW) is not None) == is_doubted


def test_without_any_sign_of_life_the_ledger_alone_tells() -> None:
    assert doubt(reading(NOW - 2 * HOUR), None, NOW) is not None
    assert doubt(reading(NOW + YEAR), None, NOW) is None
    assert doubt(reading(NOW), None, None) is None


# The runner


class Daily:
    """A work of a test that is due each day once, and a repair that is due always; they note when they were done."""

    def __init__(self, begin: datetime) -> None:
        self.begin = begin
        self.kind = DutyKind.HARVEST
        self.done: list[datetime] = []
        self.repairs = 0

    @property
    def works(self) -> tuple[Work, Work]:
        return (
            Work(self.kind, self._derive, self._do),
            Work(DutyKind.REPAIR, self._harms, self._repair),
        )

    def _derive(self, shift: Shift, now: datetime) -> Iterator[Duty]:
        due_at = self.done[-1] + DAY if self.done else self.begin
        yield Duty(self.kind, "source", due_at, sentence("a test"), due_at + DAY)

    def _do(self, shift: Shift, duty: Duty) -> Ended:
        self.done.append(shift.now())
        return Ended(Ending.DONE, sentence("a test"))

    def _harms(self, shift: Shift, now: datetime) -> Iterator[Duty]:
        yield Duty(DutyKind.REPAIR, "near", now, sentence("a test"))

    def _repair(self, shift: Shift, duty: Duty) -> Ended:
        self.repairs += 1
        return Ended(Ending.DONE, sentence("a test"))


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[Service, SetClock, Daily]]:
    with service(tmp_path) as made:
        clock = SetClock(datetime.now(UTC))
        yield replace(made, workplace=replace(made.workplace, clock=clock)), clock, Daily(clock.moment)


def run(made: Service, daily: Daily) -> TurnReport:
    return turn(Home(made.home), made.workplace, daily.works)


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_no_run_is_lost_or_doubled_by_a_jump_that_is_undone(
    kept: tuple[Service, SetClock, Daily], jump: timedelta
) -> None:
    made, clock, daily = kept
    for step in range(8 * 4):
        if step == 10:
            clock.moment += jump
        if step == 14:
            clock.moment -= jump
        run(made, daily)
        clock.sleep(3 * 3600)
    assert len(daily.done) == 4
    assert {later - earlier for earlier, later in zip(daily.done, daily.done[1:], strict=False)} == {DAY}


@pytest.mark.parametrize("kind", [DutyKind.HARVEST, DutyKind.CANARY, DutyKind.LOCK_EXTENSION])
@pytest.mark.parametrize("jump", [10 * YEAR, -DAY], ids=str)
def test_while_the_clock_is_doubted_an_incident_is_open_and_only_harm_is_mended(
    kept: tuple[Service, SetClock, Daily], jump: timedelta, kind: DutyKind
) -> None:
    made, clock, daily = kept
    daily.kind = kind
    run(made, daily)
    clock.moment += jump
    clock.sleep(25 * 3600)
    report = run(made, daily)
    assert len(daily.done) == 1 and daily.repairs == 2
    (incident,) = made.books.incidents()
    assert incident.kind is IncidentKind.CLOCK and report.doubted_clock == incident.id and not report.is_as_wanted


def test_a_clock_that_is_right_again_closes_its_incident(kept: tuple[Service, SetClock, Daily]) -> None:
    made, clock, daily = kept
    run(made, daily)
    clock.moment += DAY
    run(made, daily)
    clock.moment -= DAY
    assert run(made, daily).doubted_clock is None
    assert list(made.books.incidents()) == []


def test_a_person_who_closes_the_incident_vouches_for_the_clock(kept: tuple[Service, SetClock, Daily]) -> None:
    made, clock, daily = kept
    run(made, daily)
    clock.moment += 2 * DAY
    (incident,) = [run(made, daily).doubted_clock]
    assert incident is not None
    made.workplace.record(events.incident_closed(made.workplace.act, made.workplace.now(), incident, "it is right"))
    assert run(made, daily).doubted_clock is None and len(daily.done) == 2
    clock.sleep(3600)
    assert run(made, daily).doubted_clock is None


# Missed runs


def test_a_run_that_was_missed_is_an_incident_until_it_is_caught_up(
    kept: tuple[Service, SetClock, Daily],
) -> None:
    made, clock, daily = kept
    run(made, daily)
    clock.sleep(5 * 86_400)
    run(made, daily)
    assert list(made.books.incidents()) == [] and len(daily.done) == 2
    (incident,) = made.books.incidents(open_only=False)
    assert incident.kind is IncidentKind.MISSED_RUN and incident.subject == "harvest source"
    assert incident.closed_with == "it was caught up: looked at again, it is late no longer"


def test_a_machine_whose_clock_is_right_does_not_vouch_for_that_of_another(
    kept: tuple[Service, SetClock, Daily], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, clock, daily = kept
    other = tmp_path / "other"  # the part that another machine has of the home
    other.mkdir()
    right = replace(made.workplace, clock=SetClock(clock.moment))

    def run_other() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(environment, "machine_name", lambda: "other")
            assert turn(Home(other), right, ()).doubted_clock is None

    run(made, daily)
    run_other()
    clock.moment += 10 * YEAR
    doubted = run(made, daily).doubted_clock
    assert doubted is not None
    run_other()
    assert run(made, daily).doubted_clock == doubted and len(daily.done) == 1
