"""Killed at any point, the books are whole: each act is in the ledger and in the catalog, or in neither."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from preserve import durable
from preserve.model import events
from preserve.model.nouns import CopyState, Event
from preserve.state.books import FILE_NAME, Books
from preserve.state.verification import verify_books
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT, NOW

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


def live(home: Path, told: int) -> None:
    """What the process does that is killed; it tells each act it was told is durable."""
    with Books.create(home, made.initialised()) as books:
        os.write(told, b".")
        for number in range(ROUNDS):
            books.record(*one_round(number))
            os.write(told, b".")


def killed_at(home: Path, nth: int, stopper: Stopper) -> tuple[bool, int]:
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
        live(home, writer)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = len(pipe.read())
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status), told


def assert_whole(home: Path, told: int) -> None:
    if not (home / FILE_NAME).exists():
        assert told == 0
        Books.create(home, made.initialised()).close()
        assert [path.name for path in home.iterdir()] == [FILE_NAME], "the killed attempt left nothing for good"
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


@pytest.mark.parametrize("stopper", [at_durability_points, at_statements])
def test_killed_at_any_point_the_books_are_whole(memory_path: Path, stopper: Stopper) -> None:
    points = 0
    while True:
        home = memory_path / str(points)
        home.mkdir()
        was_killed, told = killed_at(home, points + 1, stopper)
        assert_whole(home, told)
        if not was_killed:
            break
        points += 1
    assert told == ROUNDS + 1
    assert points >= 12, "there are many points at which a process may die"


def test_a_killed_rebuild_leaves_no_books_or_whole_ones(memory_path: Path) -> None:
    with made.books_with_a_life(memory_path / "source") as books:
        entries = [entry.content for entry in books.entries()]
        root = books.root()
    points = 0
    while True:
        home = memory_path / str(points)
        home.mkdir()
        child = os.fork()
        if child == 0:
            left = points + 1

            def tick(point: str) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            durable.listen(tick)
            Books.rebuild(home, entries)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if (home / FILE_NAME).exists():
            with Books.open(home) as books:
                assert books.root() == root
        else:
            Books.rebuild(home, entries).close()
        if not os.WIFSIGNALED(status):
            break
        points += 1
    assert points >= 5
