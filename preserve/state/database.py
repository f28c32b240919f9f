"""The database of the books: what the rest of the state asks of it, whether it is a file or on a server.

Queries are written once, in the dialect of SQLite; `sqlite_database`, `postgres_database` and
`postgres_connection` alone know their drivers, and nothing of those escapes them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from preserve.errors import Refused
from preserve.state.schema_steps import SCHEMA_VERSION, STEPS

BUSY_SECONDS = 30
"""How long one process waits for another's transaction before it says `Unavailable`."""
PAGE_ROWS = 500
"""Rows fetched at a time, so that no listing holds the holdings in memory, nor a transaction open."""

Row = tuple[Any, ...]


class Statements(Protocol):
    """What may be done within a transaction."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
        """One statement; what it returns has `fetchone` and `fetchall`."""

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """One statement for each row."""


class Database(ABC):
    """One connection, usable from several threads, one at a time.

    Every method raises `Unavailable` where the database is held by another for long or cannot be reached, `NoSpace`,
    `Tampered` where a row contradicts another, and `Refused` where it may not be used or is torn.
    """

    where: str
    """The file, or the address without any password: what messages name it by."""
    is_shared: bool
    """Whether several machines may use it at a time."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it.  Nothing is lost without it."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Statements]:
        """All or nothing, alone: other writers wait.  Left by an exception, it leaves no trace."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """Everything read within is of one moment, whatever other processes write meanwhile."""

    @abstractmethod
    def aside(self) -> AbstractContextManager[Statements]:
        """All or nothing, beside other writers, who need not wait: what is read within is of one moment, and nothing is
        written but temporary tables, which are this connection's own."""

    @abstractmethod
    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The few rows of a query."""

    @abstractmethod
    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row of a query."""

    @abstractmethod
    def another_connection(self) -> Database:
        """The same database over a connection of its own."""

    @abstractmethod
    def claim(self, subject: str) -> AbstractContextManager[None]:
        """Keep other machines from the same work; one machine's processes keep one another from it by
        `preserve.claims`.  The claim ends with the connection, however that ends.  Entering raises `Unavailable` when
        another has it."""

    @abstractmethod
    def is_claimed(self, subject: str) -> bool:
        """Whether a connection has that claim just now, this one included."""

    def write(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """One statement as a transaction of its own."""
        with self.transaction() as tables:
            tables.execute(sql, parameters)

    def pages(
        self,
        columns: str,
        table: str,
        key: Sequence[str],
        *,
        among: Mapping[str, Sequence[object] | None] | None = None,
        after: Sequence[object] = (),
        only: str = "1 = 1",
    ) -> Iterator[Row]:
        """Rows in the order of `key` (the first of `columns`), from past `after`, where columns hold given values.

        In `among`, None means any value, and values are few.  Each page is read when it is needed: rows changed
        meanwhile are seen as they are then, none twice.  `only` is a further condition.  `columns`, `table`,
        `key`, `only` and the names in `among` are constants of the program, never input.
        """
        wanted = {column: list(values) for column, values in (among or {}).items() if values is not None}
        if not all(wanted.values()):
            return
        given = [value for values in wanted.values() for value in values]
        tests = [f"{column} IN ({', '.join('?' * len(values))})" for column, values in wanted.items()]
        order = ", ".join(key)
        place = f"({order}) > ({', '.join('?' * len(key))})"
        while True:
            where = " AND ".join([*tests, place, only] if after else [*tests, only])
            sql = f"SELECT {columns} FROM {table} WHERE {where} ORDER BY {order} LIMIT {PAGE_ROWS}"  # noqa: S608
            page = self.rows(sql, [*given, *after])
            yield from page
            if len(page) < PAGE_ROWS:
                return
            after = page[-1][: len(key)]

    def bring_up_to_date(self) -> None:
        """Take the steps from an earlier schema to the present one, all or none.  Raises `Refused` for a later one."""
        if self._schema() == SCHEMA_VERSION:
            return
        with self.transaction() as tables:
            version = self._schema()  # somebody else may have taken them meanwhile
            while version in STEPS:
                for statement in STEPS[version]:
                    self._define(tables, statement)
                version += 1
            if version != SCHEMA_VERSION:
                raise Refused(
                    "the books {path} have schema {found}, and this program knows schema {known}; use the newer"
                    " program",
                    path=self.where, found=version, known=SCHEMA_VERSION,
                )  # fmt: skip
            tables.execute("UPDATE schema_version SET version = ?", (SCHEMA_VERSION,))

    def _define(self, tables: Statements, statement: str) -> None:
        """Make or change a table."""
        tables.execute(statement)

    def _schema(self) -> int:
        found = self.row("SELECT version FROM schema_version")
        return int(found[0]) if found else 0


def schema_text() -> str:
    """The statements that lay out an empty database."""
    return Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
