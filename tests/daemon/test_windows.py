"""Does the runner work within the hours of links and policies, and stop and go on where they end and begin?"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from preserve import compose, environment
from preserve.daemon.deriving import derived
from preserve.daemon.table import WORKS
from preserve.daemon.turn import TurnReport, turn
from preserve.daemon.works import Shift
from preserve.errors import Unavailable
from preserve.model import events, links
from preserve.model.audit_plans import Reading, plan
from preserve.model.calendars import hours_of
from preserve.model.duties import Duty, DutyKind, Ending, WorkHours
from preserve.model.links import Pace, PaceAt, fitting_bytes
from preserve.model.nouns import CopyState
from preserve.model.policy import BackupRule
from preserve.model.sentences import sentence
from preserve.operations.drill import DrillRequest, drill
from preserve.operations.status import StoreStatus, status
from preserve.ports import NoProgress
from preserve.settings.home import Home
from preserve.workplace import Workplace
from tests.daemon.test_calendars import BERLIN, SHANGHAI, local
from tests.packages.building import ACT, Service, service
from tests.stores.clocks import SetClock

NIGHT = {links.WINDOWS: "22:00-06:00", links.TIMEZONE: "Asia/Shanghai"}
HOUR = timedelta(hours=1)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Service]:
    with service(tmp_path) as made:
        (tmp_path / "records").mkdir()
        (tmp_path / "records" / "a.txt").write_text("a record")
        yield made


@pytest.fixture
def noon() -> SetClock:
    """It is noon at Shanghai, of a day that comes after what the books say."""
    day = datetime.now(UTC).astimezone(SHANGHAI) + timedelta(days=2)
    return SetClock(local(SHANGHAI, day.year, day.month, day.day, 12))


def at(clock: SetClock, hour: int, minute: int = 0) -> None:
    """Let the clock go on to the next such time of day at Shanghai."""
    now = clock.moment.astimezone(SHANGHAI)
    then = now.replace(hour=hour, minute=minute)
    clock.sleep(((then if then > now else then + timedelta(days=1)) - now).total_seconds())


def link(made: Service, store: str, facts: dict[str, str]) -> None:
    entry = made.books.store(store)
    made.workplace.record(events.store_added(ACT, made.workplace.now(), replace(entry, attributes=facts)))


@contextmanager
def opened(made: Service, clock: SetClock) -> Iterator[Workplace]:
    """A workplace as a command has it, by this clock."""
    with compose.workplace(Home(made.home), ACT, NoProgress(), clock=clock) as workplace:
        compose.require_key(Home(made.home), workplace)
        unreached = compose.require_abreast(workplace)
        workplace.books.note_absences(environment.machine_name(), {each.store for each in unreached}, workplace.now())
        yield replace(workplace, away=frozenset(each.store for each in unreached))


def run(made: Service, clock: SetClock) -> TurnReport:
    with opened(made, clock) as workplace:
        return turn(Home(made.home), workplace, WORKS)


def stands(made: Service, clock: SetClock, store: str) -> StoreStatus:
    with opened(made, clock) as workplace:
        policies = compose.policies(workplace.books)
        report = status(workplace, compose.policy_in_force(workplace.books), policies)
        return next(each for each in report.stores if each.name == store)


def test_outside_its_window_a_store_is_away_as_expected_and_no_work_on_it_is_begun(
    made: Service, noon: SetClock, tmp_path: Path
) -> None:
    made.ingest(tmp_path / "records")
    link(made, "city", NIGHT)
    shutil.move(made.places["city"], tmp_path / "gone")  # whoever asks finds out
    found = stands(made, noon, "city")
    assert found.shut is not None and found.shut.until == "22:00" and not found.is_wanting
    report = run(made, noon)
    assert report.waiting and not [each for each in report.worked if each.ended.ending is Ending.PUT_OFF]
    assert {store for duty in report.waiting for store in duty.stores} == {"city"}
    assert all(duty.stores != ("city",) for duty in report.left)


def test_a_store_that_fails_inside_its_window_is_an_alarm_since_it_opened(
    made: Service, noon: SetClock, tmp_path: Path
) -> None:
    made.ingest(tmp_path / "records")
    link(made, "city", NIGHT)
    shutil.move(made.places["city"], tmp_path / "gone")
    run(made, noon)
    at(noon, 23)
    found = stands(made, noon, "city")
    assert found.is_wanting and found.shut is None
    assert found.away_since is not None and "T14:00:00" in found.away_since  # 22:00 at Shanghai
    report = run(made, noon)
    assert {each.ended.ending for each in report.worked if each.duty.stores == ("city",)} == {Ending.PUT_OFF}


def test_what_waits_for_the_window_is_done_when_it_opens(made: Service, noon: SetClock, tmp_path: Path) -> None:
    made.ingest(tmp_path / "records")
    link(made, "city", NIGHT)
    waiting = {duty.name for duty in run(made, noon).waiting}
    at(noon, 22)
    report = run(made, noon)
    done = {each.duty.name for each in report.worked if each.ended.ending is Ending.DONE}
    # The ledger is published by the command itself, once the store answers.
    assert "canary city" in waiting & done and not report.waiting


def test_a_copy_cut_off_by_the_end_of_the_window_is_made_in_the_next(
    made: Service, noon: SetClock, tmp_path: Path
) -> None:
    shutil.move(made.places["city"], tmp_path / "gone")
    made.ingest(tmp_path / "records")
    shutil.move(tmp_path / "gone", made.places["city"])
    (package,) = made.books.packages()
    link(made, "city", {**NIGHT, links.SPEED_LIMIT: str(package.receipt.bag_bytes // 1800)})  # half an hour for a bag
    at(noon, 5, 50)
    report = run(made, noon)
    copying = next(each for each in report.worked if each.duty.kind is DutyKind.REPLICATION)
    assert copying.ended.ending is Ending.PUT_OFF
    assert not any((made.places["city"] / "packages").glob("**/receipt.json"))
    copy = made.books.copy(package.id, "city")
    assert copy is None or copy.state is not CopyState.VERIFIED
    at(noon, 22)
    run(made, noon)
    copy = made.books.copy(package.id, "city")
    assert copy is not None and copy.state is CopyState.VERIFIED


def test_audits_and_copies_heed_the_window_of_their_policy(made: Service, noon: SetClock, tmp_path: Path) -> None:
    made.ingest(tmp_path / "records")
    rule = BackupRule(86_400, timezone="Asia/Shanghai", window="22:00-06:00")
    with opened(made, noon) as workplace:
        noon.sleep(400 * 86_400)
        policies = {name: replace(each, backup=rule) for name, each in compose.policies(workplace.books).items()}
        shift = Shift(Home(made.home), workplace, policies)
        duties = derived(WORKS, shift, noon.now()).duties
        audits = [duty for duty in duties if duty.kind is DutyKind.AUDIT]
        assert audits and all(duty.is_kept_waiting(noon.now()) and duty.is_made_late for duty in audits)
        assert not any(duty.not_before for duty in duties if duty.kind is DutyKind.CANARY)
        at(noon, 22)
        assert all(
            duty.is_due(noon.now()) for duty in derived(WORKS, shift, noon.now()).duties if duty.name == audits[0].name
        )


def test_a_person_may_reach_a_store_outside_its_window(made: Service, noon: SetClock) -> None:
    link(made, "city", NIGHT)
    entry = made.books.store("city")
    for heeds in (True, False):
        with compose.workplace(Home(made.home), ACT, NoProgress(), clock=noon, heeds_windows=heeds) as workplace:
            ask: Callable[[], object] = workplace.stores["city"].free_bytes
            if heeds:
                with pytest.raises(Unavailable, match="until 22:00"):
                    ask()
                with pytest.raises(Unavailable, match="until 22:00"):
                    compose.require_open(workplace, entry)
            else:
                assert ask()
                compose.require_open(workplace, entry)


def test_a_drill_cut_off_by_the_end_of_the_window_is_no_drill(made: Service, noon: SetClock, tmp_path: Path) -> None:
    made.ingest(tmp_path / "records")
    (package,) = made.books.packages()
    link(made, "city", {**NIGHT, links.SPEED_LIMIT: str(package.receipt.bag_bytes // 1800)})
    at(noon, 5, 50)
    home = Home(made.home)
    request = DrillRequest("city", home.certificates, compose.signer(home), sample=1)
    with opened(made, noon) as workplace, pytest.raises(Unavailable):
        policy_of = compose.policy_in_force(workplace.books)
        drill(workplace, request, policy_of, lambda entry, folder: compose.rebuilt_alone(workplace, entry, folder))
    assert not list(made.books.drills()) and not list(made.books.incidents())


# Decisions


def _duty(due: datetime, late: datetime | None = None, *stores: str) -> Duty:
    return Duty(DutyKind.AUDIT, "a", due, sentence("a test"), late, stores=stores, policies=("p",))


def test_work_waits_for_the_link_and_the_policy_together_over_midnight() -> None:
    hours = WorkHours(
        {"near": hours_of(["22:00-06:00"], SHANGHAI)}, {"p": hours_of(["02:00-04:00", "12:00-14:00"], SHANGHAI)}
    )
    noon = local(SHANGHAI, 2026, 5, 1, 12)
    waiting = hours.heeded(_duty(noon, noon + HOUR, "near"), noon)
    assert waiting.not_before == local(SHANGHAI, 2026, 5, 2, 2) and waiting.is_made_late
    assert hours.heeded(_duty(noon, None, "near", "city"), noon).not_before is None  # another store serves now
    two = local(SHANGHAI, 2026, 5, 2, 2)
    assert hours.closes_at(_duty(two, None, "near"), two) == local(SHANGHAI, 2026, 5, 2, 4)
    assert WorkHours().closes_at(_duty(two, None, "near"), two) is None


def test_work_that_is_to_come_begins_with_the_hours_of_its_day_also_when_clocks_change() -> None:
    hours = WorkHours({"near": hours_of(["02:30-05:00"], BERLIN)})
    due = local(BERLIN, 2026, 3, 28, 12)
    assert hours.heeded(_duty(due, None, "near"), due - 9 * HOUR).not_before == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_hours_that_never_meet_let_nothing_be_begun() -> None:
    hours = WorkHours({"near": hours_of(["22:00-06:00"], SHANGHAI)}, {"p": hours_of(["08:00-18:00"], SHANGHAI)})
    now = local(SHANGHAI, 2026, 5, 1, 12)
    for days in range(30):
        moment = now + timedelta(days=days)
        assert hours.heeded(_duty(now, None, "near"), moment).is_kept_waiting(moment)


def test_a_plan_reads_what_the_hours_and_the_rate_of_a_store_let_through() -> None:
    night, pace = hours_of(["22:00-06:00"], UTC), Pace(10, (PaceAt(hours_of(["00:00-03:00"], UTC).windows[0], 1),))
    begin = datetime(2026, 5, 1, tzinfo=UTC)
    fits = fitting_bytes(night, pace, begin, begin + timedelta(days=1))
    assert fits == 3 * 3600 * 1 + 3 * 3600 * 10 + 2 * 3600 * 10
    assert fitting_bytes(night, Pace(), begin, begin + timedelta(days=1)) is None
    readings = [Reading("near", date(2026, 5, 1), date(2026, 5, 2), 10, 10 * fits)]
    assert plan(readings, date(2026, 5, 1), 5, None).days[-1].overdue_copies == 0
    held = plan(readings, date(2026, 5, 1), 5, None, lambda store, day: fits)
    assert held.days[0].read_bytes == fits and held.days[-1].overdue_copies == 5
