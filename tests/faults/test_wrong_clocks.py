"""With clocks that are wrong, are names unique, audits kept, and is nothing overdue hidden?"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from preserve.model.audit import AuditCounts, age_limits, is_overdue, is_postdated, most_at_risk
from preserve.model.nouns import Level
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.ingest import IngestRequest, ingest
from preserve.operations.restore import RestoreRequest, restore
from preserve.state.verification import verify_books
from preserve.workplace import Workplace
from tests.faults.shaky import write_submission
from tests.packages.building import Service, service
from tests.restore.trees import differences
from tests.stores.clocks import SetClock

YEAR = timedelta(days=365)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class ErraticClock(SetClock):
    """Goes back by up to a day, or on by up to a second, each time it is asked."""

    def __init__(self, moment: datetime, seed: int) -> None:
        super().__init__(moment)
        self._lots = random.Random(seed)
        self._guard = threading.Lock()

    def now(self) -> datetime:
        with self._guard:
            self.moment += timedelta(seconds=self._lots.uniform(-86_400, 1))
            return self.moment


@contextmanager
def kept(folder: Path) -> Iterator[Service]:
    write_submission(folder / "source")
    with service(folder) as made:
        yield made


def at(made: Service, moment: datetime) -> Workplace:
    """The workplace of a command that begins at this moment, as the machine has it."""
    return replace(made.workplace, clock=SetClock(moment))


def overdue(made: Service, moment: datetime) -> int:
    limits = age_limits(made.policy.audit)
    return sum(is_overdue(copy, limits, moment) for copy in made.books.copies())


def test_a_year_ahead_and_back_again(tmp_path: Path) -> None:
    with kept(tmp_path) as made:
        source = tmp_path / "source"
        ids = []
        for number, moment in enumerate([NOW, NOW + YEAR, NOW + timedelta(days=1), NOW - YEAR, NOW]):
            (source / "more").write_bytes(b"%d" % number)
            report = ingest(at(made, moment), IngestRequest(source, made.policy))
            assert report.is_complete
            ids += [package.id for package in report.packages]
        assert len(set(ids)) == len(ids) == made.books.package_count()
        assert verify_books(made.books).is_ok
        assert restore(at(made, NOW), RestoreRequest(ids[-1], tmp_path / "out")).is_verified
        assert differences(source, tmp_path / "out") == []


def test_the_same_submission_a_year_back_is_still_the_same(tmp_path: Path) -> None:
    with kept(tmp_path) as made:
        first = ingest(at(made, NOW), IngestRequest(tmp_path / "source", made.policy))
        again = ingest(at(made, NOW - YEAR), IngestRequest(tmp_path / "source", made.policy))
        assert again.already and [package.id for package in again.packages] == [
            package.id for package in first.packages
        ]


def test_a_clock_that_runs_backwards_during_everything(tmp_path: Path) -> None:
    with kept(tmp_path) as made:
        source = tmp_path / "source"
        for seed in range(3):
            (source / "more").write_bytes(b"%d" % seed)
            place = replace(made.workplace, clock=ErraticClock(NOW, seed))
            report = ingest(place, IngestRequest(source, made.policy))
            assert report.is_complete
            assert audit(place, AuditRequest(afresh=True)).counts == AuditCounts(sound=2 * (seed + 1))
            out = tmp_path / f"out-{seed}"
            assert restore(place, RestoreRequest(report.accession, out)).is_verified
            assert differences(source, out) == []
        assert made.books.package_count() == 3
        assert verify_books(made.books).is_ok
        assert all(Level.FULL in copy.audits for copy in made.books.copies())


def test_an_audit_with_the_clock_a_year_back_is_kept_and_alarms_rather_than_hides(tmp_path: Path) -> None:
    with kept(tmp_path) as made:
        ingest(at(made, NOW), IngestRequest(tmp_path / "source", made.policy))
        for moment in (NOW, NOW - YEAR):
            assert audit(at(made, moment), AuditRequest(afresh=True)).counts.sound == 2
        assert overdue(made, NOW) == 2
        assert audit(at(made, NOW), AuditRequest(afresh=True)).counts.sound == 2
        assert overdue(made, NOW + timedelta(days=89)) == 0
        assert overdue(made, NOW + timedelta(days=92)) == 2


def test_an_audit_with_the_clock_years_ahead_hides_nothing_that_becomes_overdue(tmp_path: Path) -> None:
    with kept(tmp_path) as made:
        ingest(at(made, NOW), IngestRequest(tmp_path / "source", made.policy))
        assert audit(at(made, NOW + 10 * YEAR), AuditRequest(afresh=True)).counts.sound == 2
        assert overdue(made, NOW + timedelta(days=200)) == 2
        assert audit(at(made, NOW + timedelta(days=200)), AuditRequest(afresh=True)).counts.sound == 2
        assert overdue(made, NOW + timedelta(days=200)) == 0


def test_what_a_clock_ahead_looked_at_is_looked_at_first(tmp_path: Path) -> None:
    """By its date it would be the last: nobody would look at it again for years."""
    with kept(tmp_path) as made:
        source = tmp_path / "source"
        report = ingest(at(made, NOW + 10 * YEAR), IngestRequest(source, made.policy))
        (source / "more").write_bytes(b"more")
        ingest(at(made, NOW - YEAR), IngestRequest(source, made.policy))
        (ahead,) = (package.id for package in report.packages)
        copies = list(made.books.copies())
        first, second = most_at_risk(copies, 2, NOW)
        assert {first.package_id, second.package_id} == {ahead}
        assert [is_postdated(copy, NOW) for copy in sorted(copies, key=lambda copy: copy.package_id != ahead)] == [
            True,
            True,
            False,
            False,
        ]
        assert audit(at(made, NOW), AuditRequest(package=ahead, afresh=True)).counts.sound == 2
        assert not any(is_postdated(copy, NOW) for copy in made.books.copies())
        assert ahead not in {copy.package_id for copy in most_at_risk(made.books.copies(), 2, NOW)}


def test_clocks_of_two_machines_may_differ_by_hours(tmp_path: Path) -> None:
    with kept(tmp_path) as made:
        ingest(at(made, NOW), IngestRequest(tmp_path / "source", made.policy))
        audit(at(made, NOW + timedelta(hours=20)), AuditRequest(afresh=True))
        assert overdue(made, NOW) == 0
