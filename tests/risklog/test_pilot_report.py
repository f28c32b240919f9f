"""Can a person see from the report on a pilot which alternative is better, and why?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from preserve.cli.exits import Exit
from tests.cli.program import Program
from tests.risklog import migrated
from tests.risklog.migrated import Migrated


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Migrated:
    return migrated.make(tmp_path_factory.mktemp("piloted"))


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Program]:
    capsys.readouterr()
    yield Program(tmp_path, capsys)


def asked(home: Path, *more: str | Path) -> tuple[str, ...]:
    return ("--home", str(home), "migrate", "report", "1", "--pilot", *map(str, more))


def test_alternatives_are_ranked_with_what_would_turn_the_ranking(program: Program, made: Migrated) -> None:
    told = program.ask(*asked(made.home.path))
    assert [(each["pathway"], each["score"]) for each in told["ranked"]] == [
        ("doc-to-pdfa2b", 80.0),
        ("doc-to-docx", 68.75),
    ]
    [point] = told["turning_points"]
    assert (point["criterion"], point["pathway"]) == ("cost", "doc-to-docx")
    text = program(*asked(made.home.path))
    assert "If cost weighed 57 % instead of 25 %, doc-to-docx would be as good as doc-to-pdfa2b." in text


def test_each_file_stands_once_with_all_alternatives_the_worst_first(program: Program, made: Migrated) -> None:
    told = program.ask(*asked(made.home.path))["told"]
    assert [each["path"] for each in told] == [migrated.SEEN, "发文/0.doc", "发文/2.doc"]
    assert [[one["pathway"] for one in each["along"]] for each in told] == [["doc-to-docx", "doc-to-pdfa2b"]] * 3
    assert [one["fate"] for one in told[0]["along"]] == ["converted", "stopped"]


def test_a_home_that_lost_the_log_tells_what_the_ledger_has(program: Program, made: Migrated, tmp_path: Path) -> None:
    shutil.copytree(made.home.path, tmp_path / "home")
    shutil.rmtree(tmp_path / "home" / "migrations")
    told = program.ask(*asked(tmp_path / "home"), code=Exit.FINDINGS)
    assert (told["log"], told["told"]) == (False, [])
    assert told["ranked"][0]["pathway"] == "doc-to-pdfa2b"
    text = program(*asked(tmp_path / "home", "--html", tmp_path / "page.html"), code=Exit.FINDINGS)
    assert "as the ledger knows it" in text
    assert "as the ledger knows it" in (tmp_path / "page.html").read_text("utf-8")


def test_what_cannot_be_asked_of_a_pilot_is_refused(program: Program, made: Migrated) -> None:
    program(*asked(made.home.path, "--by", "type"), code=Exit.MISUSED)
    home = ("--home", str(made.home.path))
    program(*home, "migrate", "report", "--pilot", code=Exit.MISUSED)
    assert "no migration 9" in program(*home, "migrate", "report", "9", "--pilot", code=Exit.REFUSED)
