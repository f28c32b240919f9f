"""What a store says of the ledger by itself, held against its own signed checkpoints and against no books.

Where the books are wrong, comparing a store with them would accuse the one witness that is sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preserve.model.keys import split_generation
from preserve.model.nouns import Finding
from preserve.ports import Store
from preserve.state import stored_ledger
from preserve.state.stored_reading import StoredLedger


@dataclass(frozen=True, slots=True)
class SelfEvidence:
    """`proven` entries are borne out by the store's checkpoints, under these `keys`; `is_whole`: all it attests."""

    proven: int
    is_whole: bool
    keys: tuple[str, ...]
    findings: tuple[Finding, ...]


def examine(store: Store) -> SelfEvidence:
    """Read all that a store holds of ledger and policies.  Raises `Unavailable`."""
    reading = StoredLedger([store])
    for _ in reading.entries():
        pass  # what matters is what the reading proves on the way
    return SelfEvidence(
        proven=reading.proven.size if reading.proven else 0,
        is_whole=reading.is_whole,
        keys=tuple(key.verifier_key for key in reading.keys),
        findings=(*reading.findings, *_policies_that_differ_from_their_names(store)),
    )


def _policies_that_differ_from_their_names(store: Store) -> Iterator[Finding]:
    """The newest generation of each policy, where its text has another digest than its key."""
    listed = sorted(store.list(stored_ledger.POLICIES), key=lambda facts: split_generation(facts.key)[1])
    for facts in {split_generation(facts.key)[0]: facts for facts in listed}.values():
        if harm := stored_ledger.differs_from_its_name(store, facts):
            yield harm
