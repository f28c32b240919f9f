"""Are the keys of a store apart, and is what people change what they named and nothing else?"""

from __future__ import annotations

import pytest

from preserve.errors import Refused
from preserve.model.credentials import Holder, profiles, require_apart
from preserve.model.links import SPEED_LIMIT
from preserve.model.nouns import Role, StoreEntry
from preserve.model.store_changes import REMOVABLE, StoreChanges

BUCKET = StoreEntry("near", "id", Role.SAME_CITY, "s3://records", {"site": "A", SPEED_LIMIT: "9"}, {}, "w", "a", "d")


def test_a_key_of_its_own_for_each_holder_is_right() -> None:
    require_apart(BUCKET)
    assert list(profiles(BUCKET)) == [(Holder.WRITER, "w"), (Holder.AUDITOR, "a"), (Holder.DISPOSER, "d")]


@pytest.mark.parametrize(
    "changes",
    [
        StoreChanges(auditor_profile="w"),
        StoreChanges(disposer_profile="w"),
        StoreChanges(auditor_profile="d"),
    ],
)
def test_one_key_for_two_holders_is_refused(changes: StoreChanges) -> None:
    with pytest.raises(Refused, match="who steals that key has both"):
        require_apart(changes.applied(BUCKET))


def test_a_folder_has_no_keys() -> None:
    folder = StoreEntry("main", "id", Role.PRIMARY, "file:///records", auditor_profile="a")
    with pytest.raises(Refused, match="a folder has no keys"):
        require_apart(folder)


def test_what_is_not_named_stays() -> None:
    changed = StoreChanges({"city": "武汉"}, auditor_profile="b").applied(BUCKET)
    assert changed.attributes == {"site": "A", SPEED_LIMIT: "9", "city": "武汉"}
    assert (changed.profile, changed.auditor_profile, changed.disposer_profile) == ("w", "b", "d")


def test_what_is_taken_away_is_gone_and_what_is_also_given_is_given() -> None:
    bare = StoreChanges(removed=frozenset(REMOVABLE)).applied(BUCKET)
    assert (bare.attributes, list(profiles(bare))) == ({}, [])
    assert StoreChanges({"site": "B"}, removed=frozenset(["site"])).applied(BUCKET).attributes["site"] == "B"
