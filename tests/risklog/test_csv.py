"""Does a spreadsheet show the risk log, and compute nothing of it, whatever files are called and tools say?"""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preserve.model.formats.file_results import FileFate
from preserve.model.formats.losses import Decision, Place
from preserve.model.formats.risk_log import LoggedFile, logged
from preserve.packages.risk_csv import COLUMNS, RiskCsvWriter, defused
from tests.risklog import values

HOSTILE = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1", " =cmd|' /C calc'!A0", "a;=1", "a; +1", "=a\nb"]


def lines(*files: LoggedFile) -> list[dict[str, str]]:
    sink = io.BytesIO()
    writer = RiskCsvWriter(sink)
    for each in files:
        writer.add(each)
    text = sink.getvalue().decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    return [dict(zip((name.split()[0] for name in head), row, strict=True)) for row in rows]


def test_a_spreadsheet_takes_it_for_utf_8() -> None:
    sink = io.BytesIO()
    RiskCsvWriter(sink)
    assert sink.getvalue().startswith("\ufeffmigration 迁移,phase 阶段".encode())


def test_each_loss_has_a_line_and_a_file_without_any_has_one() -> None:
    accepted = {"macros": Decision("macros", True, "王", "无凭证价值")}
    rows = lines(
        logged(values.ABOUT, values.result(1, values.LOST, values.CHANGED), accepted, None),
        logged(values.ABOUT, values.result(2), {}, None),
    )
    assert [(row["file"], row["property"], row["declared_loss"], row["decided_by"]) for row in rows] == [
        ("发文/1.doc", "macros", "macros", "王"),
        ("发文/1.doc", "numerals", "", ""),
        ("发文/2.doc", "", "", ""),
    ]
    assert rows[1]["places"] == "7 八千元 → 八十元"
    assert all(len(row) == len(COLUMNS) for row in rows)


def test_a_file_that_failed_says_what_its_tool_complained_of() -> None:
    why = "the tool said that it could not convert it"
    run = replace(values.RUN, complaints="no memo\nfile")
    failed = replace(values.result(1, fate=FileFate.FAILED), why=why, run=run)
    (row,) = lines(logged(values.ABOUT, failed, {}, None))
    assert row["why"] == f"{why}: no memo file"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_is_a_formula(text: str) -> None:
    risk = replace(values.CHANGED, before=text, after=text, places=(Place(text, text, text),))
    file = logged(
        replace(values.ABOUT, approver=text),
        values.named(replace(values.result(1, risk), why=text), text.encode()),
        {},
        Decision("x", False, text, text),
    )
    for row in lines(file):
        for cell in row.values():
            for part in cell.split(";"):
                assert not part.strip().startswith(("=", "+", "-", "@", "＝"))


@given(st.text(max_size=20))
@settings(max_examples=200)
def test_whatever_is_said_stays_on_its_line_and_computes_nothing(text: str) -> None:
    shown = defused(text)
    assert shown.isprintable()
    assert not shown.lstrip().startswith(("=", "+", "-", "@"))


def test_a_name_that_is_no_utf_8_is_shown_with_its_bytes() -> None:
    [row] = lines(logged(values.ABOUT, values.named(values.result(), b"\xb9\xab.doc\n"), {}, None))
    assert row["file"] == "\\xb9\\xab.doc\\n"
