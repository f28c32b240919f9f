"""Which copies may still come, until when, and what is owed at once whatever a policy allows?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.policies import allowing, asking_for
from preserve.definitions.policies import read_policy
from preserve.model.nouns import CopyState, Role, StoreEntry
from preserve.model.on_the_way import Promise, WaitsFor, age_of, on_the_way, promise_of, put_together

VERIFIED, ATTESTED, WRITTEN = CopyState.VERIFIED, CopyState.ATTESTED, CopyState.WRITTEN
MONTH, HOUR, SECOND = timedelta(days=30), timedelta(hours=1), timedelta(seconds=1)
TEXT = asking_for(["primary", "same_city", "remote_offline"])
POLICY = read_policy(allowing(TEXT, {"same_city": "1 hour", "remote_offline": "30 days"}), "default.toml")
AT_ONCE = read_policy(TEXT, "default.toml")
NEAR = StoreEntry("near", "1", Role.PRIMARY, "file:///near")
CITY = StoreEntry("city", "2", Role.SAME_CITY, "file:///city")
FAR = StoreEntry("far", "3", Role.REMOTE_OFFLINE, "file:///far")
OTHER = StoreEntry("other", "4", Role.REMOTE_OFFLINE, "file:///other")
STORES = [NEAR, CITY, FAR]
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def waits(promise: Promise, age: timedelta) -> list[tuple[WaitsFor, tuple[str, ...]]]:
    return [(each.waits_for, each.stores) for each in promise.coming_at(age)]


def test_a_copy_is_on_its_way_until_its_time_is_over_and_owed_from_then_on() -> None:
    promise = promise_of(POLICY, STORES, {"near": VERIFIED})
    assert promise.limits == [HOUR, MONTH]
    assert [promise.owed_at(age) for age in (HOUR, HOUR + SECOND, MONTH, MONTH + SECOND)] == [0, 1, 1, 2]
    assert waits(promise, HOUR) == [(WaitsFor.COPYING, ("city",)), (WaitsFor.COPYING, ("far",))]
    assert waits(promise, MONTH) == [(WaitsFor.COPYING, ("far",))]
    assert waits(promise, MONTH + SECOND) == []


def test_a_role_for_which_no_time_is_given_is_owed_at_once() -> None:
    promise = promise_of(AT_ONCE, STORES, {"near": VERIFIED})
    assert (promise.owed_at(timedelta()), promise.coming) == (2, ())
    primary = promise_of(POLICY, STORES, {"city": VERIFIED, "far": VERIFIED})
    assert (primary.owed_at(timedelta()), primary.coming) == (1, ())


def test_what_brings_a_copy_is_said_and_any_store_of_its_role_will_do() -> None:
    held = {"near": VERIFIED, "city": VERIFIED}
    stores = [*STORES, OTHER]
    assert waits(promise_of(POLICY, stores, held), HOUR) == [(WaitsFor.COPYING, ("far", "other"))]
    assert waits(promise_of(POLICY, stores, held, {"far"}), HOUR) == [(WaitsFor.COPYING, ("other",))]
    assert waits(promise_of(POLICY, stores, held, {"far", "other"}), HOUR) == [(WaitsFor.ATTACHING, ("far", "other"))]
    assert waits(promise_of(POLICY, [NEAR, CITY], held), HOUR) == [(WaitsFor.STORE, ())]


@pytest.mark.parametrize("state", [WRITTEN, ATTESTED])
def test_a_copy_that_nobody_read_back_is_no_copy_yet_and_may_have_time(state: CopyState) -> None:
    held = {"near": VERIFIED, "city": VERIFIED, "far": state}
    promise = promise_of(POLICY, STORES, held)
    assert (promise.verified, promise.owed_at(MONTH)) == (2, 0)
    assert waits(promise, MONTH) == [(WaitsFor.READING, ("far",))]
    assert promise_of(AT_ONCE, STORES, held).owed_at(timedelta()) == 1


@pytest.mark.parametrize("state", [CopyState.BAD, CopyState.SUSPECT, CopyState.AWAY])
def test_a_copy_that_was_there_and_counts_no_more_is_owed_at_once(state: CopyState) -> None:
    promise = promise_of(POLICY, STORES, {"near": VERIFIED, "city": VERIFIED, "far": state})
    assert (promise.owed_at(SECOND), promise.coming) == (1, ())
    late = promise_of(POLICY, STORES, {"near": VERIFIED, "city": VERIFIED, "far": VERIFIED}, spoilt={"far"})
    assert (late.owed_at(SECOND), late.coming) == (1, ())


def test_nothing_is_on_its_way_of_a_package_that_nobody_has_read_back_anywhere() -> None:
    everywhere = read_policy(
        allowing(TEXT, dict.fromkeys(["primary", "same_city", "remote_offline"], "30 days")), "default.toml"
    )
    assert promise_of(everywhere, STORES, {"near": ATTESTED}).owed_at(SECOND) == 3
    assert promise_of(everywhere, STORES, {"near": VERIFIED}).owed_at(SECOND) == 0


def test_a_package_dated_on_a_day_still_to_come_has_no_time_left() -> None:
    promise = promise_of(POLICY, STORES, {"near": VERIFIED})
    assert promise.owed_at(age_of(NOW + timedelta(hours=2), NOW)) == 0, "clocks differ a little"
    assert promise.owed_at(age_of(NOW + timedelta(days=900), NOW)) == 2


def test_copies_that_wait_for_the_same_are_told_as_one_with_the_first_date() -> None:
    coming = promise_of(POLICY, STORES, {"near": VERIFIED, "city": VERIFIED}).coming
    told = [*on_the_way(POLICY, coming, NOW, 5), *on_the_way(POLICY, coming, NOW - timedelta(days=2), 2)]
    (one,) = put_together(told)
    assert (one.policy, one.role, one.count, one.stores) == ("default", Role.REMOTE_OFFLINE, 7, ("far",))
    assert one.first_due_at == NOW + timedelta(days=28)


STATES = st.dictionaries(st.sampled_from(["near", "city", "far", "other"]), st.sampled_from(list(CopyState)))


@given(STATES, st.sets(st.sampled_from(["near", "city", "far", "other"])), st.integers(0, 40))
def test_every_copy_wanted_is_verified_on_its_way_or_owed(
    states: dict[str, CopyState], spoilt: set[str], days: int
) -> None:
    promise = promise_of(POLICY, [*STORES, OTHER], states, spoilt=spoilt)
    age = timedelta(days=days)
    coming = sum(each.count for each in promise.coming_at(age))
    assert promise.verified + coming + promise.owed_at(age) == promise.wanted == 3
    assert promise.owed_at(age) >= 0 and all(each.count > 0 for each in promise.coming)
    assert promise.owed_at(age) <= promise.owed_at(age + SECOND), "time never mends what is owed"
