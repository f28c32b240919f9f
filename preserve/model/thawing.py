"""Thawing: what it costs to have objects of cold storage brought back, by when they should be there, what is allowed.

What a thaw costs is reckoned from a table that a person can replace; it is an estimate and never a bill.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from preserve.model.keys import Key
from preserve.model.nouns import StoreEntry
from preserve.model.store_changes import STORAGE_CLASS, THAW_BYTES, THAW_COST

GIB = 1024**3
LONGEST_HOURS = 48
"""By when an object should be there of which no table tells: the slowest way that Amazon describes."""
DEFAULT_DAYS = 7
MOST_DAYS = 365
"""For how long a thawed copy is asked to stay, and may be."""


class Tier(StrEnum):
    """How quickly, and how dearly, an object is brought back (S3 API reference, RestoreObject, Tier)."""

    BULK = "bulk"
    STANDARD = "standard"
    EXPEDITED = "expedited"


class ThawPurpose(StrEnum):
    """What an object was asked for."""

    REQUEST = "request"  # by a person, for whatever comes
    AUDIT = "audit"
    RESTORE = "restore"
    REPAIR = "repair"
    REPLICATION = "replication"
    DRILL = "drill"


ASKED_BY_PEOPLE = (ThawPurpose.REQUEST, ThawPurpose.RESTORE, ThawPurpose.REPAIR)
"""What a person who asks for it may have thawed where no budget was set; looking and copying can wait for one."""
IN_HASTE = (ThawPurpose.RESTORE, ThawPurpose.REPAIR)


def tier_for(purpose: ThawPurpose) -> Tier:
    """Who needs a record, or has lost one, waits hours; who looks, a day or two."""
    return Tier.STANDARD if purpose in IN_HASTE else Tier.BULK


@dataclass(frozen=True, slots=True)
class ThawTerms:
    """For what, how quickly, and for how many days objects are asked for."""

    purpose: ThawPurpose
    tier: Tier
    days: int = DEFAULT_DAYS


def terms_for(purpose: ThawPurpose) -> ThawTerms:
    """The terms on which this program asks where no person said others."""
    return ThawTerms(purpose, tier_for(purpose))


@dataclass(frozen=True, slots=True)
class ThawRate:
    """What bringing back costs by one tier, in millionths of the currency, and how many hours it may take."""

    hours: int
    micros_per_gib: int
    micros_per_1000: int
    source: str
    is_verified: bool


@dataclass(frozen=True, slots=True)
class ThawPrices:
    """A table of prices.  Keeping a thawed copy costs by GiB and day, reading it out of the site by GiB."""

    title: str
    currency: str
    rates: Mapping[tuple[str, Tier], ThawRate]
    micros_per_gib_day: int
    micros_per_gib_read: int
    source: str
    is_verified: bool

    def rate(self, storage_class: str, tier: Tier) -> ThawRate | None:
        return self.rates.get((storage_class, tier))

    def micros(self, bags: Iterable[FrozenBag], tier: Tier, days: int) -> int | None:
        """What thawing these for so many days, and reading them once, is expected to cost; None: some price lacks."""
        total = 0
        for bag in bags:
            rate = self.rate(bag.storage_class, tier)
            if rate is None:
                return None
            by_size = rate.micros_per_gib + self.micros_per_gib_day * days + self.micros_per_gib_read
            total += -(-bag.bytes * by_size // GIB) + -(-rate.micros_per_1000 // 1000)
        return total

    def hours(self, storage_class: str, tier: Tier) -> int:
        """Within how many hours an object should be there."""
        rate = self.rate(storage_class, tier)
        return LONGEST_HOURS if rate is None else rate.hours

    def sources(self, bags: Iterable[FrozenBag], tier: Tier) -> list[tuple[str, bool]]:
        """Where the figures for these come from, and whether somebody compared them with their source."""
        rates = (self.rate(bag.storage_class, tier) for bag in bags)
        told = [(rate.source, rate.is_verified) for rate in rates if rate is not None]
        return list(dict.fromkeys([*told, (self.source, self.is_verified)]))


def added(micros: int | None, more: int | None) -> int | None:
    """Two costs in one sum; None where either is not known."""
    return None if micros is None or more is None else micros + more


NO_PRICES = ThawPrices("", "", {}, 0, 0, "", False)
"""No table at all: nothing is known of costs."""


@dataclass(frozen=True, slots=True)
class FrozenBag:
    """One object of a package that lies in cold storage of a store."""

    package_id: str
    store: str
    key: Key
    bytes: int
    storage_class: str


MOST_BAGS_NAMED = 1000
"""How many bags a report names; all are counted."""


@dataclass(slots=True)
class Bags:
    """So many bags, so large in all, of which the first are named."""

    count: int = 0
    bytes: int = 0
    named: list[FrozenBag] = field(default_factory=list)

    def add(self, bag: FrozenBag) -> None:
        self.count += 1
        self.bytes += bag.bytes
        if len(self.named) < MOST_BAGS_NAMED:
            self.named.append(bag)

    def __len__(self) -> int:
        return self.count


@dataclass(frozen=True, slots=True)
class Thaw:
    """What was asked for last of one object: how, for what, when, and by when it should be there."""

    bag: FrozenBag
    tier: Tier
    days: int
    purpose: ThawPurpose
    asked_at: datetime
    expected_at: datetime

    def is_current(self, now: datetime) -> bool:
        """Whether what was asked for may still be on its way, or there.  A site may take longer than it says."""
        return now < self.expected_at + (self.expected_at - self.asked_at) + timedelta(days=self.days + 1)

    def may_be_there(self, now: datetime) -> bool:
        """Whether it is worth looking."""
        return self.expected_at <= now and self.is_current(now)


@dataclass(frozen=True, slots=True)
class Spent:
    """What was asked for in a month: bytes, and what that was expected to cost; `is_cost_known` False: some was not."""

    bytes: int = 0
    micros: int = 0
    is_cost_known: bool = True


@dataclass(frozen=True, slots=True)
class ThawBudget:
    """What may be thawed of a store in a month; None: no bound of that kind."""

    bytes: int | None = None
    micros: int | None = None

    def is_spent(self, spent: Spent) -> bool:
        """Whether nothing more may be asked for."""
        by_size = self.bytes is not None and spent.bytes >= self.bytes
        return by_size or (self.micros is not None and spent.micros >= self.micros)


UNBOUNDED = ThawBudget()
NOTHING = ThawBudget(bytes=0)


ARCHIVE_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects have to be asked for (S3 API reference, RestoreObject)."""


def is_kept_cold(entry: StoreEntry) -> bool:
    """Whether a store freezes every bag as soon as it is written."""
    return entry.attributes.get(STORAGE_CLASS) in ARCHIVE_CLASSES


def budget_of(entry: StoreEntry, *, is_attended: bool) -> ThawBudget:
    """What may be thawed of a store: what was set for it.  Where nothing was, a person who asks may have all, and
    nobody else anything: a scheduled audit brings no bill that nobody expects."""
    size, cost = entry.attributes.get(THAW_BYTES), entry.attributes.get(THAW_COST)
    if size is None and cost is None:
        return UNBOUNDED if is_attended else NOTHING
    return ThawBudget(int(size) if size else None, int(cost) if cost else None)


def month_of(moment: datetime) -> str:
    """The month, in UTC, that a budget is for."""
    return moment.strftime("%Y-%m")


@dataclass(slots=True)
class Purse:
    """What is left of a month's budget while objects are asked for one after the other."""

    budget: ThawBudget
    spent: Spent
    prices: ThawPrices
    tier: Tier
    days: int

    def pays(self, bag: FrozenBag) -> bool:
        """Whether the budget allows for this one more; then it is counted.  What has no price fits no bound of cost."""
        micros = self.prices.micros([bag], self.tier, self.days)
        size = self.spent.bytes + bag.bytes
        if self.budget.bytes is not None and size > self.budget.bytes:
            return False
        if self.budget.micros is not None:
            is_known = micros is not None and self.spent.is_cost_known
            if not is_known or self.spent.micros + (micros or 0) > self.budget.micros:
                return False
        self.spent = Spent(size, self.spent.micros + (micros or 0), self.spent.is_cost_known and micros is not None)
        return True
