"""Does a sample prove what we print, neither more nor less?"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from math import comb, prod

import pytest

from preserve.model.audit import (
    SampleAim,
    blocks_to_draw,
    largest_bad_count,
    largest_bad_count_of_each,
    stated,
    stated_of_each,
)


def chance_of_at_most(blocks: int, bad: int, drawn: int, seen: int) -> Fraction:
    """Exactly, by the hypergeometric distribution."""
    ways = sum(comb(bad, each) * comb(blocks - bad, drawn - each) for each in range(min(seen, drawn) + 1))
    return Fraction(ways, comb(blocks, drawn))


def exact_bound(blocks: int, drawn: int, seen: int, confidence: int) -> int:
    doubt = Fraction(100 - confidence, 100)
    return max(bad for bad in range(seen, blocks + 1) if chance_of_at_most(blocks, bad, drawn, seen) >= doubt)


@pytest.mark.parametrize("confidence", [90, 95, 99])
@pytest.mark.parametrize("blocks", [1, 2, 7, 40])
def test_the_bound_is_the_exact_hypergeometric_one(blocks: int, confidence: int) -> None:
    for drawn in range(blocks + 1):
        for seen in range(min(3, drawn) + 1):
            expected = exact_bound(blocks, drawn, seen, confidence)
            assert largest_bad_count(blocks, drawn, seen, confidence) == expected


@pytest.mark.parametrize(("blocks", "drawn"), [(1000, 59), (1000, 299), (5000, 500)])
def test_the_bound_is_exact_for_larger_populations_too(blocks: int, drawn: int) -> None:
    bound = largest_bad_count(blocks, drawn, 0, 95)
    assert chance_of_at_most(blocks, bound, drawn, 0) >= Fraction(5, 100)
    assert chance_of_at_most(blocks, bound + 1, drawn, 0) < Fraction(5, 100)


@pytest.mark.parametrize(("per_million", "confidence", "drawn"), [(1000, 95, 2995), (1000, 99, 4603), (100, 95, 29956)])
def test_of_a_huge_population_as_many_are_drawn_as_the_formula_says(
    per_million: int, confidence: int, drawn: int
) -> None:
    """durability.md, F3: ln(1-C)/ln(1-f)."""
    needed = blocks_to_draw(10**8, SampleAim(per_million, confidence))
    assert drawn * 0.999 <= needed <= drawn


def test_the_rule_of_three() -> None:
    assert largest_bad_count(10**7, 3000, 0, 95) / 10**7 == pytest.approx(3 / 3000, rel=0.01)


def test_of_few_blocks_nearly_all_must_be_read() -> None:
    assert blocks_to_draw(10, SampleAim()) == 10
    assert blocks_to_draw(0, SampleAim()) == 0


def test_a_sample_of_nothing_proves_nothing_and_of_everything_all() -> None:
    assert stated("near", 50, 50, 50, 0, 95).at_most_bad == 0
    assert stated("near", 50, 50, 50, 3, 95).at_most_bad == 3


def test_what_was_drawn_and_not_read_is_counted_neither_as_read_nor_as_sound() -> None:
    statement = stated("near", 50, 50, 40, 3, 95)
    assert (statement.looked_at, statement.not_sound, statement.at_most_bad) == (40, 3, 13)


@pytest.mark.parametrize(("blocks", "drawn"), [(0, 0), (50, 0), (50, 50)])
def test_where_nothing_was_read_nothing_is_claimed(blocks: int, drawn: int) -> None:
    for statement in (stated("near", blocks, drawn, 0, 0, 95), stated_of_each("near", {(blocks, 0): 1}, 0, 95)):
        assert (statement.looked_at, statement.at_most_bad, statement.at_most_percent) == (0, None, None)


def test_the_printed_percentage_is_never_better_than_the_bound() -> None:
    assert stated("near", 3, 2, 2, 0, 95).at_most_percent == "33.334"
    assert stated("near", 100, 100, 100, 0, 95).at_most_percent == "0.000"


@pytest.mark.parametrize(
    "samples",
    [{(10, 1): 1}, {(4, 1): 3}, {(9, 2): 1, (3, 1): 2}, {(5, 5): 2, (6, 1): 1}, {(1, 1): 4}, {(6, 0): 1, (5, 2): 1}],
)
@pytest.mark.parametrize("confidence", [80, 95])
def test_samples_of_each_copy_prove_the_worst_case_over_all_places_of_the_bad_blocks(
    samples: Mapping[tuple[int, int], int], confidence: int
) -> None:
    copies = [each for each, count in samples.items() for _ in range(count)]
    worst = 0
    for bad in product(*(range(blocks + 1) for blocks, _ in copies)):
        clean = prod(
            (chance_of_at_most(blocks, here, drawn, 0) for (blocks, drawn), here in zip(copies, bad, strict=True)),
            start=Fraction(1),
        )
        if clean >= Fraction(100 - confidence, 100):
            worst = max(worst, sum(bad))
    assert largest_bad_count_of_each(samples, confidence) == worst


def test_once_a_bad_block_was_found_in_samples_of_each_only_what_was_seen_is_vouched_for() -> None:
    statement = stated_of_each("near", {(10, 2): 5}, 1, 95)
    assert (statement.blocks, statement.looked_at, statement.at_most_bad) == (50, 10, 41)
