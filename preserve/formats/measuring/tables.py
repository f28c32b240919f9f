"""What is measured of tables: columns, rows and every value, told by another reader than the one that converted.

dBase tables are read by dbfread, Access databases by access-parser; of the result CSV and Parquet are read both, and
have to say the same.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from preserve.formats.converters.csv_schema import (
    SCHEMA_SUFFIX,
    Column,
    Datatype,
    TableError,
    final_name,
    fits,
    read_csv,
    read_schema,
)
from preserve.formats.converters.tables import as_texts
from preserve.formats.measuring.side import Side
from preserve.model.formats.encodings import family, reads_as
from preserve.model.formats.properties import Measured, Property, Value
from preserve.model.phrases import phrase

ROWS_APART = 20_000
"""Of a table with more rows, so many are compared together:"""
BLOCK_ROWS = 1000
MOST_PLACES = 1000
MOST_TEXT = 1_000_000
"""Characters of a table by which its encoding is looked at."""
NO_TABLE = phrase("it is no table that can be read")
TWO_TABLES = phrase("the CSV file and the Parquet file do not say the same")
NOTHING = "\\N"
_LINE = json.JSONEncoder(ensure_ascii=False)
"""Made once: `json.dumps` makes one for each row."""
_NUMBERS = (Datatype.INTEGER, Datatype.DECIMAL, Datatype.DOUBLE)
UNREADABLE = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, struct.error, EOFError)
"""What readers raise of broken files, not foreseen by them."""


class TwoTablesError(ValueError):
    """CSV and Parquet differ."""


@dataclass(slots=True)
class Tables:
    """What there is of all tables of a side; values of a row are texts, `NOTHING` where there is none."""

    columns: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)
    unmapped: dict[str, str] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    characters: int = 0

    def add(self, name: str, columns: Iterable[str], rows: Iterable[Sequence[str]], count: int) -> None:
        """A table of so many rows."""
        self.columns[name] = [f"{name}.{each}" for each in columns]
        at = 0
        digest = hashlib.sha256()
        for at, row in enumerate(rows, 1):
            line = _LINE.encode(row)
            self._look_at(row)
            if count <= ROWS_APART:
                self.cells[f"{name}!{at}"] = line
                continue
            digest.update(line.encode("utf-8", "surrogatepass") + b"\n")
            if at % BLOCK_ROWS == 0:
                self._add_block(name, at, digest)
                digest = hashlib.sha256()
        if count > ROWS_APART and at % BLOCK_ROWS:
            self._add_block(name, at, digest)
        self.rows[name] = str(at)

    def _add_block(self, name: str, at: int, digest: hashlib._Hash) -> None:
        self.cells[f"{name}!{(at - 1) // BLOCK_ROWS * BLOCK_ROWS + 1}-{at}"] = digest.hexdigest()

    def _look_at(self, row: Sequence[str]) -> None:
        if self.characters < MOST_TEXT:
            self.text += (each for each in row if not each.isascii())
            self.characters += sum(map(len, row))


def measure(side: Side, wanted: frozenset[Property]) -> Measured:
    """All of `wanted` that there is of tables (`preserve.formats.measuring.side`)."""
    said = side.encodings[0] if side.encodings else "utf-8"
    try:
        found = _of_result(side.files) if side.is_result else READERS[side.ending](side.files[0], said)
    except TwoTablesError:
        return Measured({}, dict.fromkeys(wanted, TWO_TABLES))
    except UNREADABLE:
        return Measured({}, dict.fromkeys(wanted, NO_TABLE))
    text = "\n".join(found.text)
    values: dict[Property, Callable[[], Value]] = {
        Property.COLUMNS: lambda: tuple(each for name in sorted(found.columns) for each in found.columns[name]),
        Property.ROWS: lambda: found.rows,
        Property.CELLS: lambda: found.cells,
        Property.UNMAPPED: lambda: dict(list(found.unmapped.items())[:MOST_PLACES]),
        Property.ENCODING: lambda: family(said) if side.is_result else reads_as(text.encode(said, "replace"), said),
    }
    return Measured({name: tell() for name, tell in values.items() if name in wanted}, {})


def described(name: str, type_: str, width: int | None, decimals: int | None) -> str:
    """A column as it is compared: its name, and its type as the source calls it."""
    return f"{name} {type_} {'' if width is None else width}.{decimals or 0}"


def _of_result(files: Sequence[Path]) -> Tables:
    found = Tables()
    by_name = {final_name(each.name): each for each in files}
    for name, file in sorted(each for each in by_name.items() if each[0].endswith(".csv")):
        table = read_schema(by_name[name + SCHEMA_SUFFIX])
        columns = [described(each.name, each.source_type, each.width, each.decimals) for each in table.columns]
        parquet = by_name[f"{name.removesuffix('.csv')}.parquet"]
        rows = _both(file, parquet, table.columns)
        found.add(table.name, columns, _noted(rows, table.name, table.columns, found.unmapped), table.rows)
    if not found.rows:
        raise TableError("there is no table")
    return found


def _noted(
    rows: Iterator[list[str]], table: str, columns: Sequence[Column], unmapped: dict[str, str]
) -> Iterator[list[str]]:
    for at, row in enumerate(rows, 1):
        for value, column in zip(row, columns, strict=True):
            if "\ufffd" in value and len(unmapped) < MOST_PLACES:
                unmapped[f"{table} row {at}, {column.name}"] = value
        yield row


def _rows(file: Path, columns: Sequence[Column]) -> Iterator[list[str]]:
    lines = read_csv(file)
    next(lines, None)
    nulls = [each.nothing for each in columns]
    for line in lines:
        if len(line) != len(columns):
            raise TableError("a row has more or fewer values than there are columns")
        if not all(map(fits, line, columns)):
            raise TableError("a value is not what the schema says of its column")
        yield [NOTHING if value == null else value for value, null in zip(line, nulls, strict=True)]


def _both(file: Path, parquet: Path, columns: Sequence[Column]) -> Iterator[list[str]]:
    """The rows of a CSV file; each has to be the same in the Parquet file, and there as many."""
    others = as_texts(parquet)
    for row in _rows(file, columns):
        other = next(others, None)
        if other is None or not all(map(_same, row, other, columns)):
            raise TwoTablesError
        yield row
    if next(others, None) is not None:
        raise TwoTablesError


def _same(value: str, other: str | None, column: Column) -> bool:
    if other is None:
        return value == NOTHING
    if value == other:
        return True
    if column.datatype in _NUMBERS:
        return as_number(value) == as_number(other)
    return column.datatype is Datatype.DATETIME and datetime.fromisoformat(value) == datetime.fromisoformat(other)


def as_number(value: str) -> str:
    """A number without zeros that say nothing; another text as it is."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    return f"{number.normalize():f}" if number.is_finite() and number else "0" if number == 0 else value


def _of_dbf(file: Path, said: str) -> Tables:
    from preserve.formats.measuring.dbf_rows import open_dbf

    found = Tables()
    table = open_dbf(file, said)
    columns = [described(each.name, each.type, table.width(each), table.decimals(each)) for each in table.fields]
    found.add("table", columns, table.rows(found.unmapped), table.count)
    if table.count_deleted:
        found.add("deleted", columns, table.deleted(found.unmapped), table.count_deleted)
    return found


def _of_access(file: Path, said: str) -> Tables:
    from preserve.formats.measuring.access_rows import open_access

    found = Tables()
    for table in open_access(file, said):
        columns = [described(each.name, each.type, each.width, None) for each in table.columns]
        found.add(table.name, columns, table.rows, len(table.rows))
    return found


READERS: Mapping[str, Callable[[Path, str], Tables]] = {".dbf": _of_dbf, ".mdb": _of_access, ".accdb": _of_access}
