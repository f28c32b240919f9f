"""Renew the signing key: set the old one aside, make another, and say in the ledger from where on it signs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from preserve.model import events
from preserve.state import checkpoints, signing_key
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Renewed:
    """Verifier keys: the last that the ledger named, and the one it names from now on."""

    old: str
    new: str


def renew_key(workplace: Workplace, home: Path) -> Renewed:
    """Make a new key for the home.  What the old one signed still holds.

    A renewal that was killed before it was booked is made up by another.  Raises `Refused`.
    """
    books = workplace.books
    with workplace.claim("signing key"):
        known = books.verifier_keys()
        _set_aside, key = signing_key.renew(home, checkpoints.origin(books.home_id()))
        renewed = Renewed(known[-1].verifier_key, str(key.verifier_key()))
        workplace.record(events.key_changed(workplace.act, workplace.now(), renewed.old, renewed.new))
    return renewed
