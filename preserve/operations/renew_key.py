"""Renew the signing key: the old one hands over to a new one, and the ledger says from where on that signs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from preserve.errors import Refused
from preserve.model import events
from preserve.model.nouns import KeyChangeCause
from preserve.state import checkpoints, key_changes, signing_key
from preserve.state.signing_key import SigningKey
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Renewed:
    """Verifier keys: the last that the ledger named, and the one it names from now on."""

    old: str
    new: str
    cause: KeyChangeCause


def renew_key(workplace: Workplace, home: Path, *, is_old_lost: bool = False) -> Renewed:
    """Make a new key for the home, to which the present one hands over in writing.  What that one signed still holds.

    Where it `is_old_lost`, the new key signs alone, and the ledger says so for ever.  A renewal that was killed before
    it was booked is made up by another; after that, the new key is in force.  Raises `Refused` where the present key
    does not open, and where it does although it was said to be lost.
    """
    books = workplace.books
    with workplace.claim("signing key"):
        known = checkpoints.known_keys(books)[-1]
        signing_key.settle(home, str(known))
        old = None if is_old_lost else SigningKey(home)
        if old is None:
            _require_lost(workplace, home)
        else:
            old.open()
            checkpoints.require_in_force(books, old)
        new = signing_key.prepare(home, checkpoints.origin(books.home_id()))
        cause = KeyChangeCause.OLD_KEY_LOST if old is None else KeyChangeCause.RENEWED
        renewed = Renewed(str(known), str(new.verifier_key()), cause)
        statement = key_changes.statement(known, new, old)
        workplace.record(events.key_changed(workplace.act, workplace.now(), renewed.old, renewed.new, cause, statement))
        signing_key.settle(home, renewed.new)
    return renewed


def _require_lost(workplace: Workplace, home: Path) -> None:
    """Nobody shall skip the old key's signature for convenience: it is what auditors follow."""
    key = SigningKey(home)
    try:
        key.open()
        checkpoints.require_in_force(workplace.books, key)
    except Refused:
        return
    raise Refused("the signing key is not lost, it opens; renew it with `preserve key renew` alone")
