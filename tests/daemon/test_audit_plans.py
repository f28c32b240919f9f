"""Does the planner say beforehand what a budget buys, and what goes overdue?"""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from preserve.model.audit_plans import Reading, plan

TODAY = date(2026, 6, 1)


def reading(due: int, late: int, copies: int, size: int, store: str = "a") -> Reading:
    return Reading(store, TODAY + timedelta(days=due), TODAY + timedelta(days=late), copies, size)


def test_without_a_budget_all_is_read_when_it_is_due() -> None:
    found = plan([reading(0, 5, 10, 1000), reading(3, 9, 5, 500)], TODAY, 5, None)
    assert [each.read_bytes for each in found.days] == [1000, 0, 0, 500, 0] and found.first_overdue is None


def test_what_is_late_first_is_read_first() -> None:
    found = plan([reading(0, 9, 1, 100, "calm"), reading(0, 1, 1, 100, "urgent")], TODAY, 3, 100)
    assert found.first_overdue is None and [each.read_bytes for each in found.days] == [100, 100, 0]


def test_a_budget_that_is_too_small_says_from_when_and_how_much() -> None:
    found = plan([reading(0, 2, 10, 1000)], TODAY, 5, 300)
    assert found.first_overdue == TODAY + timedelta(days=2)
    assert [each.overdue_copies for each in found.days] == [0, 0, 1, 0, 0]
    assert found.least_bytes == 334


def test_what_is_overdue_already_is_told_apart_and_caught_up_first() -> None:
    found = plan([reading(-9, -1, 4, 400), reading(0, 9, 1, 100)], TODAY, 3, 200)
    assert found.hopeless_copies == 4 and [each.overdue_copies for each in found.days] == [2, 0, 0]
    assert found.first_overdue is None


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 10), st.integers(0, 15), st.integers(1, 50), st.integers(1, 10_000)).map(
            lambda each: reading(each[0], each[0] + each[1], each[2], each[3])
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_least_budget_is_enough_and_a_little_less_is_not(readings: list[Reading]) -> None:
    least = plan(readings, TODAY, 30, None).least_bytes
    assert plan(readings, TODAY, 30, least).first_overdue is None
    assert plan(readings, TODAY, 30, least - 1).first_overdue is not None
