"""Have bags of cold storage brought back: what is frozen, what may be asked for, asking, and what was asked is booked.

What the store says of each object now decides, never what was noted: what is on its way is not asked for again, and a
thawed copy that went away again is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from preserve.clock import stamp
from preserve.errors import Frozen, NotThere, Refused, Unavailable, Unreadable
from preserve.model import events
from preserve.model.keys import BAG
from preserve.model.nouns import CopyState, PackageEntry, StoreEntry
from preserve.model.restore import best_first
from preserve.model.thawing import (
    ASKED_BY_PEOPLE,
    Bags,
    FrozenBag,
    Purse,
    Spent,
    ThawBudget,
    ThawPurpose,
    ThawTerms,
    added,
    budget_of,
    month_of,
    terms_for,
)
from preserve.packages.at_once import in_order
from preserve.packages.held import HeldCopy
from preserve.ports import Asked, Cold, Frost, Temperature, cold_of
from preserve.workplace import Workplace

LOOKED_AT_ONCE = 8
"""Objects that are looked at at the same time."""
BOOKED_AT_ONCE = 100
"""Objects of one entry of the ledger: what was asked for and not booked when a run is killed, the next finds on
its way."""
PACKAGES_AT_ONCE = 500
"""Packages whose copies are held in memory while they are asked for."""
MOST_IN_A_COMMAND = 100
"""Packages that are named one by one in the command that thaws them."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One bag, and how cold it lies; None: it can be read at any time."""

    held: HeldCopy
    frost: Frost | None

    @property
    def bag(self) -> FrozenBag:
        frost = self.frost
        return FrozenBag(
            self.held.package.id,
            self.held.store.name,
            self.held.key(BAG),
            self.held.receipt.bag_bytes,
            frost.storage_class if frost else "",
        )

    @property
    def is_readable(self) -> bool:
        return self.frost is None or self.frost.temperature is Temperature.THAWED

    @property
    def is_coming(self) -> bool:
        return self.frost is not None and self.frost.temperature is Temperature.THAWING


@dataclass(slots=True)
class Thawing:
    """What became of the bags in one store that somebody wanted: those `readable` now, those `asked` for just now,
    those that were asked for before and are on their `way`, and those `beyond` the budget.  `missing` counts those that
    the store does not have: an audit finds out which; `refused` are those that it says lie frozen, and does not bring.

    `expected_at` is by when all that is on its way should be there.  `micros` is what asking now is expected to cost;
    None where no price is known.
    """

    store: str
    readable: int = 0
    asked: Bags = field(default_factory=Bags)
    way: Bags = field(default_factory=Bags)
    beyond: Bags = field(default_factory=Bags)
    refused: Bags = field(default_factory=Bags)
    missing: int = 0
    expected_at: datetime | None = None
    micros: int | None = 0

    @property
    def is_waiting(self) -> bool:
        """Whether anything of it cannot be read yet."""
        return bool(self.asked or self.way or self.beyond or self.refused)

    def error(self, *, names_packages: bool = False) -> Frozen:
        """What to tell who wanted to read it; `names_packages`: what to thaw is these, and not all of the store."""
        values = {
            "store": self.store,
            "asked": len(self.asked),
            "way": len(self.way),
            "beyond": len(self.beyond),
        }
        if self.expected_at is None and self.refused:
            return Frozen(
                "store {store}: the site says of {refused} bags that they lie frozen, {package} among them, and does"
                " not take requests to thaw them; ask those who run the site",
                store=self.store,
                refused=len(self.refused),
                package=self.refused.named[0].package_id,
            )
        if self.expected_at is None:
            return Frozen(
                "store {store}: {beyond} bags lie frozen, and no budget allows for what thawing them costs now; see"
                " `preserve store thaw {store} {what} --plan`, and `preserve store set {store} --thaw-budget`",
                what=self._what_to_thaw() if names_packages else "--all",
                **values,
            )
        return Frozen(
            "store {store}: bags that lie frozen were asked for, {asked} now and {way} before, and are expected by"
            " {expected}; the same command goes on then. Beyond the budget of this month: {beyond}",
            expected=f"{stamp(self.expected_at)[:16].replace('T', ' ')} UTC",
            **values,
        )

    def _what_to_thaw(self) -> str:
        """What is beyond the budget, as `preserve store thaw` is told of it."""
        beyond = self.beyond
        if len(beyond) > MOST_IN_A_COMMAND:
            return "--all"
        return " ".join(f"--package {bag.package_id}" for bag in beyond.named)


def looked_at(cold: Cold, copies: Iterable[HeldCopy]) -> Iterator[tuple[HeldCopy, Seen | None]]:
    """How cold each bag lies, in order; None where the store has none.  Raises `Unavailable`."""

    def look(held: HeldCopy) -> tuple[HeldCopy, Seen | None]:
        try:
            return held, Seen(held, cold.frost(held.key(BAG)))
        except NotThere:
            return held, None

    return in_order(look, copies, LOOKED_AT_ONCE)


def require_cold(workplace: Workplace, store: str) -> Cold:
    """The cold storage of a store.  Raises `Refused` where it can have none."""
    cold = cold_of(workplace.stores[store])
    if cold is None:
        raise Refused("store {store} is a folder, and has no cold storage: only a bucket has", store=store)
    return cold


def have_thawed(
    workplace: Workplace,
    store: str,
    copies: Iterable[HeldCopy],
    terms: ThawTerms,
    budget: ThawBudget | None = None,
    before: Thawing | None = None,
) -> Thawing:
    """Ask for what lies frozen of these copies in one store, as far as the budget goes, and book it.

    `budget` None: the store's own; `before` is what earlier copies of the same store came to, and is added to.  Again
    without effect, and without cost, while it is on its way or there.  What was asked for before something went wrong
    is booked; then it raises `Unavailable`, or what the store raised.
    """
    cold = require_cold(workplace, store)
    if budget is None:
        is_attended = workplace.is_attended and terms.purpose in ASKED_BY_PEOPLE
        budget = budget_of(workplace.books.store(store), is_attended=is_attended)
    return _Asking(workplace, before or Thawing(store), cold, terms, budget).run(copies)


def have_packages_thawed(
    workplace: Workplace, store: str, packages: Iterable[str], purpose: ThawPurpose, before: Thawing | None = None
) -> Thawing:
    """`have_thawed` of the copies that one store has of these packages."""
    books = workplace.books
    known = ((package, books.copy(package, store)) for package in packages)
    copies = (
        HeldCopy(workplace.stores[store], books.package(package), copy) for package, copy in known if copy is not None
    )
    return have_thawed(workplace, store, copies, terms_for(purpose), before=before)


class _Asking:
    """One asking under way."""

    def __init__(self, workplace: Workplace, result: Thawing, cold: Cold, terms: ThawTerms, budget: ThawBudget) -> None:
        self._workplace = workplace
        self._books = workplace.books
        self._cold = cold
        self._terms = terms
        self._prices = workplace.thaw_prices()
        self._result = result
        self._purse = Purse(budget, Spent(), self._prices, terms.tier, terms.days)

    def run(self, copies: Iterable[HeldCopy]) -> Thawing:
        result, workplace = self._result, self._workplace
        workplace.progress.begin("looking at what lies frozen in store {store}", None, store=result.store)
        with workplace.claim(f"thaw {result.store}"):
            # Not before: who was at it until now has spent of the same budget.
            self._purse.spent = self._books.thaw_spent(result.store, month_of(workplace.clock.now()))
            every = looked_at(self._cold, copies)
            while batch := list(islice(every, BOOKED_AT_ONCE)):
                self._ask(batch)
        return result

    def _ask(self, batch: Sequence[tuple[HeldCopy, Seen | None]]) -> None:
        """Ask for what is to be asked for of one batch; what was asked for is booked, whatever happens then."""
        asked: list[tuple[FrozenBag, str]] = []
        try:
            for _held, seen in batch:
                if seen is None:
                    self._result.missing += 1
                else:
                    asked += self._take(seen)
        finally:
            self._book(asked)

    def _take(self, seen: Seen) -> list[tuple[FrozenBag, str]]:
        """Sort one bag in, asking for it where that is to be; returns it, with its moment, where it is to be booked."""
        result, bag, now = self._result, seen.bag, self._workplace.clock.now()
        if seen.is_readable:
            result.readable += 1
            return []
        known = self._books.thaw(bag.store, bag.key)
        if seen.is_coming and known is not None and known.is_current(now):
            result.way.add(bag)
            self._expect(known.expected_at)
            return []
        # What is coming and not noted was asked for by a run that was killed, or by somebody else.
        came_of_it = Asked.COMING if seen.is_coming else self._asked(bag)
        if came_of_it not in (Asked.COMING, Asked.ACCEPTED):
            return []
        (result.asked if came_of_it is Asked.ACCEPTED else result.way).add(bag)
        expected = now + timedelta(hours=self._prices.hours(bag.storage_class, self._terms.tier))
        self._expect(expected)
        return [(bag, stamp(expected))]

    def _asked(self, bag: FrozenBag) -> Asked | None:
        """Ask for one bag, and say what came of it; None where the budget does not allow for it."""
        result, spent = self._result, self._purse.spent
        if not self._purse.pays(bag):
            result.beyond.add(bag)
            return None
        came_of_it = self._cold.ask(bag.key, self._terms.days, self._terms.tier.value)
        if came_of_it is Asked.READABLE:
            result.readable += 1
        if came_of_it is Asked.REFUSED:
            result.refused.add(bag)
        if came_of_it in (Asked.READABLE, Asked.REFUSED):
            self._purse.spent = spent
        return came_of_it

    def _expect(self, moment: datetime) -> None:
        self._result.expected_at = max(moment, self._result.expected_at or moment)

    def _book(self, asked: Sequence[tuple[FrozenBag, str]]) -> None:
        if not asked:
            return
        workplace, prices = self._workplace, self._prices
        micros = prices.micros([bag for bag, _ in asked], self._terms.tier, self._terms.days)
        workplace.record(events.thaw_asked(workplace.act, workplace.now(), self._terms, asked, prices.currency, micros))
        self._result.micros = added(self._result.micros, micros)


def ask_for(
    workplace: Workplace,
    packages: Collection[str],
    purpose: ThawPurpose,
    only: str | None = None,
    *,
    names_packages: bool = False,
) -> Unavailable:
    """Ask for one frozen copy of each package of which no other can be read, and say by when it is expected; or what
    kept it from being asked for.

    `only` names the one store that is to be read; `names_packages`: what is told names what is to be thawed.
    """
    away = dict[str, Unavailable]()
    try:
        told = _asked_for(workplace, packages, purpose, _Wish(only, may_count_on_others=True, away=away))
        if not told:  # what should be readable was not
            told = _asked_for(workplace, packages, purpose, _Wish(only, may_count_on_others=False, away=away))
    except Unavailable as error:
        return error
    waiting = [each for each in told if each.is_waiting]
    if waiting:
        now = workplace.clock.now()
        return max(waiting, key=lambda each: (each.expected_at is None, each.expected_at or now)).error(
            names_packages=names_packages
        )
    return next(iter(away.values()), Frozen("what lay frozen can be read by now; run the same command again"))


@dataclass(frozen=True, slots=True)
class _Wish:
    """Which copies are to be thawed; `away` takes the stores that do not answer, and why."""

    only: str | None
    may_count_on_others: bool
    away: dict[str, Unavailable]


def _asked_for(workplace: Workplace, packages: Iterable[str], purpose: ThawPurpose, wish: _Wish) -> list[Thawing]:
    """Ask for a copy of each package that has to be thawed, some packages after the others; what came of it by store.

    Raises `Unavailable`.
    """
    told: dict[str, Thawing] = {}
    rest = iter(packages)
    while batch := list(islice(rest, PACKAGES_AT_ONCE)):
        wanted = _to_ask_for(workplace, map(workplace.books.package, batch), wish)
        for store, copies in sorted(wanted.items()):
            told[store] = have_thawed(workplace, store, copies, terms_for(purpose), before=told.get(store))
    return [thawing for _, thawing in sorted(told.items())]


def _to_ask_for(workplace: Workplace, packages: Iterable[PackageEntry], wish: _Wish) -> dict[str, list[HeldCopy]]:
    """By store, a copy of each package that has to be thawed."""
    wanted: dict[str, list[HeldCopy]] = {}
    registered = {entry.name: entry for entry in workplace.books.stores()}
    for package in packages:
        copies = list(_copies(workplace, package, registered, wish.only))
        if wish.may_count_on_others and any(_is_readable(held, wish.away) for held in copies if _is_verified(held)):
            continue
        held = next((held for held in copies if _is_readable(held, wish.away) is False), None)
        if held is not None:
            wanted.setdefault(held.store.name, []).append(held)
    return wanted


def _copies(
    workplace: Workplace, package: PackageEntry, registered: Mapping[str, StoreEntry], only: str | None
) -> Iterator[HeldCopy]:
    """The copies that may be read, the best first."""
    for copy in best_first(workplace.books.copies(package=package.id), registered):
        if only in (None, copy.store) and copy.store in workplace.stores and copy.store not in workplace.away:
            yield HeldCopy(workplace.stores[copy.store], package, copy)


def _is_verified(held: HeldCopy) -> bool:
    return held.copy.state is CopyState.VERIFIED


def _is_readable(held: HeldCopy, away: dict[str, Unavailable]) -> bool | None:
    """Whether a bag can be read as it lies, by what its store says now; None: it is not there, or nobody says."""
    if held.store.name in away:
        return None
    cold = cold_of(held.store)
    try:
        if cold is None:
            held.store.stat(held.key(BAG))
            return True
        return Seen(held, cold.frost(held.key(BAG))).is_readable
    except (NotThere, Unreadable):
        return None
    except Unavailable as error:
        away[held.store.name] = error
        return None
