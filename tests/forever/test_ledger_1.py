"""A ledger that the first version wrote, with every type of event, reads, proves and replays as it did then."""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.model import events
from preserve.model.keys import Key
from preserve.model.nouns import CopyState, EventType
from preserve.state.books import Books
from preserve.state.signing_key import read_verifier_key
from preserve.state.stored_reading import StoredLedger
from preserve.state.verification import verify_books
from tests.stores.memory import MemoryStore

GOLDEN = Path(__file__).parent / "ledger-1"
ROOT = "286d5911e38fcc47abc7c73f599785e68b292b15d53cc7e4b94b0e2aee027121"


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore("golden")
    for file in GOLDEN.iterdir():
        store.objects[Key(f"ledger/{file.name}")] = file.read_bytes()
    return store


def test_it_reads_whole_and_is_signed_by_the_key_it_names(store: MemoryStore) -> None:
    reading = StoredLedger([store])
    entries = list(reading.entries())
    assert (len(entries), reading.is_whole, reading.findings) == (28, True, [])
    assert reading.proven is not None
    assert reading.proven.root.hex() == ROOT
    assert [key.verifier_key for key in reading.keys] == [str(read_verifier_key(GOLDEN / "ledger.vkey"))]


def test_its_entries_are_written_today_byte_for_byte_as_then(store: MemoryStore) -> None:
    for entry in StoredLedger([store]).entries():
        assert events.encode(events.decode(entry)) == entry


def test_it_replays_to_the_same_catalog(store: MemoryStore, tmp_path: Path) -> None:
    with Books.rebuild(tmp_path, StoredLedger([store]).entries()) as books:
        assert verify_books(books).is_ok
        assert books.root().hex() == ROOT
        assert [policy.version for policy in books.policies()] == [1, 2]
        states = {(copy.package_id[-1], copy.store): copy.state for copy in books.copies()}
        assert states == {
            ("0", "vault"): CopyState.VERIFIED,
            ("0", "cave"): CopyState.SUSPECT,
            ("1", "vault"): CopyState.VERIFIED,
            ("1", "cave"): CopyState.WRITTEN,
        }
        repaired = books.copy("20260101-0000000001", "vault")
        assert repaired is not None
        assert repaired.generations == {"bag.tar": 2}
        assert [(f.id, f.closed_at is None) for f in books.findings(open_only=False)] == [
            ("F-000018", False),
            ("F-000023", True),
        ]


def test_the_names_of_event_types_are_a_format() -> None:
    assert {kind.value for kind in EventType} >= {
        "initialisation",
        "store registration",
        "store check",
        "policy assignment",
        "ingestion start",
        "ingestion abandoned",
        "ingestion end",
        "replication",
        "copy state change",
        "fixity audit start",
        "fixity check",
        "fixity audit end",
        "finding opened",
        "finding closed",
        "recovery",
        "dissemination",
        "catalog rebuilt",
        "signing key change",
    }
