"""What would events leave: are stores found by what is lost, and is a stolen key trusted with nothing it could do?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from preserve.errors import Misused
from preserve.model.canary import Attempt, CanaryTrial, Effect
from preserve.model.credentials import Holder
from preserve.model.nouns import Role, StoreEntry
from preserve.model.what_if import KeyReach, aftermath, stolen_key

LOCKING = {"create_only": True, "object_lock": True, "versioning": True, "erases": True}


def store(name: str, role: Role = Role.PRIMARY, can: dict[str, bool] | None = None, **told: str) -> StoreEntry:
    return StoreEntry(name, name, role, f"file:///{name}", told, can if can is not None else {"erases": True})


STORES = [
    store("main", city="武汉", credential_domain="ops"),
    store("near", Role.SAME_CITY, LOCKING, city="武汉", credential_domain="ops2", vendor="X"),
    store("far", Role.REMOTE_OFFLINE, city="兰州", vendor="X"),
]


@pytest.mark.parametrize(
    ("event", "lost"),
    [
        ("main", {"main"}),
        ("same-city", {"near"}),
        ("same_city", {"near"}),
        ("Remote-Offline", {"far"}),
        ("city=武汉", {"main", "near"}),
        ("vendor=x", {"near", "far", "main"}),
        ("credential-domain=ops", {"main", "far"}),
    ],
)
def test_what_is_lost_is_found_by_name_role_and_what_stores_share(event: str, lost: set[str]) -> None:
    found = aftermath(STORES, [event], [])
    assert set(found.lost) == lost
    assert set(found.whole) == {"main", "near", "far"} - lost


@pytest.mark.parametrize("event", ["mars", "city=", "city=mars", "colour=red", "", "primary-store"])
def test_what_names_nothing_is_told_with_what_there_is(event: str) -> None:
    with pytest.raises(Misused, match="same-city"):
        aftermath(STORES, [event], [])


def test_stolen_keys_leave_what_is_offline_and_what_is_locked() -> None:
    found = aftermath(STORES, [], ["writer-key"])
    assert {each.store: each.reach for each in found.stolen} == {
        "main": KeyReach.ERASE, "near": KeyReach.LOCKED, "far": KeyReach.NOTHING,
    }  # fmt: skip
    assert (found.whole, found.locked) == (("far",), ("near",))


def test_a_store_on_a_network_is_not_offline_whatever_it_is_called() -> None:
    bucket = replace(store("far", Role.REMOTE_OFFLINE), url="s3://records?endpoint=http://far")
    assert stolen_key(bucket).reach is KeyReach.ERASE


def test_a_key_may_be_that_of_one_store_or_domain() -> None:
    assert [each.store for each in aftermath(STORES, [], ["writer-key=main"]).stolen] == ["main", "far"]
    assert [each.store for each in aftermath(STORES, [], ["writer-key=ops2"]).stolen] == ["near", "far"]
    for theft in ("key", "writer-key=", "writer-key=nobody", "reader-key=main"):
        with pytest.raises(Misused, match="cannot be stolen"):
            aftermath(STORES, [], [theft])


def test_what_is_lost_cannot_be_stolen_from() -> None:
    found = aftermath(STORES, ["same-city"], ["writer-key"])
    assert [each.store for each in found.stolen] == ["main", "far"]
    assert (found.whole, found.locked) == (("far",), ())


@pytest.mark.parametrize(
    ("can", "reach"),
    [
        ({}, KeyReach.ERASE),
        ({"create_only": True, "erases": True}, KeyReach.ERASE),
        ({"create_only": True, "erases": False}, KeyReach.ERASE),  # the thief need not ask for create-only
        ({"versioning": True, "erases": True}, KeyReach.ERASE),
        ({"versioning": True, "erases": False}, KeyReach.HIDE),
        (LOCKING, KeyReach.LOCKED),
    ],
    ids=str,
)
def test_a_key_is_judged_by_what_the_probe_found(can: dict[str, bool], reach: KeyReach) -> None:
    assert stolen_key(store("a", can=can)).reach is reach


REFUSED, OUTLIVED, DONE = Effect.REFUSED, Effect.OUTLIVED, Effect.DONE
TRIED_AT = "2026-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("effects", "lock_until", "reach"),
    [
        ({Attempt.OVERWRITE: REFUSED, Attempt.ERASE: REFUSED}, None, KeyReach.NOTHING),
        ({Attempt.OVERWRITE: OUTLIVED, Attempt.ERASE_VERSION: REFUSED, Attempt.ERASE: REFUSED}, None, KeyReach.HIDE),
        ({Attempt.OVERWRITE: OUTLIVED, Attempt.ERASE_VERSION: REFUSED}, "2026-01-31", KeyReach.LOCKED),
        ({Attempt.OVERWRITE: OUTLIVED, Attempt.ERASE_VERSION: DONE}, "2026-01-31", KeyReach.ERASE),
        ({}, None, KeyReach.ERASE),
    ],
)
def test_what_a_key_showed_on_the_canary_counts_more_than_what_the_probe_found(
    effects: dict[Attempt, Effect], lock_until: str | None, reach: KeyReach
) -> None:
    entry = replace(store("near", Role.SAME_CITY), profile="w")
    trial = CanaryTrial("near", TRIED_AT, "w", lock_until, {Holder.WRITER: effects} if effects else {})
    assert stolen_key(entry, trial).reach is reach
    assert stolen_key(replace(entry, profile="another"), trial).reach is KeyReach.ERASE, "another key than was tried"
    assert aftermath([entry], [], ["writer-key"], {"near": trial}).stolen[0].reach is reach


def test_that_the_disposers_key_erases_says_nothing_of_the_writers() -> None:
    entry = replace(store("near", can={"versioning": True, "erases": False}), disposer_profile="d")
    assert stolen_key(entry).reach is KeyReach.ERASE
    assert stolen_key(replace(entry, disposer_profile=None)).reach is KeyReach.HIDE


def test_what_nobody_told_of_a_store_is_taken_to_be_shared_and_named() -> None:
    assert aftermath(STORES, ["vendor=X"], []).untold == (("main", "vendor"),)
    assert aftermath(STORES, ["city=武汉"], []).untold == (), "all were told their city"
    assert aftermath(STORES, [], ["writer-key=ops"]).untold == (("far", "credential_domain"),)
    assert {each.store for each in aftermath(STORES, [], ["writer-key=far"]).stolen} == {"main", "near", "far"}


def test_who_has_the_key_of_one_store_has_that_of_all_it_opens() -> None:
    one, two = (store(name, credential_domain=name) for name in ("one", "two"))
    other = replace(store("other", credential_domain="one"), role=Role.SAME_CITY)
    assert [each.store for each in aftermath([one, two, other], [], ["writer-key=one"]).stolen] == ["one", "other"]
    same = [replace(each, profile="archive") for each in (one, two)]
    assert [each.store for each in aftermath([*same, other], [], ["writer-key=two"]).stolen] == ["one", "two"]
