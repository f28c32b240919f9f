"""Books in a file: torn, full, or held by another, they say so and lose nothing that was booked."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from preserve.errors import NoSpace, Refused, Unavailable
from preserve.model import events
from preserve.state import database
from preserve.state.books import FILE_NAME, Books
from preserve.state.verification import verify_books
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT, at


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books.create(tmp_path, made.initialised(), events.store_added(ACT, at(1), made.store()))


def test_a_file_that_is_no_database_is_refused_with_the_way_out(tmp_path: Path, books: Books) -> None:
    books.close()
    (tmp_path / FILE_NAME).write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(Refused, match="preserve rebuild"):
        Books.open(tmp_path)


def test_a_torn_page_is_refused_with_the_way_out(tmp_path: Path) -> None:
    books = made.books_with_a_life(tmp_path)
    books.close()
    content = bytearray((tmp_path / FILE_NAME).read_bytes())
    for page in range(1, len(content) // 4096):
        content[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(Refused, match="preserve rebuild"), Books.open(tmp_path) as torn:
        list(torn.packages())


def test_books_held_by_another_are_unavailable_and_not_torn(
    tmp_path: Path, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    impatient = Books.open(tmp_path)
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="in use by another process"):
        impatient.record(made.packaged(0))
    assert impatient.package_count() == 0, "readers are not kept waiting"
    other.execute("ROLLBACK")
    other.close()
    impatient.record(made.packaged(0))
    assert books.package_count() == 1


def test_a_full_disk_is_told_and_costs_nothing_that_was_booked(tmp_path: Path, books: Books) -> None:
    pages = books._database.row("PRAGMA page_count")
    assert pages is not None
    books._database.write(f"PRAGMA max_page_count = {pages[0]}")
    size = books.size()
    with pytest.raises(NoSpace, match="no space left where"):
        books.record(*(made.packaged(number) for number in range(200)))
    assert books.size() == size
    books._database.write("PRAGMA max_page_count = 1000000")
    books.record(*(made.packaged(number) for number in range(200)))
    assert books.package_count() == 200
    assert verify_books(books).is_ok


def test_opening_the_books_loads_no_cryptography() -> None:
    program = "import sys; import preserve.state.books, preserve.state.publishing; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
