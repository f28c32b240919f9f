"""The rows of a dBase table as dbfread tells them: another reader than the one that converts, with values as texts."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from dbfread import DBF, FieldParser
from dbfread.memo import BinaryMemo

NOTHING = "\\N"
_BOOLEANS = {"T": "true", "Y": "true", "F": "false", "N": "false", "?": NOTHING, "": NOTHING}


class _AsTexts(FieldParser):  # type: ignore[misc]
    """Values as the file has them: dbfread would make numbers of texts, and lose their zeros."""

    def parse(self, field: Any, data: bytes) -> str | bytes:
        match field.type:
            case "C" | "V":
                return data.rstrip(b" \0")
            case "M":
                memo = super().parse(field, data) if self.table.memofilename else b""
                return memo.encode(self.encoding, "surrogateescape").rstrip(b" \0") if isinstance(memo, str) else b""
            case "G" | "P":
                found = super().parse(field, data)
                return base64.b64encode(bytes(found)).decode("ascii") if isinstance(found, BinaryMemo) else ""
            case "I" | "Y" | "T":
                return _plain(super().parse(field, data))
        text = data.strip(b" \0").decode("ascii", "replace")
        if field.type == "L":
            return _BOOLEANS.get(text.upper(), text)
        if field.type == "D":
            return _day(text)
        return text or NOTHING


def _day(text: str) -> str:
    if text in ("", "00000000"):
        return NOTHING
    if not (len(text) == 8 and text.isdecimal()):
        return text
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:])).isoformat()
    except ValueError:  # the 31st of February
        return text


def _plain(value: object) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return f"{value:.4f}" if isinstance(value, Decimal) else str(value)


@dataclass(frozen=True, slots=True)
class DbfTable:
    """A table that was opened."""

    _table: Any
    encoding: str

    @property
    def fields(self) -> list[Any]:
        return list(self._table.fields)

    @property
    def count(self) -> int:
        return len(self._table.records)

    @property
    def count_deleted(self) -> int:
        return len(self._table.deleted)

    def width(self, field: Any) -> int | None:
        """In bytes; None for what lies in the memo file."""
        return None if field.type in "MGP" else int(field.length)

    def decimals(self, field: Any) -> int:
        return int(field.decimal_count)

    def rows(self, unmapped: dict[str, str]) -> Iterator[list[str]]:
        """Rows that are not deleted; what of them is no text in the encoding goes into `unmapped`, by its place."""
        return self._told(self._table.records, "table", unmapped)

    def deleted(self, unmapped: dict[str, str]) -> Iterator[list[str]]:
        """Rows that are."""
        return self._told(self._table.deleted, "deleted", unmapped)

    def _told(self, records: Any, name: str, unmapped: dict[str, str]) -> Iterator[list[str]]:
        for at, record in enumerate(records, 1):
            yield [self._text(value, f"{name} row {at}, {column}", unmapped) for column, value in record]

    def _text(self, value: str | bytes, place: str, unmapped: dict[str, str]) -> str:
        if isinstance(value, str):
            return value
        try:
            return value.decode(self.encoding)
        except UnicodeDecodeError:
            unmapped[place] = value.hex(" ").upper()
            return value.decode(self.encoding, "replace")


def open_dbf(file: Path, encoding: str) -> DbfTable:
    """The table in a file.  Raises what dbfread raises of broken ones."""
    table = DBF(
        str(file), encoding, parserclass=_AsTexts, recfactory=None, ignore_missing_memofile=True,
        char_decode_errors="surrogateescape",
    )  # fmt: skip
    return DbfTable(table, encoding)
