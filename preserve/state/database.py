"""The database file of the books: opening it, transactions, paging, and what its errors mean.

The only module that knows the dialect (SQLite) and its driver; nothing of `sqlite3` escapes it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from preserve.durable import announce, free_bytes
from preserve.errors import NoSpace, PreserveError, Refused, Tampered, Unavailable
from preserve.state.schema_steps import SCHEMA_VERSION, STEPS

BUSY_SECONDS = 30
"""How long one process waits for another's transaction before it says `Unavailable`."""
PAGE_ROWS = 500
"""Rows fetched at a time, so that no listing holds the holdings in memory, nor a transaction open."""
SHARED_INDEX_BYTES = 64 * 1024
"""What the index that processes share (-shm) takes at least, beside the books."""

Row = tuple[Any, ...]
PRIVATE_AND_TEMPORARY = Path("")
"""SQLite's name for a private database that spills to a temporary file and vanishes when it is closed."""


class Database:
    """One connection, usable from several threads, one at a time."""

    def __init__(self, path: Path, *, must_exist: bool = True) -> None:
        """Open the file, and bring an earlier program's up to date.

        Raises `Refused` where there is none, or it is torn, or newer than this program.
        """
        self.path = path
        self._lock = threading.RLock()
        if must_exist and not path.is_file():
            raise Refused("{path} is not there; make a home with `preserve init`", path=path)
        with _translated(path):
            name = "" if path == PRIVATE_AND_TEMPORARY else str(path)
            self.connection = sqlite3.connect(name, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            with _translated(path):
                # FULL: a commit that was reported is on the medium, also after a power failure.
                self.connection.execute("PRAGMA synchronous=FULL")
            if must_exist:
                self._bring_up_to_date()
        except PreserveError:
            self.connection.close()
            raise

    def close(self) -> None:
        with self._lock, _translated(self.path):
            self.connection.close()

    def make_tables(self) -> None:
        """Lay out an empty database."""
        schema = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
        with self._lock, _translated(self.path):
            self.connection.executescript(schema)
            self.connection.execute("INSERT INTO schema_version VALUES (?)", (SCHEMA_VERSION,))
            self.connection.execute("INSERT INTO head VALUES (1, 0, x'')")

    def allow_readers_beside_the_writer(self) -> None:
        """Switch the file to write-ahead logging, which it then keeps."""
        with self._lock, _translated(self.path):
            self.connection.execute("PRAGMA journal_mode=WAL")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, alone: other writers wait.  Left by an exception, it leaves no trace."""
        with self._lock, _translated(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                announce("books-commit:before")
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            announce("books-commit:after")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read within is of one moment, whatever other processes write meanwhile."""
        with self._lock, _translated(self.path):
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self.connection.execute("ROLLBACK")

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The few rows of a query."""
        with self._lock, _translated(self.path):
            return self.connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row of a query."""
        with self._lock, _translated(self.path):
            found: Row | None = self.connection.execute(sql, parameters).fetchone()
            return found

    def write(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """One statement as a transaction of its own."""
        with self.transaction() as connection:
            connection.execute(sql, parameters)

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

    def _bring_up_to_date(self) -> None:
        """Take the steps from an earlier schema to the present one, all or none."""
        if self._schema() == SCHEMA_VERSION:
            return
        with self.transaction() as tables:
            version = self._schema()  # somebody else may have taken them meanwhile
            while version in STEPS:
                for statement in STEPS[version]:
                    tables.execute(statement)
                version += 1
            if version != SCHEMA_VERSION:
                raise Refused(
                    "the books {path} have schema {found}, and this program knows schema {known}; use the newer"
                    " program",
                    path=self.path, found=version, known=SCHEMA_VERSION,
                )  # fmt: skip
            tables.execute("UPDATE schema_version SET version = ?", (SCHEMA_VERSION,))

    def _schema(self) -> int:
        found = self.row("SELECT version FROM schema_version")
        return int(found[0]) if found else 0


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Give the driver's errors the names of the reactions they deserve."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # a mistake in this program, as good as an AssertionError
    except sqlite3.Error as error:
        raise _reaction(error, path) from error


def _is_full(path: Path) -> bool:
    """SQLite tells a full disk as a mere I/O error where its shared index (-shm) finds no room."""
    return path.parent.is_dir() and free_bytes(path.parent) < SHARED_INDEX_BYTES


def _reaction(error: sqlite3.Error, path: Path) -> PreserveError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unavailable("the books {path} are in use by another process; try again", path=path)
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return Tampered("an entry of the ledger does not fit those before it ({error})", error=str(error))
    if primary == sqlite3.SQLITE_FULL or (primary == sqlite3.SQLITE_IOERR and _is_full(path)):
        return NoSpace("no space left where {path} lies; free some space and run the command again", path=path)
    if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL):
        return Unavailable(
            "the books {path} cannot be read or written now ({error}); check the disk", path=path, error=str(error)
        )
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return Refused("the books {path} may not be written by this user ({error})", path=path, error=str(error))
    return Refused(
        "the books {path} are torn ({error}); no record is lost by that: set the file aside and make the books again"
        " with `preserve rebuild --from STORE`",
        path=path, error=str(error),
    )  # fmt: skip
