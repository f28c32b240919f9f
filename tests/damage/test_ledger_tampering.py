"""Whoever edits, deletes, truncates, reorders, re-dates or rewrites the books is found out."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from preserve.errors import Tampered
from preserve.model import events, merkle
from preserve.state import checkpoints, publishing, signing_key
from preserve.state.books import FILE_NAME, Books
from preserve.state.checkpoints import Standing
from preserve.state.notes import Checkpoint
from preserve.state.projection import CATALOG
from preserve.state.verification import LedgerVerdict, verify_books
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT, NOW
from tests.stores.memory import MemoryStore

ENTRIES = 1 + len(list(made.a_life()))
"""How many entries a life has, its beginning included."""


@pytest.fixture(autouse=True)
def passphrase(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("pristine")
    with made.books_with_a_life(home) as books:
        assert books.size() == ENTRIES
    return home


@pytest.fixture
def home(tmp_path: Path, pristine: Path) -> Path:
    shutil.copy(pristine / FILE_NAME, tmp_path)
    return tmp_path


def tamper(home: Path, statement: str, *parameters: int) -> None:
    """Edit the database as a person with the file and a tool would."""
    connection = sqlite3.connect(home / FILE_NAME)
    assert connection.execute(statement, parameters).rowcount, f"{statement} must change something"
    connection.commit()
    connection.close()


def verdict(home: Path) -> LedgerVerdict:
    with Books.open(home) as books:
        return verify_books(books)


def codes(home: Path) -> set[str]:
    return {complaint.code for complaint in verdict(home).complaints.named}


def test_untouched_books_are_fine(home: Path) -> None:
    found = verdict(home)
    assert found.is_ok
    assert found.size == ENTRIES
    with Books.open(home) as books:
        assert found.root == books.root()


@pytest.mark.parametrize("number", range(ENTRIES))
def test_an_edited_entry_is_named(home: Path, number: int) -> None:
    # Of what no table of the catalog follows from: the entry alone differs.
    outcome = """'"outcome":"', '"outcome":"x'"""
    tamper(home, f"UPDATE entry SET content = replace(content, {outcome}) WHERE number = ?", number)  # noqa: S608
    found = verdict(home).complaints.named
    assert [(complaint.code, complaint.where) for complaint in found] == [("entry-changed", str(number))]


@pytest.mark.parametrize("number", [0, 5, ENTRIES - 1])
def test_a_re_dated_entry_is_named(home: Path, number: int) -> None:
    tamper(home, "UPDATE entry SET content = replace(content, '2026-01-01', '2025-12-31') WHERE number = ?", number)
    assert ("entry-changed", str(number)) in [(c.code, c.where) for c in verdict(home).complaints.named]


@pytest.mark.parametrize("number", [0, 7, ENTRIES - 2])
def test_a_deleted_entry_is_missed(home: Path, number: int) -> None:
    tamper(home, "DELETE FROM entry WHERE number = ?", number)
    assert "entries-gone" in codes(home)


@pytest.mark.parametrize("kept", [0, 1, 10, ENTRIES - 1])
def test_a_cut_off_end_is_missed(home: Path, kept: int) -> None:
    tamper(home, "DELETE FROM entry WHERE number >= ?", kept)
    assert "head-differs" in codes(home)


@pytest.mark.parametrize("number", [0, 12, ENTRIES - 2])
def test_two_entries_in_another_order_are_named(home: Path, number: int) -> None:
    tamper(home, "UPDATE entry SET number = -1 WHERE number = ?", number)
    tamper(home, "UPDATE entry SET number = ? WHERE number = ?", number, number + 1)
    tamper(home, "UPDATE entry SET number = ? WHERE number = -1", number + 1)
    found = [(complaint.code, complaint.where) for complaint in verdict(home).complaints.named]
    assert ("entry-changed", str(number)) in found
    assert ("entry-changed", str(number + 1)) in found


@pytest.mark.parametrize("number", [-1, ENTRIES, ENTRIES + 5])
def test_an_entry_slipped_in_is_noticed(home: Path, number: int) -> None:
    tamper(home, "INSERT INTO entry SELECT ?, content FROM entry WHERE number = 3", number)
    assert not verdict(home).is_ok


@pytest.mark.parametrize("position", range(merkle.stored_count(ENTRIES)))
def test_any_changed_hash_is_noticed(home: Path, position: int) -> None:
    tamper(home, "UPDATE node SET hash = zeroblob(32) WHERE position = ?", position)
    assert not verdict(home).is_ok


@pytest.mark.parametrize("position", [0, 17, merkle.stored_count(ENTRIES) - 1])
def test_a_lost_hash_is_noticed(home: Path, position: int) -> None:
    tamper(home, "DELETE FROM node WHERE position = ?", position)
    assert "hashes-gone" in codes(home)


def columns() -> Iterator[tuple[str, str]]:
    schema = (Path(signing_key.__file__).with_name("schema.sql")).read_text(encoding="utf-8")
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema)
    for table in CATALOG:
        for row in connection.execute(f"PRAGMA table_info({table})"):
            yield table, row[1]
    connection.close()


@pytest.mark.parametrize(("table", "column"), list(columns()))
def test_any_field_of_the_catalog_edited_behind_the_ledgers_back_is_noticed(
    home: Path, table: str, column: str
) -> None:
    tamper(
        home,
        f"UPDATE {table} SET {column} = COALESCE({column}, 0) || '7'"  # noqa: S608
        f" WHERE rowid = (SELECT max(rowid) FROM {table})",
    )
    found = verdict(home).complaints.named
    assert found
    assert {complaint.code for complaint in found} <= {"row-changed", "row-gone", "row-surplus"}
    assert all(complaint.where.startswith(f"{table} ") for complaint in found)


@pytest.mark.parametrize("table", CATALOG)
def test_any_row_deleted_behind_the_ledgers_back_is_missed(home: Path, table: str) -> None:
    tamper(home, f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})")  # noqa: S608
    (found,) = verdict(home).complaints.named
    assert found.code == "row-gone"
    assert found.where.startswith(f"{table} ")


def test_a_row_that_no_entry_brought_is_noticed(home: Path) -> None:
    tamper(home, "INSERT INTO record VALUES ('0001-WS·2024-永久-9999', '20260101-0000000000')")
    assert codes(home) == {"row-surplus"}


def test_a_catalog_rewritten_as_a_whole_is_counted_and_not_all_named(tmp_path: Path) -> None:
    with Books.create(tmp_path, made.initialised(), *(made.packaged(number) for number in range(300))):
        pass
    tamper(tmp_path, "UPDATE package SET payload_bytes = 0")
    found = verdict(tmp_path).complaints
    assert (found.count, len(found.named)) == (300, 100)


# Rewriting it all consistently: only what is kept elsewhere tells


@pytest.fixture
def service(tmp_path: Path) -> tuple[Path, MemoryStore]:
    """A home whose ledger stands in a store."""
    store = MemoryStore("vault")
    books, key = made.signing_home(tmp_path / "home")
    books.record(*(made.packaged(number) for number in range(10)))
    publishing.publish(books, store, key)
    books.record(*(made.packaged(number) for number in range(10, 20)))
    publishing.publish(books, store, key)
    books.close()
    return tmp_path / "home", store


def rewrite(home: Path, entries: Sequence[bytes]) -> Books:
    """Replace the books by others that fit themselves, checkpoints forgotten."""
    (home / FILE_NAME).unlink()
    return Books.rebuild(home, entries)


def contents(home: Path) -> list[bytes]:
    with Books.open(home) as books:
        return [entry.content for entry in books.entries()]


def test_books_rewritten_with_the_stolen_key_fit_themselves_but_not_the_store(
    service: tuple[Path, MemoryStore],
) -> None:
    home, store = service
    entries = [entry.replace(b'"payload_bytes":1005', b'"payload_bytes":9999') for entry in contents(home)]
    books = rewrite(home, entries)
    stolen = signing_key.SigningKey(home)
    checkpoints.make(books, stolen)
    assert verify_books(books).is_ok, "inside there is nothing left to see"
    with pytest.raises(Tampered, match="the ledger was rewritten"):
        publishing.publish(books, store, stolen)
    with pytest.raises(Tampered, match="the ledger was rewritten"):
        list(publishing.check(books, store))


def test_books_rewritten_and_grown_past_the_store_do_not_get_by(service: tuple[Path, MemoryStore]) -> None:
    home, store = service
    entries = [entry.replace(b'"payload_bytes":1005', b'"payload_bytes":9999') for entry in contents(home)]
    books = rewrite(home, entries)
    books.record(*(made.packaged(number) for number in range(40, 60)))
    with pytest.raises(Tampered, match="the ledger was rewritten"):
        publishing.publish(books, store, signing_key.SigningKey(home))


def test_books_cut_off_consistently_are_behind_the_store(service: tuple[Path, MemoryStore]) -> None:
    home, store = service
    books = rewrite(home, contents(home)[:15])
    assert verify_books(books).is_ok
    with pytest.raises(Tampered, match=r"attests 22 entries .* the books have 15"):
        publishing.publish(books, store, signing_key.SigningKey(home))


def test_books_rewritten_with_a_key_of_ones_own_cannot_pass_for_the_store(
    service: tuple[Path, MemoryStore],
) -> None:
    home, store = service
    genuine = str(signing_key.SigningKey(home).verifier_key())
    own = signing_key.replace(home, f"preserve/{made.HOME_ID}")
    forged = [entry.replace(genuine.encode(), str(own.verifier_key()).encode()) for entry in contents(home)]
    books = rewrite(home, forged)
    checkpoints.make(books, own)
    assert verify_books(books).is_ok, "inside there is nothing left to see"
    before = dict(store.objects)
    with pytest.raises(Tampered, match="signed by somebody else"):
        publishing.publish(books, store, own)
    assert store.objects == before


def test_two_homes_that_go_on_from_the_same_ledger_do_not_both_publish(
    service: tuple[Path, MemoryStore], tmp_path: Path
) -> None:
    home, store = service
    (tmp_path / "second").mkdir()
    second = Books.rebuild(tmp_path / "second", contents(home))
    key = signing_key.create(tmp_path / "second", f"preserve/{made.HOME_ID}")
    old = second.verifier_keys()[-1].verifier_key
    second.record(events.key_changed(ACT, NOW, old, str(key.verifier_key())))
    with Books.open(home) as first:
        first.record(made.packaged(30), made.packaged(31))
        publishing.publish(first, store, signing_key.SigningKey(home))
    with pytest.raises(Tampered, match="signed by somebody else"):
        publishing.publish(second, store, key)


@pytest.mark.parametrize("at", [5, 40, 80])
def test_a_checkpoint_kept_in_the_books_and_changed_is_void(service: tuple[Path, MemoryStore], at: int) -> None:
    home, _ = service
    connection = sqlite3.connect(home / FILE_NAME)
    (note,) = connection.execute("SELECT note FROM checkpoint WHERE size = 12").fetchone()
    changed = bytearray(note)
    changed[at] ^= 1
    connection.execute("UPDATE checkpoint SET note = ? WHERE size = 12", (bytes(changed),))
    connection.commit()
    connection.close()
    assert "checkpoint-void" in codes(home)


def test_a_ledger_consistent_in_itself_but_not_with_its_own_checkpoint_is_found_out(
    service: tuple[Path, MemoryStore],
) -> None:
    home, _ = service
    with Books.open(home) as books:
        kept = list(books.checkpoints())
    entries = [entry.replace(b'"payload_bytes":1005', b'"payload_bytes":9999') for entry in contents(home)]
    with rewrite(home, entries) as books:
        for checkpoint in kept:
            books.keep_checkpoint(checkpoint.size, checkpoint.note)
    found = verdict(home).complaints.named
    assert [(complaint.code, complaint.where) for complaint in found] == [
        ("checkpoint-differs", "12"),
        ("checkpoint-differs", "22"),
    ]
    with rewrite(home, entries[:15]) as books:
        for checkpoint in kept:
            books.keep_checkpoint(checkpoint.size, checkpoint.note)
    assert codes(home) == {"checkpoint-differs", "cut-off"}


def test_books_and_a_checkpoint_are_consistent_behind_or_forked() -> None:
    roots = [bytes([size]) * 32 for size in range(6)]
    for size, root, standing in [
        (5, roots[5], Standing.CONSISTENT),
        (2, roots[2], Standing.CONSISTENT),
        (2, roots[3], Standing.FORKED),
        (6, roots[5], Standing.BEHIND),
    ]:
        assert checkpoints.compare(5, roots.__getitem__, Checkpoint("preserve/x", size, root)) is standing


def test_verification_is_not_disturbed_by_others_who_write(home: Path) -> None:
    with Books.open(home) as books:
        found = verify_books(books)
        books.record(events.policy_registered(ACT, NOW, "another", "text"))
        assert (found.size, verify_books(books).size) == (ENTRIES, ENTRIES + 1)
