"""A table as CSV with its schema beside it: columns, types, widths, what stands for nothing, and from which encoding.

CSV is that of RFC 4180: UTF-8 without a mark, lines end in CR LF, and quotes only where they are needed.  The schema
is that of the W3C ("Metadata Vocabulary for Tabular Data", Recommendation of 17 December 2015), which is looked for
under the name of the file and `-metadata.json` (its section 5.3 of "Model for Tabular Data").  Table Schema of
Frictionless Data was not chosen: no body of standards stands behind it.
"""

from __future__ import annotations

import base64
import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Any

SCHEMA_SUFFIX = "-metadata.json"
FINAL_NAME = "document"
"""What results are called that were made in one call with others, instead of their numbers there."""
_NUMBER = re.compile(r"^[0-9]+(?=[._-])")
NULL_TEXT = "\\N"
"""What stands for nothing in a column of text in which an empty text is something else."""
LONGEST_CELL = 1 << 30
"""Characters of one cell that are read; the `csv` module reads 131,072 unless it is told."""
LARGEST_SCHEMA_BYTES = 16 * 1024 * 1024
_CONTEXT = "http://www.w3.org/ns/csvw"
_DIALECT = {
    "encoding": "utf-8",
    "delimiter": ",",
    "quoteChar": '"',
    "doubleQuote": True,
    "lineTerminators": ["\r\n"],
    "commentPrefix": None,  # by default a line that begins with # would be left out
    "skipBlankRows": False,
    "trim": False,
}


class Datatype(StrEnum):
    """What the values of a column are, by the names of the standard (section 5.11.1, from XML Schema)."""

    STRING = "string"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DOUBLE = "double"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    BINARY = "base64Binary"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what its values are; `width` in characters and `decimals` as the source declares them, None where it
    does not; `source_type` in the source's own words; `null` is the text that stands for nothing.  Where values turned
    out not to be what the source says, `is_bounded` is False: they are texts, and may be longer than `width`."""

    name: str
    datatype: Datatype = Datatype.STRING
    width: int | None = None
    decimals: int | None = None
    source_type: str = ""
    null: str = ""
    is_required: bool = False
    is_bounded: bool = True

    @property
    def nothing(self) -> str | None:
        """The text that stands for nothing; None where an empty text is a value like any other."""
        is_text = self.datatype is Datatype.STRING and self.is_bounded
        return None if is_text and not self.null else self.null


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A table that lies in a CSV file.

    `name` is its name in the source; `encoding` that of its texts there, "" where it has none of its own; `notes` say
    what else the source said of it.  Without a `has_header` the first line is a row like any other.
    """

    name: str
    columns: tuple[Column, ...]
    rows: int
    encoding: str = ""
    has_header: bool = True
    notes: tuple[str, ...] = ()


class TableError(ValueError):
    """A schema or a CSV file is not what it says; the message says where and why."""


def write_csv(rows: Iterable[Sequence[str]], into: Path) -> int:
    """Write rows, the header first where there is one, and say how many lines of them there are."""
    count = 0
    with into.open("x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        for count, row in enumerate(rows, 1):  # noqa: B007 - it counts
            if len(row) == 1 and row[0] == "":
                file.write('""\r\n')  # an empty line would be no row
            else:
                writer.writerow(row)
    return count


def read_csv(file: Path) -> Iterator[list[str]]:
    """Its lines, the header too.  Raises `TableError` where it is not UTF-8, or no CSV."""
    csv.field_size_limit(LONGEST_CELL)
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            yield from csv.reader(lines, strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{file.name}: {error}") from error


def schema_of(csv_file: Path) -> Path:
    """Where the schema of a CSV file lies."""
    return csv_file.with_name(csv_file.name + SCHEMA_SUFFIX)


def final_name(name: str) -> str:
    """What a result is called in the end: what followed its number, behind the same name for all."""
    return _NUMBER.sub(FINAL_NAME, name)


def write_schema(table: CsvTable, csv_file: Path) -> Path:
    """Write the schema of a CSV file beside it, and say where; it names the file as it will be called."""
    into = schema_of(csv_file)
    with into.open("x", encoding="utf-8") as file:
        json.dump(as_metadata(table, final_name(csv_file.name)), file, ensure_ascii=False, indent=1)
        file.write("\n")
    return into


def as_metadata(table: CsvTable, file_name: str) -> dict[str, Any]:
    """A table as the standard's JSON (a table description, section 5.4); what is ours has names of ours."""
    described: dict[str, Any] = {
        "@context": _CONTEXT,
        "url": file_name,
        "dc:title": table.name,
        "urn:preserve:csv:rows": table.rows,
        "dialect": {**_DIALECT, "header": table.has_header},
        "tableSchema": {"columns": [_column(each) for each in table.columns]},
    }
    if table.encoding:
        described["urn:preserve:csv:sourceEncoding"] = table.encoding
    if table.notes:
        described["rdfs:comment"] = list(table.notes)
    return described


def read_schema(file: Path) -> CsvTable:
    """The table that a schema of ours describes.  Raises `TableError`."""
    try:
        if file.stat().st_size > LARGEST_SCHEMA_BYTES:
            raise TableError(f"{file.name} is too long for a schema")
        plain = json.loads(file.read_text(encoding="utf-8"))
        if plain["dialect"]["encoding"] != "utf-8" or plain["url"] + SCHEMA_SUFFIX != final_name(file.name):
            raise TableError(f"{file.name} describes another file, or one that is not UTF-8")
        return CsvTable(
            name=plain["dc:title"],
            columns=tuple(map(_read_column, plain["tableSchema"]["columns"])),
            rows=int(plain["urn:preserve:csv:rows"]),
            encoding=plain.get("urn:preserve:csv:sourceEncoding", ""),
            has_header=bool(plain["dialect"]["header"]),
            notes=tuple(plain.get("rdfs:comment", ())),
        )
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise TableError(f"{file.name} is no schema of a table: {error}") from error


def fits(value: str, column: Column) -> bool:
    """Whether a value is what its column says, or what stands for nothing there."""
    if value == column.null:
        return not column.is_required
    if column.datatype is Datatype.STRING:
        return column.width is None or not column.is_bounded or len(value) <= column.width
    # Python reads more than XML Schema writes: digits of other scripts, 1_000, 20240101, blanks around.
    if not value.isascii() or "_" in value or value != value.strip():
        return False
    try:
        return _is_of(value, column.datatype)
    except (ValueError, InvalidOperation):
        return False


def _is_of(value: str, datatype: Datatype) -> bool:
    """Whether a value is written as this type is.  Raises `ValueError`, `InvalidOperation` where it cannot be read."""
    match datatype:
        case Datatype.INTEGER:
            int(value)
        case Datatype.DECIMAL:
            return Decimal(value).is_finite() and "e" not in value.lower()
        case Datatype.DOUBLE:
            return isfinite(float(value))
        case Datatype.BOOLEAN:
            return value in ("true", "false")
        case Datatype.DATE:
            return date.fromisoformat(value).isoformat() == value
        case Datatype.DATETIME:
            return value[10:11] == "T" and value.startswith(datetime.fromisoformat(value).isoformat("T", "seconds"))
        case Datatype.TIME:
            return value.startswith(time.fromisoformat(value).isoformat("seconds"))
        case Datatype.BINARY:
            base64.b64decode(value, validate=True)
        case Datatype.STRING:
            return True
    return True


def _column(column: Column) -> dict[str, Any]:
    datatype: dict[str, Any] = {"base": column.datatype.value}
    if column.width is not None and column.datatype is Datatype.STRING and column.is_bounded:
        datatype["maxLength"] = column.width
    described: dict[str, Any] = {"titles": column.name, "datatype": datatype, "null": column.null}
    if column.is_required:
        described["required"] = True
    if column.source_type:
        described["urn:preserve:csv:sourceType"] = column.source_type
    if column.width is not None:
        described["urn:preserve:csv:sourceWidth"] = column.width
    if column.decimals is not None:
        described["urn:preserve:csv:sourceDecimals"] = column.decimals
    return described


def _read_column(plain: Mapping[str, Any]) -> Column:
    datatype = Datatype(plain["datatype"]["base"])
    has_width = plain.get("urn:preserve:csv:sourceWidth") is not None
    is_bounded = datatype is not Datatype.STRING or "maxLength" in plain["datatype"] or not has_width
    return Column(
        name=plain["titles"],
        datatype=datatype,
        width=plain.get("urn:preserve:csv:sourceWidth"),
        decimals=plain.get("urn:preserve:csv:sourceDecimals"),
        source_type=plain.get("urn:preserve:csv:sourceType", ""),
        null=plain["null"],
        is_required=bool(plain.get("required", False)),
        is_bounded=is_bounded,
    )
