"""Spreadsheets of OpenDocument (ODS), read from their XML (ISO/IEC 26300-1, 9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from preserve.formats.office.facts import UnreadableError, external_links, font_names, one_line
from preserve.formats.office.open_document import (
    DRAW,
    LINK,
    OFFICE,
    TABLE,
    TEXT,
    fonts_named,
    kind_of,
    macros_in,
    pictures_in,
    properties_of,
    signatures_in,
)
from preserve.formats.office.packages import Parts
from preserve.formats.office.workbooks import WorkbookFacts, address, moment_text, number_text, serial_text, truth_text

MOST_REPEATED = 16_384
"""A cell with content may be repeated so many times; one without is only counted."""
_DURATION = re.compile(r"^(-?)PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?$")
_TRUTHS = ("of:=TRUE()", "of:=FALSE()")
"""As what LibreOffice writes a truth value of another format: these are no formulas."""
_ERROR = re.compile(r"^(#\S+|Err:\d+)$")
_CALC_TYPE = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"


def read_open_spreadsheet(path: Path) -> WorkbookFacts:
    """Raises `UnreadableError` for what is locked, damaged, or no spreadsheet."""
    parts = Parts(path)
    try:
        return _facts(parts)
    except RecursionError as error:
        raise UnreadableError("it is nested too deeply") from error
    except (ValueError, OverflowError) as error:
        raise UnreadableError(f"a cell is not what it says: {error}") from error
    finally:
        parts.close()


def _facts(parts: Parts) -> WorkbookFacts:
    content, styles = parts.xml("content.xml"), parts.xml_if_there("styles.xml")
    book = content.find(f"{OFFICE}body/{OFFICE}spreadsheet")
    if book is None:
        raise UnreadableError("it is no spreadsheet")
    roots = [content, *([styles] if styles is not None else [])]
    tables = [_Table(each.get(f"{TABLE}name", "")).read(each) for each in book.findall(f"{TABLE}table")]
    history = book.find(f"{TABLE}tracked-changes")
    return WorkbookFacts(
        sheets=tuple(each.name for each in tables),
        rows={each.name: str(each.last) for each in tables},
        cells={key: value for each in tables for key, value in each.cells.items()},
        formulas={key: value for each in tables for key, value in each.formulas.items()},
        images=pictures_in(parts, roots),
        fonts=font_names(fonts_named(roots)),
        links=external_links(link.get(LINK, "") for link in book.iter(f"{TEXT}a")),
        comments=tuple(each for table in tables for each in table.comments),
        changes=int(history is not None and len(history) > 0),
        macros=macros_in(parts),
        embedded=tuple(
            sorted(
                kind_of(parts, each.get(LINK, "").removeprefix("./"))
                for tag in ("object", "object-ole")
                for each in book.iter(f"{DRAW}{tag}")
            )
        ),
        signatures=signatures_in(parts),
        properties=properties_of(parts),
    )


@dataclass(slots=True)
class _Table:
    name: str
    last: int = 0
    cells: dict[str, str] = field(default_factory=dict)
    formulas: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)

    def read(self, element: ET.Element) -> _Table:
        row = 0
        for line in _rows(element):
            times = int(line.get(f"{TABLE}number-rows-repeated", "1"))
            if self._row(line, row) and times > 1:
                for again in range(1, min(times, MOST_REPEATED)):
                    self._row(line, row + again)
            row += times
        return self

    def _row(self, line: ET.Element, row: int) -> bool:
        column, has_any = 0, False
        for cell in line:
            if cell.tag not in (f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
                continue
            times = int(cell.get(f"{TABLE}number-columns-repeated", "1"))
            text = _value(cell)
            formula = cell.get(f"{TABLE}formula", "")
            if formula in _TRUTHS:
                text, formula = truth_text(formula == _TRUTHS[0]), ""
            for at in range(column, column + min(times, MOST_REPEATED)) if text or formula else ():
                if text:
                    self.cells[address(self.name, row, at)] = text
                    self.last, has_any = row + 1, True
                if formula:
                    self._formula(cell, row, at, formula)
            for note in cell.findall(f"{OFFICE}annotation"):
                self.comments.append(one_line("\n".join(_paragraphs(note))))
            column += times
        return has_any

    def _formula(self, cell: ET.Element, row: int, column: int, formula: str) -> None:
        """A formula of a matrix stands for all cells that it spans (19.680)."""
        height = int(cell.get(f"{TABLE}number-matrix-rows-spanned", "1"))
        width = int(cell.get(f"{TABLE}number-matrix-columns-spanned", "1"))
        for down in range(min(height, MOST_REPEATED)):
            for right in range(min(width, MOST_REPEATED)):
                self.formulas[address(self.name, row + down, column + right)] = formula


def _rows(element: ET.Element) -> Iterator[ET.Element]:
    for child in element:
        if child.tag == f"{TABLE}table-row":
            yield child
        elif child.tag in _GROUPS:
            yield from _rows(child)


_GROUPS = tuple(f"{TABLE}table-{name}" for name in ("rows", "header-rows", "row-group"))


def _value(cell: ET.Element) -> str:
    kind, shown = cell.get(f"{OFFICE}value-type", ""), "\n".join(_paragraphs(cell))
    if cell.get(_CALC_TYPE) == "error" or (cell.get(f"{TABLE}formula") and _ERROR.match(shown)):
        return shown
    match kind:
        case "float" | "percentage" | "currency":
            return number_text(float(cell.get(f"{OFFICE}value", "nan")))
        case "date":
            return moment_text(datetime.fromisoformat(cell.get(f"{OFFICE}date-value", "")[:26]))
        case "time":
            return _time(cell.get(f"{OFFICE}time-value", ""))
        case "boolean":
            return truth_text(cell.get(f"{OFFICE}boolean-value") == "true")
    return cell.get(f"{OFFICE}string-value", shown)


def _time(text: str) -> str:
    found = _DURATION.match(text)
    if found is None:
        raise ValueError(f"{text} is no duration")
    hours, minutes, seconds = (float(found[number] or 0) for number in (2, 3, 4))
    days = (hours * 3600 + minutes * 60 + seconds) / 86_400
    return serial_text(-days if found[1] else days)


def _paragraphs(element: ET.Element) -> Iterator[str]:
    for paragraph in element.findall(f"{TEXT}p"):
        yield "".join(_texts(paragraph))


def _texts(element: ET.Element) -> Iterator[str]:
    if element.tag == f"{TEXT}s":
        yield " " * int(element.get(f"{TEXT}c", "1"))
    elif element.tag == f"{TEXT}tab":
        yield "\t"
    elif element.tag == f"{TEXT}line-break":
        yield "\n"
    yield element.text or ""
    for child in element:
        yield from _texts(child)
        yield child.tail or ""
