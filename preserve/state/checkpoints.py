"""Checkpoints of this home's ledger: making them, reading them back, and holding the books against them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from preserve.errors import Refused, Tampered
from preserve.model.phrases import phrase
from preserve.state import notes
from preserve.state.books import Books
from preserve.state.notes import Checkpoint, Signer, VerifierKey
from preserve.state.registers import SignedFrom


class Standing(StrEnum):
    """How a ledger stands to a checkpoint of it."""

    CONSISTENT = "consistent"  # it begins with just those entries
    BEHIND = "behind"  # it is shorter: cut off, or brought back from an old backup
    FORKED = "forked"  # those entries were others: history was rewritten


def origin(home_id: str) -> str:
    """What names a home's ledger in its checkpoints, and the name of the key that signs them."""
    return f"preserve/{home_id}"


def compare(size: int, root_at: Callable[[int], bytes], checkpoint: Checkpoint) -> Standing:
    """How a ledger of `size` entries stands to a checkpoint whose signature was checked already."""
    if checkpoint.size > size:
        return Standing.BEHIND
    return Standing.CONSISTENT if root_at(checkpoint.size) == checkpoint.root else Standing.FORKED


def key_in_force(keys: Sequence[SignedFrom], size: int) -> VerifierKey | None:
    """The key that signs a checkpoint of `size` entries: the last that these entries brought.

    Raises ValueError where that entry holds no key.
    """
    brought = [key.verifier_key for key in keys if key.since < size]
    return notes.parse_verifier_key(brought[-1]) if brought else None


def known_keys(books: Books) -> list[VerifierKey]:
    """All keys that ever signed for these books.  Raises `Tampered` where the ledger names one that is none."""
    try:
        return [notes.parse_verifier_key(key.verifier_key) for key in books.verifier_keys()]
    except ValueError as error:
        raise Tampered("the ledger names a signing key that is none: {error}", error=str(error)) from error


def read(content: bytes, keys: Sequence[SignedFrom]) -> Checkpoint:
    """A checkpoint from a signed note, by the key in force at its size.  Raises ValueError saying what does not fit."""
    note = notes.parse(content)
    checkpoint = notes.parse_checkpoint(note.text)
    key = key_in_force(keys, checkpoint.size)
    if key is None or not note.is_signed_by(key):
        raise ValueError(phrase("the checkpoint is not signed by the ledger's key"))
    if checkpoint.origin != key.name:
        raise ValueError(phrase("the checkpoint is of another ledger, {origin}", origin=checkpoint.origin))
    return checkpoint


def require_in_force(books: Books, signer: Signer, size: int | None = None) -> None:
    """Make sure that `signer` is the key that signs the first `size` entries (None: all), as the ledger has it.

    Raises `Refused` where it is another one, `Tampered` where the ledger names what is no key.
    """
    known_keys(books)  # an alarm before anything is signed
    key = key_in_force(books.verifier_keys(), books.size() if size is None else size)
    if key != signer.verifier_key():
        raise Refused(
            "the signing key in the home is {found}, but the ledger names {known}; bring that one back from a copy of"
            " the home, or, where it is lost for good, begin with another by `preserve key renew --old-key-lost`",
            found=signer.verifier_key(),
            known=key or "-",
        )


def make(books: Books, signer: Signer, size: int | None = None) -> bytes:
    """A signed checkpoint of the first `size` entries (None: all), kept in the books.

    Raises `Refused` where the key at hand is not the one the ledger names, `Tampered` where that is no key.
    """
    wanted = books.size() if size is None else size
    require_in_force(books, signer, wanted)
    checkpoint = Checkpoint(origin(books.home_id()), wanted, books.root(wanted))
    note = notes.sign(checkpoint.text(), signer)
    books.keep_checkpoint(wanted, note)
    return note
