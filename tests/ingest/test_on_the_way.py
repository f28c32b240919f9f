"""Do all who tell of a copy that policy allows time for tell the same: before its time is over, and after?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.policies import allowing
from preserve import compose
from preserve.clock import moment_of, stamp
from preserve.daemon.making import REPLICATION
from preserve.daemon.turn import TurnReport, turn
from preserve.daemon.watching import Looked, look
from preserve.daemon.works import Shift
from preserve.model import events
from preserve.model.alarms import nagios_state
from preserve.model.concerns import ConcernKind
from preserve.model.duties import Ending
from preserve.model.nouns import CopyState, Level, Role
from preserve.model.on_the_way import OnTheWay, WaitsFor
from preserve.model.policy import Policy
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.ingest import IngestReport, IngestRequest, ingest
from preserve.operations.replicate import ReplicateReport, ReplicateRequest, replicate
from preserve.operations.show_package import show
from preserve.operations.status import StatusReport
from preserve.settings.home import Home
from preserve.state.standing_reading import Booked
from preserve.workplace import Workplace
from tests.packages.building import ACT, Service, flip, policy_text, service
from tests.stores.clocks import SetClock

MONTH = timedelta(days=30)
SECOND = timedelta(seconds=1)


class Archive:
    """A service with a store `near` and a disk `far`, which is on its shelf unless somebody brings it, a policy that
    allows a month for the copy there, and a clock that is set."""

    def __init__(self, made: Service) -> None:
        self.made = made
        self.clock = SetClock(datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1))
        text = allowing(policy_text(["near", "far"]), {"remote_offline": "30 days"})
        made.books.record(events.policy_registered(ACT, stamp(self.clock.now()), "default", text))
        self.stores = dict(made.workplace.stores)
        self.is_brought = True
        self.bring(False)

    @property
    def policy(self) -> Policy:
        return compose.policies(self.made.books)["default"]

    @property
    def place(self) -> Workplace:
        away = frozenset() if self.is_brought else frozenset(["far"])
        return replace(self.made.workplace, clock=self.clock, stores=self.stores, away=away)

    def bring(self, is_there: bool = True) -> None:
        if is_there != self.is_brought:
            attached, shelf = self.made.places["far"], self.made.places["far"].with_name("shelf")
            (shelf if is_there else attached).rename(attached if is_there else shelf)
        self.is_brought = is_there

    def ingest(self, name: str = "a") -> IngestReport:
        folder = self.made.home.parent / name
        if not folder.exists():
            folder.mkdir()
            (folder / "通知.txt").write_text(name)
        return ingest(self.place, IngestRequest(folder, self.policy))

    def replicate(self, *stores: str) -> ReplicateReport:
        return replicate(self.place, ReplicateRequest(compose.policy_in_force(self.made.books), stores))

    def look(self) -> Looked:
        return look(Shift(Home(self.made.home), self.place, compose.policies(self.made.books)), (REPLICATION,))

    def status(self) -> StatusReport:
        return self.look().status

    def run(self) -> TurnReport:
        return turn(Home(self.made.home), self.place, (REPLICATION,))

    def until(self, report: IngestReport, after: timedelta) -> None:
        """Set the clock so long after a package was taken in."""
        self.clock.moment = moment_of(self.made.books.packaged_at(report.packages[0].id)) + after


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with service(tmp_path, ("near", "far")) as made:
        yield Archive(made)


def kinds(looked: Looked) -> set[ConcernKind]:
    return {each.kind for each in looked.concerns}


def test_until_its_time_is_over_a_copy_is_told_of_and_is_no_shortfall(archive: Archive) -> None:
    report = archive.ingest()
    due_at = moment_of(archive.made.books.packaged_at(report.packages[0].id)) + MONTH
    coming = (OnTheWay("default", Role.REMOTE_OFFLINE, WaitsFor.ATTACHING, ("far",), 1, due_at),)
    assert (report.is_kept, report.is_complete, report.on_the_way) == (True, False, coming)
    for after in (timedelta(), MONTH):
        archive.until(report, after)
        again, looked = archive.ingest(), archive.look()
        assert (again.already, again.is_kept, again.on_the_way) == (True, True, coming)
        assert looked.is_as_wanted and kinds(looked) == set() and nagios_state(looked.concerns).code == 0
        assert (looked.status.safe, looked.status.coming, looked.status.short_count) == (0, 1, 0), "it is not safe"
        assert looked.status.on_the_way == coming
        (holdings,) = looked.status.holdings
        assert (holdings.safe, holdings.on_the_way, holdings.short) == (0, 1, 0)


def test_when_its_time_is_over_the_copy_is_owed_and_everybody_is_told(archive: Archive) -> None:
    report = archive.ingest()
    archive.until(report, MONTH + SECOND)
    again, looked = archive.ingest(), archive.look()
    assert (again.is_kept, again.on_the_way) == (False, ())
    assert not looked.is_as_wanted and kinds(looked) == {ConcernKind.NOT_SAFE, ConcernKind.LATE}
    assert (looked.status.safe, looked.status.coming, looked.status.short_count) == (0, 0, 1)
    assert [(each.wanted, each.verified) for each in looked.status.short] == [(2, 1)]
    assert looked.status.on_the_way == () and nagios_state(looked.concerns).code == 2


def test_the_copy_is_due_work_from_the_first_minute_and_late_when_its_time_is_over(archive: Archive) -> None:
    report = archive.ingest()
    late = {}
    for after in (MONTH, MONTH + SECOND):
        archive.until(report, after)
        looked = archive.look()
        late[after] = looked.late
        assert [duty.is_due(looked.at) for duty in looked.duties] == [True]
    assert (late[MONTH], [duty.subject for duty in late[MONTH + SECOND]]) == ([], ["default"])
    archive.until(report, timedelta())
    run = archive.run()
    assert [(each.duty.subject, each.ended.ending) for each in run.worked] == [("default", Ending.PUT_OFF)]
    assert [duty.subject for duty in run.left] == ["default"] and run.is_as_wanted


def test_once_the_disk_was_brought_everything_is_safe_and_nothing_is_on_its_way(archive: Archive) -> None:
    archive.ingest()
    archive.bring()
    assert [each.waits_for for each in archive.status().on_the_way] == [WaitsFor.COPYING]
    assert archive.run().is_as_wanted
    archive.bring(False)
    now = archive.status()
    assert (now.safe, now.coming, now.on_the_way, now.is_as_wanted) == (1, 0, (), True)


def test_replicate_waits_for_a_disk_in_time_and_says_so_unless_somebody_names_it(archive: Archive) -> None:
    report = archive.ingest()
    tried = archive.replicate()
    assert (tried.is_kept, tried.is_complete, tried.due_count) == (True, False, 1)
    assert [(each.waits_for, each.count) for each in tried.on_the_way] == [(WaitsFor.ATTACHING, 1)]
    archive.until(report, MONTH + SECOND)
    late = archive.replicate()
    assert (late.is_kept, late.on_the_way, [each.is_owed for each in late.not_made]) == (False, (), [True])


def test_a_package_says_for_itself_what_is_still_to_come(archive: Archive) -> None:
    report = archive.ingest()
    policy_of = compose.policy_in_force(archive.made.books)
    shown = show(archive.place, report.packages[0].id, policy_of)
    assert (shown.wanted, shown.verified, shown.owed) == (2, 1, 0) and shown.on_the_way == report.on_the_way
    archive.until(report, MONTH + SECOND)
    late = show(archive.place, report.packages[0].id, policy_of)
    assert (late.owed, late.on_the_way) == (1, ())


def test_a_store_that_is_still_to_be_registered_is_told_at_once_and_nothing_is_called_unsafe_for_it(
    archive: Archive,
) -> None:
    """No time brings a store that nobody registers; the copy itself has its month."""
    archive.bring()
    archive.made.books.record(events.store_retired(ACT, stamp(archive.clock.now()), "far", False, ""))
    del archive.stores["far"]
    report = archive.ingest()
    assert not report.is_kept and [each.waits_for for each in report.on_the_way] == [WaitsFor.STORE]
    looked = archive.look()
    assert not looked.is_as_wanted and kinds(looked) == {ConcernKind.NO_STORE}
    assert (looked.status.coming, looked.status.short_count) == (1, 0)
    assert nagios_state(looked.concerns).code == 1, "a warning, and nothing critical"


def test_a_disk_on_which_a_copy_went_bad_owes_it_at_once(archive: Archive) -> None:
    archive.bring()
    (package,) = archive.ingest().packages
    assert archive.status().safe == 1
    flip(archive.made.object("far", package.id, "bag.tar"), 600)
    audit(archive.place, AuditRequest(Level.FULL))
    now = archive.status()
    assert (now.short_count, now.coming, now.on_the_way) == (1, 0, ())


def test_what_a_retired_disk_held_is_owed_at_once_and_what_it_never_had_is_on_its_way(archive: Archive) -> None:
    archive.bring()
    held = archive.ingest("held").packages[0].id
    archive.bring(False)
    never = archive.ingest("never").packages[0].id
    archive.made.books.record(events.store_retired(ACT, stamp(archive.clock.now()), "far", True, ""))
    del archive.stores["far"]
    now = archive.status()
    assert [(each.package_id, each.verified) for each in now.short] == [(held, 1)]
    assert (now.safe, now.coming, now.short_count) == (0, 1, 1)
    policy_of = compose.policy_in_force(archive.made.books)
    assert [show(archive.place, package, policy_of).owed for package in (held, never)] == [1, 0]
    assert [archive.ingest(name).packages[0].owed for name in ("held", "never")] == [1, 0]


def test_older_packages_are_owed_while_younger_ones_are_on_their_way(archive: Archive) -> None:
    first = archive.ingest("first")
    archive.until(first, timedelta(days=10))
    second = archive.ingest("second")
    archive.until(first, timedelta(days=20))
    assert [(each.count, each.first_due_at - archive.clock.now()) for each in archive.status().on_the_way] == [
        (2, timedelta(days=10))
    ]
    archive.until(first, MONTH + SECOND)
    now = archive.status()
    assert [each.package_id for each in now.short] == [first.packages[0].id]
    assert (now.short_count, now.coming, [each.count for each in now.on_the_way]) == (1, 1, [1])
    (standing,) = archive.made.books.standings()
    begin = archive.made.books.packaged_at(second.packages[0].id)
    assert archive.made.books.booked_count(standing, Booked(since=begin)) == (1, begin)
    assert archive.made.books.booked_count(standing, Booked(before=begin))[0] == 1
    assert archive.made.books.booked_count(standing, Booked(since="9")) == (0, None)


def test_packages_taken_in_by_a_clock_that_ran_ahead_have_no_time_left(archive: Archive) -> None:
    right = archive.clock.moment
    archive.clock.moment += timedelta(days=400)
    archive.ingest()
    archive.clock.moment = right
    now = archive.status()
    assert (now.short_count, now.coming, [each.verified for each in now.short]) == (1, 0, [1])


def test_copies_overdue_on_a_disk_that_is_away_are_owed_and_not_on_their_way(archive: Archive) -> None:
    """Two packages stand alike; of one nobody has looked at the disk's copy for too long, and nobody can."""
    text = allowing(policy_text(["near", "far"]), {"remote_offline": "366 days"})
    archive.made.books.record(events.policy_registered(ACT, stamp(archive.clock.now()), "default", text))
    archive.bring()
    first, later = archive.ingest("first"), archive.ingest("later")
    archive.until(first, timedelta(days=200))
    audit(archive.place, AuditRequest(Level.FULL, stores=("near",)))
    audit(archive.place, AuditRequest(Level.FULL, stores=("far",), package=later.packages[0].id))
    archive.bring(False)
    third = archive.ingest("third")
    now = archive.status()
    assert [each.package_id for each in now.short] == [first.packages[0].id]
    assert (now.safe, now.coming, now.short_count) == (1, 1, 1)
    assert [each.count for each in now.on_the_way] == [1] and third.is_kept


@pytest.mark.parametrize("state", [CopyState.WRITTEN, CopyState.ATTESTED])
def test_a_copy_that_was_never_read_back_is_judged_alike_by_ingest_and_status(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, state: CopyState
) -> None:
    """As one in cold storage is: it is no copy until somebody has read it, and has the time that policy gives."""
    archive.bring()
    report = archive.ingest()
    package = report.packages[0].id
    for allowed, is_well in ((allowing, True), (without_time, False)):
        text = allowed(policy_text(["near", "far"]), {"remote_offline": "30 days"})
        archive.made.books.record(events.policy_registered(ACT, stamp(archive.clock.now()), "default", text))
        archive.made.books.record(
            events.copied(ACT, stamp(archive.clock.now()), package, "far", state, 10_000, retain_until=None)
        )
        again, now = show(archive.place, package, compose.policy_in_force(archive.made.books)), archive.status()
        assert (again.owed == 0, now.is_as_wanted) == (is_well, is_well)
        assert [each.waits_for for each in now.on_the_way] == [WaitsFor.READING] * is_well
        assert (now.safe, now.coming, now.short_count) == (0, int(is_well), int(not is_well))


without_time: Callable[[str, dict[str, str]], str] = lambda text, within: text  # noqa: E731
