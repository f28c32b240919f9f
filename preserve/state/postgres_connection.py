"""A connection to a PostgreSQL server that may hold books: what is asked of it, and what its errors mean to us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors, pq
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from preserve.errors import Misused, NoSpace, PreserveError, Refused, Tampered, Unavailable
from preserve.state import database
from preserve.state.database import Row

CONNECT_SECONDS = 10
"""How long a server may take to answer before it counts as away."""
OLDEST_SERVER = 120_000
"""PostgreSQL 12, the first that knows MATERIALIZED; older ones had their last update in 2023."""

_KEEPALIVE = {"idle": 20, "interval": 10, "count": 3}
"""Seconds, seconds, times: a server gives up a machine that lost its power after about 50 s, and its claims with it."""


class _Number(Loader):
    """Sums of whole numbers come as `numeric`, and are meant as whole numbers."""

    def load(self, data: Any) -> int | float:
        text = bytes(data).decode()
        return float(text) if "." in text else int(text)


def require_address(url: str) -> None:
    """Make sure that `url` names a database, and no password.  Raises `Misused`."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise Misused("{url} is no address of a database; write postgresql://user@host/database", url=url)
    try:
        named = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise Misused("the address of the database cannot be read: {error}", error=str(error).strip()) from error
    if "password" in named:
        raise Misused(
            "the address of the database names a password, and addresses are written down; put it into the file that"
            " PGPASSFILE names, or into PGPASSWORD, and leave it out of the address"
        )


def connected(url: str) -> psycopg.Connection[Row]:
    """A connection that commits each statement by itself.  Raises `Misused`, `Refused`, `Unavailable`."""
    require_address(url)
    ours: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "preserve",
        "client_encoding": "utf8",
    }
    try:
        connection = psycopg.connect(make_conninfo(url, **{**ours, **conninfo_to_dict(url)}), autocommit=True)
    except psycopg.OperationalError as error:
        raise _not_let_in(error, url) from error
    try:
        with translated(url):
            _prepare(connection, url)
    except PreserveError:
        connection.close()
        raise
    return connection


def _prepare(connection: psycopg.Connection[Row], url: str) -> None:
    """Make a session what the books need."""
    encoding = connection.execute("SHOW server_encoding").fetchone()
    if connection.info.server_version < OLDEST_SERVER or encoding != ("UTF8",):
        raise Refused(
            "{url} is PostgreSQL {version} with the encoding {encoding}; the books need version 12 or later, and UTF8",
            url=url, version=connection.info.server_version // 10_000, encoding=encoding[0] if encoding else "-",
        )  # fmt: skip
    settings = {f"tcp_keepalives_{name}": str(value) for name, value in _KEEPALIVE.items()}
    # A query of the books takes milliseconds; compiling it took longer than running it.
    settings |= {"lock_timeout": f"{database.BUSY_SECONDS * 1000}", "jit": "off"}
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    # A commit that was reported is on the medium; a server that is stricter yet (remote_apply) stays so.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.adapters.register_loader("numeric", _Number)


def _not_let_in(error: psycopg.OperationalError, url: str) -> PreserveError:
    """Nothing but a text in the server's language tells a wrong password from a server that is down: so ask it."""
    why = " ".join(str(error).split())  # the driver writes several lines, and Nagios reads one
    if pq.PGconn.ping(url.encode()) == pq.Ping.OK:
        return Refused(
            "the server of {url} does not let us in ({error}); see to user, password (PGPASSFILE) and name of the"
            " database",
            url=url, error=why,
        )  # fmt: skip
    return Unavailable("the books at {url} cannot be reached ({error}); try again later", url=url, error=why)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Give the driver's errors the names of the reactions they deserve."""
    try:
        yield
    except psycopg.Error as error:
        reaction = _reaction(error, where)
        if reaction is None:
            raise  # a mistake in this program, as good as an AssertionError
        raise reaction from error


_BUSY = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure, errors.QueryCanceled)
_FORBIDDEN = (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)
_TORN = (
    errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction, errors.DataCorrupted,
    errors.IndexCorrupted, errors.InvalidSchemaName,
)  # fmt: skip
_TOO_LARGE = (psycopg.DataError, errors.ProgramLimitExceeded)


def _reaction(error: psycopg.Error, where: str) -> PreserveError | None:
    why = str(error).strip()
    if isinstance(error, _BUSY):
        return Unavailable("the books {path} are in use by another process; try again", path=where)
    if isinstance(error, psycopg.IntegrityError):
        return Tampered("an entry of the ledger does not fit those before it ({error})", error=why)
    if isinstance(error, errors.DiskFull):
        return NoSpace("no space left where {path} lies; free some space and run the command again", path=where)
    if isinstance(error, _FORBIDDEN):
        return Refused("the books {path} may not be written by this user ({error})", path=where, error=why)
    if isinstance(error, _TORN):
        return Refused(
            "the books {path} are torn ({error}); no record is lost by that: set the schema aside and make the books"
            " again with `preserve rebuild --from STORE`",
            path=where, error=why,
        )  # fmt: skip
    if isinstance(error, _TOO_LARGE):
        return Refused("the books {path} cannot hold this: {error}", path=where, error=why)
    if isinstance(error, psycopg.OperationalError | psycopg.InternalError):
        return Unavailable(
            "the books {path} cannot be read or written now ({error}); the same command again goes on from what stands"
            " in them",
            path=where, error=why,
        )  # fmt: skip
    return None
