"""Killed at any point of an ingest, a replication or a repair: nothing reported safe is lost, nothing half-done is
visible, and the same command again converges without help."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from preserve.clock import SystemClock
from preserve.daemon.looking import AUDIT, LISTING
from preserve.daemon.making import REPLICATION
from preserve.daemon.mending import REPAIR
from preserve.daemon.turn import turn
from preserve.definitions.policies import read_policy
from preserve.model.entries import AccessionState
from preserve.model.nouns import Condition, CopyState, Level
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.ingest import IngestRequest, ingest
from preserve.operations.repair import RepairRequest, repair
from preserve.operations.replicate import ReplicateRequest, replicate
from preserve.ports import NoProgress, Store
from preserve.settings.home import Home
from preserve.state.books import Books
from preserve.state.verification import verify_books
from preserve.stores.folder import FolderStore
from preserve.workplace import Workplace
from tests.crash.points import PointStore, was_killed_at
from tests.packages.building import ACT, POLICY_TEXT, flip, service

POLICY = read_policy(POLICY_TEXT, "default.toml")


@dataclass(frozen=True)
class Life:
    """A home and its folder stores, of which nothing is open: each act opens what it needs."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @contextmanager
    def workplace(self) -> Iterator[Workplace]:
        with Books.open(self.home) as books:
            stores: Mapping[str, Store] = {
                entry.name: PointStore(FolderStore(entry.name, self.folder / entry.name, entry.store_id))
                for entry in books.stores()
            }
            work = self.home / "work" / f"command-{os.getpid()}"
            work.mkdir(exist_ok=True)
            yield Workplace(books, stores, SystemClock(), ACT, NoProgress(), work)

    def ingest(self) -> None:
        with self.workplace() as place:
            assert ingest(place, IngestRequest(self.source, POLICY)).is_complete

    def replicate(self) -> None:
        with self.workplace() as place:
            assert replicate(place, ReplicateRequest(lambda sha256: POLICY)).is_complete

    def repair(self) -> None:
        with self.workplace() as place:
            assert not repair(place, RepairRequest()).not_repaired

    def run(self) -> None:
        with self.workplace() as place:
            report = turn(Home(self.home), place, (REPAIR, REPLICATION, AUDIT, LISTING))
            assert report.is_as_wanted and not report.left

    def check(self) -> None:
        """What must hold at any moment: the books are whole, and what they call verified is sound."""
        with self.workplace() as place:
            assert verify_books(place.books).is_ok
            verified = {(copy.package_id, copy.store) for copy in place.books.copies(states=[CopyState.VERIFIED])}
            report = audit(place, AuditRequest(Level.FULL, afresh=True))
            for finding in report.findings:
                assert (finding.package_id, finding.store) not in verified, finding
                # A whole copy that was written and not booked yet is the one thing nobody can explain.
                assert finding.condition is not Condition.UNEXPECTED or finding.package_id, finding

    def check_end(self) -> None:
        """What must hold when the second run is through."""
        self.check()
        with self.workplace() as place:
            assert place.books.package_count() == 1
            assert {copy.state for copy in place.books.copies()} == {CopyState.VERIFIED}
            assert len(list(place.books.copies())) == 2
            assert not list(place.books.accessions(AccessionState.OPEN))
            assert not list(place.books.findings(open_only=True))


@pytest.fixture
def mould(memory_path: Path) -> Life:
    """A life as it begins, with a submission."""
    life = Life(memory_path / "mould")
    (life.source / "公文").mkdir(parents=True)
    (life.source / "公文" / "通知.txt").write_bytes(b"notice" * 1000)
    (life.source / "scan.bin").write_bytes(os.urandom(50_000))
    with service(life.folder):
        pass
    return life


def sweep(mould: Life, act: Callable[[Life], None], step: int = 1) -> int:
    """Kill `act` at each of its points in turn, or each so many, each in a life of its own; returns how many points
    there were, about."""
    for point in range(1, 1000, step):
        life = Life(mould.folder.with_name(f"life-{point}"))
        shutil.copytree(mould.folder, life.folder)
        if not was_killed_at(point, lambda life=life: act(life)):  # type: ignore[misc]
            return point - 1
        life.check()
        act(life)
        life.check_end()
        shutil.rmtree(life.folder)
    raise AssertionError("the operation has no end")


def test_ingest(mould: Life) -> None:
    assert sweep(mould, Life.ingest) > 60


def test_replicate(mould: Life) -> None:
    city = mould.folder / "city"
    city.rename(city.with_name("unplugged"))
    with mould.workplace() as place:
        ingest(place, IngestRequest(mould.source, POLICY))
    city.with_name("unplugged").rename(city)
    assert sweep(mould, Life.replicate) > 40


def test_repair(mould: Life) -> None:
    mould.ingest()
    (bag,) = (mould.folder / "city").glob("packages/*/*/bag.tar")
    flip(bag, 30_000)
    bag.with_name("members.parquet").unlink()
    with mould.workplace() as place:
        assert len(audit(place, AuditRequest(Level.FULL)).findings) == 2
    assert sweep(mould, Life.repair) > 30


def test_a_turn_of_the_runner(mould: Life) -> None:
    """Each fifth point: the operations under it are swept whole above."""
    mould.ingest()
    (bag,) = (mould.folder / "city").glob("packages/*/*/bag.tar")
    flip(bag, 30_000)
    with mould.workplace() as place:
        assert len(audit(place, AuditRequest(Level.FULL)).findings) == 1
    assert sweep(mould, Life.run, step=5) > 40
