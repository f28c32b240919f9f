"""The tables of an Access database as access-parser tells them: another reader than the one that converts.

It reads the texts of Access 95 and 97 as UTF-8 or else as Latin-1; from that their bytes are had back, and read anew.
Sums of money are formatted as the column asks; of those only digits, sign and point are taken.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from access_parser import AccessParser

NOTHING = "\\N"
JET3 = 3
_NAMES = {
    1: "Boolean", 2: "Byte", 3: "Integer", 4: "Long Integer", 5: "Currency", 6: "Single", 7: "Double", 8: "DateTime",
    9: "Binary", 10: "Text", 11: "OLE", 12: "Memo/Hyperlink", 15: "Replication ID", 16: "Numeric",
}  # fmt: skip
"""Types as `mdb-schema` calls them, by their numbers in the file."""
_TEXT, _MEMO, _MONEY, _SINGLE, _DATETIME, _BOOLEAN = 10, 12, 5, 6, 8, 1
_NO_DIGITS = re.compile(r"[^0-9.-]")


@dataclass(frozen=True, slots=True)
class AccessColumn:
    """A column; `width` of texts in characters, None of others."""

    name: str
    type: str
    width: int | None


@dataclass(frozen=True, slots=True)
class AccessTable:
    """A table and its rows, values as texts."""

    name: str
    columns: tuple[AccessColumn, ...]
    rows: tuple[tuple[str, ...], ...]


def open_access(file: Path, encoding: str) -> Iterator[AccessTable]:
    """The tables in a file, in the order of their names.  Raises what access-parser raises of broken ones."""
    logging.getLogger("access_parser").setLevel(logging.CRITICAL)
    database = AccessParser(str(file))
    for name in sorted(each for each in database.catalog if each != "MSysObjects"):
        table = database.get_table(name)
        kinds = [(each.col_name_str, each.type, each.length) for each in table.columns.values()]
        values = table.parse()
        columns = tuple(_column(*kind, is_jet3=database.version == JET3) for kind in kinds)
        known = encoding if database.version == JET3 else None
        told = [[_told(value, kind, known) for value in values.get(title, ())] for title, kind, _ in kinds]
        yield AccessTable(name, columns, tuple(zip(*told, strict=True)))


def _column(name: str, kind: int, length: int, *, is_jet3: bool) -> AccessColumn:
    width = (length if is_jet3 else length // 2) if kind == _TEXT else None  # UTF-16 from Access 2000 on
    return AccessColumn(name, _NAMES.get(kind, str(kind)), width)


def _told(value: Any, kind: int, encoding: str | None) -> str:
    if value is None:
        return "false" if kind == _BOOLEAN else NOTHING
    if kind in (_TEXT, _MEMO):
        return _text(str(value), encoding)
    if kind == _BOOLEAN:
        return "true" if value else "false"
    if kind == _MONEY:
        return f"{float(_NO_DIGITS.sub('', str(value))):.4f}"
    if kind == _DATETIME:
        return _moment(str(value))
    return f"{value:.9g}" if kind == _SINGLE else value.hex() if isinstance(value, bytes) else str(value)


def _text(value: str, encoding: str | None) -> str:
    """A text; `encoding` is None where the file says itself what its texts are in."""
    if encoding is None:
        return value
    try:
        return value.encode("latin-1").decode(encoding)
    except UnicodeError:
        return value


def _moment(value: str) -> str:
    try:
        return datetime.fromisoformat(value).isoformat(timespec="seconds")
    except ValueError:
        return value
