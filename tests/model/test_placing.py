"""Where a copy goes: to a store that can take it now, and never to a second one while the first has it."""

from __future__ import annotations

from preserve.definitions.policies import read_policy
from preserve.model.nouns import CopyEntry, CopyState, Role, StoreEntry
from preserve.model.placing import copies_due, stores_wanted
from tests.packages.building import policy_text

POLICY = read_policy(policy_text(["near", "city"]), "default.toml")
NEAR = StoreEntry("near", "1", Role.PRIMARY, "file:///near")
CITY = StoreEntry("city", "2", Role.SAME_CITY, "file:///city")
TWIN = StoreEntry("city2", "3", Role.SAME_CITY, "file:///city2")
STORES = [NEAR, CITY, TWIN]


def held(store: str) -> CopyEntry:
    return CopyEntry("p", store, CopyState.VERIFIED, "2026-01-01T00:00:00.000000Z")


def test_of_two_stores_of_a_role_the_attached_one_takes_what_is_new() -> None:
    assert stores_wanted(POLICY, STORES) == ["near", "city"]
    assert stores_wanted(POLICY, STORES, away={"city"}) == ["near", "city2"]
    assert copies_due(POLICY, STORES, [held("near")], {"city"}) == ["city2"]


def test_of_two_stores_of_a_role_the_one_with_room_takes_what_is_new() -> None:
    assert stores_wanted(POLICY, STORES, full={"city"}) == ["near", "city2"]
    assert copies_due(POLICY, STORES, [held("near")], full={"city"}) == ["city2"]
    assert copies_due(POLICY, STORES, [held("near"), held("city")], full={"city"}) == []


def test_no_store_that_is_away_stands_in_for_one_that_is_full() -> None:
    assert stores_wanted(POLICY, STORES, away={"city2"}, full={"city"}) == ["near", "city"]
    assert stores_wanted(POLICY, STORES, full={"city", "city2"}) == ["near", "city"]


def test_a_copy_in_a_store_that_is_away_is_there_all_the_same() -> None:
    assert copies_due(POLICY, STORES, [held("near"), held("city")], {"city"}) == []


def test_where_every_store_of_a_role_is_away_one_of_them_is_waited_for() -> None:
    assert stores_wanted(POLICY, STORES, away={"city", "city2"}) == ["near", "city"]
