"""Where the books of a test lie: in a file of its home, or each in a database of its own on one real server."""

from __future__ import annotations

import psycopg
from psycopg.sql import SQL, Identifier

from ops.sites import postgres


class BookPlaces:
    """Hands out a place for each set of books that a test makes; on a server, databases are used again by later tests.

    A database of its own for each, because the schema is named by the home's id, and in tests many homes have one id.
    """

    def __init__(self) -> None:
        self._server: postgres.Server | None = None
        self._made: list[str] = []
        self._used = 0

    def use(self, server: postgres.Server | None) -> None:
        """From now on books are made on `server`; None: in files."""
        self._server = server
        self._used = 0

    def begin_anew(self) -> None:
        """Have databases that were handed out be used again."""
        self._used = 0

    def next(self) -> str | None:
        """The address of an empty database, or None: a file."""
        if self._server is None:
            return None
        if self._used == len(self._made):
            self._made.append(self._server.new_database())
        url = self._made[self._used]
        self._used += 1
        _empty(url)
        return url


PLACES = BookPlaces()


def _empty(url: str) -> None:
    """Drop what an earlier test left; nobody is to hold on to it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )
        schemas = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'preserve%'").fetchall()
        for (name,) in schemas:
            connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(name)))
