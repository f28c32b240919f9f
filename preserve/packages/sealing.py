"""Nothing is written to a medium that is under seal, away, or replaced: what it holds is what its label says.

It may be read wherever it is mounted: on the day of a disaster nobody shall be kept from the records by a form.
"""

from __future__ import annotations

from preserve.errors import Away
from preserve.model.medium_register import Custody
from preserve.state.books import Books


def sealed(books: Books, store: str) -> Away | None:
    """Why nothing may be written to a store now, where it is a medium that is not at hand; None for any other."""
    medium = books.medium_of_store(store)
    if medium is None or medium.may_be_written:
        return None
    if medium.refreshed_into is not None:
        return Away(
            "medium {medium} was refreshed into {new} and is kept as it is until {day}; nothing is written to it",
            medium=medium.number,
            new=medium.refreshed_into,
            day=medium.hold_until,
        )
    if medium.custody is Custody.AT_HAND:
        return Away("medium {medium} is burned, and written no more; register a new one", medium=medium.number)
    if medium.custody is Custody.SEALED:
        return Away(
            "medium {medium} is under seal {seal} at {place}; nothing is written to it before `preserve medium check-in"
            " {medium}` books that the seal was opened",
            medium=medium.number,
            seal=medium.seal or "-",
            place=medium.particulars.place or "-",
        )
    return Away(
        "medium {medium} is out, with {person}; nothing is written to it before `preserve medium check-in {medium}`",
        medium=medium.number,
        person=medium.held_by,
    )


def require_unsealed(books: Books, store: str) -> None:
    """Raise `Away` where a store is a medium to which nothing may be written now."""
    error = sealed(books, store)
    if error is not None:
        raise error
