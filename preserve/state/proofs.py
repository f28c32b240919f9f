"""Proofs that others can check without us (`ops/verify_proof.py`): that an entry is in the ledger, and that the ledger
at one checkpoint begins with the ledger at an earlier one (FORMAT.md 6)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from preserve.errors import Refused
from preserve.state import checkpoints
from preserve.state.books import Books
from preserve.state.key_changes import changes
from preserve.state.notes import Signer

INCLUSION = "preserve-inclusion-proof/1"
CONSISTENCY = "preserve-consistency-proof/1"


def inclusion(books: Books, signer: Signer, number: int) -> bytes:
    """A JSON document that proves entry `number` to be in the ledger as it stands.

    Raises `Refused` where there is no such entry, or the signing key cannot be used.
    """
    entry = books.entry(number)
    size = books.size()
    note = checkpoints.make(books, signer, size)
    return _document(
        {
            "format": INCLUSION,
            "entry": entry.content.decode(),
            "number": number,
            "tree_size": size,
            "audit_path": _hex(books.inclusion_proof(number, size)),
            "checkpoint": note.decode(),
            "verifier_key": str(signer.verifier_key()),
            "key_changes": _key_changes(books),
        }
    )


def consistency(books: Books, signer: Signer, old_note: bytes) -> bytes:
    """A JSON document that proves the ledger as it stands to begin with what an earlier checkpoint signs.

    Raises `Refused` where that is no checkpoint of this ledger, or speaks of entries it does not have.
    """
    try:
        old = checkpoints.read(old_note, books.verifier_keys())
    except ValueError as error:
        raise Refused("this is no checkpoint of this ledger: {error}", error=str(error)) from error
    size = books.size()
    if old.size == 0:
        raise Refused("a checkpoint of no entries proves nothing")
    note = checkpoints.make(books, signer, size)
    old_key = checkpoints.key_in_force(books.verifier_keys(), old.size)
    return _document(
        {
            "format": CONSISTENCY,
            "old_tree_size": old.size,
            "tree_size": size,
            "proof": _hex(books.consistency_proof(old.size, size)),
            "old_checkpoint": old_note.decode(),
            "old_verifier_key": str(old_key),
            "checkpoint": note.decode(),
            "verifier_key": str(signer.verifier_key()),
            "key_changes": _key_changes(books),
        }
    )


def _key_changes(books: Books) -> list[dict[str, object]]:
    """How the keys followed one another, for who knows an earlier one."""
    return [
        {"number": change.number, "old": change.old, "new": change.new, "statement": change.statement}
        for change in changes(books)
    ]


def _hex(hashes: Sequence[bytes]) -> list[str]:
    return [value.hex() for value in hashes]


def _document(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
