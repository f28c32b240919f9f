"""Excel 97-2003 workbooks (XLS): values by xlrd, and what xlrd leaves out from the records ([MS-XLS]).

Formulas are compiled there; that a cell has one is told, and not which.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import xlrd

from preserve.formats.office.compound import Compound
from preserve.formats.office.drawings import picture_digests
from preserve.formats.office.facts import UnreadableError, external_links, font_names, one_line
from preserve.formats.office.workbooks import WorkbookFacts, address, number_text, serial_text, truth_text

LARGEST_RECORDS = 20_000_000
_BOF, _EOF, _SHEET, _FORMULA, _CONTINUE, _DRAWINGS = 0x0809, 0x000A, 0x0085, 0x0006, 0x003C, 0x00EB
_CHART = 0x0020
_TRUTHS = (b"\x1d\x00", b"\x1d\x01", b"\x42\x00\x22\x00", b"\x42\x00\x23\x00", b"\x21\x22\x00", b"\x21\x23\x00")
"""TRUE() and FALSE() as programs other than Excel write a truth value (2.5.198): these are no formulas."""
_FAULTS = (
    xlrd.XLRDError, xlrd.compdoc.CompDocError, struct.error, AssertionError, AttributeError, IndexError, KeyError,
    LookupError, TypeError, ValueError, OverflowError, RecursionError, UnicodeError,
)  # fmt: skip
"""What xlrd raises of damaged workbooks; it checks little of what it reads."""


def read_excel_binary(path: Path) -> WorkbookFacts:
    """Raises `UnreadableError` for what is locked, older than Excel 97, damaged, or no workbook."""
    compound = Compound(str(path))
    try:
        stream = compound.stream("Workbook")
        with xlrd.open_workbook(str(path), formatting_info=True, logfile=_Nowhere()) as book:
            return _facts(book, compound, stream)
    except _FAULTS as error:
        raise UnreadableError(f"xlrd does not read it: {error}") from error
    finally:
        compound.close()


class _Nowhere:
    """Where xlrd writes what it wonders about."""

    def write(self, text: str) -> int:
        return len(text)


def _facts(book: xlrd.Book, compound: Compound, stream: bytes) -> WorkbookFacts:
    cells: dict[str, str] = {}
    rows: dict[str, str] = {}
    for sheet in book.sheets():
        last = 0
        for row in range(sheet.nrows):
            for column in range(sheet.row_len(row)):
                text = _text(sheet.cell(row, column), book.datemode)
                if text:
                    cells[address(sheet.name, row, column)] = text
                    last = row + 1
        rows[sheet.name] = str(last)
    names = _sheet_names(stream)
    charts, formulas = _from_records(stream, names)
    rows.update({name: "0" for name in names.values() if name not in rows})
    mbd = {path[0] for path in compound.storages if path[0].startswith("MBD")}
    return WorkbookFacts(
        sheets=tuple(names.values()),
        rows=rows,
        cells=cells,
        formulas=formulas,
        images=len(set(picture_digests(_drawings(stream)))),
        fonts=font_names(font.name for font in book.font_list if font.name.casefold() != "dummy font"),
        links=external_links(
            link.url_or_path if isinstance(link.url_or_path, str) else link.url_or_path.decode("utf-8", "replace")
            for sheet in book.sheets()
            for link in sheet.hyperlink_list
            if link.url_or_path
        ),
        comments=tuple(one_line(note.text) for sheet in book.sheets() for note in sheet.cell_note_map.values()),
        changes=int(compound.has("Revision Log")),
        macros=compound.macros(),
        embedded=tuple(sorted([*(compound.kind_of(name) for name in mbd), *["chart"] * charts])),
        signatures=compound.signatures(),
        properties=compound.properties(),
    )


def _text(cell: xlrd.sheet.Cell, datemode: int) -> str:
    match cell.ctype:
        case xlrd.XL_CELL_TEXT:
            return str(cell.value)
        case xlrd.XL_CELL_NUMBER:
            return number_text(cell.value)
        case xlrd.XL_CELL_DATE:
            return serial_text(cell.value + (1462 if datemode and cell.value >= 1 else 0))
        case xlrd.XL_CELL_BOOLEAN:
            return truth_text(bool(cell.value))
        case xlrd.XL_CELL_ERROR:
            return str(xlrd.error_text_from_code.get(cell.value, "#?"))
    return ""


def _sheet_names(stream: bytes) -> dict[int, str]:
    """The names of all sheets in their order, those of charts and macros too, by where each begins (2.4.28)."""
    found = {}
    for kind, body in _records(stream):
        if kind == _SHEET:
            length, is_wide = body[6], body[7] & 1
            name = body[8 : 8 + length * (1 + is_wide)]
            found[struct.unpack_from("<I", body)[0]] = name.decode("utf-16-le" if is_wide else "latin-1", "replace")
        elif kind == _EOF:
            break
    return found


def _records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    for _ in range(LARGEST_RECORDS):
        if at + 4 > len(stream):
            return
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + length]
        at += 4 + length


def _from_records(stream: bytes, names: dict[int, str]) -> tuple[int, dict[str, str]]:
    """How many charts there are, and which cells have formulas ([MS-XLS] 2.1.4: substreams follow one another)."""
    charts, sheet, depth, at = 0, "", 0, 0
    found: dict[str, str] = {}
    for kind, body in _records(stream):
        if kind == _BOF:
            depth += 1
            charts += int(struct.unpack_from("<H", body, 2)[0] == _CHART)
            sheet = names.get(at, "") if depth == 1 else sheet
        elif kind == _EOF:
            depth -= 1
        elif kind == _FORMULA and depth == 1 and sheet and body[22:] not in _TRUTHS:
            row, column = struct.unpack_from("<HH", body)
            found[address(sheet, row, column)] = "="
        at += 4 + len(body)
    return charts, found


def _drawings(stream: bytes) -> bytes:
    """The store of pictures of the whole workbook (2.4.171), whose records go on in others."""
    parts: list[bytes] = []
    is_open = False
    for kind, body in _records(stream):
        is_open = kind == _DRAWINGS or (is_open and kind == _CONTINUE)
        if is_open:
            parts.append(body)
    return b"".join(parts)
