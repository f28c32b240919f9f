"""Several processes and threads use the same books at the same time."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from preserve.model import events
from preserve.state.books import Books
from preserve.state.verification import verify_books
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT, NOW

pytestmark = pytest.mark.usefixtures("kept_in")

PROCESSES = 3
ACTS = 40


def in_process(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return child


def write(home: Path, writer: int) -> None:
    with Books.open(home) as books:
        for number in range(ACTS):
            package = writer * 1000 + number
            books.record(made.packaged(package), made.copied(package))
            books.record(events.found(ACT, NOW, made.damage(0, "vault")))
            books.record(events.policy_registered(ACT, NOW, "default", "the same text"))


def test_processes_write_in_turns_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    made.create(tmp_path, made.initialised()).close()
    children = [in_process(lambda writer=writer: write(tmp_path, writer)) for writer in range(PROCESSES)]  # type: ignore[misc]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * PROCESSES
    with Books.open(tmp_path) as books:
        assert books.size() == 1 + PROCESSES * ACTS * 2 + 2
        assert books.package_count() == PROCESSES * ACTS
        assert len(list(books.findings(open_only=False))) == 1
        assert len(books.policies()) == 1
        assert verify_books(books).is_ok


def test_a_reader_sees_whole_transactions_while_another_process_writes(tmp_path: Path) -> None:
    made.create(tmp_path, made.initialised()).close()
    child = in_process(lambda: write(tmp_path, 0))
    with Books.open(tmp_path) as books:
        sizes = []
        ended = status = 0
        while not ended:
            ended, status = os.waitpid(child, os.WNOHANG)
            verdict = verify_books(books)
            assert verdict.is_ok
            sizes.append(verdict.size)
    assert os.waitstatus_to_exitcode(status) == 0
    assert sizes == sorted(sizes)
    assert sizes[-1] == 1 + ACTS * 2 + 2


def test_threads_share_one_set_of_books(tmp_path: Path) -> None:
    def act(number: int) -> int:
        first = books.record(made.packaged(number), made.copied(number))
        return len(list(books.copies(package=made.package_id(number)))) and first

    with made.create(tmp_path, made.initialised()) as books, ThreadPoolExecutor(8) as pool:
        firsts = list(pool.map(act, range(100)))
        assert sorted(firsts) == list(range(1, 201, 2))
        assert verify_books(books).is_ok
