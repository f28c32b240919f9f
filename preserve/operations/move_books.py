"""Move books: from the file of one machine to a server that several machines share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from preserve.errors import Refused
from preserve.state import books_place
from preserve.state.books import Books


@dataclass(frozen=True, slots=True)
class BooksMoved:
    """Where the books lie now, how many entries they have, and the file, which nobody can book into any more."""

    where: str
    entries: int
    former: Path


def move_books(home: Path, server: str) -> BooksMoved:
    """Copy the books of `home` to `server` in one transaction there, and have the home use them.

    Who is booking is waited for; who had the file open is told to run his command again.  Killed midway, it is done
    again.  Raises `Refused` where the books lie on a server already, or that server has others of this home; `Misused`
    for an address that is none, `Unavailable`, `NoSpace`.
    """
    place = books_place.server_place(home)
    if place is not None:
        raise Refused("the books of {home} lie on a server already, {path}", home=home, path=place.url)
    books_place.move(home, server)
    with Books.open(home) as books:
        return BooksMoved(books.where, books.size(), home / books_place.FILE_NAME)
