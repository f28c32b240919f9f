"""Does `ledger verify` say what the books were compared with, and accuse nobody but the one that is wrong?"""

from __future__ import annotations

import shutil
import sqlite3

from tests.cli.conftest import Service


def move_away(service: Service, *names: str) -> None:
    for name in names:
        (service.folder / name).rename(service.folder / f"{name}-away")


def test_books_that_no_store_could_attest_are_not_called_verified(furnished: Service) -> None:
    move_away(furnished, "main", "near", "far")
    ended = furnished.run("ledger", "verify")
    assert ended.code == 75, ended
    assert "compared with nothing outside" in ended.out
    asked = furnished.run("ledger", "verify", "--json")
    assert (asked.code, asked.document["ok"], asked.document["attested"]) == (75, False, {})
    assert set(asked.document["away"]) == {"main", "near", "far"}


def test_a_store_that_was_not_asked_is_named_beside_those_that_were(furnished: Service) -> None:
    move_away(furnished, "near")
    ended = furnished.run("ledger", "verify")
    assert ended.code == 0, ended
    assert "store near could not be asked" in ended.out
    assert "store main attests" in ended.out and "nothing outside" not in ended.out
    assert furnished.run("ledger", "verify", "--store", "near").code == 75


def test_without_any_store_it_is_said_that_nothing_outside_attests_the_books(service: Service) -> None:
    ended = service.run("ledger", "verify")
    assert ended.code == 0, ended
    assert "nothing outside this home attests the books" in ended.out


def edit_the_ledger(service: Service) -> None:
    """One row, by hand, as somebody would who may write to the disk."""
    with sqlite3.connect(service.home / "books.db") as connection:
        (before,) = connection.execute("SELECT content FROM entry WHERE number = 9").fetchone()
        after = bytes(before).replace(b'"at":"20', b'"at":"19')
        assert after != before
        changed = connection.execute("UPDATE entry SET content = ? WHERE number = 9", (after,))
        assert changed.rowcount == 1
    connection.close()


def test_books_edited_by_hand_are_wrong_and_the_stores_are_not_accused(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission())
    edit_the_ledger(furnished)
    asked = furnished.run("ledger", "verify", "--json")
    assert (asked.code, asked.document["books_wrong"], asked.document["findings"]) == (4, True, [])
    assert set(asked.document["witnesses"]) == {"main", "near", "far"}
    said = furnished.run("ledger", "verify").out
    assert "THE BOOKS OF THIS HOME ARE WRONG" in said
    place = (furnished.folder / "far").as_uri()
    assert f"preserve rebuild --from {place}" in said
    assert "preserve repair" not in said
    again = {"PRESERVE_HOME": str(furnished.folder / "new")}
    assert furnished.run("rebuild", "--from", place, more=again).code == 0
    assert furnished.run("ledger", "verify", more=again).code == 0


def test_a_store_with_a_damaged_bundle_is_no_witness_against_wrong_books(furnished: Service) -> None:
    furnished.ask("ingest", furnished.submission())
    edit_the_ledger(furnished)
    bundle = sorted((furnished.folder / "near" / "ledger").glob("*.jsonl"))[-1]
    bundle.chmod(0o600)
    bundle.write_bytes(b"x" + bundle.read_bytes()[1:])
    asked = furnished.run("ledger", "verify", "--json").document
    assert set(asked["witnesses"]) == {"main", "far"}
    assert [(finding["store"], finding["where"]) for finding in asked["findings"]] == [
        ("near", f"ledger/{bundle.name}")
    ]


def test_books_brought_back_from_an_old_backup_are_behind_and_not_wrong(furnished: Service) -> None:
    old = (furnished.home / "books.db").read_bytes()
    furnished.ask("ingest", furnished.submission())
    for left in furnished.home.glob("books.db*"):
        left.unlink()
    (furnished.home / "books.db").write_bytes(old)
    asked = furnished.run("ledger", "verify", "--json")
    assert (asked.code, asked.document["books_wrong"], asked.document["books_behind"]) == (4, False, True)
    assert (asked.document["findings"], asked.document["witnesses"]) == ([], {})
    assert {complaint["code"] for complaint in asked.document["complaints"]} == {"store-ahead"}


def test_status_says_that_the_ledger_is_gone_from_a_store(furnished: Service) -> None:
    entries = furnished.ask("ledger", "verify")["size"]
    shutil.rmtree(furnished.folder / "far" / "ledger")
    ended = furnished.run("status", "--json")
    far = next(store for store in ended.document["stores"] if store["store"] == "far")
    assert (ended.code, far["ledger_entries"], far["published"]) == (1, 0, entries)
    assert "store far holds 0 entries of the ledger" in furnished.run("status").out
    assert furnished.run("audit").code == 1
    assert furnished.run("repair").code == 0
    assert furnished.run("status").code == 0


def test_verify_tells_what_stands_in_the_stores_and_not_what_was_noted(furnished: Service) -> None:
    size = furnished.ask("ledger", "verify")["size"]
    with sqlite3.connect(furnished.home / "books.db") as books:
        books.execute("UPDATE published SET size = 9999")
    verified = furnished.ask("ledger", "verify")
    assert verified["attested"] == dict.fromkeys(("far", "main", "near"), size)
    assert {store["ledger_entries"] for store in furnished.ask("status")["stores"]} == {size}
