"""Is silence an alarm: of a runner that stopped, a home that is full, a store unplugged, work that keeps failing?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from ops.sites.ports import free_block
from preserve import environment
from preserve.compose import policies_in_use
from preserve.daemon import heartbeat
from preserve.daemon.looking import AUDIT, LISTING
from preserve.daemon.mending import REPAIR
from preserve.daemon.notices import EVERY, notice_work
from preserve.daemon.turn import turn
from preserve.daemon.watching import look
from preserve.daemon.works import Shift
from preserve.errors import Barred, NoSpace
from preserve.model import events, source_events
from preserve.model.addresses import Address, Webhook
from preserve.model.alarms import nagios_state, performance_data
from preserve.model.attempts import MOST_ATTEMPTS
from preserve.model.concerns import Concern, ConcernKind
from preserve.model.duties import DutyKind, Ending
from preserve.model.incidents import IncidentKind
from preserve.model.keys import Key
from preserve.model.nouns import Level
from preserve.model.signs_of_life import SignOfLife
from preserve.model.sources import SourceEntry, SourceKind
from preserve.operations.audit import AuditRequest, audit
from preserve.ports import ErasableStore, ObjectFacts
from preserve.settings.addresses import write_addresses
from preserve.settings.home import Home
from preserve.state.sqlite_database import SqliteDatabase
from preserve.stores.wrapping import WrappedStore
from tests.packages.building import Service, flip, service
from tests.post.servers import Posted, webhook_server
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


def test_who_answers_for_a_policy_that_nobody_uses_is_not_asked(kept: tuple[Service, SetClock]) -> None:
    made, _ = kept
    unused = replace(made.policy, name="unused", notify="somebody elsewhere")
    policies = {made.policy.name: made.policy, "unused": unused}
    assert list(look(Shift(Home(made.home), made.workplace, policies), WORKS).answering) == [made.policy.name]
    assert policies_in_use(made.books, {"unused": unused}) == {"unused": unused}, "somebody has to answer"
    source = SourceEntry("office", SourceKind.FOLDER, "unused", str(made.home.parent))
    made.books.record(source_events.source_registered(made.workplace.act, made.workplace.now(), source))
    assert policies_in_use(made.books, policies) == policies, "harvested under it, it is in use"


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
    assert "'silence'=1;;;0" in list(performance_data(found, 0))


def test_a_key_that_was_revoked_is_told_of_at_once(kept: tuple[Service, SetClock]) -> None:
    made, _ = kept
    run(made)
    locked_out = replace(
        made, workplace=made.with_stores({"city": LockedOut(cast(ErasableStore, made.workplace.stores["city"]))})
    )
    assert [(each.kind, each.subject) for each in told(locked_out)] == [(ConcernKind.AWAY, "city")]


class LockedOut(WrappedStore):
    """A store that lets this program in no more, as the S3 adapter tells it (tests/stores/test_s3.py)."""

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        raise Barred("store {store} does not let this program in", store=self.name)

    def stat(self, key: Key) -> ObjectFacts:
        raise Barred("store {store} does not let this program in", store=self.name)

    def read(self, key: Key, start: int, into: memoryview) -> int:
        raise Barred("store {store} does not let this program in", store=self.name)


def test_a_notifier_that_is_broken_is_an_incident_within_two_intervals(kept: tuple[Service, SetClock]) -> None:
    made, clock = kept
    owner = made.policy.notify
    nobody_listens = Webhook(f"http://127.0.0.1:{free_block()}/")
    write_addresses(Home(made.home), {owner: Address(owner, webhook=nobody_listens)})
    works = (*WORKS, notice_work(WORKS))
    made.places["city"].rename(made.home.parent / "unplugged")
    for _ in range(3):  # the first failure, and two intervals
        turn(Home(made.home), made.workplace, works, expected_within=INTERVAL)
        clock.sleep(EVERY.total_seconds())
    assert (IncidentKind.NOTIFIER, owner) in [(each.kind, each.subject) for each in made.books.incidents()]


def test_telling_is_done_when_everybody_was_told_and_partly_where_somebody_could_not_be(
    kept: tuple[Service, SetClock],
) -> None:
    made, clock = kept
    owner, posted = made.policy.notify, Posted(answers=[200, 500])
    with webhook_server(posted) as port:
        write_addresses(Home(made.home), {owner: Address(owner, webhook=Webhook(f"http://127.0.0.1:{port}/"))})
        made.places["city"].rename(made.home.parent / "unplugged")
        endings = []
        for _ in range(3):
            report = turn(Home(made.home), made.workplace, [notice_work(WORKS)], expected_within=INTERVAL)
            endings += [each.ended.ending for each in report.worked]
            clock.sleep(8 * 86_400)
    assert len(posted.documents) >= 1
    assert endings == [Ending.FOR_NOW, Ending.PARTLY, Ending.FOR_NOW]


def test_addresses_that_are_torn_are_told_of_and_stop_nothing(kept: tuple[Service, SetClock]) -> None:
    made, clock = kept
    owner = made.policy.notify
    write_addresses(Home(made.home), {owner: Address(owner, webhook=Webhook("http://127.0.0.1:9/"))})
    made.books.note_noticed(clock.moment)
    (made.home / "addresses.json").write_text('{"format": "preserve-addr')
    (concern,) = told(made)
    assert concern.kind is ConcernKind.LATE and "addresses.json is not as this program writes it" in str(concern.what)
    report = turn(Home(made.home), made.workplace, (*WORKS, notice_work(WORKS)))
    assert list(report.failing) == [DutyKind.NOTICE]


def test_since_when_nobody_looks_whom_to_tell_is_told(kept: tuple[Service, SetClock]) -> None:
    made, clock = kept
    owner = made.policy.notify
    write_addresses(Home(made.home), {owner: Address(owner, webhook=Webhook("http://127.0.0.1:9/"))})
    run(made)
    made.books.note_noticed(clock.moment)
    since = clock.moment.isoformat(" ", "seconds")
    clock.sleep(27 * 3600)
    assert f"nobody has looked since {since} whether" in " ".join(str(each.what) for each in told(made))


def test_the_clock_of_a_runner_that_is_a_little_ahead_is_no_silence(kept: tuple[Service, SetClock]) -> None:
    made, clock = kept
    owner = made.policy.notify
    write_addresses(Home(made.home), {owner: Address(owner, webhook=Webhook("http://127.0.0.1:9/"))})
    made.books.note_noticed(clock.moment + timedelta(minutes=5))
    assert told(made) == []
    made.books.note_noticed(clock.moment + timedelta(days=2))
    assert [each.subject for each in told(made)] == ["notices"]


def test_late_work_is_told_once_and_until_it_is_done(kept: tuple[Service, SetClock]) -> None:
    made, clock = kept
    run(made)
    clock.sleep(3 * 365 * 86_400)
    seen = [each for each in told(made) if each.kind is ConcernKind.LATE]
    away = made.places["city"].rename(made.home.parent / "unplugged")
    run(made)
    assert IncidentKind.MISSED_RUN in {each.kind for each in made.books.incidents()}
    after = told(made)
    assert ConcernKind.INCIDENT not in {each.kind for each in after}
    late = [each.key for each in after if each.kind is ConcernKind.LATE]
    assert late and len(set(late)) == len(late) and set(late) <= {each.key for each in seen}
    away.rename(made.places["city"])
    run(made)
    assert told(made) == []


# Several machines


@pytest.fixture
def shared(kept: tuple[Service, SetClock], monkeypatch: pytest.MonkeyPatch) -> tuple[Service, SetClock]:
    """Books as on a server, which several machines use."""
    monkeypatch.setattr(SqliteDatabase, "is_shared", True)
    return kept


def run_on(machine: str, made: Service, folder: Path) -> None:
    """A turn of the runner on another machine, which has a part of the home of its own."""
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, "machine_name", lambda: machine)
        turn(Home(folder), made.workplace, (), expected_within=INTERVAL)


def test_one_dead_machine_of_several_is_seen_by_the_others_until_it_lives_again(
    shared: tuple[Service, SetClock], tmp_path: Path
) -> None:
    made, clock = shared
    run_on("b", made, tmp_path / "b")
    run(made)
    clock.sleep(INTERVAL.total_seconds())
    run(made)
    clock.sleep(1)
    assert [(each.kind, each.subject) for each in told(made)] == [(ConcernKind.SILENCE, "b")]
    run(made)
    (incident,) = made.books.incidents()
    assert (incident.kind, incident.subject) == (IncidentKind.SILENCE, "b")
    assert [each.kind for each in told(made)] == [ConcernKind.SILENCE], "once, though an incident is open"
    run_on("b", made, tmp_path / "b")
    assert list(made.books.incidents()) == [] and told(made) == []


def test_a_machine_that_was_taken_away_is_expected_no_more_when_a_person_says_so(
    shared: tuple[Service, SetClock], tmp_path: Path
) -> None:
    made, clock = shared
    run_on("b", made, tmp_path / "b")
    clock.sleep(INTERVAL.total_seconds() + 1)
    run(made)
    (incident,) = made.books.incidents()
    act, now = made.workplace.act, made.workplace.now()
    made.workplace.record(events.incident_closed(act, now, incident.id, "it was given away"))
    for _ in range(2):
        run(made)
        assert list(made.books.incidents()) == [] and told(made) == []
    assert [each.machine for each in made.books.signs_of_life()] == [environment.machine_name()]


def test_a_home_that_moved_leaves_no_dead_machine_behind(kept: tuple[Service, SetClock], tmp_path: Path) -> None:
    made, clock = kept
    run_on("b", made, tmp_path / "b")
    clock.sleep(INTERVAL.total_seconds() + 1)
    run(made)
    assert told(made) == [] and list(made.books.incidents()) == []
