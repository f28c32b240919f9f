"""Is work held by one machine at a time, for as long as it lives, and by nobody for long who has died?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preserve.model.attempts import FIRST_WAIT, LEASE, LONGEST_WAIT, MOST_ATTEMPTS, wait_after
from preserve.state.books import Books
from tests.state.bookkeeping import books_with_a_life

NOW = datetime(2026, 6, 1, tzinfo=UTC)
YEARS = timedelta(days=3650)


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    with books_with_a_life(tmp_path / "home") as made:
        yield made


def test_another_machine_waits_until_the_lease_is_over(books: Books) -> None:
    first = books.take_job("audit", "near", "a", NOW)
    assert first is not None and first.token == 1
    assert books.take_job("audit", "near", "b", NOW + LEASE - timedelta(seconds=1)) is None
    assert books.take_job("audit", "city", "b", NOW) is not None, "other work is free"
    later = books.take_job("audit", "near", "b", NOW + LEASE)
    assert later is not None and later.token == 2


def test_the_same_machine_takes_it_again_at_once(books: Books) -> None:
    """There a lock of the kernel tells whether somebody is at it."""
    assert books.take_job("audit", "near", "a", NOW) is not None
    assert books.take_job("audit", "near", "a", NOW) is not None


def test_a_lease_that_is_kept_up_is_not_over(books: Books) -> None:
    job = books.take_job("audit", "near", "a", NOW)
    assert job is not None
    books.extend_job(job, NOW + LEASE / 2)
    assert books.take_job("audit", "near", "b", NOW + LEASE) is None


def test_a_lease_from_a_clock_that_was_years_ahead_holds_nobody_up(books: Books) -> None:
    assert books.take_job("audit", "near", "a", NOW + YEARS) is not None
    assert books.take_job("audit", "near", "b", NOW) is not None


def test_who_was_held_up_changes_nothing_of_the_next_holder(books: Books) -> None:
    stale = books.take_job("audit", "near", "a", NOW)
    fresh = books.take_job("audit", "near", "b", NOW + LEASE)
    assert stale is not None and fresh is not None
    books.extend_job(stale, NOW + YEARS)
    books.drop_job(stale)
    books.end_job(stale, NOW + LEASE)
    (job,) = books.jobs()
    assert (job.holder, job.token, job.lease_until) == ("b", 2, NOW + 2 * LEASE)


def test_failures_in_a_row_wait_longer_each_until_a_person_is_asked(books: Books) -> None:
    now = NOW
    for attempt in range(1, MOST_ATTEMPTS + 1):
        job = books.take_job("repair", "near", "a", now)
        assert job is not None and books.end_job(job, now, "the store is broken") == attempt
        (noted,) = books.jobs()
        assert noted.not_before == now + wait_after(attempt) and noted.why == "the store is broken"
        assert not noted.may_be_tried(now) and noted.may_be_tried(noted.not_before)
        now = noted.not_before
    job = books.take_job("repair", "near", "a", now)
    assert job is not None and books.end_job(job, now) == 0 and books.jobs() == []


def test_a_wait_from_a_clock_that_was_years_ahead_is_over(books: Books) -> None:
    job = books.take_job("repair", "near", "a", NOW + YEARS)
    assert job is not None
    books.end_job(job, NOW + YEARS, "broken")
    (noted,) = books.jobs()
    assert noted.may_be_tried(NOW)


def test_waits_double_up_to_half_a_day() -> None:
    assert [wait_after(number) / FIRST_WAIT for number in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert wait_after(50) == LONGEST_WAIT
