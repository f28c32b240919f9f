"""Does a person who decides about stopped files see what was lost, and does only what was accepted come into force?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from preserve.cli.exits import Exit
from preserve.errors import Refused
from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.model.formats.pathways import StopRule
from preserve.model.formats.risk_log import FILES, RISKS, Circumstances, Initiative
from preserve.model.migration_states import MigrationState
from preserve.operations.restore import RestoreRequest, restore
from preserve.packages.migrating.journal import Journal, journal_folder, made_path
from preserve.packages.risk_logs import read_risk_log, run_log
from tests.cli.program import Program
from tests.migrating.jobs import PATHWAY, approved, run
from tests.migrating.test_parts import lay, taken
from tests.migrating.texts import TextWorkshop, notice
from tests.packages.building import Service

PATIENT = replace(PATHWAY, stop=StopRule(100, 1000))
ODD = b"b/\xcf\xc2.txt"
SHOWN = "b/\\xcf\\xc2.txt"
TEXTS = {b"a/1.txt": notice("one"), b"a/2.txt": notice("two truncate"), ODD: notice("three truncate")}
DECIDER = ("--actor", "丁", "--reason", "结尾是空白")


class Stopped:
    """A migration that ran and stopped two files, and the program on its home."""

    def __init__(self, kept: Service, workshop: TextWorkshop, identifier: SiegfriedIdentifier, package: str) -> None:
        self.kept = kept
        self.package = package
        self._workshop = workshop
        self._identifier = identifier

    def run(self, by: str = "乙") -> Any:
        policies = {"default": self.kept.policy}
        return run(self.kept.workplace, policies, self._workshop, self._identifier, of=PATIENT, by=by)

    @property
    def journal(self) -> Journal:
        return Journal(journal_folder(self.kept.home / "migrations", 1))

    def versions(self, to: Path) -> set[bytes]:
        """The names of all files of all versions."""
        names = set()
        for number, each in enumerate(self.kept.books.migrated(self.package).into):
            restore(self.kept.workplace, RestoreRequest(each.package, to / str(number)))
            root = to / str(number)
            names |= {bytes(path)[len(bytes(root)) + 1 :] for path in root.rglob("*.txt")}
        return names


@pytest.fixture
def job(kept: Service, workshop: TextWorkshop, identifier: SiegfriedIdentifier, tmp_path: Path) -> Stopped:
    package = taken(kept, identifier, lay(tmp_path / "source", TEXTS))
    approved(kept.workplace, PATIENT)
    made = Stopped(kept, workshop, identifier, package)
    assert made.run().waiting == 2
    return made


@pytest.fixture
def program(
    job: Stopped, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Program]:
    monkeypatch.setenv("PRESERVE_HOME", str(job.kept.home))
    yield Program(tmp_path, capsys)


def decide(job: Stopped, word: str, *files: str, by: tuple[str, ...] = DECIDER) -> tuple[str, ...]:
    named = [part for each in files for part in ("--file", each)]
    return ("migrate", "decide", "1", "--package", job.package, *named, word, *by)


def test_what_was_lost_and_where_the_result_lies_is_told_before_anybody_decides(
    job: Stopped, program: Program, tmp_path: Path
) -> None:
    told = program.ask("migrate", "stopped", "1", code=Exit.FINDINGS)
    assert told["waiting"] == 2
    (first, other) = told["files"]
    assert (first["path"], bytes.fromhex(other["path_bytes"])) == ("a/2.txt", ODD)
    assert {each["property"] for each in first["risks"]} >= {"text"}
    (made,) = first["result_lies_in"]
    assert Path(made).read_text("utf-8").startswith("two truncate")
    said = program("migrate", "stopped", "1", "--to", tmp_path / "look", "--package", job.package, code=Exit.FINDINGS)
    assert made in said
    assert SHOWN in said
    assert (tmp_path / "look" / job.package / "a" / "2.txt.txt").read_text("utf-8").startswith("two truncate")
    assert "no new or empty folder" in program("migrate", "stopped", "1", "--to", tmp_path / "look", code=Exit.MISUSED)


def test_files_of_a_job_that_stopped_are_told_before_their_package_is_done(
    kept: Service,
    workshop: TextWorkshop,
    identifier: SiegfriedIdentifier,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PRESERVE_HOME", str(kept.home))
    package = taken(kept, identifier, lay(tmp_path / "source", {**TEXTS, b"a/3.txt": notice("fail")}))
    strict = replace(PATHWAY, stop=StopRule(50, 2))
    approved(kept.workplace, strict)
    report = run(kept.workplace, {"default": kept.policy}, workshop, identifier, of=strict)
    assert report.stopped == "3 of 4 files did not pass"
    asked = Program(tmp_path, capsys)
    told = asked.ask("migrate", "stopped", "1", "--package", package, "--most", "2", code=Exit.FINDINGS)
    assert (told["waiting"], told["files"], told["files_under_way"], len(told["under_way"])) == (0, [], 3, 2)
    said = asked("migrate", "stopped", "1", code=Exit.FINDINGS)
    for name in ("a/2.txt: stopped", "a/3.txt: failed", SHOWN, "text (high)"):
        assert name in said
    (made,) = next(each["result_lies_in"] for each in told["under_way"] if each["path"] == "a/2.txt")
    assert Path(made).read_text("utf-8").startswith("two truncate")


def test_what_is_accepted_comes_into_a_further_version_and_what_is_rejected_into_none(
    job: Stopped, program: Program, tmp_path: Path
) -> None:
    assert job.versions(tmp_path / "before") == {b"a/1.txt.txt"}
    told = program.ask(*decide(job, "--accept", SHOWN))
    assert (told["waiting"], told["to_carry_out"]) == (1, 1)
    program(*decide(job, "--reject", "a/2.txt"))
    assert "No file of migration 1 waits" in program("migrate", "stopped", "1")
    assert job.run().is_as_wanted
    assert job.versions(tmp_path / "after") == {b"a/1.txt.txt", ODD + b".txt"}
    (one, other) = sorted(job.kept.books.file_decisions(1), key=lambda each: each.path)
    assert (one.is_accepted, other.is_accepted, one.by, one.reason) == (False, True, "丁", "结尾是空白")
    assert "it is converted" in program(*decide(job, "--reject", SHOWN), code=Exit.REFUSED)


def test_what_waits_for_review_stays_in_the_home_until_all_of_it_was_decided(job: Stopped, program: Program) -> None:
    work = journal_folder(job.kept.home / "migrations", 1)
    program(*decide(job, "--reject", "a/2.txt"))
    assert (work / job.package / "made").is_dir()
    program(*decide(job, "--reject", SHOWN))
    assert not work.exists()
    assert (job.kept.home / "migrations" / "1").is_dir(), "the risk log stays"


@pytest.mark.parametrize(("person", "why"), [("乙", "converted it"), (" 丙", "audits")])
def test_nobody_decides_about_his_own_work_or_what_he_audits(
    job: Stopped, program: Program, person: str, why: str
) -> None:
    said = program(*decide(job, "--accept", "a/2.txt", by=("--actor", person, "--reason", "x")), code=Exit.REFUSED)
    assert why in said
    assert not list(job.kept.books.file_decisions(1))


def test_who_accepted_a_file_cannot_carry_it_out_himself(job: Stopped, program: Program) -> None:
    program(*decide(job, "--accept", "a/2.txt"))
    size = job.kept.books.size()
    with pytest.raises(Refused, match="丁 decided about files"):
        job.run(by="丁")
    assert job.kept.books.size() == size, "nothing was begun"
    assert job.kept.books.migration(1).progress.to_carry_out == 1
    assert not job.run().passed_over
    assert job.kept.books.migration(1).progress.to_carry_out == 0


def test_unknown_files_and_files_that_were_not_stopped_are_named_and_nothing_is_decided(
    job: Stopped, program: Program
) -> None:
    said = program(*decide(job, "--accept", "a/2.txt", "a/1.txt", "nowhere"), code=Exit.REFUSED)
    assert "a/1.txt was not stopped: it is converted" in said
    assert "no file nowhere" in said
    assert not list(job.kept.books.file_decisions(1))
    program("migrate", "decide", "1", "--package", job.package, "--file", "a/2.txt", *DECIDER, code=Exit.MISUSED)
    program(*decide(job, "--accept", "a/2.txt", by=("--actor", "丁")), code=Exit.MISUSED)
    program(*decide(job, "--accept", "a/2.txt"), "--reject", code=Exit.MISUSED)


def test_what_is_not_there_any_more_cannot_be_accepted_but_rejected(job: Stopped, program: Program) -> None:
    (held,) = [each for each in job.journal.settled(job.package) if each.original.path == b"a/2.txt"]
    made_path(job.journal.folder_of(job.package), held.original.number, 0).write_text("another text")
    assert "not in this home any more" in program(*decide(job, "--accept", "a/2.txt"), code=Exit.REFUSED)
    assert "it can be rejected alone" in program(*decide(job, "--reject", "a/2.txt"))
    assert job.kept.books.migration(1).progress.undecided == 1


def test_a_home_that_was_lost_knows_stopped_files_from_the_new_package(job: Stopped, program: Program) -> None:
    log = run_log(job.kept.home / "migrations", 1, job.package)
    for each in log.glob("*.parquet"):
        each.unlink()
    assert program.ask("migrate", "stopped", "1", code=Exit.FINDINGS)["waiting"] == 2
    program(*decide(job, "--accept", "a/2.txt"))
    for each in job.kept.places.values():
        each.rename(each.with_name(f"{each.name}-away"))
    told = program.ask("migrate", "stopped", "1", code=Exit.UNAVAILABLE)
    assert job.package in told["missing"]


def test_a_migration_that_is_over_is_decided_about_no_more(job: Stopped, program: Program) -> None:
    program("migrate", "rollback", "1", *DECIDER)
    assert job.kept.books.migration(1).state is MigrationState.ROLLED_BACK
    with pytest.raises(Refused):
        job.run()
    assert "rolled back" in program(*decide(job, "--accept", "a/2.txt"), code=Exit.REFUSED)


def test_what_people_looked_at_is_told_as_n_of_n_and_by_whom(job: Stopped, program: Program) -> None:
    look = ("migrate", "viewed", "1", "--package", job.package)
    told = program.ask(*look, "--file", "a/1.txt", "--actor", "丙", "--reason", "逐字核对")
    assert (told["viewed"], told["of_files"], told["by"]) == (1, 3, ["丙"])
    assert program.ask(*look, "--actor", "丁", "--reason", "再看")["viewed"] == 3
    said = program.ask("migrate", "report", "1", "--disclosure")
    [one] = said["migrations"]
    assert one["viewed"] == {"files": 3, "by": sorted(["丙", "丁"])}
    assert any("people looked at 3" in each for each in said["disclosure"]["1"]["supervision"])
    assert "made of a file nowhere" in program(*look, "--file", "nowhere", *DECIDER, code=Exit.REFUSED)
    assert "no pilot" in program("migrate", "viewed", "1", "--pilot", *DECIDER, code=Exit.REFUSED)
    program("migrate", "viewed", "1", *DECIDER, code=Exit.MISUSED)


def test_the_log_says_what_was_required_before_and_whether_rolling_back_was_tried(
    job: Stopped, program: Program
) -> None:
    def about() -> Circumstances:
        log = run_log(job.kept.home / "migrations", 1, job.package)
        with (log / FILES).open("rb") as files, (log / RISKS).open("rb") as risks:
            return next(read_risk_log(files, risks)).circumstances

    assert (about().trigger, about().rollback_tested, about().viewed, about().sample) == (
        Initiative.ACTIVE, False, 0, 1
    )  # fmt: skip
    assert "text" in (about().requirement or "")
    program("migrate", "rollback", "1", *DECIDER)
    program("migrate", "reinstate", "1", *DECIDER)
    program(*decide(job, "--accept", "a/2.txt"))
    job.run()
    assert about().rollback_tested
    assert program.ask("migrate", "report", "1", code=Exit.WELL)["migrations"][0]["rollback_tested"]
