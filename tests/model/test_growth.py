"""Does the chart of coverage show what there was, also when nothing happened?"""

from __future__ import annotations

from datetime import date

from preserve.model.growth import Grown, coverage
from preserve.model.nouns import Role

ROLES = {"main": Role.PRIMARY, "far": Role.REMOTE_OFFLINE}


def test_coverage_grows_with_the_copies_and_stays_in_quiet_months() -> None:
    grown = [Grown("2025-11", None, 4, 0), Grown("2025-11", "main", 4, 0), Grown("2026-01", "far", 1, 0)]
    found = coverage(grown, ROLES, date(2026, 2, 3), by_day=False)
    assert [each.period for each in found] == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert [each.share(Role.PRIMARY) for each in found] == [1.0, 1.0, 1.0, 1.0]
    assert [each.share(Role.REMOTE_OFFLINE) for each in found] == [0.0, 0.0, 0.25, 0.25]


def test_days_are_told_one_by_one_and_a_retired_store_counts_no_more() -> None:
    grown = [Grown("2026-02-27", None, 1, 0), Grown("2026-02-28", "gone", 1, 0), Grown("2026-03-01", "main", 2, 0)]
    found = coverage(grown, ROLES, date(2026, 3, 1), by_day=True)
    assert [each.period for each in found] == ["2026-02-27", "2026-02-28", "2026-03-01"]
    assert [each.share(Role.PRIMARY) for each in found] == [0.0, 0.0, 1.0]


def test_a_clock_that_went_back_loses_no_period() -> None:
    found = coverage([Grown("2026-05", None, 1, 0)], ROLES, date(2026, 3, 1), by_day=False)
    assert [(each.period, each.packages) for each in found] == [("2026-05", 1)]


def test_without_packages_there_is_no_share() -> None:
    assert coverage([], ROLES, date(2026, 3, 1), by_day=False) == []
    (first,) = coverage([Grown("2026-03", "main", 1, 0)], ROLES, date(2026, 3, 1), by_day=False)
    assert first.share(Role.PRIMARY) is None
