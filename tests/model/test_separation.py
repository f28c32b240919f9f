"""Are stores that one event can take both found, and only those?"""

from __future__ import annotations

from preserve.model.nouns import Role, StoreEntry
from preserve.model.separation import coincidences


def store(name: str, role: Role, **attributes: str) -> StoreEntry:
    return StoreEntry(name, name, role, f"file:///{name}", attributes)


def shared(one: StoreEntry, other: StoreEntry) -> set[str]:
    found = {each.attribute for each in coincidences(one, [other])}
    assert found == {each.attribute for each in coincidences(other, [one])}
    return found


def test_no_two_copies_share_a_site_or_credentials() -> None:
    one = store("a", Role.PRIMARY, site="Hall 1", credential_domain="ops", city="武汉", power_grid="华中")
    other = store("b", Role.SAME_CITY, site="hall 1", credential_domain="ops", city="武汉", power_grid="华中")
    assert shared(one, other) == {"site", "credential_domain"}


def test_the_remote_copy_shares_no_region_with_any_other() -> None:
    one = store("a", Role.PRIMARY, city="武汉", power_grid="华中", river_basin="长江", seismic_zone="x")
    other = store("b", Role.REMOTE_OFFLINE, city="武汉", power_grid="华中", river_basin="长江", seismic_zone="y")
    assert shared(one, other) == {"city", "power_grid", "river_basin"}


def test_what_is_not_known_is_not_compared() -> None:
    assert shared(store("a", Role.PRIMARY), store("b", Role.REMOTE_OFFLINE, site="x")) == set()


def test_a_store_is_not_compared_with_itself() -> None:
    one = store("a", Role.PRIMARY, site="x")
    assert list(coincidences(one, [one])) == []
