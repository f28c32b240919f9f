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
    fits,
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
    ("value", "column", "is_fit"),
    [
        ("x", 0, False), ("", 0, False), ("12", 0, True),
        ("九个字的姓名太长了", 1, False), ("\\N", 1, True),
        ("1e3", 2, False), ("12.50", 2, True), ("", 2, True),
        ("1970-02-30", 3, False), ("1970-01-31", 3, True),
    ],
)  # fmt: skip
def test_a_value_that_is_not_what_its_column_says_is_told(value: str, column: int, is_fit: bool) -> None:
    assert fits(value, TABLE.columns[column]) is is_fit


def test_bytes_that_are_no_table_are_told(tmp_path: Path) -> None:
    file = written(tmp_path, ROWS)
    file.write_bytes("编号".encode("gb18030"))
    with pytest.raises(TableError, match=r"1\.csv: 'utf-8' codec"):
        list(read_csv(file))
    schema_of(file).write_text('{"url": "document-2.csv"}')
    with pytest.raises(TableError, match="is no schema of a table"):
        read_schema(schema_of(file))
