"""Killed at any point of a run, the next run makes the same packages, and converts no file again that was done."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from preserve.clock import SystemClock
from preserve.definitions.policies import read_policy
from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.model.formats.identification import FileIdentified, Identification, Release
from preserve.model.migration_states import MigrationState
from preserve.model.nouns import CopyState
from preserve.operations.run_migration import RunReport
from preserve.packages.migrating.journal import Journal
from preserve.ports import FileToIdentify, NoProgress
from preserve.state.books import Books
from preserve.state.verification import verify_books
from preserve.stores.folder import FolderStore
from preserve.workplace import Workplace
from tests.crash.points import PointStore, was_killed_at
from tests.migrating.jobs import approved, decide, run
from tests.migrating.test_parts import lay, taken
from tests.migrating.test_run import PATIENT
from tests.migrating.texts import TextWorkshop, notice
from tests.packages.building import ACT, POLICY_TEXT, service

POLICIES = {"default": read_policy(POLICY_TEXT, "default.toml")}
NAMES = ("a", "b/c", "d truncate")


def texts(number: int) -> dict[bytes, bytes]:
    """Texts of one package; each begins with what it is called."""
    return {f"{name} {number}.txt".encode(): notice(f"{name.rpartition('/')[2]} {number}") for name in NAMES}


class TextIdentifier:
    """Calls everything a text: what is killed must have no processes of its own."""

    def release(self) -> Release:
        return Release("none", "none", "none")

    def identify(self, files: Iterable[FileToIdentify]) -> Iterator[FileIdentified]:
        return (FileIdentified(Identification("x-fmt/111")) for _ in files)


@dataclass(frozen=True)
class Life:
    """A home and its folder stores, of which nothing is open: each act opens what it needs."""

    folder: Path

    @contextmanager
    def workplace(self) -> Iterator[Workplace]:
        with Books.open(self.folder / "home") as books:
            stores = {
                entry.name: PointStore(FolderStore(entry.name, self.folder / entry.name, entry.store_id))
                for entry in books.stores()
            }
            work = self.folder / "home" / "work" / f"command-{os.getpid()}"
            work.mkdir(exist_ok=True)
            yield Workplace(books, stores, SystemClock(), ACT, NoProgress(), work)

    @property
    def workshop(self) -> TextWorkshop:
        return TextWorkshop(self.folder / "account")

    def run(self) -> RunReport:
        with self.workplace() as place:
            return run(place, POLICIES, self.workshop, TextIdentifier(), of=PATIENT)

    def done(self) -> set[str]:
        """The first lines of the files whose result is kept."""
        work = self.folder / "home" / "migrations" / "1" / "work"
        if not work.is_dir():
            return set()
        journal = Journal(work)
        results = [each for package in journal.packages() for each in journal.results(package)]
        return {Path(each.original.path.decode()).stem for each in results}

    def check_end(self, versions: int) -> None:
        with self.workplace() as place:
            books = place.books
            assert verify_books(books).is_ok
            assert books.migration(1).state is MigrationState.FINISHED
            assert books.package_count() == 2 + versions
            made = {each for row in books.migration_packages(1) if row.done for each in row.done.into}
            assert len(made) == versions
            assert {copy.state for copy in books.copies()} == {CopyState.VERIFIED}
            assert not list(books.findings(open_only=True))


@pytest.fixture
def mould(memory_path: Path, tmp_path: Path, identifier: SiegfriedIdentifier) -> Life:
    """A life with two packages and an approved migration."""
    life = Life(memory_path / "mould")
    with service(life.folder) as made:
        for number in range(2):
            taken(made, identifier, lay(tmp_path / f"source-{number}", texts(number)))
        approved(made.workplace, PATIENT)
    return life


def sweep(mould: Life, act: Callable[[Life], object], versions: int, step: int) -> int:
    """Kill `act` at each so many of its points in turn, each in a life of its own; how many there were, about."""
    for point in range(1, 2000, step):
        life = Life(mould.folder.with_name(f"life-{point}"))
        shutil.copytree(mould.folder, life.folder)
        if not was_killed_at(point, lambda life=life: act(life)):  # type: ignore[misc]
            return point - 1
        done, before = life.done(), Counter(life.workshop.conversions())
        with life.workplace() as place:
            assert verify_books(place.books).is_ok
        act(life)
        life.check_end(versions)
        again = Counter(life.workshop.conversions()) - before
        assert not set(again) & done, "what was done is not done again"
        shutil.rmtree(life.folder)
    raise AssertionError("the operation has no end")


STEP = 29
"""Each so many points, for time's sake; every second one was swept when this was written."""
STEP_OF_DECISIONS = 5
"""A run that only carries out is short; of every 29th point none lay within clearing up."""


def test_a_run(mould: Life) -> None:
    assert sweep(mould, Life.run, 2, STEP) > 60


def test_a_run_that_carries_a_decision_out(mould: Life) -> None:
    mould.run()
    with mould.workplace() as place:
        (first, _) = [row.package for row in place.books.migration_packages(1)]
        work = Journal(mould.folder / "home" / "migrations" / "1" / "work")
        (held,) = [path for each in work.settled(first) if b"truncate" in (path := each.original.path)]
        decide(place, first, held, is_accepted=True)
    assert sweep(mould, Life.run, 3, STEP_OF_DECISIONS) > 20
