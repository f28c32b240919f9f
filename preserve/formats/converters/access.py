"""The tables of an Access database (MDB, ACCDB) to CSV with schemas, and Parquet beside them, by MDB Tools.

    python -m preserve.formats.converters.access ENCODING FOLDER FILE...

Queries, forms, reports, macros and relations do not come over.  MDB Tools writes dates before 30 December 1899 as
`1900-01-00`, and says nothing (1.0.0): a database with such a date is refused.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from preserve.errors import Refused, Unavailable
from preserve.formats.converters.calls import each_of
from preserve.formats.converters.csv_schema import NULL_TEXT, Column, Datatype, TableError, read_csv
from preserve.formats.converters.tables import Reading, write_table
from preserve.processes import run_to_file

MOST_SECONDS = 600
MOST_TABLES = 300
NO_DAY = "1900-01-00"
"""What MDB Tools makes of a date that it cannot tell."""
DATES = ("-D", "%Y-%m-%d", "-T", "%Y-%m-%dT%H:%M:%S")
EXPORT = ("mdb-export", "-B", "-b", "hex", *DATES, "-0", NULL_TEXT)
JET3_NAMES = {"gb18030": "GB18030", "gbk": "GBK", "cp950": "CP950", "big5": "BIG5", "cp1252": "CP1252"}
"""What Access 95 and 97 are written in does not stand in them; later ones are in Unicode."""
_TYPES = {
    "Boolean": Datatype.BOOLEAN,
    "Byte": Datatype.INTEGER,
    "Integer": Datatype.INTEGER,
    "Long Integer": Datatype.INTEGER,
    "Currency": Datatype.DECIMAL,
    "Numeric": Datatype.DECIMAL,
    "Single": Datatype.DOUBLE,
    "Double": Datatype.DOUBLE,
    "DateTime": Datatype.DATETIME,
}
_COLUMN = re.compile(
    r"^\t\[(?P<name>.*)\]\t+(?P<type>[A-Z][A-Za-z/ ]*?)(?: \((?P<width>\d+)(?:, ?(?P<decimals>\d+))?\))?"
    r"( NOT NULL)?,? *$"
)
_UNSAFE = re.compile(r"[^\w.-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Database:
    """A database, how it is asked, and where what was asked lies."""

    file: Path
    work: Path
    encoding: str

    def ask(self, name: str, *arguments: str) -> Path:
        """What a program of MDB Tools says, as a file.  Raises `Refused`."""
        into = self.work / name
        command = ["env", f"MDB_JET3_CHARSET={self.encoding}", *arguments]
        try:
            output = run_to_file(command, into, self.work, MOST_SECONDS, lambda _: None)
        except Unavailable as error:
            raise Refused("MDB Tools cannot read the database: {error}", error=str(error)) from error
        if output.complaints.strip():
            raise Refused("MDB Tools complains of the database: {error}", error=output.complaints.strip()[:200])
        return into


def convert(encoding: str, source: Path, folder: Path, number: str) -> None:
    """Make `1-01-NAME.csv` and `1-01-NAME.parquet` of each table.  Raises `Refused`."""
    with TemporaryDirectory() as name:
        database = _Database(source, Path(name), JET3_NAMES.get(encoding, encoding))
        names = _lines(database.ask("tables", "mdb-tables", "-1", "-t", "table", str(source)))
        if not 0 < len(names) <= MOST_TABLES:
            raise Refused("the database holds {count} tables; from 1 to {most} are converted", count=len(names),
                          most=MOST_TABLES)  # fmt: skip
        for at, table in enumerate(names, 1):
            safe = _UNSAFE.sub("_", table)[:60]
            write_table(_reading(database, table, at), folder / f"{number}-{at:02}-{safe}")


def _reading(database: _Database, table: str, at: int) -> Reading:
    columns = tuple(_columns(database.ask(f"schema-{at}", "mdb-schema", "-T", table, str(database.file)), table))
    exported = database.ask(f"rows-{at}", *EXPORT, str(database.file), table)
    if next(_read(exported, table), []) != [each.name for each in columns]:
        raise Refused("MDB Tools tells other columns of table {table} than it exports", table=table)
    return Reading(table, columns, partial(_rows, exported, table, columns))


def _columns(schema: Path, table: str) -> Iterator[Column]:
    """Columns as `mdb-schema` writes them, in the words of Access."""
    for line in _lines(schema):
        if found := _COLUMN.match(line):
            type_ = found["type"]
            width, decimals = (int(each) if each else None for each in (found["width"], found["decimals"]))
            yield Column(
                found["name"], _TYPES.get(type_, Datatype.STRING), width if type_ == "Text" else None, decimals, type_,
                null=NULL_TEXT,
            )  # fmt: skip
        elif line.startswith("\t["):
            raise Refused("a column of table {table} is of a kind that is not read here: {line}", table=table,
                          line=line.strip())  # fmt: skip


def _rows(exported: Path, table: str, columns: Sequence[Column]) -> Iterator[list[str]]:
    lines = _read(exported, table)
    next(lines, None)
    for at, line in enumerate(lines, 1):
        if len(line) != len(columns):
            raise Refused("row {row} of table {table} has not as many values as there are columns", row=at, table=table)
        yield [_value(value, column, table, at) for value, column in zip(line, columns, strict=True)]


def _value(value: str, column: Column, table: str, row: int) -> str:
    if value == column.null:
        return value
    if column.datatype is Datatype.BOOLEAN:
        return value.lower()
    if column.datatype is Datatype.DATETIME and value.startswith(NO_DAY):
        raise Refused(
            "row {row} of table {table} has a date before 1900 in column {column}, which MDB Tools cannot tell; export"
            " the table by Access itself",
            row=row,
            table=table,
            column=column.name,
        )
    return value


def _read(exported: Path, table: str) -> Iterator[list[str]]:
    try:
        yield from read_csv(exported)
    except TableError as error:
        raise Refused(
            "what MDB Tools exports of table {table} is no CSV: {error}", table=table, error=str(error)
        ) from error


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]


def main(arguments: Sequence[str]) -> int:
    """Convert files, and say how it ended by the exit status."""
    encoding, folder, *files = arguments
    return each_of(files, Path(folder), partial(convert, encoding))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
