"""Is silence an alarm: of a runner that stopped, a home that is full, a store unplugged, work that keeps failing?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preserve.daemon import heartbeat
from preserve.daemon.looking import AUDIT, LISTING
from preserve.daemon.mending import REPAIR
from preserve.daemon.turn import turn
from preserve.daemon.watching import look
from preserve.daemon.works import Shift
from preserve.errors import NoSpace
from preserve.model.alarms import nagios_state, performance_data
from preserve.model.attempts import MOST_ATTEMPTS
from preserve.model.concerns import Concern, ConcernKind
from preserve.model.incidents import IncidentKind
from preserve.model.nouns import Level
from preserve.model.signs_of_life import SignOfLife
from preserve.operations.audit import AuditRequest, audit
from preserve.settings.home import Home
from tests.packages.building import Service, flip, service
from tests.stores.clocks import SetClock

INTERVAL = timedelta(minutes=30)
WORKS = (REPAIR, AUDIT, LISTING)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[Service, SetClock]]:
    with service(tmp_path) as made:
        (tmp_path / "records").mkdir()
        (tmp_path / "records" / "a.txt").write_text("a record")
        made.ingest(tmp_path / "records")
        clock = SetClock(datetime.now(UTC))
        yield replace(made, workplace=replace(made.workplace, clock=clock)), clock


def run(made: Service) -> None:
    turn(Home(made.home), made.workplace, WORKS, expected_within=INTERVAL)


def told(made: Service) -> list[Concern]:
    shift = Shift(Home(made.home), made.workplace, {made.policy.name: made.policy})
    return list(look(shift, WORKS).concerns)


def test_a_runner_that_stopped_is_told_of_after_its_interval_and_not_before(kept: tuple[Service, SetClock]) -> None:
    made, clock = kept
    run(made)
    clock.sleep(INTERVAL.total_seconds())
    assert told(made) == []
    clock.sleep(1)
    assert [each.kind for each in told(made)] == [ConcernKind.SILENCE]
    run(made)
    assert told(made) == []


def test_a_heartbeat_that_is_torn_or_of_a_day_to_come_is_no_sign_of_life(kept: tuple[Service, SetClock]) -> None:
    made, clock = kept
    run(made)
    assert SignOfLife("a", clock.moment, clock.moment + INTERVAL).is_stale(clock.moment - timedelta(days=3))
    (made.home / heartbeat.FILE_NAME).write_text('{"format": "preserve-hea')
    assert heartbeat.read(Home(made.home)) is None


def test_a_home_that_is_full_stops_the_signs_of_life_and_not_the_work(
    kept: tuple[Service, SetClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, clock = kept
    run(made)
    (package,) = made.books.packages()
    flip(made.object("city", package.id, "bag.tar"), 700)
    audit(made.workplace, AuditRequest(Level.FULL))

    def full(path: Path, content: bytes, *, mode: int) -> None:
        raise NoSpace("no space left where {path} lies; free some space and run the command again", path=path)

    with monkeypatch.context() as patch:
        patch.setattr(heartbeat, "write_file", full)
        clock.sleep(INTERVAL.total_seconds() + 1)
        run(made)
    assert list(made.books.findings(store="city")) == []
    assert [each.kind for each in told(made)] == [ConcernKind.SILENCE]


def test_a_store_that_was_unplugged_is_told_of_at_once(kept: tuple[Service, SetClock]) -> None:
    made, _ = kept
    run(made)
    made.places["city"].rename(made.home.parent / "unplugged")
    assert [(each.kind, each.subject) for each in told(made)] == [(ConcernKind.AWAY, "city")]


def fail_to_repair(made: Service, clock: SetClock) -> dict[Path, bytes]:
    """Take both copies of the bag away, so that there is nothing to mend from, until repair is given up."""
    (package,) = made.books.packages()
    aside = {}
    for name in made.places:
        bag = made.object(name, package.id, "bag.tar")
        aside[bag] = bag.read_bytes()
        bag.unlink()
    audit(made.workplace, AuditRequest(Level.FULL))
    for _ in range(MOST_ATTEMPTS):
        run(made)
        clock.sleep(86_400)
    return aside


def test_work_that_fails_again_and_again_is_an_incident_until_it_succeeds(kept: tuple[Service, SetClock]) -> None:
    made, clock = kept
    aside = fail_to_repair(made, clock)
    assert {each.kind for each in made.books.incidents()} >= {IncidentKind.FAILED_WORK}
    for bag, content in aside.items():
        bag.write_bytes(content)
    run(made)
    assert IncidentKind.FAILED_WORK not in {each.kind for each in made.books.incidents()}


def test_failed_work_that_somebody_did_by_hand_is_an_incident_no_more(kept: tuple[Service, SetClock]) -> None:
    made, clock = kept
    aside = fail_to_repair(made, clock)
    assert IncidentKind.FAILED_WORK in {each.kind for each in made.books.incidents()}
    for bag, content in aside.items():
        bag.write_bytes(content)
    audit(made.workplace, AuditRequest(Level.FULL))
    assert list(made.books.findings()) == []
    run(made)
    assert IncidentKind.FAILED_WORK not in {each.kind for each in made.books.incidents()}


def test_monitoring_is_told_the_worst_and_counts_of_all(kept: tuple[Service, SetClock]) -> None:
    made, clock = kept
    run(made)
    assert nagios_state(told(made)).code == 0
    made.places["city"].rename(made.home.parent / "unplugged")
    assert nagios_state(told(made)).code == 1
    clock.sleep(2 * INTERVAL.total_seconds())
    found = told(made)
    assert nagios_state(found).code == 2
    assert "'silence'=1;;;0" in list(performance_data(found))
