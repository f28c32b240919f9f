"""A dBase table to CSV with a schema, and Parquet beside it.

    python -m preserve.formats.converters.dbf ENCODING FOLDER FILE...

A memo file lies beside its table under the same name (`1.dbt`, `1.fpt`).  Rows that are deleted are still in the file,
and so they come out too, in a table of their own.
"""

from __future__ import annotations

import base64
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import IO

from preserve.errors import Refused
from preserve.formats.converters import dbase
from preserve.formats.converters.calls import each_of
from preserve.formats.converters.csv_schema import Column, Datatype
from preserve.formats.converters.tables import Reading, write_table
from preserve.model.formats.encodings import family

DELETED = "-deleted"
ROWS, DELETED_ROWS = "table", "deleted"
"""What the two tables are called: a dBase table has no name of its own but that of its file."""
MEMO_ENDINGS = (".dbt", ".fpt")
_TYPES = {
    "N": Datatype.DECIMAL,
    "F": Datatype.DECIMAL,
    "I": Datatype.INTEGER,
    "Y": Datatype.DECIMAL,
    "L": Datatype.BOOLEAN,
    "D": Datatype.DATE,
    "T": Datatype.DATETIME,
    "G": Datatype.BINARY,
    "P": Datatype.BINARY,
}
_BOOLEANS = {b"T": "true", b"Y": "true", b"F": "false", b"N": "false", b"?": "", b"": ""}
_JULIAN_0001 = 1_721_425
"""The Julian day number of 1 January of the year 1."""


def convert(encoding: str, source: Path, folder: Path, number: str) -> None:
    """Make `1.csv` and `1.parquet` of a table, and `1-deleted.csv` of its deleted rows.  Raises `Refused`."""
    with source.open("rb") as file:
        table = dbase.read_table(file, source.stat().st_size)
        if table.encoding and family(table.encoding) != family(encoding):
            raise Refused(
                "the table says it is in {said}, and {confirmed} was confirmed; look at it, and choose another pathway",
                said=table.encoding,
                confirmed=encoding,
            )
        with _memo(source, table) as memo:
            for is_deleted, ending in ((False, ""), (True, DELETED)):
                reading = Reading(
                    name=DELETED_ROWS if is_deleted else ROWS,
                    columns=tuple(_column(each, encoding) for each in table.fields),
                    rows=partial(_rows, file, table, memo, encoding, is_deleted),
                    encoding=encoding,
                    notes=("these rows are marked as deleted",) if is_deleted else (),
                )
                write_table(reading, folder / f"{number}{ending}", leaves_out_empty=is_deleted)


def _memo(source: Path, table: dbase.Table) -> AbstractContextManager[dbase.Memo | None]:
    if not table.has_memo:
        return nullcontext()
    for ending in MEMO_ENDINGS:
        path = source.with_suffix(ending)
        if path.exists():
            return closing(dbase.Memo(path, table.version))
    raise Refused("the table has memo columns, and no memo file (.dbt, .fpt) lies beside it under the same name")


def _column(field: dbase.Field, encoding: str) -> Column:
    width = None if field.type in dbase.MEMO else field.width
    type_ = _TYPES.get(field.type, Datatype.STRING)
    if type_ is Datatype.DECIMAL and field.type != "Y" and not field.decimals and field.width < 19:
        type_ = Datatype.INTEGER
    return Column(field.name.decode(encoding, "replace"), type_, width, field.decimals, field.type)


def _rows(
    file: IO[bytes], table: dbase.Table, memo: dbase.Memo | None, encoding: str, is_deleted: bool
) -> Iterator[list[str]]:
    for record in dbase.records(file, table, memo):
        if record.is_deleted is is_deleted:
            yield [_value(each, value, encoding) for each, value in zip(table.fields, record.values, strict=True)]


def _value(field: dbase.Field, value: bytes, encoding: str) -> str:
    """A value as text; what is not what its column says stays as it stands, and the column becomes one of texts."""
    match field.type:
        case "I" if len(value) == 4:
            return str(struct.unpack("<i", value)[0])
        case "Y" if len(value) == 8:
            return f"{Decimal(struct.unpack('<q', value)[0]).scaleb(-4):f}"
        case "T" if len(value) == 8:
            return _moment(*struct.unpack("<II", value))
        case "G" | "P":
            return base64.b64encode(value).decode("ascii")
        case "C" | "M":
            return value.rstrip(b" \0").decode(encoding, "replace")
    text = value.strip(b" \0")
    if field.type == "L":
        return _BOOLEANS.get(text.upper(), text.decode(encoding, "replace"))
    if field.type == "D":
        return _day(text.decode("ascii", "replace"))
    return text.decode("ascii", "replace")


def _day(text: str) -> str:
    if text in ("", "00000000"):
        return ""
    if not (len(text) == 8 and text.isdecimal()):
        return text
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:])).isoformat()
    except ValueError:
        return text


def _moment(day: int, milliseconds: int) -> str:
    """A Julian day number and milliseconds since midnight; "" for day 0, which is no day."""
    try:
        at = datetime.fromordinal(day - _JULIAN_0001) + timedelta(milliseconds=milliseconds) if day else None
    except (ValueError, OverflowError):
        return f"{day} {milliseconds}"
    return at.isoformat(timespec="milliseconds") if at is not None else ""


def main(arguments: Sequence[str]) -> int:
    """Convert files, and say how it ended by the exit status."""
    encoding, folder, *files = arguments
    return each_of(files, Path(folder), partial(convert, encoding))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
