"""The database of the books in a schema of a PostgreSQL server, for homes that several machines share.

The only module that knows PostgreSQL's dialect; its driver is known to `postgres_connection` besides.  There is no
reconnecting: claims end with the connection, so who lost it must not go on booking as though he still had them.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import pq
from psycopg.sql import SQL, Identifier

from preserve.durable import announce
from preserve.errors import PreserveError, Refused, Tampered, Unavailable
from preserve.state.database import Database, Row, Statements, schema_text
from preserve.state.postgres_connection import connected, translated

_SPELLING = {"%": "%%", "?": "%s", " AS BLOB)": " AS BYTEA)", "group_concat(": "string_agg("}
_TYPES = {"INTEGER": "BIGINT", "BLOB": "BYTEA", "REAL": "DOUBLE PRECISION", "TEXT": 'TEXT COLLATE "C"'}
"""Text compares byte by byte, as in SQLite: keys would else sort by the customs of the server's country."""

_TABLE = re.compile(r"^CREATE TABLE (\w+) \(", re.MULTILINE)
_COMMENT = re.compile(r"--.*")


class PostgresDatabase(Database):
    """One schema; `url` names server and database as libpq's URIs do, without a password."""

    is_shared = True

    def __init__(self, url: str, schema: str) -> None:
        """Connect, and bring the tables of an earlier program up to date.

        Raises `Misused` for an address that is none, `Refused` where the schema has no books, the server lets us not
        in, or they are of a newer schema; `Unavailable`.
        """
        self._connect(url, schema)
        try:
            if not self._has_books():
                raise Refused(
                    "there are no books of this home in {path}; name the database that they lie in by"
                    " PRESERVE_DATABASE, or make a new home from any store: `preserve rebuild --from STORE --home NEW`",
                    path=self.where,
                )
            self.bring_up_to_date()
        except PreserveError:
            self.close()
            raise

    @classmethod
    def fill(cls, url: str, schema: str, source: Database, tables: Iterable[tuple[str, Iterator[Row]]]) -> None:
        """Lay out the schema and copy whole tables into it, in one transaction.

        Books that are there are replaced where `source` goes on from them, or where nothing was ever kept by them.
        Raises `Refused` where they know more or otherwise, and as opening does.
        """
        made = cls.__new__(cls)
        made._connect(url, schema)
        try:
            with made._alone() as statements:
                made._make_room(statements, source)
                made._make_tables(statements)
                for name, rows in tables:
                    made._copy(statements, name, rows)
                statements.execute("ANALYZE")
        finally:
            made.close()

    def close(self) -> None:
        with self._lock, translated(self.where):
            self._connection.close()

    def another_connection(self) -> PostgresDatabase:
        return PostgresDatabase(self._url, self._schema_name)

    @contextmanager
    def transaction(self) -> Iterator[Statements]:
        with self._alone() as statements, _without_waiting(self._connection):
            yield statements

    @contextmanager
    def _alone(self) -> Iterator[Statements]:
        """A transaction while no other writes."""
        with self._lock, translated(self.where):
            self._begin("BEGIN ISOLATION LEVEL READ COMMITTED")
            try:
                # Taken before anything is read, so that all that follows sees what the writer before committed.
                self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (self._lock_number("writers"),))
                yield _Spelled(self._connection)
                announce("books-commit:before")
                self._commit()
            except BaseException:
                self._roll_back()
                raise
            announce("books-commit:after")

    @contextmanager
    def aside(self) -> Iterator[Statements]:
        with self._lock, translated(self.where):
            self._begin("BEGIN ISOLATION LEVEL REPEATABLE READ")
            try:
                yield _Spelled(self._connection)
                self._commit()
            except BaseException:
                self._roll_back()
                raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self._lock, translated(self.where):
            self._begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield
            finally:
                self._roll_back()

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with self._lock, translated(self.where):
            return self._connection.execute(spelled(sql), parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        with self._lock, translated(self.where):
            return self._connection.execute(spelled(sql), parameters).fetchone()

    @contextmanager
    def claim(self, subject: str) -> Iterator[None]:
        number = self._lock_number("claim", subject)
        if self.row("SELECT pg_try_advisory_lock(?)", (number,)) != (True,):
            raise Unavailable(
                "another machine is working on {subject} now; wait for it, or run the command again later",
                subject=subject,
            )
        try:
            yield
        finally:
            with suppress(Unavailable):  # the connection is gone, and the claim with it
                self.row("SELECT pg_advisory_unlock(?)", (number,))

    def is_claimed(self, subject: str) -> bool:
        # A lock of one number stands there as its two halves (PostgreSQL 16, 54.12 pg_locks).
        number = self._lock_number("claim", subject) % 2**64
        found = self.row(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND classid::bigint = ?"
            " AND objid::bigint = ? AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (number >> 32, number % 2**32),
        )
        return found is not None

    # Connecting

    def _connect(self, url: str, schema: str) -> None:
        self._url = url
        self._schema_name = schema
        self.where = f"{url} ({schema})"
        self._lock = threading.RLock()
        self._connection = connected(url)
        with translated(self.where):
            self._connection.execute("SELECT set_config('search_path', quote_ident(%s), false)", (schema,))

    def _begin(self, how: str) -> None:
        if self._connection.info.transaction_status == pq.TransactionStatus.INTRANS:
            raise psycopg.ProgrammingError("a transaction within a transaction")
        self._connection.execute(how)

    def _commit(self) -> None:
        said = self._connection.execute("COMMIT").statusmessage
        if said != "COMMIT":  # after a statement that failed and was passed over, the server answers ROLLBACK
            raise psycopg.ProgrammingError(f"asked to commit, the server answered {said}")

    def _roll_back(self) -> None:
        """End the transaction as though it had not been; a connection that cannot is of no use any more."""
        if self._connection.info.transaction_status == pq.TransactionStatus.IDLE:
            return
        with suppress(psycopg.Error):
            self._connection.execute("ROLLBACK")
            return
        self._connection.close()

    def _lock_number(self, *what: str) -> int:
        """The number of an advisory lock (their space is the database's, and a number is all that they have)."""
        digest = hashlib.sha256("\0".join((self._schema_name, *what)).encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    # Laying out

    def _has_books(self) -> bool:
        return self.row("SELECT to_regclass(quote_ident(?) || '.head') IS NOT NULL", (self._schema_name,)) == (True,)

    def _make_room(self, statements: Statements, source: Database) -> None:
        if self._has_books():
            if not (self._is_beginning_of(source) or self._is_unused()):
                raise Refused(
                    "{path} has books of this home already, and they are not the beginning of those that you have:"
                    " nothing was changed; `preserve home join` makes this machine use them",
                    path=self.where,
                )
            self._connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(self._schema_name)))
        self._connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(self._schema_name)))

    def _is_beginning_of(self, source: Database) -> bool:
        """Whether all entries here are entries there: the same hashes, from the first on."""
        mine = self.pages("position, hash", "node", ("position",))
        theirs = source.pages("position, hash", "node", ("position",))
        return all(hashed == next(theirs, None) for hashed in mine)

    def _is_unused(self) -> bool:
        """Whether no store was ever registered, so that nothing can have been kept."""
        stores = "SELECT (SELECT count(*) FROM store) + (SELECT count(*) FROM retired_store)"
        return self.row(stores) == (0,)

    def _make_tables(self, statements: Statements) -> None:
        self._define(statements, schema_text())
        self._connection.execute(SQL(Path(__file__).with_name("postgres.sql").read_text(encoding="utf-8")))

    def _define(self, tables: Statements, statement: str) -> None:
        plain = _COMMENT.sub("", statement)
        for ours, theirs in _TYPES.items():
            plain = re.sub(rf"\b{ours}\b", theirs, plain)
        self._connection.execute(plain)

    def _copy(self, statements: Statements, table: str, rows: Iterator[Row]) -> None:
        sent = 0
        copying = SQL("COPY {} FROM STDIN").format(Identifier(table))
        with self._connection.cursor() as cursor, cursor.copy(copying) as server:
            for row in rows:
                server.write_row(row)
                sent += 1
        if statements.execute(f"SELECT count(*) FROM {table}").fetchone() != (sent,):  # noqa: S608 - from schema.sql
            raise Tampered("the server has not kept what it was given of table {table}", table=table)


@contextmanager
def _without_waiting(connection: psycopg.Connection[Row]) -> Iterator[None]:
    """Statements are sent without waiting for the answers of those before; who asks for rows waits for his own.

    What the server refuses is raised when the next answer is waited for, or here at the end.
    """
    if not psycopg.Pipeline.is_supported():  # by the libpq of PostgreSQL 13 and earlier
        yield
        return
    with connection.pipeline() as sent:
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error):  # what else the server refuses follows from this
                sent.sync()
            raise


class _Spelled:
    """A connection within a transaction, asked in the words of SQLite."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> psycopg.Cursor[Row]:
        return self._connection.execute(spelled(sql), parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(spelled(sql), rows)


@lru_cache(maxsize=500)
def spelled(sql: str) -> Any:
    """A statement in PostgreSQL's spelling."""
    for ours, theirs in _SPELLING.items():
        sql = sql.replace(ours, theirs)
    return sql


def schemas(url: str, prefix: str) -> list[str]:
    """The schemas that hold books, by name.  Raises as `connected` does."""
    connection = connected(url)
    try:
        with translated(url):
            found = connection.execute(
                "SELECT table_schema FROM information_schema.tables WHERE table_name = 'head'"
                " AND starts_with(table_schema, %s) ORDER BY 1",
                (prefix,),
            ).fetchall()
    finally:
        connection.close()
    return [name for (name,) in found]


def table_names() -> list[str]:
    """All tables of the books, whatever they hold."""
    return _TABLE.findall(schema_text())
