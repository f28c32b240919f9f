"""Is the age of a look told by what policy allows, and nothing overdue shown as fresh?"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from preserve.model.audit_ages import AgeBand, LookedAlike, ages_by_store
from preserve.model.nouns import Level

TODAY = date(2026, 6, 30)
LIMITS = {("default", "vault"): {Level.SAMPLE: timedelta(days=40), Level.FULL: timedelta(days=400)}}


def look(full_days: int, sample_days: int, is_overdue: bool = False, copies: int = 1) -> LookedAlike:
    return LookedAlike(
        "default", "vault", copies, is_overdue, TODAY - timedelta(days=full_days), TODAY - timedelta(days=sample_days)
    )


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
    (ages,) = ages_by_store([look(full_days, sample_days, copies=3)], LIMITS, TODAY)
    assert {each: count for each, count in ages.bands.items() if count} == {band: 3}


def test_what_is_overdue_is_in_its_own_band_and_not_due_once_more() -> None:
    (ages,) = ages_by_store([look(0, 35), look(0, 41, is_overdue=True)], LIMITS, TODAY)
    assert ages.bands[AgeBand.OVERDUE] == 1
    assert ages.due_within == {7: 1, 30: 1, 90: 1}
    assert (ages.oldest, ages.limit_days) == (TODAY - timedelta(days=41), 40)


def test_where_no_policy_asks_for_a_look_none_is_called_fresh() -> None:
    (ages,) = ages_by_store([look(0, 0)], {}, TODAY)
    assert ages.bands[AgeBand.UNLIMITED] == 1
    assert ages.limit_days is None
