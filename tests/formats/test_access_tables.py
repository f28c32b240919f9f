"""Is what MDB Tools says of a table taken as it stands, and refused where it says something else than the database?

No library makes Access databases, so no sample is shipped; real ones go through `ops.campaigns.pathways`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.errors import Refused
from preserve.formats.converters.access import _columns, _rows
from preserve.formats.converters.csv_schema import Column, Datatype

SCHEMA = (
    "-- That file uses encoding UTF-8\n\nCREATE TABLE [人员]\n (\n"
    "\t[编号]\t\t\tLong Integer NOT NULL, \n"
    "\t[姓名 (全)]\t\t\tText (50), \n"
    "\t[生日]\t\t\tDateTime, \n"
    "\t[备注]\t\t\tMemo/Hyperlink (255)\n);\n"
)


def columns(folder: Path, schema: str = SCHEMA) -> list[Column]:
    file = folder / "schema"
    file.write_text(schema, encoding="utf-8")
    return list(_columns(file, "人员"))


def test_columns_keep_their_names_types_and_widths(tmp_path: Path) -> None:
    found = [(each.name, each.datatype, each.width, each.source_type) for each in columns(tmp_path)]
    assert found == [
        ("编号", Datatype.INTEGER, None, "Long Integer"),
        ("姓名 (全)", Datatype.STRING, 50, "Text"),
        ("生日", Datatype.DATETIME, None, "DateTime"),
        ("备注", Datatype.STRING, None, "Memo/Hyperlink"),
    ]


def test_a_column_that_nobody_understands_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="a column of table 人员 is of a kind that is not read here"):
        columns(tmp_path, SCHEMA.replace("DateTime", "9Complex"))


def test_a_date_before_1900_is_refused_with_its_place_and_an_empty_text_is_not_nothing(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text('编号,姓名 (全),生日,备注\n1,"",\\N,"a\nb"\n2,"李四","1900-01-00T00:00:00",\\N\n', encoding="utf-8")
    told = _rows(rows, "人员", columns(tmp_path))
    assert next(told) == ["1", "", "\\N", "a\nb"]
    with pytest.raises(Refused, match="row 2 of table 人员 has a date before 1900 in column 生日"):
        next(told)
