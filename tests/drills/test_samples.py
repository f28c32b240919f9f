"""Does a sample see every sort of package, and is it the same when it is drawn again?"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from preserve import chance
from preserve.clock import stamp
from preserve.model.drill_samples import Candidate, drawn, stratum
from preserve.model.policy import Importance

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def candidate(number: int, **differs: Any) -> Candidate:
    at = stamp(NOW - timedelta(days=100, minutes=number))
    return Candidate(f"p{number:05d}", "default", None, 1000, at, False)._replace(**differs)


ORDINARY = [candidate(number) for number in range(1000)]
RARE = [
    candidate(2000, is_repaired=True),
    candidate(2001, bytes=2 << 30),
    candidate(2002, accession_at=stamp(NOW - timedelta(days=4000))),
    candidate(2003, policy="masters", importance=Importance.IMPORTANT),
]
NEWEST = candidate(0, id="p99999", accession_at=stamp(NOW - timedelta(days=90)))


@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_each_rare_sort_and_the_newest_are_in_a_small_sample_of_many(seed: str) -> None:
    found = drawn([*ORDINARY, *RARE, NEWEST], 8, chance.repeatable(seed), NOW)
    assert {each.id for each in [*RARE, NEWEST]} <= set(found.packages) and len(found.packages) == 8
    assert (found.strata, found.strata_drawn) == (5, 5)


def test_where_the_sample_is_smaller_than_the_sorts_important_ones_come_first() -> None:
    for seed in map(str, range(20)):
        found = drawn([*ORDINARY, *RARE, NEWEST], 2, chance.repeatable(seed), NOW)
        assert set(found.packages) == {NEWEST.id, RARE[3].id}


def test_the_same_seed_draws_the_same_and_another_others() -> None:
    first = drawn(ORDINARY, 10, chance.repeatable("s"), NOW)
    assert drawn(iter(ORDINARY), 10, chance.repeatable("s"), NOW) == first
    assert drawn(ORDINARY, 10, chance.repeatable("t"), NOW).packages != first.packages


def test_all_alike_have_the_same_chance() -> None:
    few = ORDINARY[:20]
    counts = Counter(each for seed in range(2000) for each in drawn(few, 6, chance.repeatable(str(seed)), NOW).packages)
    others = [counts[each.id] for each in few if each is not few[0]]  # that is the newest, and always there
    assert counts[few[0].id] == 2000 and min(others) > 0.8 * max(others)


def test_a_sample_larger_than_the_holdings_is_all_of_them() -> None:
    assert drawn(RARE, 50, chance.repeatable("s"), NOW).packages == tuple(each.id for each in RARE)
    assert drawn([], 50, chance.repeatable("s"), NOW).packages == ()


@pytest.mark.parametrize(("size", "expected"), [(0, 0), ((1 << 20) - 1, 0), (1 << 20, 1), (1 << 26, 2), (1 << 30, 3)])
def test_sizes_fall_into_classes(size: int, expected: int) -> None:
    assert stratum(candidate(1, bytes=size), NOW).size == expected


@pytest.mark.parametrize(("days", "expected"), [(0, 0), (29, 0), (30, 1), (365, 2), (1825, 3)])
def test_ages_fall_into_classes(days: int, expected: int) -> None:
    assert stratum(candidate(1, accession_at=stamp(NOW - timedelta(days=days))), NOW).age == expected
