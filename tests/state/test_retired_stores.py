"""A retired store counts for nothing, keeps what was known of it, and comes back as nobody's word but its own."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from preserve.errors import Refused
from preserve.model import events
from preserve.model.nouns import Condition, CopyState, Event
from preserve.state.books import FILE_NAME, Books
from preserve.state.verification import verify_books
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT, BACK_TO_THE_FIRST_SCHEMA, at

RETIRED = events.store_retired(ACT, at(50), "cave", False, "store cave was retired")


@pytest.fixture
def books(tmp_path: Path, kept_in: str) -> Books:
    return made.books_with_a_life(tmp_path / "home")


def states(books: Books, store: str) -> dict[str, CopyState]:
    return {copy.package_id: copy.state for copy in books.copies(store=store)}


def test_a_retired_store_and_its_copies_are_in_no_answer_but_those_about_retired_stores(books: Books) -> None:
    assert len(states(books, "cave")) == 2
    books.record(RETIRED)
    assert [store.name for store in books.stores()] == ["vault"]
    assert states(books, "cave") == {}
    assert [copy.store for copy in books.copies(package=made.package_id(0))] == ["vault"]
    assert books.copy(made.package_id(0), "cave") is None
    assert [seen.store for seen in books.stores_seen()] == ["vault"]
    retired = {each.entry.name: each for each in books.retired_stores()}
    assert (retired["cave"].why, retired["cave"].day, retired["cave"].is_lost) == ("a test", "2026-01-01", False)
    assert (retired["cave"].copies, retired["attic"].copies, retired["attic"].is_lost) == (2, 1, True)
    with pytest.raises(Refused, match=r"cave was retired on 2026-01-01 \(a test\).*store add cave --role primary"):
        books.store("cave")


def test_its_open_findings_are_closed_with_the_retirement_as_evidence(books: Books) -> None:
    (open_before,) = books.findings(store="cave")
    books.record(RETIRED)
    assert list(books.findings(store="cave")) == []
    closed = books.finding(open_before.id)
    assert (closed.closed_at, closed.closed_with) == (at(50), "store cave was retired")


@pytest.mark.parametrize(
    "late",
    [
        made.copied(0, "cave"),
        events.found(ACT, at(51), made.damage(1, "cave", Condition.UNREADABLE)),
        events.copy_moved(ACT, at(51), made.package_id(0), "cave", CopyState.VERIFIED, "read"),
        events.store_retired(ACT, at(51), "cave", False, "again"),
        events.store_added(ACT, at(51), made.store("cave", "another-disk")),
        events.store_added(ACT, at(51), made.store("den", "id-of-vault")),
    ],
    ids=["copied", "found", "moved", "retired again", "its name for another", "another name"],
)
def test_what_would_bring_it_back_by_the_way_is_refused(books: Books, late: Event) -> None:
    books.record(RETIRED)
    size = books.size()
    with pytest.raises(Refused):
        books.record(late)
    assert books.size() == size


def test_the_same_store_comes_back_with_copies_that_nobody_has_looked_at(books: Books, tmp_path: Path) -> None:
    books.record(
        made.copied(0, "cave"),
        events.copy_moved(ACT, at(49), made.package_id(1), "cave", CopyState.BAD, "rot"),
        RETIRED,
        events.store_added(ACT, at(60), made.store("cave")),
    )
    assert [store.name for store in books.stores()] == ["cave", "vault"]
    assert books.retired_store("cave") is None
    assert states(books, "cave") == {made.package_id(0): CopyState.SUSPECT, made.package_id(1): CopyState.BAD}
    assert verify_books(books).is_ok
    (tmp_path / "again").mkdir()
    with made.rebuild(tmp_path / "again", (entry.content for entry in books.entries())) as again:
        assert states(again, "cave") == states(books, "cave")


def schema(path: Path) -> dict[str, str]:
    """Each table and index, but for comments and white space."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    plain = ((name, re.sub(r"\s+", " ", re.sub(r"--.*", "", text))) for name, text in rows)
    return {name: text.replace("( ", "(").replace(" )", ")") for name, text in plain}


def derived(path: Path) -> dict[str, set[tuple[object, ...]]]:
    """The rows that a step makes of other tables' rows; the first schema knew no retired stores."""
    stores = "store IN (SELECT name FROM store)"
    in_use = {
        "kept": "1 = 1",
        "standing": "1 = 1",
        "look": stores,
        "look_day": stores,
        "growth": f"store = '' OR {stores}",
    }
    with sqlite3.connect(path) as connection:
        return {
            name: set(connection.execute(f"SELECT * FROM {name} WHERE {test}"))  # noqa: S608
            for name, test in in_use.items()
        }


@pytest.mark.parametrize("lacks_declarations", [True, False])
def test_books_of_the_first_schema_are_brought_up_to_date_and_differ_in_nothing(
    tmp_path: Path, lacks_declarations: bool
) -> None:
    made.books_with_a_life(tmp_path / "home").close()
    path = tmp_path / "home" / FILE_NAME
    new, kept = schema(path), derived(path)
    with sqlite3.connect(path) as connection:
        for statement in BACK_TO_THE_FIRST_SCHEMA:
            connection.execute(statement)
        connection.execute("DELETE FROM declarations")
        if lacks_declarations:
            connection.execute("DROP TABLE declarations")
        connection.execute("UPDATE schema_version SET version = 1")
    assert schema(path) != new
    with Books.open(tmp_path / "home") as again:
        assert derived(path) == kept
        assert again.retired_stores() == []
        again.record(RETIRED)
        assert len(again.retired_stores()) == 1
    assert schema(path) == new


def test_since_when_a_store_is_away_is_noted_until_it_is_there(books: Books) -> None:
    books.note_absences("a", {"cave"}, at(70))
    books.note_absences("a", {"cave", "vault"}, at(71))
    assert books.absences("a") == {"cave": at(70), "vault": at(71)}
    books.note_absences("a", {"vault"}, at(72))
    books.note_absences("b", {"cave"}, at(73))
    assert books.absences("a") == {"vault": at(71)}, "each machine has its own"
