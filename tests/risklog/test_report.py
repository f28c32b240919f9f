"""Does `preserve migrate report` tell what the ledger and the risk logs say, also of a home that was lost?"""

from __future__ import annotations

import base64
import csv
import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from preserve.cli.exits import Exit
from preserve.cli.migration_report import file_lines
from preserve.cli.voices import english
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.losses import Comparison
from preserve.model.formats.properties import Property
from preserve.model.formats.risk_counts import By
from preserve.model.formats.risk_log import FILES, RISKS, is_picture_name, logged
from tests.cli.program import Program
from tests.risklog import migrated, values
from tests.risklog.migrated import Migrated

PNG = b"\x89PNG\r\n\x1a\n a picture"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Migrated:
    return migrated.make(tmp_path_factory.mktemp("migrated"), {"1/2-a.png": PNG})


@pytest.fixture
def kept(made: Migrated, tmp_path: Path) -> Migrated:
    """A home that a test may harm."""
    shutil.copytree(made.folder / "home", tmp_path / "home")
    return Migrated(tmp_path, made.original, made.version)


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Program]:
    capsys.readouterr()
    yield Program(tmp_path, capsys)


def report(home: Migrated, *arguments: str | int | Path) -> tuple[str, ...]:
    return ("--home", str(home.home.path), "migrate", "report", *map(str, arguments))


def test_a_report_names_who_did_what_and_what_came_of_it(program: Program, made: Migrated) -> None:
    told = program.ask(*report(made, 1))
    [one] = told["migrations"]
    assert (one["state"], one["planned"]["by"], one["executor"], one["auditor"]) == ("finished", "张", "李", "赵")
    assert one["approval"]["by"] == "王"
    assert one["approval"]["accepted"] == migrated.ACCEPTED
    assert told["files"] == {"converted": 2, "stopped": 1, "refused": 1}
    assert [(each["path"], each["accepted"], each["reason"]) for each in one["decisions"]] == [
        (migrated.SEEN, False, "金额变了")
    ]
    assert one["missing_logs"] == {}
    text = program(*report(made))
    assert "旧 Word 文档" in text
    assert migrated.ACCEPTED["macros"] in text
    six = program.ask(*report(made, 1, "--disclosure"))["disclosure"]["1"]
    assert f"macros accepted: {migrated.ACCEPTED['macros']}" in six["procedure"], "each loss, and why it can be borne"


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        (By.TYPE, [["content lost"], ["macro or formula lost"]]),
        (By.SEVERITY, [["high"], ["low"]]),
        (By.PROPERTY, [["macros"], ["numerals"]]),
        (By.PATHWAY, [["doc-to-pdfa2b"]]),
        (By.CLASS, [["WS"]]),
        (By.FORMAT, [["fmt/40", "fmt/477"], ["fmt/40", None]]),
    ],
)
def test_files_and_losses_are_counted_by_what_is_wanted(
    program: Program, made: Migrated, by: By, keys: list[list[str | None]]
) -> None:
    groups = program.ask(*report(made, "--by", by.value))["by"][by.value]
    assert [each["key"] for each in groups] == keys
    assert sum(sum(each["files"].values()) for each in groups) == (2 if by.is_of_losses else 4)
    assert sum(each["losses"].get("undeclared", 0) for each in groups) == 1
    assert sum(each["score"] for each in groups) == 10


def test_one_file_is_told_with_its_first_differences_and_decisions(program: Program, made: Migrated) -> None:
    told = program.ask(*report(made, "--file", migrated.SEEN))
    [file] = told["told"]
    assert (file["path"], file["fate"]) == (migrated.SEEN, "stopped")
    [risk] = file["risks"]
    assert risk["places"] == [{"where": "7", "before": "八千元", "after": "八十元"}]
    assert risk["decision"] == {"accepted": False, "by": "王", "reason": "金额变了", "about": "file"}, (
        "decided after the log was written"
    )
    assert told["files"] == {"stopped": 1}
    text = program(*report(made, "--package", made.original))
    assert "八十元" in text
    assert "accepted by 王 of all files, when the pathway was approved: 宏" in text, "nobody was asked of this file"


def test_a_file_of_which_no_log_says_anything_is_named(made: Migrated, program: Program) -> None:
    assert "says anything of a file nowhere.doc:" in program(*report(made, "--file", "nowhere.doc"))
    assert "says anything of a file" not in program(*report(made, "--file", migrated.SEEN))


def test_the_table_has_every_file_and_loss(program: Program, made: Migrated, tmp_path: Path) -> None:
    file = tmp_path / "风险.csv"
    program(*report(made, "--csv", file))
    rows = list(csv.reader(io.StringIO(file.read_text("utf-8-sig"), newline="")))
    assert len(rows) == 1 + 4
    assert [row[3] for row in rows[1:]] == [f"发文/{number}.doc" for number in range(4)]


def test_a_home_that_lost_its_logs_reports_from_the_new_packages(program: Program, kept: Migrated) -> None:
    whole = program.ask(*report(kept, "--by", "type"))
    shutil.rmtree(kept.home.migrations)
    found = program.ask(*report(kept, "--by", "type"))
    assert (found["by"], found["files"], found["ok"]) == (whole["by"], whole["files"], True)
    assert not kept.home.migrations.exists(), "asking writes nothing"
    program(*report(kept, "--html", kept.folder / "page.html"))
    assert base64.b64encode(PNG).decode() in (kept.folder / "page.html").read_text(), "pictures come from there too"


def test_a_log_that_was_changed_is_not_believed_and_it_is_told(program: Program, kept: Migrated) -> None:
    whole = program.ask(*report(kept, "--by", "type"))
    path = kept.log / FILES
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    told = program.ask(*report(kept, "--by", "type"), code=Exit.FINDINGS)
    assert told["by"] == whole["by"], "it is told from the new package"
    (why,) = told["migrations"][0]["changed_logs"].values()
    assert str(kept.log) in why
    assert kept.version in why
    assert told["ok"] is False
    page = kept.folder / "changed.html"
    program(*report(kept, "--html", page), code=Exit.FINDINGS)
    assert str(kept.log) in page.read_text()


def test_a_log_of_which_one_table_is_gone_was_changed_too(program: Program, kept: Migrated) -> None:
    (kept.log / RISKS).unlink()
    assert list(program.ask(*report(kept), code=Exit.FINDINGS)["migrations"][0]["changed_logs"]) == [kept.original]


def test_a_log_that_nobody_has_is_missed_and_the_ledger_is_told_all_the_same(
    program: Program, kept: Migrated, made: Migrated
) -> None:
    shutil.rmtree(kept.home.migrations)
    hidden = [each for each in (made.folder / "near").rglob("bag.tar") if made.version in str(each)]
    assert hidden
    for each in hidden:
        each.rename(each.with_suffix(".away"))
    try:
        told = program.ask(*report(kept), code=Exit.FINDINGS)
    finally:
        for each in hidden:
            each.with_suffix(".away").rename(each)
    assert list(told["migrations"][0]["missing_logs"]) == [made.original]
    assert told["migrations"][0]["files"]["converted"] == 2
    assert told["ok"] is False


def test_a_log_that_may_be_in_a_store_that_is_away_is_not_called_lost(
    program: Program, kept: Migrated, made: Migrated
) -> None:
    shutil.rmtree(kept.home.migrations)
    (made.folder / "near").rename(made.folder / "unmounted")
    try:
        told = program.ask(*report(kept), code=Exit.UNAVAILABLE)
    finally:
        (made.folder / "unmounted").rename(made.folder / "near")
    assert list(told["migrations"][0]["missing_logs"]) == [made.original]


def test_a_migration_or_package_that_is_not_there_is_refused(program: Program, made: Migrated) -> None:
    assert "no migration 7" in program(*report(made, 7), code=Exit.REFUSED)
    text = program(*report(made, 1, "--package", made.version), code=Exit.REFUSED)
    assert "no migration that is meant is about" in text


def test_a_home_without_migrations_says_so(program: Program, tmp_path: Path) -> None:
    program("--home", tmp_path / "new", "init")
    assert "No migration was planned yet" in program("--home", tmp_path / "new", "migrate", "report")


@pytest.mark.parametrize("name", ["../log.png", "/etc/passwd", "1/../../x.png", ""])
def test_no_log_leads_to_a_file_that_is_none_of_its_pictures(name: str) -> None:
    assert not is_picture_name(name)
    assert is_picture_name("1/2..a.png")


def test_what_one_missing_tool_left_unmeasured_is_one_line() -> None:
    why = "pdftotext is not on this machine"
    unmeasured = [
        replace(values.CHANGED, what=what, comparison=Comparison.NOT_MEASURED, amount=None, places=(), why=why)
        for what in (Property.TEXT, Property.ORDER, Property.NUMBERING)
    ]
    file = logged(values.ABOUT, values.result(1, values.CHANGED, *unmeasured), {}, None)
    told = list(file_lines(file, english()))
    assert [line for line in told if why in line] == [f"  - not measured: text, order, numbering: {why}"]
    assert sum(line.startswith("  - ") for line in told) == 2


def test_what_the_tool_said_of_a_file_that_failed_is_told() -> None:
    """Without it nobody knows that another pathway is needed, or a memo file that was not handed over."""
    failed = values.result(1, fate=FileFate.FAILED)
    assert failed.run is not None
    said = replace(failed.run, complaints="the table says it is in cp950\nlook at it\n")
    told = list(file_lines(logged(values.ABOUT, replace(failed, run=said), {}, None), english()))
    assert "  - the tool says: the table says it is in cp950 look at it" in told


def test_a_name_of_two_lines_forges_no_line_of_a_report() -> None:
    name = b"a\n20261122-x b.doc: converted"
    one = values.named(values.result(1), name)
    told = file_lines(logged(values.ABOUT, replace(one, made=(replace(one.made[0], path=name),)), {}, None), english())
    assert not [line for line in told if "\n" in line]
