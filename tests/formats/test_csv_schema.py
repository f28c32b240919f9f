"""Is a table the same when its CSV is read again, and does its schema notice where it is not?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preserve.formats.converters.csv_schema import (
    Column,
    CsvTable,
    Datatype,
    TableError,
    complaints,
    read_csv,
    read_schema,
    schema_of,
    write_csv,
    write_schema,
)

TABLE = CsvTable(
    "人员",
    (
        Column("编号", Datatype.INTEGER, 10, 0, "N", is_required=True),
        Column("姓名", Datatype.STRING, 8, None, "C", null="\\N"),
        Column("工资", Datatype.DECIMAL, 10, 2, "N"),
        Column("生日", Datatype.DATE, 8, None, "D"),
    ),
    rows=2,
    encoding="gb18030",
    notes=("1 deleted row was left out",),
)
ROWS = [["编号", "姓名", "工资", "生日"], ["1", "#张,三\r\n", "12.50", "1970-01-31"], ["2", "\\N", "", ""]]


def written(folder: Path, rows: list[list[str]], table: CsvTable = TABLE) -> Path:
    file = folder / "1.csv"
    write_csv(rows, file)
    write_schema(table, file)
    return file


def test_a_table_and_its_schema_come_back(tmp_path: Path) -> None:
    file = written(tmp_path, ROWS)
    assert list(read_csv(file)) == ROWS
    assert read_schema(schema_of(file)) == TABLE
    assert list(complaints(file)) == []
    assert file.read_bytes().startswith('编号,姓名,工资,生日\r\n1,"#张,三\r\n",'.encode())


def test_a_row_that_begins_with_a_hash_is_no_comment_to_readers_of_the_standard(tmp_path: Path) -> None:
    plain = json.loads(schema_of(written(tmp_path, ROWS)).read_text("utf-8"))
    assert plain["dialect"]["commentPrefix"] is None
    assert plain["tableSchema"]["columns"][1]["datatype"] == {"base": "string", "maxLength": 8}


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=3), max_size=4))
def test_whatever_stands_in_cells_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    file = tmp_path_factory.getbasetemp() / "cells.csv"
    file.unlink(missing_ok=True)
    assert write_csv(rows, file) == len(rows)
    assert list(read_csv(file)) == rows


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (ROWS[:2], "there are 1 rows, and the schema says 2"),
        ([*ROWS, ["3", "", "", ""]], "there are 3 rows"),
        ([["编号", "姓名", "工资"], *ROWS[1:]], "the header does not name"),
        ([*ROWS[:2], ["2", "x"]], "row 2 has 2 values, and the schema 4 columns"),
        ([*ROWS[:2], ["x", "", "", ""]], "row 2, 编号: 'x' is no integer"),
        ([*ROWS[:2], ["", "", "", ""]], "row 2, 编号: '' is no integer"),
        ([*ROWS[:2], ["2", "九个字的姓名太长了", "", ""]], "is no string"),
        ([*ROWS[:2], ["2", "", "1e3", ""]], "is no decimal"),
        ([*ROWS[:2], ["2", "", "", "1970-02-30"]], "is no date"),
    ],
)
def test_a_table_that_is_not_what_its_schema_says_is_told(tmp_path: Path, rows: list[list[str]], why: str) -> None:
    assert why in "\n".join(complaints(written(tmp_path, rows)))


def test_bytes_that_are_no_table_are_told_and_raise_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, ROWS)
    file.write_bytes("编号".encode("gb18030"))
    assert "1.csv: 'utf-8' codec" in "\n".join(complaints(file))
    schema_of(file).write_text('{"url": "document-2.csv"}')
    with pytest.raises(TableError, match="is no schema of a table"):
        read_schema(schema_of(file))
    assert len(list(complaints(file))) == 1
