"""Killed at any point, the books are whole: each act is in the ledger and in the catalog, or in neither."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.sites import postgres
from preserve import durable
from preserve.model import events
from preserve.model.nouns import CopyState, Event
from preserve.state import books_place
from preserve.state.books import FILE_NAME, Books
from preserve.state.books_place import SERVER_FILE_NAME
from preserve.state.verification import verify_books
from tests.crash.points import was_killed_at
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT, NOW
from tests.state.servers import PLACES

ROUNDS = 3
PER_ROUND = 3
"""Events in one transaction: a package and two copies of it."""

Stopper = Callable[[Callable[[], None]], None]


def at_durability_points(tick: Callable[[], None]) -> None:
    durable.listen(lambda point: tick())


def at_statements(tick: Callable[[], None]) -> None:
    connect = sqlite3.connect

    def traced(*arguments: object, **options: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)  # type: ignore[call-overload]
        connection.set_trace_callback(lambda statement: tick())
        return connection

    sqlite3.connect = traced  # type: ignore[assignment]


def one_round(number: int) -> list[Event]:
    copies = [events.copied(ACT, NOW, made.package_id(number), name, CopyState.WRITTEN, 1) for name in ("a", "b")]
    return [made.packaged(number), *copies]


def live(home: Path, told: int, server: str | None) -> None:
    """What the process does that is killed; it tells each act it was told is durable."""
    with Books.create(home, made.initialised(), server=server) as books:
        os.write(told, b".")
        for number in range(ROUNDS):
            books.record(*one_round(number))
            os.write(told, b".")


def killed_at(home: Path, nth: int, stopper: Stopper, server: str | None) -> tuple[bool, int]:
    """Live in a process of its own that is killed at the nth point: whether it was, and how many acts it had told."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        left = nth

        def tick() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        stopper(tick)
        live(home, writer, server)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = len(pipe.read())
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status), told


def assert_whole(home: Path, told: int, server: str | None) -> None:
    if not books_place.is_made(home):
        assert told == 0
        Books.create(home, made.initialised(), server=server).close()
        kept = FILE_NAME if server is None else SERVER_FILE_NAME
        assert [path.name for path in home.iterdir()] == [kept], "the killed attempt left nothing for good"
        return
    with Books.open(home) as books:
        rounds, rest = divmod(books.size() - 1, PER_ROUND)
        assert rest == 0, "a transaction is all there or not at all"
        assert rounds >= told - 1, "what was told to be durable is there"
        assert books.package_count() == rounds
        assert len(list(books.copies())) == 2 * rounds
        assert verify_books(books).is_ok
        books.record(*one_round(77))
        assert verify_books(books).is_ok


@pytest.mark.parametrize(
    ("kept_in", "stopper"),
    [("file", at_durability_points), ("file", at_statements), ("server", at_durability_points)],
    indirect=["kept_in"],
)
def test_killed_at_any_point_the_books_are_whole(memory_path: Path, stopper: Stopper, kept_in: str) -> None:
    points = 0
    while True:
        home = memory_path / str(points)
        home.mkdir()
        PLACES.begin_anew()
        server = PLACES.next()
        was_killed, told = killed_at(home, points + 1, stopper, server)
        assert_whole(home, told, server)
        if not was_killed:
            break
        points += 1
    assert told == ROUNDS + 1
    assert points >= 12, "there are many points at which a process may die"


def test_a_killed_rebuild_leaves_no_books_or_whole_ones(memory_path: Path, kept_in: str) -> None:
    with made.books_with_a_life(memory_path / "source") as books:
        entries = [entry.content for entry in books.entries()]
        root = books.root()
    points = 0
    while True:
        home = memory_path / str(points)
        home.mkdir()
        PLACES.begin_anew()
        server = PLACES.next()
        child = os.fork()
        if child == 0:
            left = points + 1

            def tick(point: str) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            durable.listen(tick)
            Books.rebuild(home, entries, server)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not books_place.is_made(home):
            Books.rebuild(home, entries, server).close()
        with Books.open(home) as books:
            assert books.root() == root
        if not os.WIFSIGNALED(status):
            break
        points += 1
    assert points >= 5


def test_a_killed_move_leaves_the_books_in_the_file_or_on_the_server(
    memory_path: Path, postgres_server: postgres.Server
) -> None:
    PLACES.use(postgres_server)
    points = 0
    while True:
        home = memory_path / str(points)
        home.mkdir()
        with Books.create(home, made.initialised(), *made.a_life()) as books:
            root = books.root()
        PLACES.begin_anew()
        server = PLACES.next()
        assert server is not None
        was_killed = was_killed_at(points + 1, lambda home=home, server=server: books_place.move(home, server))  # type: ignore[misc]
        with Books.open(home) as books:
            assert books.root() == root
        if books_place.server_place(home) is None:
            books_place.move(home, server)
        with Books.open(home) as books:
            assert books.where.startswith(server)
            books.record(*one_round(77))
            assert verify_books(books).is_ok
        if not was_killed:
            break
        points += 1
    PLACES.use(None)
    assert points >= 6
