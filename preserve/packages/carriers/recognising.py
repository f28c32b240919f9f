"""Tell from the bytes on a medium whether it is the one that the register knows, and not an older copy of it.

`store.json` says which store it is, and every access asks for it; but a clone says the same.  What a clone cannot have
is what was put on the medium after it was made: its last label, and the ledger of that day.
"""

from __future__ import annotations

from dataclasses import dataclass

from preserve.errors import Refused
from preserve.model.keys import RECEIPT, split_generation
from preserve.model.medium_register import MediumEntry
from preserve.model.phrases import phrase
from preserve.packages import medium_marks
from preserve.ports import Store
from preserve.state import publishing
from preserve.state.books import Books


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a medium shows of itself: how many ledger entries it attests; `older_because` is a sentence where it is an
    older state of the medium than the books know of."""

    attested: int
    older_because: str | None


def recognise(books: Books, medium: MediumEntry, store: Store) -> Recognised:
    """Hold a medium against the register.

    Raises `Unavailable` where it is not mounted or is another one, `Tampered` where its ledger and the books exclude
    one another.
    """
    attested = publishing.attested(books, store)
    label = medium.label
    if label is None or attested > label.entries or medium_marks.is_any_there(store, label):
        return Recognised(attested, None)
    older = phrase(
        "label {number} is not on it, and it attests {found} entries of the ledger, where {expected} were on it when it"
        " was labelled",
        number=label.generation,
        found=attested,
        expected=label.entries,
    )
    return Recognised(attested, older)


def require_itself(books: Books, medium: MediumEntry, store: Store) -> Recognised:
    """`recognise`, for who is about to write.  Raises `Refused` for an older copy too."""
    found = recognise(books, medium, store)
    if found.older_because is not None:
        raise Refused(
            "what lies in the place of medium {medium} is an older copy of it ({why}); nothing was written to it: put"
            " the medium itself in its place, and set this one aside",
            medium=medium.number,
            why=found.older_because,
        )
    return found


def count_receipts(store: Store) -> int:
    """How many packages a store lists a receipt of, in whatever generation.  Raises `Unavailable`, `Unreadable`."""
    count, last = 0, ""
    for facts in store.list("packages"):
        folder, _, name = facts.key.rpartition("/")
        if split_generation(name)[0] == RECEIPT:
            count += folder != last  # in the order of keys generations of one receipt follow one another
            last = folder
    return count
