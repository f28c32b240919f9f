"""Excel workbooks to CSV: `python -P -m preserve.formats.converters.workbook OUT FILE…`.

Each sheet becomes `N-1.csv`, `N-2.csv` … with its schema (CSVW, as for other tables), all formulas `N-formulas.csv`.
Values are read by Calamine, which measures nothing here; so what judges the result reads the workbook another way.
What is no content of cells (charts, pictures, comments, formats) stays in the original alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

from preserve.formats.converters.csv_schema import Column, CsvTable, Datatype, fits, write_csv, write_schema
from preserve.formats.office.excel_binary import read_excel_binary
from preserve.formats.office.excel_xml import read_excel_xml, value_text
from preserve.formats.office.facts import UnreadableError
from preserve.formats.office.sheet_lists import FORMULA_COLUMNS, FORMULAS
from preserve.formats.office.workbooks import ERRORS, WorkbookFacts, address, column_name

_TYPES = (Datatype.BOOLEAN, Datatype.DECIMAL, Datatype.DATE, Datatype.DATETIME, Datatype.TIME)
_NOTE = "Lines are rows of a sheet, without a header; columns are called by their letters.  Formulas: {name}"


def main(arguments: list[str]) -> int:
    """Convert workbooks; 1 where one could not be."""
    folder = Path(arguments[0])
    failed = 0
    for name in arguments[1:]:
        path = Path(name)
        try:
            convert(path, folder)
        except (UnreadableError, CalamineError, ValueError) as why:
            sys.stderr.write(f"{path.name}: {why}\n")
            failed += 1
            for made in folder.glob(f"{path.stem}-*"):
                made.unlink()
    return 1 if failed else 0


def convert(path: Path, folder: Path) -> None:
    """Write all sheets of a workbook.  Raises `UnreadableError`, `CalamineError`, `ValueError`."""
    facts = read_excel_binary(path) if path.suffix.lower() == ".xls" else read_excel_xml(path)
    with CalamineWorkbook.from_path(path) as book:
        tables = {each.name for each in book.sheets_metadata if each.typ is SheetTypeEnum.WorkSheet}
        for number, name in enumerate(facts.sheets, 1):  # a chart may be a sheet by itself: it has no cells
            read = book.get_sheet_by_name(name).to_python(skip_empty_area=False) if name in tables else []
            _write(name, _with_errors(name, read, facts), folder / f"{path.stem}-{number}.csv")
    listed = [(*where.rsplit("!", 1), formula) for where, formula in facts.formulas.items()]
    write_csv([FORMULA_COLUMNS, *listed], folder / f"{path.stem}-{FORMULAS}")


def _with_errors(name: str, rows: Sequence[Sequence[object]], facts: WorkbookFacts) -> list[list[str]]:
    """The texts of a sheet; errors, which Calamine leaves out, are those that the other program read."""
    texts = [[_text(value) for value in row] for row in rows]
    for at, row in enumerate(texts):
        for column, text in enumerate(row):
            other = "" if text else facts.cells.get(address(name, at, column), "")
            if other in ERRORS:
                row[column] = other
    return texts


def _write(name: str, rows: list[list[str]], into: Path) -> None:
    write_csv(rows, into)
    width = max(map(len, rows), default=0)
    columns = tuple(_column(column_name(at), [row[at] for row in rows if at < len(row)]) for at in range(width))
    note = _NOTE.format(name=f"{into.stem.rsplit('-', 1)[0]}-{FORMULAS}")
    write_schema(CsvTable(name, columns, len(rows), has_header=False, notes=(note,)), into)


def _column(name: str, values: list[str]) -> Column:
    """A column has the first type that all its values have, and is else one of texts."""
    present = [value for value in values if value]
    for datatype in _TYPES if present else ():
        column = Column(name, datatype)
        if all(fits(value, column) for value in present):
            return column
    return Column(name)


def _text(value: object) -> str:
    if isinstance(value, (bool, int, float, str, datetime, date, time, timedelta)):
        return value_text(value)
    return "" if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
