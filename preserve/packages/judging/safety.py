"""How many packages are safe, which copies are on their way, and what is owed: counted from how copies stand alike.

No package is read by itself: status of a million takes as long as there are ways in which copies stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from preserve.clock import moment_of, stamp
from preserve.model.audit import CLOCKS_DIFFER, age_limits
from preserve.model.nouns import CopyState, Level, Receipt, StoreEntry
from preserve.model.on_the_way import Coming, OnTheWay, Promise, on_the_way, promise_of, put_together
from preserve.model.policy import Policy
from preserve.state.books import Books
from preserve.state.standing_reading import EVER, Ages, AlikeStanding, Booked

MOST_NAMED = 1000
"""How many packages a list names; all are counted."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A package that has `verified` of the copies that its policy wants, and lacks others that it wants by now.

    One that is overdue in a store that is away is none of them: nobody has looked for too long, and nobody can.
    """

    package_id: str
    policy: str
    wanted: int
    verified: int


@dataclass(frozen=True, slots=True)
class ClassHoldings:
    """What is kept under one policy.

    `short` packages have fewer verified copies than it wants by now; of those `on_the_way` all that it wants by now are
    verified, and it allows time for the others.
    """

    policy: str
    packages: int
    short: int
    on_the_way: int
    payload_files: int
    payload_bytes: int

    @property
    def safe(self) -> int:
        """Packages of which all copies that the policy wants are verified."""
        return self.packages - self.short - self.on_the_way


@dataclass(frozen=True, slots=True)
class Group:
    """Packages that stand alike, of which as much is owed and as much is on its way; `standing` counts these alone.

    `late` are stores away in which their copies are overdue, and others that stand so have some that are not.  The
    first of them was `booked` then; `oldest` is when, where anything of them is on its way.
    """

    standing: AlikeStanding
    late: frozenset[str]
    promise: Promise
    owed: int
    coming: tuple[Coming, ...] = ()
    booked: Booked = EVER
    oldest: str | None = None

    @property
    def packages(self) -> int:
        return self.standing.packages

    @property
    def is_short(self) -> bool:
        """Whether a copy is not there that should be by now."""
        return self.owed > 0

    @property
    def is_on_the_way(self) -> bool:
        """Whether all that should be there by now is, and something else is still to come."""
        return not self.is_short and bool(self.coming)


class Tally:
    """What is counted of all packages, put together by how their copies stand: none is read by itself."""

    def __init__(
        self,
        books: Books,
        policy_of: Callable[[Receipt], Policy],
        ages: Mapping[tuple[str, str], Ages],
        stores: Sequence[StoreEntry],
        now: datetime,
    ) -> None:
        self._books = books
        self._stores = stores
        self._ages = ages
        self._now = now
        self._ahead = stamp(now + CLOCKS_DIFFER)
        self._standings = books.standings()
        self._retired = [each.entry for each in books.retired_stores() if each.copies]
        self._used = {each.policy: policy_of(self._any_receipt(each)) for each in self._standings}
        self.packages = sum(each.packages for each in self._standings)
        self.files = sum(each.payload_files for each in self._standings)
        self.bytes = sum(each.payload_bytes for each in self._standings)
        self.states: Counter[tuple[str, CopyState]] = Counter()
        for each in self._standings:
            for store, state in each.states.items():
                self.states[store, state] += each.packages
        self.overdue: Counter[str] = Counter()
        self.overdue_in: Counter[tuple[str, str]] = Counter()
        self.postdated = 0
        for (store, policy), limits in ages.items():
            self.overdue_in[policy, store] = books.overdue_count(store, policy, limits, self._ahead)
            self.overdue[store] += self.overdue_in[policy, store]
            self.postdated += books.looks(store, policy, Level.SAMPLE, "~", since=self._ahead).copies

    def _any_receipt(self, standing: AlikeStanding) -> Receipt:
        ((package, _),) = self._books.packages_standing(standing.policy, standing.states, 1)
        return self._books.package(package).receipt

    @property
    def policies_used(self) -> list[Policy]:
        """Those under which anything is kept, by name."""
        return [policy for _, policy in sorted(self._used.items())]

    def stores_together(self, policy: str) -> set[frozenset[str]]:
        """The stores, by name, in which copies of packages under one policy lie together."""
        return {frozenset(each.states) for each in self._standings if each.policy == policy}

    def wanting(self, away: Collection[str]) -> list[Group]:
        """Packages with fewer verified copies than their policy wants, whether these are owed or on their way."""
        late = {(store, policy) for store, policy in self._ages if store in away and self.overdue_in[policy, store]}
        # Of a medium that lies on its shelf for long all copies are overdue: then none of them need be looked for.
        wholly = {place for place in late if self._is_wholly_overdue(*place)}
        in_part = {place: self._ages[place] for place in late - wholly}
        apart = list(self._books.overdue_standings(in_part, self._ahead))
        all_but_late = {(each.policy, _key(each)): each.packages for each in self._standings}
        for each, _ in apart:
            all_but_late[each.policy, _key(each)] -= each.packages
        whole = [
            (replace(each, packages=all_but_late[each.policy, _key(each)]), frozenset[str]())
            for each in self._standings
        ]
        groups: list[Group] = []
        for each, stores in [*whole, *apart]:
            spoilt = stores | {store for store in each.states if (store, each.policy) in wholly}
            promise = promise_of(self._used[each.policy], self._stores, each.states, away, spoilt)
            if each.packages and promise.verified < promise.wanted:
                some = {store: in_part[store, each.policy] for store in each.states if (store, each.policy) in in_part}
                groups += self._by_age(each, stores, promise, some)
        return groups

    def _by_age(
        self, standing: AlikeStanding, late: frozenset[str], promise: Promise, in_part: Mapping[str, Ages]
    ) -> Iterator[Group]:
        """Those that stand alike, apart by what is still on its way of them: of older packages less is, and of those
        that had a copy in a retired store nothing of its role."""
        if not promise.coming:
            yield Group(standing, late, promise, promise.owed_at(timedelta()))
            return
        for booked, age in self._spans(promise.limits):
            for those, left in self._by_retired(booked, promise):
                count, oldest = self._booked(standing, those, late, in_part)
                if count:
                    counted = replace(standing, packages=count)
                    yield Group(counted, late, left, left.owed_at(age), left.coming_at(age), those, oldest)

    def _by_retired(self, booked: Booked, promise: Promise) -> Iterator[tuple[Booked, Promise]]:
        """Those that had a copy in a retired store of a role of which any is coming, and the others.

        Where that concerns several roles, nothing is taken to be on its way of any of them.
        """
        stores = [each for each in self._retired if each.role in {coming.role for coming in promise.coming}]
        if not stores:
            yield booked, promise
            return
        names, roles = tuple(each.name for each in stores), {each.role for each in stores}
        yield replace(booked, retired=names), promise
        coming = tuple(each for each in promise.coming if each.role not in roles)
        yield replace(booked, retired=names, had_retired=True), replace(promise, coming=coming)

    def _spans(self, limits: Iterable[timedelta]) -> Iterator[tuple[Booked, timedelta]]:
        """Since when packages are as old as each limit at most, and older than the one before; then all others, and
        those dated on a day still to come, of which nobody knows how old they are."""
        before = self._ahead
        for limit in limits:
            booked = Booked(stamp(self._now - limit), before)
            before = booked.since
            yield booked, limit
        yield Booked(before=before), timedelta.max
        yield Booked(since=self._ahead), timedelta.max

    def _booked(
        self, standing: AlikeStanding, booked: Booked, late: frozenset[str], in_part: Mapping[str, Ages]
    ) -> tuple[int, str | None]:
        if in_part:
            places = {store: (ages, store in late) for store, ages in in_part.items()}
            return self._books.booked_count_overdue(standing, booked, places, self._ahead)
        return self._books.booked_count(standing, booked)

    def _is_wholly_overdue(self, store: str, policy: str) -> bool:
        copies = sum(each.packages for each in self._standings if each.policy == policy and store in each.states)
        return self.overdue_in[policy, store] == copies

    def on_the_way(self, groups: Iterable[Group]) -> tuple[OnTheWay, ...]:
        """All copies that are on their way, also those of packages that lack others."""
        return put_together(
            each
            for group in groups
            if group.oldest is not None
            for each in on_the_way(
                self._used[group.standing.policy], group.coming, moment_of(group.oldest), group.packages
            )
        )

    def holdings(self, groups: Sequence[Group]) -> Iterator[ClassHoldings]:
        """What is kept, by policy."""
        short: Counter[str] = Counter()
        coming: Counter[str] = Counter()
        for each in groups:
            short[each.standing.policy] += each.packages * each.is_short
            coming[each.standing.policy] += each.packages * each.is_on_the_way
        for policy in sorted(self._used):
            alike = [each for each in self._standings if each.policy == policy]
            yield ClassHoldings(
                policy=policy,
                packages=sum(each.packages for each in alike),
                short=short[policy],
                on_the_way=coming[policy],
                payload_files=sum(each.payload_files for each in alike),
                payload_bytes=sum(each.payload_bytes for each in alike),
            )

    def named(self, groups: Iterable[Group]) -> list[Shortfall]:
        """The first of the packages that lack copies they should have by now, by id."""
        found: dict[str, Shortfall] = {}
        for each in groups:  # those with overdue copies come last: they stand alike with others that have none
            if each.is_short:
                for package in self._packages_of(each):
                    promise = each.promise
                    found[package] = Shortfall(package, each.standing.policy, promise.wanted, promise.verified)
        return [shortfall for _, shortfall in sorted(found.items())][:MOST_NAMED]

    def _packages_of(self, group: Group) -> list[str]:
        standing, most, booked = group.standing, MOST_NAMED, group.booked
        if not group.late:
            kept = self._books.packages_standing(standing.policy, standing.states, most, booked)
            return [package for package, _ in kept]
        ages = {store: self._ages[store, standing.policy] for store in group.late}
        return [package for package, _ in self._books.overdue_packages(standing, ages, self._ahead, most, booked)]


def _key(standing: AlikeStanding) -> tuple[tuple[str, CopyState], ...]:
    return tuple(sorted(standing.states.items()))


def audit_ages(
    policies: Mapping[str, Policy], stores: Iterable[StoreEntry], now: datetime
) -> dict[tuple[str, str], Ages]:
    """Before which moments a look is too long ago, for each store and policy in force."""
    return {
        (store.name, name): {
            level: stamp(now - longest) for level, longest in age_limits(policy.audit_on(store.role)).items()
        }
        for store in stores
        for name, policy in policies.items()
    }
