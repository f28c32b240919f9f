"""Copies on their way (在途): which of the copies that a policy wants it still allows time for.  Pure decisions.

`within` in a policy says how long after the accession its copies on stores of a role may take: a disk that is brought
once a month cannot hold what came in yesterday.  Until that time is over such a copy is no shortfall, and it is no
safety either: it is not there.  Who tells how a package stands says both, so that nobody takes a promise for a copy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from preserve.errors import Away, Barred, PreserveError, Unidentified
from preserve.model.audit import is_to_come
from preserve.model.nouns import CopyState, Role, StoreEntry
from preserve.model.placing import stores_fit, verified_by_role
from preserve.model.policy import CopyRule, Policy

_WRITTEN = (CopyState.WRITTEN, CopyState.ATTESTED)
"""A store said yes, and nobody has read it back: neither verified nor found wanting."""


class WaitsFor(StrEnum):
    """What brings a copy that is on its way."""

    COPYING = "copying"  # a store that may hold it answers; it has to be made
    ATTACHING = "attaching"  # all stores that may hold it are away
    READING = "reading"  # it was written, and has to be read back
    STORE = "store"  # no store of its role is registered for it


@dataclass(frozen=True, slots=True)
class Coming:
    """So many copies of a package on stores of `role` that policy allows `within` for, counted from its accession.

    `stores` are those of which any may take it, or which hold it unread, by name; none, where none is registered.
    """

    role: Role
    count: int
    within: timedelta
    waits_for: WaitsFor
    stores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Promise:
    """How the copies that a policy wants of a package stand.

    Of those that are not verified, some may be `coming`, as long as the package is no older than they are allowed; all
    others are owed now.
    """

    wanted: int
    verified: int
    coming: tuple[Coming, ...] = ()

    @property
    def limits(self) -> list[timedelta]:
        """The ages of a package at which anything changes, the smallest first."""
        return sorted({each.within for each in self.coming})

    def coming_at(self, age: timedelta) -> tuple[Coming, ...]:
        """What is still on its way when the package was taken in so long ago; at the very limit it is."""
        return tuple(each for each in self.coming if age <= each.within)

    def owed_at(self, age: timedelta) -> int:
        """How many copies should have been verified by then, and are not."""
        return self.wanted - self.verified - sum(each.count for each in self.coming_at(age))


def time_allowed(policy: Policy, role: Role) -> timedelta | None:
    """How long after its accession a package's copies on stores of `role` may take; None: they are owed at once."""
    spans = (rule.within_seconds for rule in policy.copies if rule.role is role)
    return next((timedelta(seconds=span) for span in spans if span is not None), None)


def may_come(why: PreserveError) -> bool:
    """Whether time alone may bring a copy that could not be made now: its store is away, as a disk on its shelf is.

    One that is full, bars us or holds another store's label waits for a person, who has to be told at once.
    """
    return isinstance(why, Away) and not isinstance(why, Barred | Unidentified)


def age_of(accession_at: datetime, now: datetime) -> timedelta:
    """How old a package is.

    What is dated on a day still to come was booked by a clock that was wrong: nobody knows how old it is, and it is
    taken for older than any limit.
    """
    return timedelta.max if is_to_come(accession_at, now) else now - accession_at


def promise_of(
    policy: Policy,
    stores: Sequence[StoreEntry],
    states: Mapping[str, CopyState],
    away: Collection[str] = (),
    spoilt: Collection[str] = (),
    retired: Collection[Role] = (),
) -> Promise:
    """How the copies of a package stand that are in `states`, by store.

    What is bad, suspect, or in one of the `spoilt` stores was there and counts no more: it is owed at once, whatever a
    policy allows for its first coming, and so is what stores of the `retired` roles held.  Nor is anything on its way
    of a package that nobody has read back anywhere: there would be nothing that it could come from.
    """
    counting = {store: state for store, state in states.items() if store not in spoilt}
    wanted, verified = policy.copies_wanted, verified_by_role(policy, stores, counting)
    if not 0 < verified < wanted:
        return Promise(wanted, verified)
    rules = [rule for rule in policy.copies if rule.role not in retired]
    found = (each for rule in rules for each in _coming(rule, policy, stores, states, away, spoilt))
    return Promise(wanted, verified, tuple(found))


def _coming(
    rule: CopyRule,
    policy: Policy,
    stores: Sequence[StoreEntry],
    states: Mapping[str, CopyState],
    away: Collection[str],
    spoilt: Collection[str],
) -> Iterator[Coming]:
    """The copies of one rule for which there may be time, by what they wait for."""
    within = time_allowed(policy, rule.role)
    if within is None:
        return
    in_role = {store.name for store in stores if store.role is rule.role}
    held = {store: state for store, state in states.items() if store in in_role}
    sound = [store for store, state in held.items() if store not in spoilt and state is CopyState.VERIFIED]
    unread = sorted(store for store, state in held.items() if store not in spoilt and state in _WRITTEN)
    missing = rule.count - len(sound)
    failed = min(missing, len(held) - len(sound) - len(unread))
    left = missing - failed
    if read := min(left, len(unread)):
        yield Coming(rule.role, read, within, WaitsFor.READING, tuple(unread))
    free = sorted({store.name for store in stores_fit(stores, rule)} - held.keys())
    if made := min(left - read, len(free)):
        there = tuple(store for store in free if store not in away)
        waits_for = WaitsFor.COPYING if len(there) >= made else WaitsFor.ATTACHING
        yield Coming(rule.role, made, within, waits_for, there if waits_for is WaitsFor.COPYING else tuple(free))
    if without := left - read - made:
        yield Coming(rule.role, without, within, WaitsFor.STORE)


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """Copies under one policy that are on their way: how many, what they wait for, and by when the first is due."""

    policy: str
    role: Role
    waits_for: WaitsFor
    stores: tuple[str, ...]
    count: int
    first_due_at: datetime


def on_the_way(
    policy: Policy, coming: Iterable[Coming], accession_at: datetime, packages: int = 1
) -> Iterator[OnTheWay]:
    """What is coming of each of so many packages, the oldest of which was taken in then."""
    for each in coming:
        due_at = accession_at + each.within
        yield OnTheWay(policy.name, each.role, each.waits_for, each.stores, each.count * packages, due_at)


def put_together(several: Iterable[OnTheWay]) -> tuple[OnTheWay, ...]:
    """Those that wait for the same as one, the first due first."""
    first: dict[OnTheWay, OnTheWay] = {}
    counts: Counter[OnTheWay] = Counter()
    for each in several:
        kind = replace(each, count=0, first_due_at=datetime.max)
        counts[kind] += each.count
        first[kind] = min(first.get(kind, each), each, key=lambda one: one.first_due_at)
    found = (replace(each, count=counts[kind]) for kind, each in first.items())
    return tuple(sorted(found, key=lambda each: (each.first_due_at, each.policy, each.role, each.stores)))
