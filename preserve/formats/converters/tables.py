"""Write a table twice: as CSV with its schema, for everybody and ever, and as Parquet, with types, for those who count.

Rows are read twice: first to see whether the values of a column are what it says, since one that are not is one of
texts; nothing is put right and nothing left out.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from preserve.formats.converters.csv_schema import Column, CsvTable, Datatype, fits, write_csv, write_schema

BATCH_ROWS = 10_000
MOST_DIGITS = 38
"""Of a decimal in Parquet (decimal128); a column with longer ones is one of texts there."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A table to be written: `rows` begins anew each time it is called, its values are texts, a column's `null` where
    there is none."""

    name: str
    columns: tuple[Column, ...]
    rows: Callable[[], Iterable[Sequence[str]]]
    encoding: str = ""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Seen:
    """What the values of one column turned out to be."""

    fits: bool = True
    before_point: int = 1
    after_point: int = 0

    def look(self, value: str, column: Column) -> None:
        if value == column.null or not self.fits:
            return
        self.fits = fits(value, column)
        if self.fits and column.datatype is Datatype.DECIMAL:
            whole, _, part = value.lstrip("+-").partition(".")
            self.before_point = max(self.before_point, len(whole))
            self.after_point = max(self.after_point, len(part))


def write_table(table: Reading, stem: Path, *, leaves_out_empty: bool = False) -> int:
    """Write `stem.csv`, its schema and `stem.parquet`, and say how many rows there are."""
    seen = [_Seen() for _ in table.columns]
    count = 0
    for count, row in enumerate(table.rows(), 1):  # noqa: B007 - it counts
        for value, column, each in zip(row, table.columns, seen, strict=True):
            each.look(value, column)
    if not count and leaves_out_empty:
        return 0
    columns = tuple(_as_seen(column, each) for column, each in zip(table.columns, seen, strict=True))
    csv_file = stem.with_name(stem.name + ".csv")
    write_csv(chain([[each.name for each in columns]], table.rows()), csv_file)
    write_schema(CsvTable(table.name, columns, count, table.encoding, notes=table.notes), csv_file)
    _write_parquet(table, columns, seen, stem.with_name(stem.name + ".parquet"))
    return count


def _as_seen(column: Column, seen: _Seen) -> Column:
    """A column whose values are not all what it says is one of texts, and keeps what it was called."""
    return column if seen.fits else replace(column, datatype=Datatype.STRING, is_bounded=column.width is None)


def _write_parquet(table: Reading, columns: Sequence[Column], seen: Sequence[_Seen], into: Path) -> None:
    types = [_arrow_type(column, each) for column, each in zip(columns, seen, strict=True)]
    # Parquet of another program may have two columns of one name; readers go by the number then.
    schema = pa.schema([pa.field(column.name, type_) for column, type_ in zip(columns, types, strict=True)])
    with pq.ParquetWriter(into, schema, compression="zstd") as writer:
        left = iter(table.rows())
        while rows := list(islice(left, BATCH_ROWS)):
            values = zip(*rows, strict=True)
            arrays = [
                pa.array([_typed(value, column, type_) for value in each], type_)
                for each, column, type_ in zip(values, columns, types, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def _arrow_type(column: Column, seen: _Seen) -> pa.DataType:
    match column.datatype:
        case Datatype.BOOLEAN:
            return pa.bool_()
        case Datatype.INTEGER:
            return pa.int64()
        case Datatype.DOUBLE:
            return pa.float64()
        case Datatype.DATE:
            return pa.date32()
        case Datatype.DATETIME:
            return pa.timestamp("ms")
        case Datatype.BINARY:
            return pa.binary()
        case Datatype.DECIMAL if seen.before_point + seen.after_point <= MOST_DIGITS:
            return pa.decimal128(seen.before_point + seen.after_point, seen.after_point)
    return pa.string()


def _typed(value: str, column: Column, type_: pa.DataType) -> object:
    if value == column.nothing:
        return None
    match column.datatype:
        case Datatype.BOOLEAN:
            return value == "true"
        case Datatype.INTEGER:
            return int(value)
        case Datatype.DOUBLE:
            return float(value)
        case Datatype.DATE:
            return date.fromisoformat(value)
        case Datatype.DATETIME:
            return datetime.fromisoformat(value)
        case Datatype.BINARY:
            return base64.b64decode(value)
        case Datatype.DECIMAL if pa.types.is_decimal(type_):
            return Decimal(value)
    return value


def as_texts(file: Path) -> Iterator[list[str | None]]:
    """The rows of a Parquet file, as texts; None where there is nothing."""
    parquet = pq.ParquetFile(file)
    for batch in parquet.iter_batches(BATCH_ROWS):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield [None if value is None else _text(value) for value in row]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)
