"""Is a table the same when its CSV is read again, and does its schema notice where it is not?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preserve.formats import csv_by_schema
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
from tests.formats.converters import require

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


@pytest.mark.parametrize(
    ("value", "datatype", "is_fit"),
    [
        ("Item", Datatype.TIME, False), ("12:30:00", Datatype.TIME, True), ("12:30:00.5", Datatype.TIME, True),
        ("1230", Datatype.TIME, False), ("!", Datatype.BINARY, False), ("YQ==", Datatype.BINARY, True),
        ("2024-01-31T12:00:00", Datatype.DATETIME, True), ("2024-01-31", Datatype.DATETIME, False),
        ("20240131", Datatype.DATE, False), ("1_000", Datatype.INTEGER, False), ("１２", Datatype.DECIMAL, False),
        ("nan", Datatype.DOUBLE, False), ("1.5e+06", Datatype.DOUBLE, True), ("TRUE", Datatype.BOOLEAN, False),
    ],
)  # fmt: skip
def test_a_value_is_of_a_type_only_as_the_standard_writes_it(value: str, datatype: Datatype, is_fit: bool) -> None:
    """Of any text it was said that it is a time: so were all columns of texts of a workbook."""
    assert fits(value, Column("A", datatype)) is is_fit


def test_miller_finds_where_a_table_is_not_what_its_schema_says(tmp_path: Path) -> None:
    require("mlr")
    whole = [["编号", "姓名"], ["1", "甲,\r\n乙"], ["2", ""]]
    table = CsvTable("人员", (Column("编号", Datatype.INTEGER), Column("姓名", width=4, null="")), rows=2)
    damaged = {
        "": (whole, table),
        "1 rows": (whole[:2], table),
        "3 in the schema": (whole, replace(table, rows=3)),
        "has 2 columns": (whole, replace(table, columns=table.columns[:1], has_header=False, rows=3)),
        "header": ([["编号", "名"], *whole[1:]], table),
        "'x1' is not": ([whole[0], ["x1", ""], whole[2]], table),
        "column 姓名": ([whole[0], ["1", "五个字以上"], whole[2]], table),
        "mismatch": ([*whole[:2], ["2"]], table),
    }
    for at, (why, (rows, said)) in enumerate(damaged.items()):
        folder = tmp_path / str(at)
        folder.mkdir()
        file = written(folder, rows, said)
        found = csv_by_schema.main([file, schema_of(file)])
        assert why in found and bool(found) is bool(why)
    sound = tmp_path / "0" / "1.csv"
    assert "no schema" in csv_by_schema.main([sound])
    assert "no table" in csv_by_schema.main([schema_of(sound)])
    rotten = tmp_path / "1" / "1.csv"
    for files in ([sound, rotten], [rotten, sound]):  # of two originals, and called alike
        assert "1 rows" in csv_by_schema.main([each for file in files for each in (file, schema_of(file))])


def test_bytes_that_are_no_table_are_told(tmp_path: Path) -> None:
    file = written(tmp_path, ROWS)
    file.write_bytes("编号".encode("gb18030"))
    with pytest.raises(TableError, match=r"1\.csv: 'utf-8' codec"):
        list(read_csv(file))
    schema_of(file).write_text('{"url": "document-2.csv"}')
    with pytest.raises(TableError, match="is no schema of a table"):
        read_schema(schema_of(file))
