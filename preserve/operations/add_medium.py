"""Add a medium: give a number, a kind, a place to a store that lies on a removable carrier."""

from __future__ import annotations

from datetime import timedelta

from preserve.errors import Misused, Refused
from preserve.model import medium_events
from preserve.model.medium_register import LONGEST_NUMBER, MediumEntry, Particulars, is_medium_number
from preserve.workplace import Workplace


def add_medium(workplace: Workplace, number: str, store: str, said: Particulars) -> MediumEntry:
    """Register a store as a medium; doing it again changes what is said of it.

    Raises `Misused` for what can be no number, and for a day to come as that since when it is in use; `Refused` for a
    store that is unknown, another medium, or no folder.
    """
    if not is_medium_number(number):
        raise Misused(
            "{number} cannot be the number of a medium: it begins with a letter or digit and has up to {most} letters,"
            " digits, '.', '·', '-' and '_'",
            number=number,
            most=LONGEST_NUMBER,
        )
    tomorrow = (workplace.clock.now() + timedelta(days=1)).date()  # where it is tomorrow already, that is today
    if said.in_service_since > tomorrow.isoformat():
        raise Misused("{day} is still to come: nothing is in use since then", day=said.in_service_since)
    entry = workplace.books.store(store)
    if entry.is_networked:
        raise Refused(
            "store {store} is no removable medium: it is reached over a network ({url})", store=store, url=entry.url
        )
    workplace.record(medium_events.medium_registered(workplace.act, workplace.now(), number, store, said))
    return workplace.books.medium(number)
