"""Replicate: make the copies that policy wants and that nobody has made yet, from any sound copy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from preserve.clock import moment_of, monotonic_seconds, stamp
from preserve.errors import Frozen, PreserveError
from preserve.model import events
from preserve.model.complaints import Complaint
from preserve.model.nouns import CopyEntry, CopyState, Event, PackageEntry, Receipt, StoreEntry
from preserve.model.on_the_way import OnTheWay, age_of, may_come, on_the_way, promise_of, put_together
from preserve.model.placing import Lack, copies_due, copies_lacking
from preserve.model.policy import Policy
from preserve.model.thawing import ThawPurpose
from preserve.packages.held import held_copy
from preserve.packages.making.copying import Copying, CopyWork
from preserve.packages.making.room import Placing, place
from preserve.packages.thawing import ask_for
from preserve.packages.timekeeping import retain_until
from preserve.workplace import Workplace

Due = Callable[[Collection[str], Collection[str]], list[str]]
"""The stores in which a package lacks a copy, given those that are away and those that are full."""

_TRUST = {
    CopyState.VERIFIED: 0,
    CopyState.ATTESTED: 1,
    CopyState.WRITTEN: 2,
    CopyState.AWAY: 3,
    CopyState.SUSPECT: 4,
    CopyState.BAD: 5,
}
"""In which order copies are asked for blocks; every block is checked, so a bad copy may serve as far as it is sound."""


@dataclass(frozen=True, slots=True)
class ReplicateRequest:
    """Which copies to make: into `stores` (empty: all), of one package or of all (`package` None), or of those whose
    ids are `among` some.

    `policy_of` gives the policy under which a package is kept now.  No copy is begun after `until`.
    `asks_for_frozen` False: what can be read from cold storage alone is left to somebody else to ask for.
    """

    policy_of: Callable[[Receipt], Policy]
    stores: tuple[str, ...] = ()
    package: str | None = None
    among: tuple[str, ...] | None = None
    until: datetime | None = None
    asks_for_frozen: bool = True


@dataclass(frozen=True, slots=True)
class Replicated:
    """One copy that was made: its bytes, and how many came from each store.

    Where it is not `verified` policy may allow time for that until `due_at` all the same (None: it does not).
    """

    package: str
    store: str
    state: CopyState
    bytes: int
    taken: dict[str, int] = field(default_factory=dict)
    due_at: datetime | None = None

    @property
    def is_owed(self) -> bool:
        """Whether it should be verified by now, and is not; one that came out bad has no time."""
        is_waiting = self.state is CopyState.VERIFIED or self.due_at is not None
        return self.state is CopyState.BAD or not is_waiting


@dataclass(frozen=True, slots=True)
class NotReplicated:
    """One copy that is still to be made, and why; policy allows time for it until `due_at` (None: it does not)."""

    package: str
    store: str
    why: PreserveError
    due_at: datetime | None = None

    @property
    def is_owed(self) -> bool:
        """Whether it should be there by now, or something else than a store that is away is in its way."""
        return self.due_at is None or not may_come(self.why)


@dataclass(frozen=True, slots=True)
class ReplicateReport:
    """What was made and what was not; `seconds` is how long it took.

    `lacking` says of which copies of each package none could even be tried, because no store is registered for them;
    `lacking_count` counts these over all packages.  Where only some stores were asked for, nobody asked for those.
    `passed_over` says which stores were full, where others took what they should have.  `on_the_way` are copies, of
    packages of which any was due, that are not verified and for which policy allows time.
    """

    made: tuple[Replicated, ...]
    not_made: tuple[NotReplicated, ...]
    lacking: tuple[Lack, ...]
    lacking_count: int
    seconds: float
    passed_over: tuple[Complaint, ...] = ()
    on_the_way: tuple[OnTheWay, ...] = ()

    @property
    def due_count(self) -> int:
        """How many copies that were asked for are still to be made."""
        return len(self.not_made) + self.lacking_count

    @property
    def is_complete(self) -> bool:
        """Whether every copy that was asked for and due is there now, and was read back."""
        is_all_made = not self.not_made and not self.lacking
        return is_all_made and all(copy.state is CopyState.VERIFIED for copy in self.made)

    @property
    def is_kept(self) -> bool:
        """Whether every copy that was asked for and should be there by now is, verified; for others there is time."""
        is_any_owed = any(each.is_owed for each in self.made) or any(each.is_owed for each in self.not_made)
        return not is_any_owed and not self.lacking


def replicate(workplace: Workplace, request: ReplicateRequest) -> ReplicateReport:
    """Make the copies that are due.  A store that cannot serve leaves its copies due and does not stop the others.

    Doing it again does only what is left.  Raises `Refused` for an unknown store or package.
    """
    began = monotonic_seconds()
    only = {workplace.books.store(name).name for name in request.stores}
    registered = workplace.books.stores()
    made: list[Replicated] = []
    not_made: list[NotReplicated] = []
    lacking: dict[str, tuple[Lack, ...]] = {}
    lacking_count = 0
    passed_over: dict[str, Complaint] = {}
    coming: list[OnTheWay] = []
    for package in _packages(workplace, request):
        if request.until is not None and workplace.clock.now() >= request.until:
            break
        policy = request.policy_of(package.receipt)
        if not only:
            lacking[policy.name] = copies_lacking(policy, registered)
            lacking_count += sum(lack.count for lack in lacking[policy.name])
        copies = list(workplace.books.copies(package.id))
        placing = _placing(workplace, package.receipt, partial(copies_due, policy, registered, copies), only)
        passed_over |= {note.where: note for note in placing.passed_over()}
        wanted = [store for store in placing.stores if not only or store in only]
        if wanted:
            done = _filled(workplace, registered, package, policy, copies, wanted)
            made += done.made
            not_made += done.not_made
            coming += done.on_the_way
    if request.asks_for_frozen:
        not_made = _asked_for(workplace, not_made)
    lacks = tuple(lack for _, each in sorted(lacking.items()) for lack in each)
    seconds = monotonic_seconds() - began
    return ReplicateReport(
        tuple(made),
        tuple(not_made),
        lacks,
        lacking_count,
        seconds,
        tuple(note for _, note in sorted(passed_over.items())),
        put_together(coming),
    )


@dataclass(frozen=True, slots=True)
class _Filled:
    """What came of one package, and what policy still allows time for of it."""

    made: list[Replicated]
    not_made: list[NotReplicated]
    on_the_way: list[OnTheWay]


def _filled(
    workplace: Workplace,
    registered: Sequence[StoreEntry],
    package: PackageEntry,
    policy: Policy,
    copies: Sequence[CopyEntry],
    stores: Sequence[str],
) -> _Filled:
    """Make the copies of a package that are due in some stores, as far as that can be done."""
    made: list[Replicated] = []
    not_made: list[NotReplicated] = []
    for store in stores:
        try:
            made.append(_make(workplace, package, policy, copies, store))
        except PreserveError as error:
            not_made.append(NotReplicated(package.id, store, error))
    booked_at = moment_of(workplace.books.packaged_at(package.id))
    states = {copy.store: copy.state for copy in workplace.books.copies(package.id)}
    retired = workplace.books.roles_of_retired(package.id)
    promise = promise_of(policy, registered, states, workplace.away, retired=retired)
    coming = promise.coming_at(age_of(booked_at, workplace.clock.now()))
    roles = {entry.name: entry.role for entry in registered}
    due = {each.role: booked_at + each.within for each in coming}
    return _Filled(
        [replace(each, due_at=due.get(roles[each.store])) for each in made],
        [replace(each, due_at=due.get(roles[each.store])) for each in not_made],
        list(on_the_way(policy, coming, booked_at)),
    )


def ask_for_frozen(workplace: Workplace, report: ReplicateReport) -> ReplicateReport:
    """Ask for what a replication, or several in one report, found frozen without asking for it."""
    return replace(report, not_made=tuple(_asked_for(workplace, report.not_made)))


def _asked_for(workplace: Workplace, not_made: Sequence[NotReplicated]) -> list[NotReplicated]:
    """Ask for what lies frozen of all that could not be copied for that reason, and say so of each."""
    frozen = dict.fromkeys(each.package for each in not_made if isinstance(each.why, Frozen))
    if not frozen:
        return list(not_made)
    why = ask_for(workplace, frozen, ThawPurpose.REPLICATION)
    return [replace(each, why=why) if isinstance(each.why, Frozen) else each for each in not_made]


def _placing(workplace: Workplace, receipt: Receipt, due: Due, only: Set[str]) -> Placing:
    """Where the copies of a package go.  Where stores were asked for, no other stands in for one that is full."""

    def choose(full: Collection[str]) -> list[str]:
        return due(workplace.away, full)

    needed = receipt.bag_bytes + receipt.blocks.bytes + receipt.members.bytes
    placing = place(workplace, choose, needed)
    if only and not only & set(placing.stores):
        return Placing(tuple(choose(())), {}, needed)
    return placing


def _packages(workplace: Workplace, request: ReplicateRequest) -> Iterator[PackageEntry]:
    books = workplace.books
    if request.among is not None:
        return map(books.package, request.among)
    return books.packages() if request.package is None else iter([books.package(request.package)])


def _make(
    workplace: Workplace, package: PackageEntry, policy: Policy, copies: Sequence[CopyEntry], store: str
) -> Replicated:
    """Make one copy and book it."""
    ranked = sorted(copies, key=lambda copy: (_TRUST.get(copy.state, 9), copy.store))
    sources = [held_copy(workplace.books, workplace.stores[copy.store], package, copy) for copy in ranked]
    until = retain_until(workplace, policy)
    with workplace.claim(f"{package.id} {store}"):
        work = Copying(package, workplace.stores[store], sources, workplace.progress, workplace.work, until).run()
        workplace.record(*_bookings(workplace, package, store, work, until))
    return Replicated(package.id, store, work.state, package.receipt.bag_bytes, work.taken)


def _bookings(
    workplace: Workplace, package: PackageEntry, store: str, work: CopyWork, until: datetime | None
) -> Iterator[Event]:
    act, at = workplace.act, workplace.now()
    if work.mismatch:
        yield events.found(act, at, work.mismatch.finding(package.id, store))
    retained = stamp(until) if until else None
    yield events.copied(act, at, package.id, store, work.state, package.receipt.bag_bytes, retain_until=retained)
