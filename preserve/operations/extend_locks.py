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
from preserve.model.keys import BAG, BLOCKS, MEMBERS, PARITY, RECEIPT, Key, object_key, package_folder, split_generation
from preserve.model.locks import LockEnd, LockRule
from preserve.model.nouns import CopyEntry
from preserve.packages.timekeeping import require_trusted
from preserve.ports import Locks, Store, locks_of
from preserve.workplace import Workplace

_PARTS = (BAG, BLOCKS, MEMBERS, RECEIPT)


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
    """A lock that was due and is not extended, and why; `package_id` None: none in this store is."""

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

    def run(self) -> None:
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
        until = rule.until(self._workplace.clock.now())
        with self._workplace.claim(f"{copy.package_id} {self._name}"):
            try:
                keys = _objects(store, copy)
                held = min(locks.extend(key, until) for key in keys)
            except (NotThere, Unreadable) as error:
                self._outcome.not_extended.append(NotExtended(copy.package_id, self._name, error))
                return
            self._workplace.record(
                events.lock_extended(
                    self._workplace.act, self._workplace.now(), copy.package_id, self._name, stamp(held), len(keys)
                )
            )
        self._outcome.extended.append(Extended(copy.package_id, self._name, len(keys), end.ends_at, held))


def _objects(store: Store, copy: CopyEntry) -> Collection[Key]:
    """All generations of the objects of a copy, the current ones without fail.  Raises `NotThere`, `Unavailable`."""
    folder = package_folder(copy.package_id)
    parts = (*_PARTS, PARITY) if copy.has_parity else _PARTS
    there = [facts.key for facts in store.list(folder) if _part(facts.key, folder) in parts]
    current: Sequence[Key] = [object_key(copy.package_id, part, copy.generation(part)) for part in parts]
    for key in current:
        if key not in there:
            raise NotThere("store {store} has no {key}", store=store.name, key=key)
    return there


def _part(key: Key, folder: str) -> str:
    return split_generation(key.removeprefix(f"{folder}/"))[0]


def _chain(
    first: tuple[LockRule, LockEnd], rest: Iterator[tuple[LockRule, LockEnd]]
) -> Iterator[tuple[LockRule, LockEnd]]:
    yield first
    yield from rest
