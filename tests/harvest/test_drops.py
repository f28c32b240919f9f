"""Does a drop folder take each submission once, whole, and move nothing that is not committed?"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from preserve.clock import moment_of
from preserve.definitions.policies import read_policy
from preserve.errors import Tampered, Unavailable
from preserve.model import source_events
from preserve.model.entries import AccessionState
from preserve.model.incidents import IncidentKind
from preserve.model.sources import SourceEntry, SourceKind
from preserve.operations import take_submissions as module
from preserve.operations.restore import RestoreRequest, restore
from preserve.operations.take_submissions import TakeReport, TakeRequest, take_submissions
from preserve.packages.harvesting.sieve import Sieve
from preserve.packages.making.taking_in import IngestReport, Intake, take_in
from preserve.state.verification import verify_books
from tests.crash.points import was_killed_at
from tests.harvest.harvesting import tree
from tests.harvest.lives import workplace
from tests.packages.building import POLICY_TEXT, Service, service
from tests.rights import OPEN, as_owner
from tests.stores.clocks import SetClock

POLICY = read_policy(POLICY_TEXT, "default.toml")
METADATA = (
    "archival_code,title,fonds,retention,classification,path\n0001-WS·2024-永久-0001,Minutes,0001,永久,公开,{path}\n"
)
TAKING_IN, EVERY = 115, 38
"""Points at which a submission is still being taken in are many, and tried elsewhere; from then on each is tried."""


@dataclass(frozen=True, slots=True)
class Drop:
    service: Service
    folder: Path

    def take(self, settle_seconds: int = 0, moves_taken: bool = True, sieve: Sieve | None = None) -> TakeReport:
        place = self.service.workplace
        entry = SourceEntry(
            "incoming", SourceKind.DROP, "default", str(self.folder), settle_seconds, moves_taken=moves_taken
        )
        place.record(source_events.source_registered(place.act, place.now(), entry))
        request = TakeRequest(self.service.books.source("incoming"), self.service.policy, sieve=sieve)
        return take_submissions(place, request)

    def after(self, **span: int) -> Drop:
        """The same, so much later."""
        clock = SetClock(self.service.workplace.clock.now() + timedelta(**span))
        return Drop(replace(self.service, workplace=replace(self.service.workplace, clock=clock)), self.folder)

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.iterdir())


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[Drop]:
    with service(tmp_path) as made:
        folder = tmp_path / "incoming"
        for name in ("first", "second"):
            (folder / name / "deep").mkdir(parents=True)
            (folder / name / "deep" / "a.txt").write_text(f"of {name}")
        yield Drop(made, folder)


def test_only_what_was_declared_complete_is_taken_and_moved(drop: Drop, tmp_path: Path) -> None:
    (drop.folder / "first.complete").touch()
    report = drop.take()
    assert [each.name for each in report.taken] == ["first"]
    assert report.waiting == ("second",)
    assert drop.names() == ["second", "taken"]
    assert sorted(path.name for path in (drop.folder / "taken").iterdir()) == ["first", "first.complete"]
    accession = report.taken[0].report.accession
    restore(drop.service.workplace, RestoreRequest(accession, tmp_path / "back"))
    assert tree(tmp_path / "back") == tree(drop.folder / "taken" / "first")


def test_a_marker_within_is_no_record_and_a_file_of_that_name_is(drop: Drop, tmp_path: Path) -> None:
    (drop.folder / "first" / "complete").touch()
    (drop.folder / "second" / "complete").write_text("the complete works")
    report = drop.take()
    assert ([each.name for each in report.taken], report.waiting) == (["first"], ("second",))
    restore(drop.service.workplace, RestoreRequest(report.taken[0].report.accession, tmp_path / "back"))
    assert sorted(path.name for path in (tmp_path / "back").iterdir()) == ["deep"]


def test_what_moved_a_short_while_ago_waits(drop: Drop) -> None:
    (drop.folder / "first.complete").touch()
    assert drop.take(settle_seconds=600).taken == ()
    later = SetClock(moment_of("2099-01-01T00:00:00+00:00"))
    place = replace(drop.service.workplace, clock=later)
    assert len(Drop(replace(drop.service, workplace=place), drop.folder).take(settle_seconds=600).taken) == 1


def test_a_run_killed_before_the_move_takes_nothing_twice(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    (drop.folder / "first.complete").touch()

    def killed(path: Path, final: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "move", killed)
        with pytest.raises(KeyboardInterrupt):
            drop.take()
    count = drop.service.books.package_count()
    report = drop.take()
    assert (report.taken[0].report.already, drop.service.books.package_count()) == (True, count)
    assert drop.names() == ["second", "taken"]


def drop_at(folder: Path) -> None:
    """What a process does that is killed."""
    with workplace(folder) as place:
        take_submissions(place, TakeRequest(place.books.source("incoming"), POLICY))


def test_a_look_killed_at_any_point_is_done_again_and_leaves_nothing_out_of_the_history(memory_path: Path) -> None:
    with service(memory_path / "life") as made:
        folder = memory_path / "life" / "incoming"
        (folder / "first").mkdir(parents=True)
        (folder / "first" / "a.txt").write_text("of first")
        (folder / "first.metadata.csv").write_text(METADATA.format(path="a.txt"))
        (folder / "first.complete").touch()
        place = made.workplace
        entry = SourceEntry("incoming", SourceKind.DROP, "default", str(folder), 0)
        place.record(source_events.source_registered(place.act, place.now(), entry))
    nth, seen = 1, set[bool]()
    life = memory_path / "life"
    shutil.copytree(life, memory_path / "fresh")
    while was_killed_at(nth, lambda: drop_at(life)):
        with workplace(life) as place:
            kept = [each for each in place.books.accessions() if each.state is AccessionState.COMMITTED]
            seen.add(bool(kept) and place.books.last_harvest("incoming") is None)
        drop_at(life)
        with workplace(life) as place:
            assert verify_books(place.books).is_ok
            kept = [each for each in place.books.accessions() if each.state is AccessionState.COMMITTED]
            [harvest] = place.books.harvests("incoming")
            assert harvest.accessions == tuple(each.id for each in kept)
            report = take_submissions(place, TakeRequest(place.books.source("incoming"), POLICY))
        assert (report.taken, report.waiting, report.orphans) == ((), (), ())
        assert [each.name for each in (life / "incoming").iterdir()] == ["taken"]
        assert len(list((life / "incoming" / "taken").iterdir())) == 3
        shutil.rmtree(life)
        shutil.copytree(memory_path / "fresh", life)
        nth += EVERY if nth < TAKING_IN else 1
    assert seen == {False, True}, "some were killed between taking in and booking"


def test_a_marker_without_a_submission_is_told(drop: Drop) -> None:
    (drop.folder / "frist.complete").touch()
    (drop.folder / "first.complete").touch()
    report = drop.take()
    assert (report.orphans, report.is_complete) == (("frist.complete",), False)
    assert drop.take(settle_seconds=600).orphans == (), "its submission may be on the way"
    assert "frist.complete" in drop.names()


def test_a_marker_for_a_second_submission_of_a_name_waits_for_it(drop: Drop) -> None:
    (drop.folder / "first.complete").touch()
    drop.take()
    (drop.folder / "first.complete").touch()
    assert drop.take().orphans == ("first.complete",)
    (drop.folder / "first").mkdir()
    (drop.folder / "first" / "b.txt").write_text("another")
    assert drop.take().taken[0].moved_to == drop.folder / "taken" / "first~2"


def test_what_cannot_be_taken_is_an_incident_as_long_as_it_lies_there(drop: Drop) -> None:
    def untaken() -> str | None:
        found = drop.service.books.open_incident(IncidentKind.UNTAKEN, "incoming")
        return found.what if found else None

    (drop.folder / "empty").mkdir()
    (drop.folder / "empty.complete").touch()
    drop.take()
    first = untaken()
    assert first is not None and "empty" in first
    drop.take()
    assert untaken() == first and len(list(drop.service.books.incidents())) == 1
    (drop.folder / "frist.complete").touch()
    drop.take()
    assert "frist.complete" in str(untaken())
    shutil.rmtree(drop.folder / "empty")
    for name in ("empty", "frist"):
        (drop.folder / f"{name}.complete").unlink()
    drop.take()
    assert untaken() is None


def test_nothing_is_moved_that_no_store_took(drop: Drop) -> None:
    (drop.folder / "first.complete").touch()
    for place in drop.service.places.values():
        place.rename(place.with_name(f"{place.name} away"))
    with pytest.raises(Unavailable):
        drop.take()
    assert drop.names() == ["first", "first.complete", "second"]


def test_what_is_added_while_a_submission_is_taken_in_is_not_moved_before_it_is_kept(
    drop: Drop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (drop.folder / "first.complete").touch()
    late = drop.folder / "first" / "late.txt"

    def slow(*arguments: Any) -> IngestReport:
        report = take_in(*arguments)
        late.write_text("added by somebody who thought there was time")
        return report

    with monkeypatch.context() as patch:
        patch.setattr(module, "take_in", slow)
        assert drop.take().taken[0].moved_to is None
    [again] = drop.take().taken
    assert again.moved_to == drop.folder / "taken" / "first"
    restore(drop.service.workplace, RestoreRequest(again.report.accession, tmp_path / "back"))
    assert (tmp_path / "back" / "late.txt").exists()


def test_what_was_taken_before_the_stores_went_away_is_in_the_history(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        (drop.folder / f"{name}.complete").touch()

    def away_for_the_second(workplace: Any, intake: Intake, *rest: Any) -> IngestReport:
        if intake.source.endswith("second"):
            raise Unavailable("every store is away")
        return take_in(workplace, intake, *rest)

    monkeypatch.setattr(module, "take_in", away_for_the_second)
    with pytest.raises(Unavailable):
        drop.take()
    assert [len(each.accessions) for each in drop.service.books.harvests("incoming")] == [1]
    assert drop.names() == ["second", "second.complete", "taken"]


def test_one_that_is_refused_stops_no_other(drop: Drop) -> None:
    (drop.folder / "empty").mkdir()
    for name in ("empty", "first"):
        (drop.folder / f"{name}.complete").touch()
    report = drop.take()
    assert ([each.name for each in report.taken], [name for name, _ in report.refused]) == (["first"], ["empty"])
    assert "empty" in drop.names()


def test_no_link_leads_out_of_a_drop_folder(drop: Drop, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.txt").write_text("of the service")
    (drop.folder / "linked").symlink_to(secret)
    (drop.folder / "first.metadata.csv").symlink_to(secret / "key.txt")
    for name in ("linked", "first"):
        (drop.folder / f"{name}.complete").touch()
    report = drop.take()
    assert ([each.name for each in report.taken], [name for name, _ in report.refused]) == (["first"], ["linked"])
    assert drop.names() == ["first.metadata.csv", "linked", "linked.complete", "second", "taken"]


def test_taken_submissions_may_stay_and_are_taken_once(drop: Drop) -> None:
    (drop.folder / "first.complete").touch()
    drop.take(moves_taken=False)
    again = drop.take(moves_taken=False)
    assert (again.taken[0].report.already, again.entry) == (True, None)
    assert drop.names() == ["first", "first.complete", "second"]


def test_metadata_beside_a_submission_describes_it_and_goes_with_it(drop: Drop) -> None:
    (drop.folder / "first.metadata.csv").write_text(METADATA.format(path="deep/"))
    (drop.folder / "first.complete").touch()
    report = drop.take()
    assert report.refused == ()
    package = drop.service.books.package(report.taken[0].report.packages[0].id)
    assert package.receipt.records == 1
    assert (drop.folder / "taken" / "first.metadata.csv").exists()


def test_a_name_that_was_taken_before_is_free_again(drop: Drop) -> None:
    (drop.folder / "first.complete").touch()
    drop.take()
    (drop.folder / "first").mkdir()
    (drop.folder / "first" / "b.txt").write_text("another")
    (drop.folder / "first.complete").touch()
    assert drop.take().taken[0].moved_to == drop.folder / "taken" / "first~2"


HIDDEN = (".first", ".DS_Store", "~$letter.docx", "second.tar.part", ".complete", ".metadata.csv")


def test_no_name_is_passed_over_in_silence_and_what_waits_for_days_is_told(drop: Drop) -> None:
    for name in HIDDEN:
        (drop.folder / name).write_text("of somebody")
    waiting = tuple(sorted([*HIDDEN, "first", "second"]))
    report = drop.take()
    assert (report.waiting, report.forgotten, report.is_complete) == (waiting, (), True)
    assert drop.after(days=6).take().forgotten == ()
    late = drop.after(days=8)
    (drop.folder / "first" / "late.txt").write_text("somebody is at it")
    os.utime(drop.folder / "first" / "late.txt", ns=(1, int(late.service.workplace.clock.now().timestamp()) * 10**9))
    report = late.take()
    assert (report.waiting, report.is_complete) == (("first",), False)
    assert report.forgotten == tuple(name for name in waiting if name != "first")
    told = drop.service.books.open_incident(IncidentKind.UNTAKEN, "incoming")
    assert told is not None and ".DS_Store" in told.what and "waits for too long" in told.what


def test_a_hidden_name_that_was_declared_complete_is_taken_like_any_other(drop: Drop) -> None:
    (drop.folder / "first").rename(drop.folder / ".first")
    (drop.folder / ".first.complete").touch()
    assert [each.name for each in drop.take().taken] == [".first"]
    assert drop.names() == ["second", "taken"]


def test_what_nobody_wants_to_hear_of_is_left_out_by_patterns(drop: Drop) -> None:
    (drop.folder / ".DS_Store").write_text("of the Finder")
    (drop.folder / ".Trash").mkdir()
    report = drop.after(days=8).take(sieve=Sieve([".DS_Store", ".Trash/", "second"], []))
    assert (report.waiting, report.forgotten, report.left_out) == ((), ("first",), 3)


def test_a_link_that_leads_where_nobody_may_look_stops_no_other_where_patterns_are_asked() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")) as place:
        os.chmod(place, OPEN)
        with service(Path(place)) as made:
            drop = Drop(made, Path(place) / "incoming")
            (drop.folder / "first").mkdir(parents=True)
            (drop.folder / "first" / "a.txt").write_text("a")
            (drop.folder / "first.complete").touch()
            closed = Path(place) / "closed"
            (closed / "inside").mkdir(parents=True)
            (drop.folder / "away").symlink_to(closed / "inside")
            with as_owner(Path(place)):
                os.chmod(closed, 0)
                report = drop.take(sieve=Sieve([".Trash/"], []))
                os.chmod(closed, OPEN)
    assert ([each.name for each in report.taken], report.waiting) == (["first"], ("away",))


def test_a_submission_that_is_declared_and_never_rests_is_told(drop: Drop) -> None:
    (drop.folder / "first.complete").touch()
    late = drop.after(days=8)
    os.utime(drop.folder / "first" / "deep" / "a.txt", (0, late.service.workplace.clock.now().timestamp() - 5))
    report = late.take(settle_seconds=600)
    assert ([each.name for each in report.taken], report.forgotten) == ([], ("first", "second"))


def test_a_date_that_a_scanner_set_far_ahead_keeps_no_submission_waiting(drop: Drop) -> None:
    (drop.folder / "first.complete").touch()
    os.utime(drop.folder / "first" / "deep" / "a.txt", (0, 4_000_000_000))
    assert len(drop.after(hours=1).take(settle_seconds=600).taken) == 1


def test_a_submission_may_not_have_the_name_of_where_it_is_moved_to(drop: Drop) -> None:
    (drop.folder / "first").rename(drop.folder / "taken")
    (drop.folder / "taken.complete").touch()
    [(name, why)] = drop.take().refused
    assert name == "taken" and "give it another name" in str(why)
    assert drop.names() == ["second", "taken", "taken.complete"]


def test_a_folder_that_may_not_be_looked_into_stops_no_other_and_is_told() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")) as place:
        os.chmod(place, OPEN)
        with service(Path(place)) as made:
            drop = Drop(made, Path(place) / "incoming")
            for name in ("closed", "first", "hidden"):
                (drop.folder / name).mkdir(parents=True)
                (drop.folder / name / "a.txt").write_text(f"of {name}")
            for name in ("closed", "first"):
                (drop.folder / f"{name}.complete").touch()
            with as_owner(Path(place)):
                for name in ("closed", "hidden"):
                    os.chmod(drop.folder / name, 0)
                report = drop.take()
                assert drop.after(days=8).take().forgotten == ("hidden",)
                for name in ("closed", "hidden"):
                    os.chmod(drop.folder / name, OPEN)
    assert ([each.name for each in report.taken], report.waiting) == (["first"], ("hidden",))
    [(name, why)] = report.refused
    assert name == "closed" and "Permission denied" in str(why)


def test_a_name_that_is_no_utf_8_is_taken_like_any_other(drop: Drop) -> None:
    """The books cannot keep it as it is: one such name ended the look with a traceback, for all submissions."""
    name = os.fsdecode("卷宗".encode("gbk"))
    (drop.folder / "first").rename(drop.folder / name)
    for each in (name, "second"):
        (drop.folder / f"{each}.complete").touch()
    report = drop.take()
    assert ([each.name for each in report.taken], report.refused) == (["second", name], ())
    assert report.entry is not None and len(report.entry.accessions) == 2
    assert (drop.folder / "taken" / name).is_dir()


def test_evidence_that_does_not_fit_ends_the_look_and_is_not_merely_refused(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    (drop.folder / "first.complete").touch()

    def tampered(*arguments: Any) -> IngestReport:
        raise Tampered("the ledger does not fit itself")

    monkeypatch.setattr(module, "take_in", tampered)
    with pytest.raises(Tampered):
        drop.take()
