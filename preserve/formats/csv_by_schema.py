"""Whether CSV files are what their schemas say (CSVW of the W3C), read by Miller and not by what wrote them.

`python -P -m preserve.formats.csv_by_schema FILE…` is given both, and ends with 0 where each table is as described: as
many rows and columns, a header where there is one, and each value written as the type of its column is in XML Schema
(Part 2, 3.3), to which "Metadata Vocabulary for Tabular Data" (2015, 5.11.1) refers.  A list of formulas has no schema:
of that it follows that all its rows have as many columns.
"""

from __future__ import annotations

import json
import re
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preserve.errors import Refused, Unavailable
from preserve.formats.converters.csv_schema import SCHEMA_SUFFIX, final_name
from preserve.formats.office.sheet_lists import FORMULAS
from preserve.processes import run_for_pieces

MOST_SECONDS = 6 * 3600
"""Whoever started us bounds the time."""
LARGEST_SCHEMA_BYTES = 16 * 1024 * 1024
SHOWN = 100
FORMS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(form)
    for name, form in {
        "boolean": r"true|false|1|0",
        "integer": r"[+-]?[0-9]+",
        "decimal": r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)",
        "double": r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|-?INF|NaN",
        "date": r"-?[0-9]{4,}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        "datetime": r"-?[0-9]{4,}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]+)?",
        "time": r"[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]+)?",
        "base64Binary": r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
    }.items()
}
"""How values of a type are written; those of any other type are texts."""


def main(files: Sequence[Path]) -> str:
    """What is wrong with the first of them that is not what its schema says; "" where all are, and there is one.

    Raises `Refused`, `Unavailable` where Miller cannot be run.
    """
    found = (complaint(file, schema) for file, schema in _paired(files))
    return next(filter(None, found), "" if files else "there is no table")


def _paired(files: Sequence[Path]) -> Iterator[tuple[Path, Path | None]]:
    """Each table with its schema, which comes next: names alone do not part the results of several originals, which are
    all called alike."""
    left = deque(files)
    while left:
        file = left.popleft()
        is_described = bool(left) and final_name(left[0].name) == final_name(file.name) + SCHEMA_SUFFIX
        yield file, left.popleft() if is_described else None


def complaint(file: Path, schema: Path | None) -> str:
    """What is wrong with a CSV file by its schema; "" where it is what that says."""
    if file.name.endswith(SCHEMA_SUFFIX):
        return "a schema has no table"
    is_list = schema is None and file.name.endswith(FORMULAS)
    rows = _Rows(None if is_list else _described(schema))
    command = ("mlr", "-S", "--icsv", "--implicit-csv-header", "--ojsonl", "cat", str(file))
    answer = run_for_pieces(command, Path("/"), MOST_SECONDS, rows.take)
    if answer.status != 0 or answer.complaints:
        return answer.complaints or f"exit status {answer.status}"
    return rows.ended()


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    form: re.Pattern[str] | None
    longest: int | None
    null: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class _Schema:
    columns: Sequence[_Column]
    rows: int
    has_header: bool


def _described(file: Path | None) -> _Schema | str:
    """What the schema says, or that there is none."""
    if file is None:
        return "a table has no schema"
    try:
        with file.open("rb") as content:
            plain = json.loads(content.read(LARGEST_SCHEMA_BYTES))
        columns = [_column(each) for each in plain["tableSchema"]["columns"]]
        return _Schema(columns, int(plain["urn:preserve:csv:rows"]), plain["dialect"]["header"] is True)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return f"{file.name} is no schema: {type(error).__name__} {error}"


def _column(plain: Mapping[str, Any]) -> _Column:
    type_ = plain["datatype"]
    return _Column(
        plain["titles"], FORMS.get(type_["base"]), type_.get("maxLength"), plain["null"], plain.get("required") is True
    )


class _Rows:
    """The rows as Miller prints them, a line of JSON each, held against the schema one by one."""

    def __init__(self, schema: _Schema | str | None) -> None:
        self._schema = schema if isinstance(schema, _Schema) else None
        self._wrong = schema if isinstance(schema, str) else ""
        self._rest = b""
        self._count = 0

    def take(self, piece: bytes) -> None:
        """The next of what Miller prints."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._count += 1
            if not self._wrong and self._schema is not None:
                self._wrong = self._of_row(list(json.loads(line).values()), self._schema)

    def ended(self) -> str:
        """What is wrong, now that all rows were seen."""
        if self._wrong or self._schema is None:
            return self._wrong
        count = self._count - (1 if self._schema.has_header else 0)
        return "" if count == self._schema.rows else f"there are {count} rows, and {self._schema.rows} in the schema"

    def _of_row(self, values: Sequence[str], schema: _Schema) -> str:
        if schema.has_header and self._count == 1:
            names = [each.name for each in schema.columns]
            return "" if values == names else f"the header is not that of the schema: {values!r:.{SHOWN}}"
        if len(values) != len(schema.columns):
            return f"line {self._count} has {len(values)} columns, and the schema {len(schema.columns)}"
        for value, column in zip(values, schema.columns, strict=True):
            if not _fits(value, column):
                return f"line {self._count}, column {column.name}: {value!r:.{SHOWN}} is not what the schema says"
        return ""


def _fits(value: str, column: _Column) -> bool:
    if value == column.null:
        return not column.is_required
    if column.form is not None:
        return column.form.fullmatch(value) is not None
    return column.longest is None or len(value) <= column.longest


if __name__ == "__main__":
    try:
        sys.exit(main(list(map(Path, sys.argv[1:]))) or 0)
    except (Refused, Unavailable) as why:
        sys.exit(str(why))
