"""Join a home: have a second machine work on books that lie on a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from preserve.durable import make_folders, raise_if_full
from preserve.errors import Refused
from preserve.packages import places
from preserve.state import books_place, checkpoints, signing_key
from preserve.state.books import Books

FOLDER_MODE = 0o700


@dataclass(frozen=True, slots=True)
class Joined:
    """The folder that is this machine's part of the home; `signs` says whether it has the key of the ledger."""

    home: Path
    home_id: str
    where: str
    entries: int
    signs: bool


def join_home(home: Path, server: str, home_id: str | None = None) -> Joined:
    """Make `home` this machine's part of the home `home_id` (None: the only one) on `server`.

    The signing key is taken from `home`/keys, where a person put it before; without it, this machine carries out work
    that others send it, and signs nothing.  Raises `Refused` where the folder is a home, the server has no such home
    or several and none was named, or the key there is not the one in force or does not open; `Misused`, `Unavailable`.
    """
    places.require_home_apart(home)
    if books_place.is_made(home):
        raise Refused("{home} is a home already; nothing was changed", home=home)
    place = books_place.ServerPlace(server, books_place.schema_of(_chosen(server, home_id)))
    signs = (home / signing_key.FOLDER / signing_key.PUBLIC).exists()
    with books_place.books_at(place) as database:
        books = Books(database)
        if signs:
            key = signing_key.SigningKey(home)
            key.open()
            checkpoints.require_in_force(books, key)
        found = Joined(home, books.home_id(), books.where, books.size(), signs)
    try:
        make_folders(home)
        home.chmod(FOLDER_MODE)
        books_place.name_server(home, place)
    except OSError as error:
        raise_if_full(error, home)
        raise Refused("the home {home} cannot be made: {why}", home=home, why=error.strerror) from error
    return found


def _chosen(server: str, home_id: str | None) -> str:
    known = books_place.homes_on(server)
    if home_id is None and len(known) == 1:
        return known[0]
    if home_id in known:
        return str(home_id)
    if not known:
        raise Refused(
            "there are no books on {path}; `preserve init` makes a home there, `preserve home move-books` moves one"
            " there",
            path=server,
        )
    if home_id is None:
        raise Refused(
            "the server has the books of several homes; say which with `preserve home join ID`: {known}",
            known=", ".join(known),
        )
    raise Refused("the server has no books of a home {home}; it has: {known}", home=home_id, known=", ".join(known))
