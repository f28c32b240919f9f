"""What thawing costs, by when it is there, and what a month's budget allows: decided from values alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preserve.compose.rules import thaw_prices
from preserve.definitions.thaw_prices import read_thaw_prices
from preserve.errors import Misused, Refused
from preserve.model.blocks import BlockList
from preserve.model.digests import sha256
from preserve.model.keys import Key
from preserve.model.nouns import Role, StoreEntry
from preserve.model.store_changes import STORAGE_CLASS, THAW_BYTES, THAW_COST, require_cold_facts
from preserve.model.thawing import (
    GIB,
    NOTHING,
    UNBOUNDED,
    FrozenBag,
    Purse,
    Spent,
    Thaw,
    ThawBudget,
    ThawPurpose,
    Tier,
    budget_of,
)
from preserve.packages.claims_of_stores import bag_claim
from preserve.ports import Frost, ObjectFacts, PartsClaim, Temperature
from preserve.settings.home import Home
from preserve.stores.s3_cold import frost_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWN = """
title = "ours"
currency = "CNY"
[keeping]
per_gib_day = 0.01
per_gib_read = 0.5
source = "contract 2026-7"
verified = true
[[rate]]
storage_class = "DEEP_ARCHIVE"
tier = "bulk"
hours = 40
per_gib = 0.2
per_1000_requests = 3
source = "contract 2026-7"
verified = true
"""
OURS = read_thaw_prices(OWN, "own.toml")


def bag(size: int = GIB, storage_class: str = "DEEP_ARCHIVE") -> FrozenBag:
    return FrozenBag("p", "far", Key("packages/00/p/bag.tar"), size, storage_class)


def test_the_cost_is_that_of_bringing_back_asking_keeping_and_reading() -> None:
    assert OURS.micros([bag(), bag(GIB // 2)], Tier.BULK, 7) == 1.5 * (200_000 + 7 * 10_000 + 500_000) + 2 * 3_000
    assert OURS.micros([bag(1)], Tier.BULK, 7) == 1 + 3_000  # rounded up: nothing is free
    assert OURS.micros([bag()], Tier.STANDARD, 7) is None


def test_every_shipped_price_says_that_nobody_verified_it(tmp_path: Path) -> None:
    shipped = thaw_prices(Home(tmp_path))
    assert ("DEEP_ARCHIVE", Tier.EXPEDITED) not in shipped.rates
    assert not any(rate.is_verified for rate in shipped.rates.values()) and not shipped.is_verified
    assert shipped.hours("DEEP_ARCHIVE", Tier.BULK) == 48 and shipped.hours("GLACIER", Tier.STANDARD) == 5


def test_the_homes_own_table_goes_before_the_shipped_one_and_a_named_file_before_both(tmp_path: Path) -> None:
    (tmp_path / "thaw-prices.toml").write_text(OWN)
    assert thaw_prices(Home(tmp_path)).currency == "CNY"
    (tmp_path / "other.toml").write_text(OWN.replace("CNY", "EUR"))
    assert thaw_prices(Home(tmp_path), tmp_path / "other.toml").currency == "EUR"
    with pytest.raises(Misused, match="cannot be read"):
        thaw_prices(Home(tmp_path), tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("per_gib = 0.2", "per_gib = -1"),
        ("per_gib = 0.2", ""),
        ("hours = 40", "hours = 0"),
        ('tier = "bulk"', 'tier = "warp"'),
        ("verified = true\n[[rate]]", "[[rate]]"),
        ('currency = "CNY"', 'currency = ""'),
        ('title = "ours"', "title = "),
    ],
)
def test_a_table_that_lacks_a_price_or_its_source_is_refused(good: str, bad: str) -> None:
    assert good in OWN
    with pytest.raises(Misused, match=r"own\.toml holds no prices of thawing"):
        read_thaw_prices(OWN.replace(good, bad, 1), "own.toml")


def purse(budget: ThawBudget, spent: Spent = Spent()) -> Purse:  # noqa: B008 - a frozen value
    return Purse(budget, spent, OURS, Tier.BULK, 7)


def test_a_purse_pays_up_to_its_bound_and_for_what_is_smaller_after_that() -> None:
    of_size = purse(ThawBudget(bytes=3 * GIB), Spent(bytes=GIB))
    assert [of_size.pays(bag(size)) for size in (2 * GIB + 1, GIB, 2 * GIB, GIB, 1)] == [
        False,
        True,
        False,
        True,
        False,
    ]
    cost = OURS.micros([bag()], Tier.BULK, 7) or 0
    of_cost = purse(ThawBudget(micros=2 * cost))
    assert [of_cost.pays(bag()) for _ in range(3)] == [True, True, False]


def test_what_has_no_price_fits_no_bound_of_cost_and_makes_the_month_unknown() -> None:
    assert not purse(ThawBudget(micros=10**12)).pays(bag(storage_class="ICE"))
    assert not purse(ThawBudget(micros=10**12), Spent(is_cost_known=False)).pays(bag())
    free = purse(UNBOUNDED)
    assert free.pays(bag(storage_class="ICE")) and not free.spent.is_cost_known


@pytest.mark.parametrize(
    ("attributes", "is_attended", "budget"),
    [
        ({}, True, UNBOUNDED),
        ({}, False, NOTHING),
        ({THAW_BYTES: "5"}, True, ThawBudget(bytes=5)),
        ({THAW_COST: "7"}, False, ThawBudget(micros=7)),
    ],
)
def test_without_a_budget_only_a_person_may_spend(
    attributes: dict[str, str], is_attended: bool, budget: ThawBudget
) -> None:
    entry = StoreEntry("far", "x", Role.REMOTE_OFFLINE, "s3://b", attributes)
    assert budget_of(entry, is_attended=is_attended) == budget


def asked(purpose: ThawPurpose, hours_ago: int) -> Thaw:
    moment = NOON - timedelta(hours=hours_ago)
    return Thaw(bag(), Tier.BULK, 7, purpose, moment, moment + timedelta(hours=48))


def test_what_was_asked_for_is_looked_for_from_when_it_should_be_there_until_it_is_gone_again() -> None:
    assert asked(ThawPurpose.AUDIT, 50).may_be_there(NOON)
    early, gone = asked(ThawPurpose.AUDIT, 40), asked(ThawPurpose.AUDIT, 24 * 13)
    assert early.is_current(NOON) and not early.may_be_there(NOON)
    assert not gone.is_current(NOON)  # it is due to be asked anew


def test_what_a_site_says_of_an_object_tells_how_cold_it_is() -> None:
    frozen = {"x-amz-storage-class": "DEEP_ARCHIVE"}
    assert frost_of({}) is None and frost_of({"x-amz-storage-class": "GLACIER_IR"}) is None
    assert frost_of(frozen) == Frost("DEEP_ARCHIVE", Temperature.FROZEN)
    assert frost_of({**frozen, "x-amz-restore": 'ongoing-request="true"'}) == Frost("DEEP_ARCHIVE", Temperature.THAWING)
    told = 'ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"'
    until = datetime(2012, 12, 21, tzinfo=UTC)
    assert frost_of({**frozen, "x-amz-restore": told}) == Frost("DEEP_ARCHIVE", Temperature.THAWED, until)
    odd = 'ongoing-request="false", expiry-date="some day"'
    assert frost_of({**frozen, "x-amz-restore": odd}) == Frost("DEEP_ARCHIVE", Temperature.THAWED)


def test_a_claim_about_parts_is_held_against_the_digests_of_the_blocks() -> None:
    digests = sha256(b"a") + sha256(b"b")
    blocks = BlockList(20, digests, 16)
    facts = ObjectFacts(Key("k"), 20, attested_parts=PartsClaim(sha256(digests), 2))
    expected, claimed = bag_claim(facts, blocks) or ("", "-")
    assert expected == claimed == sha256(digests).hex()
    other = ObjectFacts(Key("k"), 20, attested_parts=PartsClaim(sha256(b"x"), 2))
    expected, claimed = bag_claim(other, blocks) or ("", "")
    assert expected != claimed
    assert bag_claim(ObjectFacts(Key("k"), 20, attested_parts=PartsClaim(sha256(digests), 3)), blocks) is None
    assert bag_claim(ObjectFacts(Key("k"), 20, attested_sha256=sha256(b"x")), blocks) is None


def test_a_folder_does_not_freeze_and_a_storage_class_is_a_word_of_the_site() -> None:
    folder = StoreEntry("near", "x", Role.PRIMARY, "file:///near", {STORAGE_CLASS: "GLACIER"})
    with pytest.raises(Refused, match="is a folder, and has no cold storage"):
        require_cold_facts(folder)
    bucket = StoreEntry("far", "x", Role.PRIMARY, "s3://b", {STORAGE_CLASS: "deep archive"})
    with pytest.raises(Misused, match="can be no storage class"):
        require_cold_facts(bucket)
