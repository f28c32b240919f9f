"""Are object locks renewed in time, wholly, never shortened, and booked as the store says?"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from preserve.clock import SystemClock, moment_of, stamp
from preserve.daemon.table import WORKS
from preserve.daemon.works import Shift
from preserve.errors import NotThere, Refused, Unavailable
from preserve.model import events
from preserve.model.duties import Duty, DutyKind, in_order
from preserve.model.incidents import IncidentKind
from preserve.model.keys import Key
from preserve.model.locks import LockRule, LockStanding, is_all_locked, lock_rules
from preserve.model.nouns import CopyState
from preserve.model.parity import ParityEntry, layout_for, sizes_of
from preserve.operations import extend_locks as extending
from preserve.operations.extend_locks import ExtendReport, ExtendRequest, extend_locks
from preserve.operations.ingest import IngestRequest, ingest
from preserve.operations.status import status
from preserve.ports import Locks
from preserve.settings.home import Home
from preserve.state.books import Books
from preserve.state.verification import verify_books
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.folder import FolderStore
from preserve.stores.wrapping import WrappedStore
from preserve.workplace import Workplace
from tests.packages.building import Service, service
from tests.stores.clocks import SetClock

LOCKED = "city"


@dataclass
class Ends:
    """The locks of a store in memory: real ones last for days, and no test waits for them."""

    store: FolderStore
    ends: dict[Key, datetime] = field(default_factory=dict)

    def extend(self, key: Key, until: datetime) -> datetime:
        self.store.stat(key)
        self.ends[key] = max(until, self.ends.get(key, until))
        return self.ends[key]


class LockingFolder(WrappedStore):
    """A folder store that has locks."""

    def __init__(self, inner: FolderStore) -> None:
        super().__init__(inner)
        self.kept = Ends(inner)

    def locks(self) -> Locks | None:
        return self.kept


@dataclass(frozen=True)
class Locked:
    """A service with one package, of which the store `city` has object locks; policy locks for 100 days, and renews
    40 before the end."""

    made: Service
    store: LockingFolder

    @property
    def books(self) -> Books:
        return self.made.books

    @property
    def package(self) -> str:
        return next(self.books.packages()).id

    @property
    def rules(self) -> dict[str, LockRule]:
        return lock_rules({self.made.policy.name: self.made.policy})

    @property
    def end(self) -> datetime:
        copy = self.books.copy(self.package, LOCKED)
        assert copy is not None and copy.retain_until is not None
        return moment_of(copy.retain_until)

    def at(self, **after: float) -> Workplace:
        """A command that begins so long after now."""
        passed, machine = timedelta(**after), SystemClock()
        clock = SetClock(machine.now() + passed, machine.counter_seconds() + max(0.0, passed.total_seconds()))
        return replace(self.made.with_stores({LOCKED: self.store}), clock=clock)

    def extend(self, place: Workplace, **more: str) -> ExtendReport:
        return extend_locks(place, ExtendRequest(self.rules, **more))

    def standing(self, place: Workplace) -> LockStanding:
        (standing,) = self.books.lock_standings([LOCKED], self.rules, place.clock.now())
        return standing

    def duties(self, place: Workplace) -> list[Duty]:
        shift = Shift(Home(self.made.home), place, {self.made.policy.name: self.made.policy})
        now = place.clock.now()
        found = (duty for work in WORKS for duty in work.derive(shift, now))
        return [duty for duty in in_order(found, now) if duty.kind is DutyKind.LOCK_EXTENSION]


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Locked]:
    with service(tmp_path) as plain:
        policy = replace(plain.policy, retention_lock_days=100, lock_renew_before_days=40)
        made = replace(plain, policy=policy)
        entry = replace(made.books.store(LOCKED), capabilities={"object_lock": True})
        made.books.record(events.store_added(made.workplace.act, made.workplace.now(), entry))
        (tmp_path / "records").mkdir()
        (tmp_path / "records" / "a.txt").write_text("a record")
        ingest(made.workplace, IngestRequest(tmp_path / "records", policy))
        folder = made.workplace.stores[LOCKED]
        assert isinstance(folder, FolderStore)
        yield Locked(made, LockingFolder(folder))


def test_nothing_is_due_before_its_day(locked: Locked) -> None:
    place = locked.at(days=59)
    assert locked.extend(place) == ExtendReport((), ())
    assert (locked.standing(place).due, locked.store.kept.ends) == (0, {})
    (duty,) = locked.duties(place)
    assert not duty.is_due(place.clock.now()) and duty.due_at == locked.end - timedelta(days=40)


def test_what_is_due_is_held_on_wholly_and_booked(locked: Locked) -> None:
    place = locked.at(days=61)
    (duty,) = locked.duties(place)
    assert (duty.subject, duty.is_due(place.clock.now()), duty.is_late(place.clock.now())) == (LOCKED, True, False)
    before = locked.end
    (extended,) = locked.extend(place).extended
    assert {key.rpartition("/")[2] for key in locked.store.kept.ends} == {
        "bag.tar", "blocks.sha256", "members.parquet", "receipt.json",
    }  # fmt: skip
    assert (extended.objects, extended.before, extended.ends_at) == (4, before, locked.end)
    assert locked.end == place.clock.now() + timedelta(days=100)
    assert locked.extend(place).extended == ()
    assert verify_books(locked.books).is_ok


def test_every_generation_is_held(locked: Locked) -> None:
    bag = locked.made.object(LOCKED, locked.package, "bag.tar")
    bag.with_name("bag.tar.g2").write_bytes(bag.read_bytes())
    assert locked.extend(locked.at(days=61)).extended[0].objects == 5


def test_parity_is_held_too_and_the_package_also_when_it_is_lost(locked: Locked) -> None:
    package, place = locked.books.package(locked.package), locked.at(days=61)
    entry = ParityEntry(package.id, LOCKED, layout_for(sizes_of(package), 5), 5, "0" * 64, place.now())
    locked.books.record(events.parity_made(place.act, place.now(), entry, 1))
    assert locked.extend(place).extended[0].objects == 4
    locked.made.object(LOCKED, package.id, "bag.tar").with_name("parity.rs").write_bytes(b"parity")
    assert locked.extend(locked.at(days=130)).extended[0].objects == 5


def test_a_late_renewal_is_an_alarm_until_it_is_done(locked: Locked) -> None:
    made, place = locked.made, locked.at(days=81)
    (duty,) = locked.duties(place)
    assert duty.is_late(place.clock.now())

    def judged() -> bool:
        report = status(place, lambda receipt: made.policy, {made.policy.name: made.policy})
        return not any(each.late for each in report.locks)

    assert (locked.standing(place).late, judged()) == (1, False)
    assert locked.standing(locked.at(days=101)).ended == 1
    locked.extend(place)
    assert (locked.standing(place).late, judged()) == (0, True)


def test_a_copy_that_policy_wants_locked_since_yesterday_is_locked(locked: Locked) -> None:
    place = locked.at(seconds=1)
    locked.books.record(events.copied(place.act, place.now(), locked.package, LOCKED, locked_state(locked), 1))
    assert (locked.standing(place).unlocked, locked.standing(place).late) == (1, 1)
    assert locked.extend(place).extended[0].before is None
    assert locked.standing(place).unlocked == 0


def locked_state(locked: Locked) -> CopyState:
    copy = locked.books.copy(locked.package, LOCKED)
    assert copy is not None
    return copy.state


def test_a_clock_that_is_behind_locks_nothing_and_that_is_an_incident(locked: Locked) -> None:
    with pytest.raises(Refused, match="nothing is locked or held by a clock that is not to be trusted"):
        locked.extend(locked.at(days=-3650))
    (incident,) = locked.books.incidents()
    assert (incident.kind, locked.store.kept.ends) == (IncidentKind.CLOCK, {})


def test_a_lock_that_is_longer_in_the_store_stays_and_is_booked_as_it_is(locked: Locked) -> None:
    place = locked.at(days=61)
    longer = place.clock.now() + timedelta(days=1000)
    for part in ("bag.tar", "blocks.sha256", "members.parquet", "receipt.json"):
        locked.store.kept.ends[Key(f"packages/{locked.package[-2:]}/{locked.package}/{part}")] = longer
    assert locked.extend(place).extended[0].ends_at == longer == locked.end


def test_an_entry_that_would_shorten_changes_nothing(locked: Locked) -> None:
    before, act = locked.end, locked.made.workplace.act
    earlier = stamp(before - timedelta(days=50))
    locked.books.record(events.lock_extended(act, locked.made.workplace.now(), locked.package, LOCKED, earlier, 4))
    assert locked.end == before


def test_an_object_that_is_missing_fails_its_copy_and_books_nothing(locked: Locked) -> None:
    place, before = locked.at(days=61), locked.end
    locked.made.object(LOCKED, locked.package, "blocks.sha256").unlink()
    (failed,) = locked.extend(place).not_extended
    assert failed.package_id == locked.package and isinstance(failed.why, NotThere)
    assert locked.end == before


def test_a_store_that_is_away_is_put_off_and_a_killed_run_goes_on(locked: Locked, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.txt").write_text("another record")
    ingest(locked.made.workplace, IngestRequest(tmp_path / "more", locked.made.policy))
    place = locked.at(days=61)
    faults = [Fault(Harm.UNAVAILABLE, "extend", calls=(6,))]
    faulty = FaultyStore(locked.store, faults, SetClock(), random.Random(1))
    report = locked.extend(replace(place, stores={**place.stores, LOCKED: faulty}))
    assert (len(report.extended), report.is_only_away) == (1, True)
    assert isinstance(report.not_extended[0].why, Unavailable)
    assert len(locked.extend(place).extended) == 1
    assert locked.standing(place).due == 0


def test_one_copy_that_fails_keeps_no_other_from_being_extended(locked: Locked, tmp_path: Path) -> None:
    for name in ("b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "b.txt").write_text(f"record {name}")
        ingest(locked.made.workplace, IngestRequest(tmp_path / name, locked.made.policy))
    place = locked.at(days=61)
    faulty = FaultyStore(locked.store, [Fault(Harm.UNAVAILABLE, "extend", calls=(1,))], SetClock(), random.Random(1))
    report = locked.extend(replace(place, stores={**place.stores, LOCKED: faulty}))
    (failed,) = report.not_extended
    assert failed.package_id is not None and isinstance(failed.why, Unavailable)
    assert {each.package_id for each in report.extended} == {each.id for each in locked.books.packages()} - {
        failed.package_id
    }


def test_a_store_that_fails_again_and_again_is_left_for_the_next_run(
    locked: Locked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extending, "MOST_FAILURES_IN_A_ROW", 2)
    for name in ("b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "b.txt").write_text(f"record {name}")
        ingest(locked.made.workplace, IngestRequest(tmp_path / name, locked.made.policy))
    place = locked.at(days=61)
    faulty = FaultyStore(locked.store, [Fault(Harm.UNAVAILABLE, "extend")], SetClock(), random.Random(1))
    report = locked.extend(replace(place, stores={**place.stores, LOCKED: faulty}))
    assert [each.package_id is None for each in report.not_extended] == [False, False, True]
    assert (report.extended, report.is_only_away) == ((), True)


def test_a_store_whose_locks_are_gone_is_told_of(locked: Locked) -> None:
    place = replace(locked.at(days=61), stores=locked.made.workplace.stores)
    (failed,) = locked.extend(place).not_extended
    assert "says that it has none any more" in str(failed.why)


def test_a_policy_that_asks_for_no_renewal_lets_locks_end(locked: Locked) -> None:
    place = locked.at(days=200)
    rules = {name: replace(rule, renew_before_days=None) for name, rule in locked.rules.items()}
    assert extend_locks(place, ExtendRequest(rules)) == ExtendReport((), ())
    (standing,) = locked.books.lock_standings([LOCKED], rules, place.clock.now())
    assert (standing.ended, standing.due, standing.late) == (1, 0, 0)


def test_only_what_was_asked_for_is_extended(locked: Locked) -> None:
    place = locked.at(days=61)
    with pytest.raises(Refused, match="has no object locks"):
        locked.extend(place, store="near")
    with pytest.raises(Refused):
        locked.extend(place, package="20260101-nosuchpack")
    assert len(locked.extend(place, package=locked.package, store=LOCKED).extended) == 1


def test_the_histogram_counts_each_copy_once_where_it_ends(locked: Locked) -> None:
    spans = [(span.to_days, span.copies) for span in locked.books.lock_spans(LOCKED, locked.at(days=95).clock.now())]
    assert spans == [(None, 0), (0, 0), (7, 1), (30, 0), (90, 0), (365, 0), (None, 0)]
    (nearest,) = locked.books.nearest_lock_ends(LOCKED, 5)
    assert (nearest.package_id, nearest.ends_at) == (locked.package, locked.end)


def test_the_canary_is_locked_only_where_whatever_is_kept_is() -> None:
    assert is_all_locked({"a", "b"}, ["a"], ["a", "b", "c"])
    assert not is_all_locked({"a", "b"}, ["a", "c"], ["a", "b", "c"])
    assert not is_all_locked({"a", "b"}, [], ["a", "c"]), "nothing is kept yet, and what comes may not be locked"
    assert not is_all_locked(set(), [], [])
