"""Is the age of a look told by what policy allows, and nothing overdue shown as fresh?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pytest

from preserve.model.audit_ages import AgeBand, PlaceAges, StoreAges, ages_by_store, steps
from preserve.model.nouns import Level

TODAY = date(2026, 6, 30)
LIMITS = {Level.SAMPLE: timedelta(days=40), Level.FULL: timedelta(days=400)}


def ages(*looks: tuple[int, int], late: int = 0, limits: Mapping[Level, timedelta] = LIMITS) -> StoreAges:
    """The ages of copies whose last full readings and samples are so many days ago, counted as the books count."""
    days = [
        {Level.FULL: TODAY - timedelta(days=full), Level.SAMPLE: TODAY - timedelta(days=sample)}
        for full, sample in looks
    ]
    older = [sum(any(look[level] < step[level] for level in step) for look in days) for step in steps(limits, TODAY)]
    oldest = min(look[Level.SAMPLE] for look in days)
    (found,) = ages_by_store([PlaceAges("vault", limits, len(days), late, 0, older, oldest)])
    return found


@pytest.mark.parametrize(
    ("full_days", "sample_days", "band"),
    [
        (0, 0, AgeBand.FRESH),
        (99, 9, AgeBand.FRESH),
        (100, 0, AgeBand.SECOND),
        (0, 10, AgeBand.SECOND),
        (200, 0, AgeBand.THIRD),
        (0, 39, AgeBand.LAST),
        (400, 0, AgeBand.LAST),
        (-5, -5, AgeBand.FRESH),
    ],
)
def test_of_two_levels_the_one_that_is_nearer_to_its_limit_tells(
    full_days: int, sample_days: int, band: AgeBand
) -> None:
    found = ages(*[(full_days, sample_days)] * 3)
    assert {each: count for each, count in found.bands.items() if count} == {band: 3}


def test_what_is_overdue_is_in_its_own_band_and_not_due_once_more() -> None:
    found = ages((0, 35), (0, 41), late=1)
    assert found.bands[AgeBand.OVERDUE] == found.bands[AgeBand.LAST] == 1
    assert found.due_within == {7: 1, 30: 1, 90: 1}
    assert (found.oldest, found.limit_days) == (TODAY - timedelta(days=41), 40)


def test_what_falls_due_is_counted_by_how_soon() -> None:
    sampled = {Level.SAMPLE: LIMITS[Level.SAMPLE]}
    assert ages((0, 33), (0, 32), (0, 10), (0, 9), limits=sampled).due_within == {7: 1, 30: 3, 90: 4}


def test_what_only_a_wrong_clock_made_overdue_is_not_called_fresh() -> None:
    (found,) = ages_by_store([PlaceAges("vault", LIMITS, 3, 2, 1, [2, 2, 2, 1, 1, 1], TODAY)])
    assert {each: count for each, count in found.bands.items() if count} == {AgeBand.LAST: 1, AgeBand.OVERDUE: 2}


def test_where_no_policy_asks_for_a_look_none_is_called_fresh() -> None:
    found = ages((0, 0), limits={})
    assert found.bands[AgeBand.UNLIMITED] == 1
    assert found.limit_days is None


def test_stores_without_copies_are_left_out() -> None:
    assert ages_by_store([PlaceAges("cave", LIMITS, 0, 0, 0, [0] * 6, None)]) == []
