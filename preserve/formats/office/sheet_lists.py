"""The sheets of a workbook as CSV files, one each, with the schema of the W3C, and a list of all formulas beside them.

The list (`…-formulas.csv`) has sheet, address and formula; there is one even if the workbook has none.  A sheet is no
table with a header: its lines are rows, and its columns have the letters that spreadsheets give them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from preserve.formats.converters.csv_schema import SCHEMA_SUFFIX, TableError, read_csv
from preserve.formats.office.facts import UnreadableError
from preserve.formats.office.workbooks import WorkbookFacts, address

FORMULAS = "formulas.csv"
FORMULA_COLUMNS = ("sheet", "address", "formula")
LARGEST_SCHEMA_BYTES = 16 * 1024 * 1024


def read_sheet_lists(files: Sequence[Path]) -> WorkbookFacts:
    """The workbook that these files are.  Raises `UnreadableError` where one is missing, or not what it says."""
    try:
        return _facts(files)
    except (TableError, OSError, ValueError, LookupError, TypeError, csv.Error) as error:
        raise UnreadableError(f"they are no sheets with their schemas: {error}") from error


def _facts(files: Iterable[Path]) -> WorkbookFacts:
    by_tail = {_tail(path.name): path for path in files}
    names = sorted((tail for tail in by_tail if tail.endswith(".csv") and tail != FORMULAS), key=_number)
    sheets, rows, cells = [], {}, {}
    for tail in names:
        schema = by_tail[tail + SCHEMA_SUFFIX]
        if schema.stat().st_size > LARGEST_SCHEMA_BYTES:
            raise TableError(f"{schema.name} is too long for a schema")
        title = str(json.loads(schema.read_text(encoding="utf-8"))["dc:title"])
        last = 0
        for row, line in enumerate(read_csv(by_tail[tail])):
            for column, text in enumerate(line):
                if text:
                    cells[address(title, row, column)] = text
                    last = row + 1
        sheets.append(title)
        rows[title] = str(last)
    listed = list(read_csv(by_tail[FORMULAS]))
    if not listed or tuple(listed[0]) != FORMULA_COLUMNS:
        raise TableError("the list of formulas is none")
    formulas = {f"{sheet}!{where}": text for sheet, where, text in listed[1:]}
    return WorkbookFacts(sheets=tuple(sheets), rows=rows, cells=cells, formulas=formulas)


def _tail(name: str) -> str:
    """What follows the number or word that all results of a workbook begin with."""
    return name.split("-", 1)[1]


def _number(tail: str) -> int:
    return int(tail.removesuffix(".csv"))
