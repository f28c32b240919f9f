"""Excel workbooks in OOXML (XLSX), read by openpyxl; what it leaves out from the parts of the package."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import openpyxl
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula

from preserve.formats.contents import ENTRY_FAULTS
from preserve.formats.office.facts import UnreadableError, external_links, font_names, one_line
from preserve.formats.office.packages import Parts
from preserve.formats.office.word_xml import properties_of
from preserve.formats.office.workbooks import WorkbookFacts, address, moment_text, number_text, serial_text, truth_text

_FAULTS = (*ENTRY_FAULTS, ET.ParseError, AssertionError)
"""What openpyxl raises of damaged workbooks."""


def read_excel_xml(path: Path) -> WorkbookFacts:
    """Raises `UnreadableError` for what is locked, damaged, or no workbook."""
    parts = Parts(path)
    try:
        values = openpyxl.load_workbook(path, data_only=True)
        formulas = openpyxl.load_workbook(path)
        return _facts(parts, values, formulas)
    except _FAULTS as error:
        raise UnreadableError(f"openpyxl does not read it: {error}") from error
    finally:
        parts.close()


def _facts(parts: Parts, values: openpyxl.Workbook, formulas: openpyxl.Workbook) -> WorkbookFacts:
    cells: dict[str, str] = {}
    rows: dict[str, str] = {}
    written: dict[str, str] = {}
    links, comments = [], []
    for sheet in values.worksheets:
        last = 0
        for line in sheet.iter_rows():
            for cell in line:
                text = value_text(cell.value)
                if text:
                    cells[address(sheet.title, cell.row - 1, cell.column - 1)] = text
                    last = max(last, cell.row)
                if getattr(cell, "hyperlink", None) is not None and cell.hyperlink.target:
                    links.append(cell.hyperlink.target)
                if getattr(cell, "comment", None) is not None:
                    comments.append(one_line(cell.comment.text))
        rows[sheet.title] = str(last)
    for sheet in formulas.worksheets:
        for line in sheet.iter_rows():
            for cell in line:
                if cell.data_type == "f" and cell.value not in ("=TRUE()", "=FALSE()"):
                    written[address(sheet.title, cell.row - 1, cell.column - 1)] = formula_text(cell.value)
    return WorkbookFacts(
        sheets=tuple(sheet.title for sheet in values.worksheets),
        rows=rows,
        cells=cells,
        formulas=written,
        images=parts.pictures(name for name in parts.names if name.startswith("xl/media/")),
        fonts=font_names(font.name or "" for font in values._fonts),
        links=external_links(links),
        comments=tuple(comments),
        changes=int(any(name.startswith("xl/revisions/") for name in parts.names)),
        macros=parts.macros(),
        embedded=tuple(sorted(_embedded(parts))),
        signatures=parts.signatures(),
        properties=properties_of(parts),
    )


def value_text(value: object) -> str:
    """A value of openpyxl, as all readers tell it."""
    match value:
        case bool():
            return truth_text(value)
        case int() | float():
            return number_text(float(value))
        case datetime():
            return moment_text(value)
        case date():
            return value.isoformat()
        case time():
            return value.strftime("%H:%M:%S")
        case timedelta():
            return serial_text(value / timedelta(days=1))
        case None:
            return ""
    return str(value)


def formula_text(value: object) -> str:
    """A formula as it is written."""
    if isinstance(value, ArrayFormula):
        return str(value.text)
    return "=TABLE()" if isinstance(value, DataTableFormula) else str(value)


def _embedded(parts: Parts) -> list[str]:
    found = ["file" for name in parts.names if name.startswith("xl/embeddings/")]
    return found + ["chart" for name in parts.names if name.startswith("xl/charts/chart") and name.endswith(".xml")]
