"""Make parity: beside each copy for which policy wants it, and that has none yet, out of sound bytes of the package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from preserve.clock import monotonic_seconds
from preserve.errors import PreserveError, Unavailable
from preserve.model import events
from preserve.model.healing import next_generation
from preserve.model.keys import PARITY, object_key
from preserve.model.nouns import CopyEntry, CopyState, PackageEntry, StoreEntry
from preserve.model.parity import Layout, ParityEntry, layout_for, sizes_of
from preserve.model.policy import Policy
from preserve.packages.discovery import listed_package
from preserve.packages.held import blocks_from_any, held_copy
from preserve.packages.parity.making import Made, Means, make
from preserve.packages.putting import put_file
from preserve.packages.reading import look_at_object
from preserve.packages.timekeeping import lock_left
from preserve.workplace import Workplace

_TRUSTED = (CopyState.VERIFIED, CopyState.ATTESTED, CopyState.WRITTEN)
"""Copies that packages are read from; each block is held against its digest all the same."""

MOST_NAMED = 1000
"""How many objects a report names; all are counted."""

ATTEMPTS = 2
"""Generations that are made before a store is given up that does not give back what it was sent."""


@dataclass(frozen=True, slots=True)
class ParityRequest:
    """Beside which copies: in `stores` (empty: all), of one package or of all (`package` None), or of those whose ids
    are `among` some; at most `most` (None: all), of all those whose ids come behind `after`.  `policies` are those in
    force, by name.
    """

    policies: Mapping[str, Policy]
    stores: tuple[str, ...] = ()
    package: str | None = None
    among: tuple[str, ...] | None = None
    most: int | None = None
    after: str = ""


@dataclass(frozen=True, slots=True)
class ParityMade:
    """One parity object that was made, or taken in where an interrupted run had made it."""

    entry: ParityEntry
    seconds: float


@dataclass(frozen=True, slots=True)
class ParityNotMade:
    """One that is still due, and why."""

    package: str
    store: str
    why: PreserveError


@dataclass(slots=True)
class ParityReport:
    """What was made and what was not, counted, with the first of either; `seconds` is how long it took.

    `is_only_away`: all that is left waits for what cannot be reached.  `last` is the package that was tried last.
    """

    made: list[ParityMade] = field(default_factory=list)
    not_made: list[ParityNotMade] = field(default_factory=list)
    made_count: int = 0
    made_bytes: int = 0
    not_made_count: int = 0
    is_only_away: bool = True
    last: str | None = None
    seconds: float = 0.0

    @property
    def tried(self) -> int:
        return self.made_count + self.not_made_count

    def add(self, made: ParityMade) -> None:
        self.made_count += 1
        self.made_bytes += made.entry.bytes
        if len(self.made) < MOST_NAMED:
            self.made.append(made)

    def add_failure(self, failed: ParityNotMade) -> None:
        self.not_made_count += 1
        self.is_only_away = self.is_only_away and isinstance(failed.why, Unavailable)
        if len(self.not_made) < MOST_NAMED:
            self.not_made.append(failed)


def make_parity(workplace: Workplace, request: ParityRequest) -> ParityReport:
    """Make what is due, each booked when it was read back.  A store that cannot serve does not stop the others.

    Doing it again does only what is left.  Raises `Refused` for an unknown store or package.
    """
    began = monotonic_seconds()
    report = ParityReport()
    for package, store, percent in _due(workplace, request):
        if request.most is not None and report.tried >= request.most:
            break
        report.last = package
        try:
            report.add(_make(workplace, package, store, percent))
        except PreserveError as error:
            report.add_failure(ParityNotMade(package, store, error))
    report.seconds = monotonic_seconds() - began
    return report


def _due(workplace: Workplace, request: ParityRequest) -> Iterator[tuple[str, str, int]]:
    """Package, store and share of its sectors, for each verified copy whose policy wants parity that it lacks."""
    books = workplace.books
    only = {books.store(name).name for name in request.stores}
    stores = [store for store in books.stores() if not only or store.name in only]
    named = _named(workplace, request)
    for policy in request.policies.values():
        for store in stores:
            percent = policy.parity_on(store.role)
            if percent is None:
                continue
            if named is None:
                lacking = books.lacking_parity(policy.name, store.name, percent, request.after)
                yield from ((package, store.name, percent) for package in lacking)
            else:
                yield from _due_among(workplace, named, policy, store, percent)


def _named(workplace: Workplace, request: ParityRequest) -> Sequence[PackageEntry] | None:
    """The packages that were asked for; None: all."""
    if request.among is not None:
        return [workplace.books.package(each) for each in request.among]
    return None if request.package is None else [workplace.books.package(request.package)]


def _due_among(
    workplace: Workplace, packages: Sequence[PackageEntry], policy: Policy, store: StoreEntry, percent: int
) -> Iterator[tuple[str, str, int]]:
    for package in packages:
        copy = workplace.books.copy(package.id, store.name)
        if package.receipt.policy != policy.name or copy is None or copy.state is not CopyState.VERIFIED:
            continue
        known = workplace.books.parity(package.id, store.name)
        if known is None or known.percent < percent:
            yield package.id, store.name, percent


def _make(workplace: Workplace, package_id: str, store: str, percent: int) -> ParityMade:
    """Make one, under the same claim as all other work on this copy."""
    began = monotonic_seconds()
    with workplace.claim(f"{package_id} {store}"):
        package = workplace.books.package(package_id)
        # First, because a store that is away is found out before its packages are read.
        there = listed_package(workplace.stores[store], package.id).objects.get(PARITY, ())
        layout = layout_for(sizes_of(package), percent)
        with _made(workplace, package, store, layout) as made:
            generation = _laid(workplace, package, store, made, there)
        entry = ParityEntry(package.id, store, layout, percent, made.digest.sha256, workplace.now())
        workplace.record(events.parity_made(workplace.act, entry.made_at, entry, generation))
    return ParityMade(entry, monotonic_seconds() - began)


def _made(workplace: Workplace, package: PackageEntry, store: str, layout: Layout) -> AbstractContextManager[Made]:
    books = workplace.books
    copies = sorted(books.copies(package=package.id, states=_TRUSTED), key=_preference(books.stores(), store))
    sources = [held_copy(books, workplace.stores[copy.store], package, copy) for copy in copies]
    blocks = blocks_from_any(sources)
    if blocks is None:
        raise Unavailable(
            "no store in reach has a sound list of blocks of package {package}; bring back one that is away, or see"
            " `preserve audit --package {package}`",
            package=package.id,
        )
    return make(package, blocks, sources, layout, Means(workplace.work, workplace.progress))


def _preference(stores: Sequence[StoreEntry], first: str) -> Callable[[CopyEntry], tuple[bool, bool, str]]:
    """Folders before sites, which cost a line; then the copy itself."""
    networked = {store.name for store in stores if store.is_networked}
    return lambda copy: (copy.store in networked, copy.store != first, copy.store)


def _laid(workplace: Workplace, package: PackageEntry, name: str, made: Made, there: Sequence[tuple[int, int]]) -> int:
    """Lay the object beside the copy and read it back; returns its generation.

    Of what is `there` already (generations and sizes), from a run that was interrupted say, one that is the same is
    taken.
    """
    store, digest = workplace.stores[name], made.digest
    for generation, size in there:
        key = object_key(package.id, PARITY, generation)
        if size == digest.bytes and look_at_object(store, key, size, digest.sha256).is_sound:
            return generation
    copy = workplace.books.copy(package.id, name)
    until = lock_left(workplace, copy)
    taken = {generation for generation, _ in there}
    for _ in range(ATTEMPTS):
        generation = next_generation(taken)
        if put_file(store, object_key(package.id, PARITY, generation), made.file, digest, until).is_sound:
            return generation
        taken.add(generation)
    raise PreserveError(
        "store {store} took a new {object} {times} times and did not give back what it was sent; check the store",
        store=name, object=PARITY, times=ATTEMPTS,
    )  # fmt: skip
