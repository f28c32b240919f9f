"""Is a drill due, and late, when policy says, and measured by what policy allows?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from preserve.clock import stamp
from preserve.definitions.policies import read_policy
from preserve.model.drills import (
    DrillEntry,
    DrillFault,
    DrillVerdict,
    Limits,
    as_proofs,
    is_rto_open,
    limits,
    missed,
    spread,
    trends,
)
from preserve.model.drills_due import DrillDue, drills_due, drills_in_turn
from preserve.model.nouns import Role, StoreEntry
from preserve.model.policy import DrillRule, RecoveryRule
from tests.packages.building import POLICY_TEXT
from tests.state.bookkeeping import drill

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FAR = StoreEntry("far", "id", Role.REMOTE_OFFLINE, "file:///far")
NEAR = StoreEntry("near", "id2", Role.PRIMARY, "file:///near")
RULE = DrillRule(every_days=90, roles=(Role.REMOTE_OFFLINE,), sample_packages=7)
POLICY = replace(read_policy(POLICY_TEXT, "default.toml"), drills=RULE)


def held(days_ago: float, **differs: Any) -> DrillEntry:
    return drill(store="far", begun_at=stamp(NOW - timedelta(days=days_ago)), without_catalog=False, **differs)


def due(*drills: DrillEntry, rule: DrillRule = RULE, since_days: float = 400) -> list[DrillDue]:
    since = {"far": NOW - timedelta(days=since_days), "near": NOW - timedelta(days=since_days)}
    return drills_due([replace(POLICY, drills=rule)], [FAR, NEAR], since, drills, NOW)


def test_the_first_is_due_as_soon_as_a_store_holds_anything_and_late_after_one_interval() -> None:
    (young,) = due(since_days=1)
    assert (young.store, young.sample_packages, young.last_at) == ("far", 7, None)
    assert young.is_due(NOW) and not young.is_late(NOW)
    assert not due(since_days=98)[0].is_late(NOW) and due(since_days=100)[0].is_late(NOW)


@pytest.mark.parametrize(
    ("days_ago", "is_due", "is_late"),
    [(1, False, False), (89, False, False), (90, True, False), (98, True, False), (100, True, True)],
)
def test_later_ones_are_due_an_interval_after_the_last_and_late_a_tenth_after_that(
    days_ago: int, is_due: bool, is_late: bool
) -> None:
    (found,) = due(held(300), held(days_ago))
    assert (found.is_due(NOW), found.is_late(NOW)) == (is_due, is_late)


def test_a_drill_dated_by_a_clock_that_ran_ahead_puts_none_off_for_years() -> None:
    (found,) = due(held(100), held(-3650))
    assert found.is_due(NOW) and found.last_at == NOW - timedelta(days=100)


def test_one_of_everything_is_held_before_a_sample_and_the_sample_is_late_all_the_same_when_it_is() -> None:
    rule = replace(RULE, full_every_days=730)
    whole, sample = drills_in_turn(due(rule=rule, since_days=150), NOW)["far"]
    assert whole.is_whole and not whole.is_late(NOW)
    assert not sample.is_whole and sample.is_late(NOW)


def test_a_short_interval_has_a_day_of_grace() -> None:
    daily = replace(RULE, every_days=1)
    assert not due(held(1.9), rule=daily)[0].is_late(NOW) and due(held(2.1), rule=daily)[0].is_late(NOW)


def test_a_drill_of_everything_is_one_of_a_sample_too_and_not_the_other_way_round() -> None:
    rule = replace(RULE, full_every_days=365)
    both = due(held(1), rule=rule)
    assert [(each.is_whole, each.is_due(NOW)) for each in both] == [(True, True), (False, False)]
    assert not any(each.is_due(NOW) for each in due(held(1, sample=None), rule=rule))


def test_one_with_the_catalog_at_hand_is_none_without_it() -> None:
    rule = replace(RULE, without_catalog=True)
    assert due(held(1), rule=rule)[0].last_at is None
    without = replace(held(1), without_catalog=True)
    assert not due(without, rule=rule)[0].is_due(NOW) and not due(without)[0].is_due(NOW)


def test_a_drill_that_did_not_pass_was_held() -> None:
    assert not due(held(1, faults=(DrillFault.RTO,)))[0].is_due(NOW)


def test_no_store_that_holds_nothing_and_no_other_role_is_asked() -> None:
    assert drills_due([POLICY], [FAR, NEAR], {"near": NOW}, [], NOW) == []
    assert drills_due([replace(POLICY, drills=None)], [FAR], {"far": NOW}, [], NOW) == []


# Measures


def test_the_strictest_policy_counts_and_the_remote_store_is_held_to_a_lost_city() -> None:
    policies = [
        replace(POLICY, recovery=RecoveryRule(rpo_seconds=10, rto_seconds=20, city_lost_rto_seconds=50)),
        replace(POLICY, recovery=RecoveryRule(rpo_seconds=5, city_lost_rpo_seconds=40)),
        POLICY,
    ]
    assert limits(policies, Role.SAME_CITY) == Limits(5, 20)
    assert limits(policies, Role.REMOTE_OFFLINE) == Limits(40, 50)
    assert limits([POLICY], Role.PRIMARY) == Limits(None, None)


@pytest.mark.parametrize(
    ("lost", "rto", "faults"),
    [(0, 20.0, []), (10, 20.0, []), (11, 20.0, [DrillFault.RPO]), (0, 20.1, [DrillFault.RTO]),
     (11, 21.0, [DrillFault.RTO, DrillFault.RPO])],
)  # fmt: skip
def test_a_limit_is_missed_when_it_is_passed(lost: int, rto: float, faults: list[DrillFault]) -> None:
    assert missed(Limits(10, 20), lost, rto) == faults
    assert missed(Limits(None, None), lost, rto) == []


@pytest.mark.parametrize(
    ("least", "most", "is_open"),
    [(1, 19, False), (20, 20, False), (1, 21, True), (20, 21, True), (20.1, 25, False), (1, None, True),
     (21, None, False)],
)  # fmt: skip
def test_a_limit_between_what_it_took_at_least_and_at_most_is_not_judged(
    least: float, most: float | None, is_open: bool
) -> None:
    assert is_rto_open(Limits(None, 20), least, most) == is_open
    assert not is_rto_open(Limits(10, None), least, most)


def test_a_drill_whose_recovery_time_nobody_can_judge_passes_in_part_and_answers_for_none_that_was_late() -> None:
    failed = held(2, faults=(DrillFault.RTO,))
    open_one = held(1, unjudged=0, is_rto_unjudged=True)
    assert open_one.verdict is DrillVerdict.IN_PART and not open_one.answers(failed)
    assert open_one.answers(held(2, faults=(DrillFault.MISSING,)))
    assert held(1).answers(failed)


@pytest.mark.parametrize(
    ("values", "p50", "p95"),
    [([7.0], 7, 7), ([1.0, 2.0], 1, 2), (list(range(1, 101)), 50, 95), ([3.0, 1.0, 2.0], 2, 3)],
)
def test_percentiles_are_values_that_were_measured(values: list[float], p50: float, p95: float) -> None:
    found = spread(values)
    assert found is not None and (found.drills, found.p50, found.p95) == (len(values), p50, p95)
    assert spread([]) is None


def test_samples_and_drills_of_everything_are_told_apart_over_time() -> None:
    whole, sample = trends([drill(sample=None), drill(), drill(faults=(DrillFault.RTO,), rto_milliseconds=9000)])[::-1]
    assert (whole.is_whole, whole.drills, whole.passed, whole.in_part) == (True, 1, 0, 1)
    assert (sample.drills, sample.passed, sample.in_part) == (2, 0, 1) and sample.rto_seconds is not None
    assert (sample.rto_seconds.p50, sample.rto_seconds.p95) == (1.5, 9.0)


def test_a_level_is_proved_by_a_drill_of_all_that_the_policy_keeps() -> None:
    (proof,) = as_proofs([drill(sample=None)])
    assert proof.is_whole and proof.has_passed and proof.rto_seconds == 1.5 and proof.rpo_seconds == 20
    assert not as_proofs([drill()])[0].is_whole


def test_a_bag_that_no_foreign_reader_judged_answers_for_none_that_was_rejected() -> None:
    failed = held(2, faults=(DrillFault.STRUCTURE,))
    assert held(1).answers(failed)
    assert not held(1, unread_bags=1).answers(failed)
    assert held(1, unread_bags=1).answers(held(2, faults=(DrillFault.BYTES,)))
