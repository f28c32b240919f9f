"""The database of the books as a file of SQLite's, and what its errors mean."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from preserve.durable import announce, free_bytes
from preserve.errors import NoSpace, PreserveError, Refused, Tampered, Unavailable
from preserve.state import database
from preserve.state.database import Database, Row, Statements, schema_text
from preserve.state.schema_steps import SCHEMA_VERSION

SHARED_INDEX_BYTES = 64 * 1024
"""What the index that processes share (-shm) takes at least, beside the books."""

PRIVATE_AND_TEMPORARY = Path("")
"""SQLite's name for a private database that spills to a temporary file and vanishes when it is closed."""


class SqliteDatabase(Database):
    """A file on this machine."""

    is_shared = False

    def __init__(self, path: Path, *, must_exist: bool = True) -> None:
        """Open the file, and bring an earlier program's up to date.

        Raises `Refused` where there is none, or it is torn, or newer than this program.
        """
        self.path = path
        self.where = str(path)
        self._lock = threading.RLock()
        self._is_to_read = False
        if must_exist and not path.is_file():
            raise Refused("{path} is not there; make a home with `preserve init`", path=path)
        with _translated(path):
            name = "" if path == PRIVATE_AND_TEMPORARY else str(path)
            self.connection = sqlite3.connect(
                name, timeout=database.BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            with _translated(path):
                # FULL: a commit that was reported is on the medium, also after a power failure.
                self.connection.execute("PRAGMA synchronous=FULL")
            if must_exist:
                self.bring_up_to_date()
        except PreserveError:
            self.connection.close()
            raise

    @classmethod
    def for_reading(cls, path: Path) -> SqliteDatabase:
        """The file as it is, for who may not write it or where its disk is full: nothing is written, nor beside it.

        Raises `Unavailable` where entries that were booked last stand beside the file alone, `Refused` for another
        schema.
        """
        self = cls.__new__(cls)
        self.path = path
        self.where = str(path)
        self._lock = threading.RLock()
        self._is_to_read = True
        with _translated(path):
            self.connection = _connected_for_reading(path)
        if self._schema() != SCHEMA_VERSION:
            self.connection.close()
            raise Refused(
                "the books {path} are of an earlier program; a command of somebody who may write them brings them up to"
                " date",
                path=path,
            )
        return self

    @classmethod
    def private(cls) -> SqliteDatabase:
        """An empty one of this process alone, which vanishes when it is closed."""
        made = cls(PRIVATE_AND_TEMPORARY, must_exist=False)
        made.make_tables()
        return made

    def close(self) -> None:
        with self._lock, _translated(self.path):
            self.connection.close()

    def another_connection(self) -> SqliteDatabase:
        return SqliteDatabase.for_reading(self.path) if self._is_to_read else SqliteDatabase(self.path)

    def claim(self, subject: str) -> AbstractContextManager[None]:
        return nullcontext()  # a file has no other machines

    def is_claimed(self, subject: str) -> bool:
        return False

    def make_tables(self) -> None:
        """Lay out an empty database."""
        with self._lock, _translated(self.path):
            self.connection.executescript(schema_text())
            self.connection.execute("INSERT INTO schema_version VALUES (?)", (SCHEMA_VERSION,))
            self.connection.execute("INSERT INTO head VALUES (1, 0, ?)", (b"",))

    def allow_readers_beside_the_writer(self) -> None:
        """Switch the file to write-ahead logging, which it then keeps."""
        with self._lock, _translated(self.path):
            self.connection.execute("PRAGMA journal_mode=WAL")

    def freeze(self, tables: Statements) -> None:
        """Have everybody who still has the file open fail to book into it, from this transaction on."""
        tables.execute(
            "CREATE TRIGGER IF NOT EXISTS moved BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'moved'); END"
        )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _translated(self.path):
            with self._all_or_nothing("BEGIN IMMEDIATE"):
                yield self.connection
                announce("books-commit:before")
            announce("books-commit:after")

    @contextmanager
    def aside(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _translated(self.path), self._all_or_nothing("BEGIN"):
            yield self.connection

    @contextmanager
    def _all_or_nothing(self, begin: str) -> Iterator[None]:
        self.connection.execute(begin)
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self._lock, _translated(self.path):
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self.connection.execute("ROLLBACK")

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with self._lock, _translated(self.path):
            return self.connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        with self._lock, _translated(self.path):
            found: Row | None = self.connection.execute(sql, parameters).fetchone()
            return found


def _connected_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that cannot write.  With the index that processes share, if it is there; else as to a file that
    nobody changes, unless entries stand beside it that are not in it yet (https://www.sqlite.org/wal.html, section 5).
    """
    log = path.with_name(path.name + "-wal")
    for how in ("mode=ro", "mode=ro&immutable=1"):
        if "immutable" in how and log.exists() and log.stat().st_size:
            break
        connection = sqlite3.connect(
            f"{path.as_uri()}?{how}", uri=True, timeout=database.BUSY_SECONDS, isolation_level=None,
            check_same_thread=False,
        )  # fmt: skip
        try:
            connection.execute("SELECT version FROM schema_version").fetchone()
        except sqlite3.OperationalError:
            connection.close()
        else:
            return connection
    raise Unavailable(
        "the books {path} cannot be read by who may not write them, because what was booked last stands beside them"
        " yet; run the command as the user whose home it is",
        path=path,
    )


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
    if code == sqlite3.SQLITE_CONSTRAINT_TRIGGER:  # the only trigger is that of `freeze`
        return Refused(
            "the books were moved from {path} to a server: nothing is written into the file any more; run the command"
            " again, and where it says the same, `preserve home move-books`",
            path=path,
        )
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
