"""Where a home keeps its books: in a file of its own, or on a server that `books.toml` in the home names.

    database = "postgresql://preserve@db.example/archive"
    schema = "preserve_k3v9…"

The file holds no password.  PRESERVE_DATABASE, where it is set, names the server in its place (a server moves); the
schema, one for each home, stays.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from preserve import chance
from preserve.durable import put_in_place_new, write_file
from preserve.errors import NoSpace, Refused, Tampered, Unavailable
from preserve.state.database import Database, Row
from preserve.state.sqlite_database import SqliteDatabase

FILE_NAME = "books.db"
SERVER_FILE_NAME = "books.toml"
_SCHEMA_PREFIX = "preserve_"


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """A schema of a database on a server."""

    url: str
    schema: str


def is_made(home: Path) -> bool:
    """Whether `home` has books."""
    return (home / FILE_NAME).is_file() or (home / SERVER_FILE_NAME).is_file()


def is_ours(name: str) -> bool:
    """Whether a file of this name in a home is of the books, or left by an attempt to make some that was killed."""
    return name in (FILE_NAME, SERVER_FILE_NAME) or name.startswith((f".{FILE_NAME}.", f".{SERVER_FILE_NAME}."))


def beside(home: Path) -> Path:
    """A new name for books that are being made."""
    return home / f".{FILE_NAME}.{chance.token(8)}.partial"


def schema_of(home_id: str) -> str:
    """The schema that the books of a home lie in."""
    return _SCHEMA_PREFIX + home_id


def server_place(home: Path) -> ServerPlace | None:
    """The server that `home` names; None where its books are in a file.  Raises `Refused`."""
    path = home / SERVER_FILE_NAME
    if not path.is_file():
        return None
    import tomllib  # few homes have their books on a server

    try:
        named = tomllib.loads(path.read_text(encoding="utf-8"))
        return ServerPlace(str(named["database"]), str(named["schema"]))
    except (OSError, ValueError, KeyError) as error:
        raise Refused(
            "{path} does not say where the books lie ({error}); set it aside, and `preserve home join` writes it anew",
            path=path, error=repr(error),
        ) from error  # fmt: skip


def opened(home: Path, server: str | None = None, *, to_read: bool = False) -> Database:
    """The database of the books of `home`; `server` is what PRESERVE_DATABASE says.

    Where it is opened `to_read` alone, who may not write it and a full disk do not matter.

    Raises `Refused` where there is none, or the books are in a file and `server` names a server; and as databases do.
    """
    place = server_place(home)
    if place is not None:
        from preserve.state.postgres_database import PostgresDatabase

        return PostgresDatabase(server or place.url, place.schema)
    if server is not None and (home / FILE_NAME).is_file():
        raise Refused(
            "{home} keeps its books in a file, and PRESERVE_DATABASE names a server; `preserve home move-books` moves"
            " them there, or unset the variable",
            home=home,
        )
    try:
        database = SqliteDatabase(home / FILE_NAME)
        database.allow_readers_beside_the_writer()
    except (Refused, Unavailable) as error:
        if to_read and (isinstance(error, NoSpace) or not os.access(home, os.W_OK, effective_ids=True)):
            return SqliteDatabase.for_reading(home / FILE_NAME)
        raise
    return database


@contextmanager
def books_at(place: ServerPlace) -> Iterator[Database]:
    """The database at a place that no home names yet.  Raises as databases do."""
    from preserve.state.postgres_database import PostgresDatabase

    database = PostgresDatabase(place.url, place.schema)
    try:
        yield database
    finally:
        database.close()


def settle(made: Path, home: Path, server: str | None) -> None:
    """Make the whole books in the file `made`, which nobody else knows, those of `home`: all at once, or not at all.

    With `server`, they are copied there first.  Raises FileExistsError where `home` has books, and as databases do.
    """
    if is_made(home):
        raise FileExistsError(home)
    if server is None:
        put_in_place_new(made, home / FILE_NAME)
        return
    source = SqliteDatabase(made)
    try:
        name_server(home, _copied(source, server))
    finally:
        source.close()
    made.unlink()


def move(home: Path, server: str) -> ServerPlace:
    """Move the books of `home` from its file to a server.

    Writers wait meanwhile, and who has the file open then cannot book into it any more.  Killed midway, it is done
    again: the file holds all there is until `home` names the server.  Raises as databases do.
    """
    source = SqliteDatabase(home / FILE_NAME)
    try:
        with source.transaction() as tables:
            place = _copied(source, server)
            source.freeze(tables)
    finally:
        source.close()
    name_server(home, place)
    return place


def _copied(source: SqliteDatabase, server: str) -> ServerPlace:
    """Copy all tables to a server, in one transaction.  Raises `Refused` where it has other books of this home."""
    from preserve.state.postgres_database import PostgresDatabase, table_names

    home = source.row("SELECT home_id FROM home")
    if home is None:
        raise Tampered("the ledger does not begin with the making of a home")
    place = ServerPlace(server, schema_of(home[0]))

    def rows(table: str) -> Iterator[Row]:
        return iter(source.connection.execute(f"SELECT * FROM {table}"))  # noqa: S608 - a name from schema.sql

    PostgresDatabase.fill(place.url, place.schema, source, ((table, rows(table)) for table in table_names()))
    return place


def homes_on(server: str) -> list[str]:
    """The ids of the homes whose books a server has, in order.  Raises as databases do."""
    from preserve.state.postgres_database import schemas

    return [name.removeprefix(_SCHEMA_PREFIX) for name in schemas(server, _SCHEMA_PREFIX)]


def name_server(home: Path, place: ServerPlace) -> None:
    """Have `home` use the books on a server from now on."""
    # JSON writes strings as TOML reads them.
    url, schema = (json.dumps(text, ensure_ascii=False) for text in (place.url, place.schema))
    write_file(home / SERVER_FILE_NAME, f"database = {url}\nschema = {schema}\n".encode(), mode=0o600)
