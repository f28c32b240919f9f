"""Read a table of text, CSV or JSON, whatever its encoding, as rows with their line numbers."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preserve.definitions.headings import element_of
from preserve.errors import Misused
from preserve.model.sizes import Size

LARGEST_BYTES = 256 << 20
"""Largest metadata file that is read; a million records take about 150 MB."""

LARGEST_CELL = 131_072
"""Characters in a cell of a CSV file (Python's own limit); an unclosed quotation mark makes one of all that follows."""

# What Python's reader says (Modules/_csv.c), and what a person has to look for.
_UNSOUND = {
    "field larger than field limit": "{file}, line {line}: a cell of this row holds more than {most} characters; close"
    " the quotation mark that may be missing, or put the text into a file of its own",
    "unexpected end of data": "{file}, line {line}: a quotation mark of this row is never closed",
    "expected after": "{file}, line {line}: text follows the closing quotation mark of a cell; write a quotation mark"
    " within a cell twice",
    "": "{file}, line {line}: no sound CSV: {reason}",
}

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_DELIMITERS = ",\t;，"

Cell = str | list[str]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells by heading as written, and the line it begins at (for JSON: its number, from 1)."""

    line: int
    cells: dict[str, Cell]
    surplus: int = 0
    """Cells beyond the last heading."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it was read; `encoding` as found out."""

    name: str
    encoding: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path) -> Table:
    """Read a CSV file with headings, or a JSON list of objects (or `{"records": […]}`).

    Raises `Misused` naming the file, the line and what to do.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST_BYTES else b""
    except OSError as error:
        raise Misused("{file} cannot be read: {reason}", file=path, reason=error.strerror or str(error)) from error
    if size > LARGEST_BYTES:
        raise Misused("{file} is larger than {most}; split the records", file=path, most=Size(LARGEST_BYTES))
    text, encoding = _decoded(data, path)
    if text.lstrip()[:1] in ("[", "{"):
        return _json(text, encoding, path)
    return _csv(text, encoding, path)


def _decoded(data: bytes, path: Path) -> tuple[str, str]:
    """UTF-16 and UTF-8 by their mark, else UTF-8, else GB 18030, as Chinese spreadsheets save CSV."""
    marked = next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), None)
    for encoding in (marked,) if marked else ("utf-8", "gb18030"):
        try:
            return data.decode(encoding), encoding.removesuffix("-sig")
        except UnicodeDecodeError:
            continue
    raise Misused("{file} is neither UTF-8 nor GB 18030; save it as UTF-8 and try again", file=path)


def _json(text: str, encoding: str, path: Path) -> Table:
    def spelled_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        _check_meanings([key for key, _ in pairs], path, "{file}: two keys of one object mean {element}; keep one")
        return dict(pairs)

    try:
        plain: Any = json.loads(text, object_pairs_hook=spelled_once)
    except ValueError as error:
        raise Misused("{file} is no sound JSON: {reason}", file=path, reason=error) from error
    except RecursionError:
        raise Misused("{file} is no sound JSON: {reason}", file=path, reason="nested too deeply") from None
    items = plain.get("records") if isinstance(plain, dict) else plain
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Misused('{file} must be a list of objects, or {{"records": [objects]}}', file=path)
    headings = dict.fromkeys(key for item in items for key in item)
    rows = tuple(Row(number, dict(_json_cells(item, number, path))) for number, item in enumerate(items, 1))
    return Table(path.name, encoding, tuple(headings), rows)


def _json_cells(item: dict[str, Any], number: int, path: Path) -> Iterator[tuple[str, Cell]]:
    for key, value in item.items():
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            yield key, value
        elif value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
            yield key, "" if value is None else str(value)
        else:
            template = "{file}, record {line}: {element} must be text, a whole number, or a list of texts"
            raise Misused(template, file=path, line=number, element=key)


def _csv(text: str, encoding: str, path: Path) -> Table:
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(_DELIMITERS, key=lambda one: sum(element_of(word) is not None for word in first.split(one)))
    found = _cells(text, delimiter, path)
    headings = [word.strip() for word in next((cells for _, cells in found if any(cells)), [])]
    _check_headings(headings, path)
    return Table(path.name, encoding, tuple(headings), tuple(_csv_rows(found, headings)))


def _cells(text: str, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row's cells, and the line it begins at."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        reason = str(error)
        kind = next(kind for kind in _UNSOUND if kind in reason)
        raise Misused(_UNSOUND[kind], file=path, line=line, most=LARGEST_CELL, reason=reason) from error


def _check_headings(headings: list[str], path: Path) -> None:
    if not any(element_of(heading) for heading in headings):
        template = "{file}: the first line holds no known heading, such as 档号 or archival_code"
        raise Misused(template, file=path)
    _check_meanings(headings, path, "{file}: two columns mean {element}; keep one")


def _check_meanings(headings: Iterable[str], path: Path, template: str) -> None:
    """Of two classifications of one record, none may be dropped unseen.  Raises `Misused`."""
    named = [element_of(heading) or heading for heading in headings if heading]
    for name in named:
        if named.count(name) > 1:
            raise Misused(template, file=path, element=name)


def _csv_rows(found: Iterator[tuple[int, list[str]]], headings: list[str]) -> Iterator[Row]:
    for line, cells in found:
        if any(cell.strip() for cell in cells):
            named = {heading: cell.strip() for heading, cell in zip(headings, cells, strict=False) if heading}
            surplus = sum(1 for cell in cells[len(headings) :] if cell.strip())
            yield Row(line, dict(named), surplus)
