"""Books on a server: cut off, full, forbidden or gone, they say so; two machines work there in turns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from ops.sites import postgres
from ops.sites.site import wait_for
from preserve.errors import Misused, Refused, Tampered, Unavailable
from preserve.model import events
from preserve.model.attempts import LEASE
from preserve.state import books_place, database
from preserve.state.books import Books
from preserve.state.books_place import SERVER_FILE_NAME
from preserve.state.verification import verify_books
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT, at

SCHEMA = f"preserve_{made.HOME_ID}"


@pytest.fixture
def url(postgres_server: postgres.Server) -> str:
    return postgres_server.new_database()


@pytest.fixture
def books(tmp_path: Path, url: str) -> Iterator[Books]:
    with Books.create(
        tmp_path, made.initialised(), events.store_added(ACT, at(1), made.store()), server=url
    ) as created:
        yield created


def administrate(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def cut_off(url: str) -> None:
    administrate(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


def is_free(books: Books, subject: str) -> bool:
    try:
        with books.claim(subject):
            return True
    except Unavailable:
        return False


def test_the_home_names_the_server_and_holds_no_books(tmp_path: Path, books: Books, url: str) -> None:
    assert [path.name for path in tmp_path.iterdir()] == [SERVER_FILE_NAME]
    assert books_place.server_place(tmp_path) == books_place.ServerPlace(url, SCHEMA)
    with Books.open(tmp_path) as again:
        assert again.root() == books.root()


def test_text_sorts_by_bytes_whatever_the_customs_of_the_server(books: Books) -> None:
    names = ["b", "B", "a", "北京", "安徽", "Z", "é", "z", "-", "a b", "a-b", "ab"]
    books.record(*(events.store_added(ACT, at(2), made.store(name)) for name in names))
    assert [store.name for store in books.stores()] == sorted([*names, "vault"], key=lambda name: name.encode())


def test_an_address_with_a_password_is_not_taken(tmp_path: Path, url: str) -> None:
    for secret in (url.replace("preserve@", "preserve:secret@"), f"{url}?password=secret"):
        with pytest.raises(Misused, match="PGPASSFILE") as caught:
            Books.create(tmp_path, made.initialised(), server=secret)
        assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["mysql://host/db", "host=localhost dbname=x", "postgresql://[::1/db", "/srv/db"])
def test_what_is_no_address_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(Misused, match="address"):
        Books.create(tmp_path, made.initialised(), server=address)


def test_a_server_that_is_down_is_unavailable_and_a_wrong_database_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(Unavailable, match="cannot be reached") as told:
        Books.create(tmp_path, made.initialised(), server="postgresql://preserve@127.0.0.1:9/db")
    assert "\n" not in str(told.value), "monitoring plugins answer in one line"
    with pytest.raises(Refused, match="does not let us in"):
        Books.create(tmp_path, made.initialised(), server=f"{url}-and-no-such-one")
    assert list(tmp_path.iterdir()) == []


def test_books_that_are_not_there_are_refused_and_not_made(tmp_path: Path, books: Books, url: str) -> None:
    administrate(url, f"ALTER SCHEMA {SCHEMA} RENAME TO aside")
    with pytest.raises(Refused, match="no books of this home"):
        Books.open(tmp_path)


def test_a_table_that_is_gone_is_told_with_the_way_out(tmp_path: Path, books: Books, url: str) -> None:
    administrate(url, f"DROP TABLE {SCHEMA}.node")
    with pytest.raises(Refused, match="preserve rebuild"):
        books.record(made.packaged(0))


def test_a_user_who_may_only_read_is_refused_and_reads(tmp_path: Path, books: Books, url: str) -> None:
    administrate(url, "DROP ROLE IF EXISTS auditor; CREATE ROLE auditor LOGIN")
    administrate(url, f"GRANT USAGE ON SCHEMA {SCHEMA} TO auditor")
    administrate(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO auditor")
    with Books.open(tmp_path, url.replace("preserve@", "auditor@")) as watched:
        assert watched.stores() == [made.store()]
        with pytest.raises(Refused, match="may not be written by this user"):
            watched.record(made.packaged(0))
    administrate(url, "DROP OWNED BY auditor; DROP ROLE auditor")


def test_books_held_by_another_are_unavailable_and_not_torn(
    tmp_path: Path, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with Books.open(tmp_path) as impatient:
        with books._database.transaction() as statements:
            statements.execute("UPDATE head SET size = size")
            with pytest.raises(Unavailable, match="in use by another process"):
                impatient.record(made.packaged(0))
            assert impatient.package_count() == 0, "readers are not kept waiting"
        impatient.record(made.packaged(0))
    assert books.package_count() == 1


def test_a_connection_that_is_cut_books_nothing_more_and_a_new_one_does(tmp_path: Path, books: Books, url: str) -> None:
    cut_off(url)
    for _ in range(2):  # there is no coming back: claims went with the connection
        with pytest.raises(Unavailable, match="goes on from what stands"):
            books.record(made.packaged(0))
    with Books.open(tmp_path) as again:
        again.record(made.packaged(0))
        assert again.package_count() == 1


def test_cut_off_amid_a_transaction_nothing_of_it_is_booked(tmp_path: Path, books: Books, url: str) -> None:
    size = books.size()
    with pytest.raises(Unavailable), books._database.transaction() as statements:
        statements.execute("INSERT INTO progress (job, state) VALUES ('a', 'b')")
        cut_off(url)
        statements.execute("INSERT INTO progress (job, state) VALUES ('c', 'd')")
    with Books.open(tmp_path) as again:
        assert (again.size(), again.progress("a")) == (size, None)
        assert verify_books(again).is_ok


def test_a_failed_statement_that_somebody_passed_over_is_not_reported_as_booked(books: Books) -> None:
    with pytest.raises(psycopg.ProgrammingError, match="ROLLBACK"), books._database.transaction() as statements:
        statements.execute("INSERT INTO progress (job, state) VALUES ('a', 'b')")
        with pytest.raises(psycopg.IntegrityError):
            statements.execute("INSERT INTO progress (job, state) VALUES ('a', 'c') RETURNING job").fetchone()
    assert books.progress("a") is None
    books.set_progress("a", "still of use")


def test_a_failed_statement_whose_answer_nobody_waited_for_is_not_reported_as_booked(
    books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    twice = "INSERT INTO progress (job, state) VALUES ('a', 'b')"
    with pytest.raises(Tampered, match="progress_pkey"), books._database.transaction() as statements:
        statements.execute(twice)
        statements.execute(twice)
    with pytest.raises(KeyError), books._database.transaction() as statements:
        statements.execute(twice)
        statements.execute(twice)
        raise KeyError
    assert books.progress("a") is None
    assert not caplog.messages
    books.set_progress("a", "still of use")


def test_what_the_server_cannot_hold_is_refused_and_costs_nothing(books: Books) -> None:
    size = books.size()
    with pytest.raises(Refused, match="cannot hold this"):
        books.record(made.packaged(0), events.policy_registered(ACT, at(2), "nul\0", "text"))
    assert (books.size(), books.package_count()) == (size, 0)


def test_a_claim_keeps_other_machines_out_and_goes_with_its_holder(tmp_path: Path, books: Books, url: str) -> None:
    with Books.open(tmp_path) as other:
        with books.claim("package 1"), books.claim("package 2"):
            assert other.is_claimed("package 1") and books.is_claimed("package 1") and not other.is_claimed("package 3")
            with pytest.raises(Unavailable, match="another machine is working on package 1"), other.claim("package 1"):
                pass
            with other.claim("package 3"):
                pass
        assert not other.is_claimed("package 1")
        with other.claim("package 1"):
            pass
    third = Books.open(tmp_path)
    held = third.claim("package 1")
    held.__enter__()
    with pytest.raises(Unavailable), books.claim("package 1"):
        pass
    third.close()  # as the kernel does for a process that is killed; the server notices a little later
    wait_for(lambda: is_free(books, "package 1"), 10)


def test_whoever_lost_the_server_keeps_his_lease_for_its_time_and_books_nothing_meanwhile(
    tmp_path: Path, books: Books, url: str
) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    job = books.take_job("audit", "near", "a", now)
    books.claim("duty audit near").__enter__()
    assert job is not None
    cut_off(url)
    with Books.open(tmp_path) as other:
        wait_for(lambda: not other.is_claimed("duty audit near"), 10)
        assert other.take_job("audit", "near", "b", now + LEASE / 2) is None, "he may not have noticed yet"
        for booking in (lambda: books.record(made.packaged(0)), lambda: books.extend_job(job, now + LEASE)):
            with pytest.raises(Unavailable):
                booking()
        assert other.take_job("audit", "near", "b", now + LEASE) is not None


def test_claims_of_two_homes_on_one_server_do_not_meet(tmp_path: Path, books: Books, url: str) -> None:
    (tmp_path / "other").mkdir()
    first = events.initialised(ACT, at(0), "another0home", "test+00000000+AQ==")
    with (
        Books.create(tmp_path / "other", first, server=url) as other,
        books.claim("package 1"),
        other.claim("package 1"),
    ):
        assert books_place.homes_on(url) == ["another0home", made.HOME_ID]


# Moving


def test_books_move_whole_and_differ_in_nothing(tmp_path: Path, url: str) -> None:
    with made.books_with_a_life(tmp_path) as books:
        books.set_progress("job", "far")
        books.keep_checkpoint(5, b"note")
        before, root = made.tables(tmp_path), books.root()
    books_place.move(tmp_path, url)
    assert made.tables(tmp_path) == before
    with Books.open(tmp_path) as moved:
        assert url in moved.where
        assert (moved.root(), moved.progress("job"), moved.checkpoint(5)) == (root, "far", b"note")
        moved.record(made.packaged(5))
        assert moved.package_count() == 3


def test_who_had_the_file_open_cannot_book_into_it_after_the_move(tmp_path: Path, url: str) -> None:
    with made.books_with_a_life(tmp_path) as late:
        size = late.size()
        books_place.move(tmp_path, url)
        with pytest.raises(Refused, match="moved from"):
            late.record(made.packaged(5))
        assert late.size() == size


def test_a_move_that_was_killed_before_the_home_named_the_server_is_done_again(tmp_path: Path, url: str) -> None:
    made.books_with_a_life(tmp_path).close()
    books_place.move(tmp_path, url)
    (tmp_path / SERVER_FILE_NAME).unlink()
    with Books.open(tmp_path) as frozen, pytest.raises(Refused, match="move-books"):
        frozen.record(made.packaged(5))
    books_place.move(tmp_path, url)
    with Books.open(tmp_path) as moved:
        moved.record(made.packaged(5))
        assert verify_books(moved).size == moved.size()


def test_books_that_know_more_on_the_server_are_not_replaced(tmp_path: Path, url: str) -> None:
    made.books_with_a_life(tmp_path).close()
    books_place.move(tmp_path, url)
    with Books.open(tmp_path) as moved:
        moved.record(made.packaged(5))
        root = moved.root()
    (tmp_path / SERVER_FILE_NAME).unlink()
    with pytest.raises(Refused, match="home join"):
        books_place.move(tmp_path, url)
    with books_place.books_at(books_place.ServerPlace(url, SCHEMA)) as kept:
        assert Books(kept).root() == root


def test_books_in_a_file_are_not_passed_over_for_a_server(tmp_path: Path, url: str) -> None:
    made.books_with_a_life(tmp_path).close()
    with pytest.raises(Refused, match="move-books"):
        Books.open(tmp_path, url)


@pytest.mark.parametrize("text", ["", "database = 1", "schema = 'a'\n", "no toml at all", "\udcff"])
def test_a_home_that_does_not_say_where_its_books_lie_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / SERVER_FILE_NAME).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Refused, match="home join"):
        Books.open(tmp_path)


def test_a_catalog_edited_on_the_server_is_found_out(tmp_path: Path, url: str) -> None:
    with Books.create(tmp_path, made.initialised(), *made.a_life(), server=url) as books:
        assert verify_books(books).is_ok
        made.edit(tmp_path, "UPDATE copy SET state = 'verified' WHERE store = 'cave' AND state <> 'verified'")
        made.edit(tmp_path, "DELETE FROM finding WHERE store = 'attic'")
        codes = [complaint.code for complaint in verify_books(books).complaints.named]
        assert sorted(codes) == ["row-changed", "row-changed", "row-gone"]
        made.edit(tmp_path, "UPDATE entry SET content = ? WHERE number = 3", b"{}")
        assert "entry-changed" in {complaint.code for complaint in verify_books(books).complaints.named}
