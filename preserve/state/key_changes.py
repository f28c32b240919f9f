"""A change of the signing key: what both keys sign to make it believed, and how well each link of the chain holds.

Old and new key sign one statement that names both (a C2SP signed note, FORMAT.md 6): the old one hands over, the new
one takes on.  Who knows any earlier key can so follow the chain to the present one.  Where the old key was lost, or the
home with it, the new one signs alone, and whoever knew the old key has to ask people.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from preserve.errors import Tampered
from preserve.state import notes
from preserve.state.books import Books
from preserve.state.notes import Signer, VerifierKey

FORMAT = "preserve-key-change/1"


class Handover(StrEnum):
    """How well a change of the key is borne out."""

    BY_BOTH = "signed by both keys"
    WITHOUT_OLD = "not signed by the old key"  # lost, or the home with it: people have to vouch for the new one
    UNSIGNED = "signed by neither key"  # as programs wrote it that had no statement
    VOID = "statement void"  # it does not say this, or a signature in it does not hold


@dataclass(frozen=True, slots=True)
class KeyChange:
    """Entry `number` of the ledger replaced the key `old` by `new`.  `cause` and `statement` as the entry has them."""

    number: int
    old: str
    new: str
    cause: str | None
    statement: str | None
    handover: Handover


def statement(old: VerifierKey, new: Signer, handed_over_by: Signer | None) -> str:
    """The signed statement that `new` follows `old`; `handed_over_by` is the old key, None where it is lost."""
    signers = [new] if handed_over_by is None else [handed_over_by, new]
    return notes.sign(_text(str(old), str(new.verifier_key())), *signers).decode()


def changes(books: Books) -> Iterator[KeyChange]:
    """Each change of the key that the ledger names, oldest first.  Raises `Tampered` for an entry that is none."""
    for before, key in itertools.pairwise(books.verifier_keys()):
        yield change_in(key.since, books.entry(key.since).content, before.verifier_key)


def change_in(number: int, content: bytes, before: str) -> KeyChange:
    """The change of the key that entry `number` records; `before` is the key in force until then.

    Raises `Tampered` where it is no such entry.
    """
    try:
        detail = json.loads(content)["detail"]
        old, new, said = str(detail["old"]), str(detail["new"]), detail.get("statement")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Tampered("entry {number} of the ledger is no event: {error}", number=number, error=repr(error)) from error
    handover = judge(old, new, said) if old == before else Handover.VOID
    return KeyChange(number, old, new, detail.get("cause"), said, handover)


def judge(old: str, new: str, said: str | None) -> Handover:
    """What the statement of a change is worth."""
    if said is None:
        return Handover.UNSIGNED
    try:
        note = notes.parse(said.encode())
        old_key, new_key = notes.parse_verifier_key(old), notes.parse_verifier_key(new)
    except (ValueError, AttributeError):
        return Handover.VOID
    if note.text != _text(old, new) or not note.is_signed_by(new_key):
        return Handover.VOID
    if not any(line.key_id == old_key.id for line in note.signatures):
        return Handover.WITHOUT_OLD
    return Handover.BY_BOTH if note.is_signed_by(old_key) else Handover.VOID


def is_followed(known: str, changed: list[KeyChange]) -> bool:
    """Whether unbroken links lead from the key that somebody knows to the newest one."""
    since = next((number for number, change in enumerate(changed) if change.old == known), None)
    return since is not None and all(change.handover is Handover.BY_BOTH for change in changed[since:])


def _text(old: str, new: str) -> str:
    # The first line differs from the origin of every checkpoint: neither signature can pass for the other.
    return f"{FORMAT}\n{old}\n{new}\n"
