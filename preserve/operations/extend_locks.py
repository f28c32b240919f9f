"""Extend locks: object locks that policy wants renewed are held on for as long as policy says, and read back.

A lock that lasts for years cannot be taken back.  So nothing is locked by a clock that is not to be trusted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from preserve.clock import stamp
from preserve.errors import NotThere, PreserveError, Refused, Unavailable, Unreadable
from preserve.model import events
from preserve.model.keys import (
    BAG,
    BLOCKS,
    MEMBERS,
    PARITY,
    RECEIPT,
    Key,
    is_formats_part,
    object_key,
    package_folder,
    split_generation,
)
from preserve.model.locks import LockEnd, LockRule
from preserve.model.nouns import CopyEntry
from preserve.packages.timekeeping import require_trusted
from preserve.ports import Locks, Store, locks_of
from preserve.workplace import Workplace

_PARTS = (BAG, BLOCKS, MEMBERS, RECEIPT)

MOST_FAILURES_IN_A_ROW = 5
"""Copies one after the other whose locks a store did not extend, after which it is left for the next run: each of them
was tried for minutes already."""


@dataclass(frozen=True, slots=True)
class ExtendRequest:
    """Which locks: those in one store, or of one package, or all that are due; `rules` are those of the policies in
    force that ask for locks, by name."""

    rules: Mapping[str, LockRule]
    store: str | None = None
    package: str | None = None


@dataclass(frozen=True, slots=True)
class Extended:
    """All `objects` of a copy are held until `ends_at`, by what the store said when it was asked anew."""

    package_id: str
    store: str
    objects: int
    before: datetime | None
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class NotExtended:
    """A lock that was due and is not extended, and why; `package_id` None: all in this store that are not told of."""

    package_id: str | None
    store: str
    why: PreserveError


@dataclass(frozen=True, slots=True)
class ExtendReport:
    """What became of the locks that were due."""

    extended: tuple[Extended, ...]
    not_extended: tuple[NotExtended, ...]

    @property
    def is_only_away(self) -> bool:
        """Whether all that is left waits for stores that cannot be reached."""
        return all(isinstance(each.why, Unavailable) for each in self.not_extended)


@dataclass(slots=True)
class _Outcome:
    extended: list[Extended] = field(default_factory=list)
    not_extended: list[NotExtended] = field(default_factory=list)


def extend_locks(workplace: Workplace, request: ExtendRequest) -> ExtendReport:
    """Extend what is due, copy by copy, each booked when all of its objects are held.

    Killed at any point, a second run finds what is left.  Raises `Refused` for an unknown store or package, and where
    the clock is not to be trusted.
    """
    require_trusted(workplace)
    stores = [workplace.books.store(request.store)] if request.store else workplace.books.stores()
    package = workplace.books.package(request.package).id if request.package else None
    outcome = _Outcome()
    for entry in stores:
        if entry.capabilities.get("object_lock"):
            _Extending(workplace, entry.name, request.rules, package, outcome).run()
        elif request.store:
            raise Refused(
                "store {store} has no object locks, or none was ever seen; `preserve store check {store}` looks",
                store=entry.name,
            )
    return ExtendReport(tuple(outcome.extended), tuple(outcome.not_extended))


class _Extending:
    """The locks in one store."""

    def __init__(
        self,
        workplace: Workplace,
        store: str,
        rules: Mapping[str, LockRule],
        package: str | None,
        outcome: _Outcome,
    ) -> None:
        self._workplace = workplace
        self._name = store
        self._rules = rules
        self._package = package
        self._outcome = outcome
        self._failures_in_a_row = 0

    def run(self) -> None:
        """Extend what is due; where that fails for one copy, the others are extended all the same."""
        due = self._due()
        first = next(due, None)
        if first is None:
            return
        self._workplace.progress.begin("extending object locks in store {store}", None, store=self._name)
        try:
            store = self._workplace.stores[self._name]
            locks = locks_of(store)
            if locks is None:
                raise Refused(
                    "store {store} had object locks, and says that it has none any more: find out who changed its"
                    " bucket, and `preserve store check {store}`",
                    store=self._name,
                )
            for rule, end in _chain(first, due):
                self._extend(store, locks, rule, end)
                if self._failures_in_a_row == MOST_FAILURES_IN_A_ROW:
                    raise Unavailable(
                        "store {store} extended none of {count} locks in a row; the others were not tried",
                        store=self._name,
                        count=MOST_FAILURES_IN_A_ROW,
                    )
        except (Unavailable, Refused) as error:
            self._outcome.not_extended.append(NotExtended(None, self._name, error))

    def _due(self) -> Iterator[tuple[LockRule, LockEnd]]:
        """The nearest ends first, policy by policy."""
        now = self._workplace.clock.now()
        for policy, rule in sorted(self._rules.items()):
            for end in self._workplace.books.locks_ending(self._name, policy, rule.is_renewed_up_to(now)):
                if self._package in (None, end.package_id):
                    yield rule, end

    def _extend(self, store: Store, locks: Locks, rule: LockRule, end: LockEnd) -> None:
        copy = self._workplace.books.copy(end.package_id, self._name)
        if copy is None:  # its store was retired meanwhile
            return
        try:
            self._outcome.extended.append(self._held_on(store, locks, rule, end, copy))
            self._failures_in_a_row = 0
        except (NotThere, Unreadable) as error:  # the store answers
            self._outcome.not_extended.append(NotExtended(copy.package_id, self._name, error))
            self._failures_in_a_row = 0
        except (Unavailable, Refused) as error:
            self._outcome.not_extended.append(NotExtended(copy.package_id, self._name, error))
            self._failures_in_a_row += 1

    def _held_on(self, store: Store, locks: Locks, rule: LockRule, end: LockEnd, copy: CopyEntry) -> Extended:
        """Hold all objects of one copy on, and book it.  Raises what the store raises; then nothing is booked."""
        place, until = self._workplace, rule.until(self._workplace.clock.now())
        with place.claim(f"{copy.package_id} {self._name}"):
            keys = _objects(store, copy)
            held = min(locks.extend(key, until) for key in keys)
            at = place.now()
            place.record(events.lock_extended(place.act, at, copy.package_id, self._name, stamp(held), len(keys)))
        return Extended(copy.package_id, self._name, len(keys), end.ends_at, held)


def _objects(store: Store, copy: CopyEntry) -> Collection[Key]:
    """All generations of the objects of a copy, the current ones of its package without fail: parity that is lost lets
    no lock on the package run out.  Raises `NotThere`, `Unavailable`."""
    folder = package_folder(copy.package_id)
    parts = (*_PARTS, PARITY) if copy.has_parity else _PARTS
    there = [facts.key for facts in store.list(folder) if _is_kept(_part(facts.key, folder), parts)]
    current: Sequence[Key] = [object_key(copy.package_id, part, copy.generation(part)) for part in _PARTS]
    for key in current:
        if key not in there:
            raise NotThere("store {store} has no {key}", store=store.name, key=key)
    return there


def _is_kept(part: str, parts: Collection[str]) -> bool:
    """Whether an object is held as long as its copy: also the lists of formats, of whatever identification."""
    return part in parts or is_formats_part(part)


def _part(key: Key, folder: str) -> str:
    return split_generation(key.removeprefix(f"{folder}/"))[0]


def _chain(
    first: tuple[LockRule, LockEnd], rest: Iterator[tuple[LockRule, LockEnd]]
) -> Iterator[tuple[LockRule, LockEnd]]:
    yield first
    yield from rest
