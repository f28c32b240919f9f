"""Whether an approval is what was signed: by a key of the ledger, and in the words that the books have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from preserve.errors import Tampered
from preserve.model.migration_approvals import says_the_same
from preserve.model.migrations import ApprovalEntry
from preserve.model.phrases import phrase
from preserve.state import checkpoints, notes
from preserve.state.books import Books


@dataclass(frozen=True, slots=True)
class SignedApproval:
    """An approval whose signature was checked: `key` signed the `document`, as the ledger names it."""

    approval: ApprovalEntry
    key: str
    document: Mapping[str, object]


def signed_approval(books: Books, approval: ApprovalEntry) -> SignedApproval:
    """An approval as it was signed.

    Raises `Tampered` where it was not signed by a key of the ledger, or says something else than the books.
    """
    try:
        note = notes.parse(approval.note.encode())
        document = json.loads(note.text)
    except ValueError as error:
        raise _forged(approval, str(error)) from error
    key = notes.signed_by(note, checkpoints.known_keys(books))
    if key is None:
        raise _forged(approval, phrase("no key of the ledger signed it"))
    if not says_the_same(document, books.home_id(), approval):
        raise _forged(approval, phrase("it says something else than the books"))
    return SignedApproval(approval, str(key), document)


def _forged(approval: ApprovalEntry, why: str) -> Tampered:
    return Tampered(
        "approval {number} of migration {migration} is not what was signed: {why}",
        number=approval.number,
        migration=approval.migration,
        why=why,
    )
