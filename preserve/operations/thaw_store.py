"""Thaw: have records that a store keeps in cold storage brought back for some days, or say what that would cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from preserve.errors import Refused
from preserve.model.thawing import (
    DEFAULT_DAYS,
    MOST_DAYS,
    UNBOUNDED,
    Bags,
    FrozenBag,
    Spent,
    ThawBudget,
    ThawPrices,
    ThawPurpose,
    ThawTerms,
    Tier,
    added,
    budget_of,
    month_of,
)
from preserve.packages.held import HeldCopy
from preserve.packages.thawing import Thawing, have_thawed, looked_at, require_cold
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class ThawRequest:
    """What to thaw of a store: these packages, or all (empty); how quickly, and for how many days.

    `is_beyond_budget`: a person answers for what the month's budget does not allow.
    """

    store: str
    packages: tuple[str, ...] = ()
    tier: Tier = Tier.BULK
    days: int = DEFAULT_DAYS
    is_beyond_budget: bool = False

    @property
    def terms(self) -> ThawTerms:
        return ThawTerms(ThawPurpose.REQUEST, self.tier, self.days)


@dataclass(frozen=True, slots=True)
class ThawPlan:
    """How the bags of a store lie: `frozen` would be asked for, `way` was, `readable` can be read now.

    `micros` is what asking for the frozen ones is expected to cost by `prices`, None where a price lacks; `hours`
    within how many they should be there.  `spent` is what was asked for this month, of `budget`.
    """

    frozen: Bags
    way: Bags
    readable: int
    missing: int
    hours: int
    micros: int | None
    prices: ThawPrices
    sources: Sequence[tuple[str, bool]]
    spent: Spent
    budget: ThawBudget


def plan_thaw(workplace: Workplace, request: ThawRequest) -> ThawPlan:
    """What a thaw would ask for, and cost; nothing is asked for, and nothing changed.

    Raises `Refused` for an unknown store or package, or a store without cold storage; `Unavailable`.
    """
    require_days(request.days)
    entry = workplace.books.store(request.store)
    cold = require_cold(workplace, entry.name)
    prices = workplace.thaw_prices()
    frozen, way = Bags(), Bags()
    kinds: dict[str, FrozenBag] = {}
    micros: int | None = 0
    readable = missing = 0
    workplace.progress.begin("looking at what lies frozen in store {store}", None, store=entry.name)
    for _held, seen in looked_at(cold, _copies(workplace, request)):
        if seen is None:
            missing += 1
        elif seen.is_readable:
            readable += 1
        elif seen.is_coming:
            way.add(seen.bag)
        else:
            frozen.add(seen.bag)
            kinds.setdefault(seen.bag.storage_class, seen.bag)
            micros = added(micros, prices.micros([seen.bag], request.tier, request.days))
    return ThawPlan(
        frozen=frozen,
        way=way,
        readable=readable,
        missing=missing,
        hours=max((prices.hours(kind, request.tier) for kind in kinds), default=0),
        micros=micros,
        prices=prices,
        sources=prices.sources(kinds.values(), request.tier),
        spent=workplace.books.thaw_spent(entry.name, month_of(workplace.clock.now())),
        budget=budget_of(entry, is_attended=True),
    )


def thaw_store(workplace: Workplace, request: ThawRequest) -> Thawing:
    """Ask for what lies frozen.  Asking again costs nothing while it is on its way or there.

    Raises `Refused` for an unknown store or package, or a store without cold storage; `Unavailable`.
    """
    require_days(request.days)
    store = workplace.books.store(request.store).name
    budget = UNBOUNDED if request.is_beyond_budget else None
    return have_thawed(workplace, store, _copies(workplace, request), request.terms, budget)


def require_days(days: int) -> None:
    """Raise `Refused` for a number of days that nobody keeps a thawed copy."""
    if not 1 <= days <= MOST_DAYS:
        raise Refused("a thawed copy is kept for 1 to {most} days, not {days}", most=MOST_DAYS, days=days)


def _copies(workplace: Workplace, request: ThawRequest) -> Iterator[HeldCopy]:
    """The copies in scope, in the order of their packages' names.  Raises `Refused`."""
    books, store = workplace.books, workplace.stores[request.store]
    if not request.packages:
        for copy in books.copies(store=request.store):
            yield HeldCopy(store, books.package(copy.package_id), copy)
        return
    for name in request.packages:
        package = books.package(name)
        found = books.copy(package.id, request.store)
        if found is None:
            raise Refused(
                "the books know no copy of package {package} in {store}", package=package.id, store=request.store
            )
        yield HeldCopy(store, package, found)
