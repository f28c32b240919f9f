"""Status: what is safe, what is not, and what nobody has checked, from the books alone and one glance at each store."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from preserve import environment
from preserve.clock import stamp, zone
from preserve.errors import PreserveError, Tampered
from preserve.model import links
from preserve.model.audit import CLOCKS_DIFFER, age_limits
from preserve.model.concerns import FindingsSeen
from preserve.model.drills_due import DrillDue, drills_due
from preserve.model.entries import AccessionEntry, AccessionState
from preserve.model.incidents import Incident
from preserve.model.locks import LockStanding, lock_rules, with_locks
from preserve.model.nouns import (
    Condition,
    CopyState,
    Level,
    Receipt,
    Role,
    StoreEntry,
    stores_with_records_spared,
)
from preserve.model.parity import ParityStanding
from preserve.model.placing import Lack, copies_lacking, verified_by_role
from preserve.model.policy import Policy
from preserve.model.policy_stores import TooClose, too_close
from preserve.model.sentences import Sentence
from preserve.model.separation import Coincidence, coincidences
from preserve.model.sources import source_behind
from preserve.packages import places
from preserve.packages.timekeeping import doubted
from preserve.state.books import Books
from preserve.state.glances import Glance, glance
from preserve.state.standing_reading import Ages, AlikeStanding
from preserve.workplace import Workplace

MOST_NAMED = 1000
"""How many packages, or accessions, a list of this report names; all are counted."""


@dataclass(frozen=True, slots=True)
class Shut:
    """A store is out of its window, which opens `at` that moment: `until` that time of day, by the store's clocks."""

    until: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """One store: its copies by state, how much of the ledger stands in it, and why it is away, if it is.

    `ledger_entries` is what it shows now, None where it is away or attests another ledger; this home has put
    `published` entries there.  `away_since` is when a command first noticed that, as far as one that books did; what
    was so before its window opened is no matter.
    """

    name: str
    role: Role
    copies: Mapping[CopyState, int]
    overdue: int
    ledger_entries: int | None
    published: int
    away_because: PreserveError | None
    away_since: str | None = None
    is_expected_away: bool = False
    shut: Shut | None = None

    @property
    def never_read(self) -> int:
        """Copies that nobody read back yet: the store said yes, or attested them itself."""
        return self.copies.get(CopyState.WRITTEN, 0) + self.copies.get(CopyState.ATTESTED, 0)

    @property
    def lacks_ledger(self) -> bool:
        """Whether entries that were put there do not stand there any more."""
        return self.ledger_entries is not None and self.ledger_entries < self.published

    @property
    def is_wanting(self) -> bool:
        """Whether somebody has to see why it is away."""
        return self.away_because is not None and not self.is_expected_away


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A package that has `verified` of the copies that its policy wants.

    One that is overdue in a store that is away is none of them: nobody has looked for too long, and nobody can.
    """

    package_id: str
    policy: str
    wanted: int
    verified: int


@dataclass(frozen=True, slots=True)
class OpenFindings:
    """Open findings of one condition: how many, and when the oldest was opened."""

    condition: Condition
    count: int
    oldest: str


@dataclass(frozen=True, slots=True)
class ClassHoldings:
    """What is kept under one policy; `short` packages have fewer verified copies than it wants."""

    policy: str
    packages: int
    short: int
    payload_files: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An accession that was begun and not finished: `booked` of its packages are in the books and count.

    Where the source is gone, nobody can finish it: it can only be given up.  What a harvest began, the next harvest of
    the registered source `harvested_from` ends by itself.
    """

    accession: AccessionEntry
    booked: int
    is_source_there: bool
    harvested_from: str | None = None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """How the holdings stand.  `lacking` are copies that policy wants and that no store is registered for.

    `spared` are stores with findings of which none is about a record.
    `unfinished` are accessions that were begun and neither completed nor given up, and that nobody is working on now;
    `unfinished_count` counts all of them.  `incidents` are those open, `late_drills` those that policy wants and nobody
    held in time.  `locks` tells of the object locks that policies ask for, in stores that have any.  `postdated` copies
    were looked at on a day still to come, by a clock that ran ahead: they count as overdue.  `holdings` are told by
    policy, `overdue_in` counts overdue copies by policy and store.  `alarm` says why nothing may be booked, where a
    store in reach knows more of the ledger than the home, or other.  `clock_doubt` says why this machine's clock is not
    to be trusted: then nothing counts as overdue or late here, because nobody can tell.
    """

    packages: int
    payload_files: int
    payload_bytes: int
    safe: int
    short_count: int
    short: tuple[Shortfall, ...]
    overdue: int
    postdated: int
    findings: tuple[OpenFindings, ...]
    spared: tuple[str, ...]
    stores: tuple[StoreStatus, ...]
    shared: tuple[Coincidence, ...]
    lacking: tuple[Lack, ...]
    unfinished_count: int
    unfinished: tuple[Unfinished, ...]
    incidents: tuple[Incident, ...]
    alarm: Tampered | None
    locks: tuple[LockStanding, ...]
    late_drills: tuple[DrillDue, ...]
    ledger_entries: int
    holdings: tuple[ClassHoldings, ...]
    overdue_in: Mapping[tuple[str, str], int]
    clock_doubt: Sentence | None = None
    parity: tuple[ParityStanding, ...] = ()
    """Of the stores in which any is, or is wanted."""
    beside_home: tuple[str, ...] = ()
    """Stores that are called offline, and were just seen on the device that holds the home: no shelf keeps them."""
    one_device: tuple[tuple[str, ...], ...] = ()
    """Stores that were just seen on one device, or lie at one site of S3: one failure takes all of them."""
    too_close: tuple[TooClose, ...] = ()
    """What the policies in use say of how far apart copies stand, and the stores break, or nobody can tell."""

    @property
    def never_read(self) -> int:
        """Copies that nobody read back yet: a store said yes, no more."""
        return sum(store.never_read for store in self.stores)

    @property
    def is_as_wanted(self) -> bool:
        """Whether all is as policy wants it.

        A remote offline store is away by its nature, and one out of its window or not mounted as it was registered to
        be; any other that is away is not as wanted, nor is one whose place is there and cannot be told to be that
        store.
        """
        is_any_away = any(store.is_wanting or store.lacks_ledger for store in self.stores)
        is_any_late = self.late_drills or any(locks.late for locks in self.locks)
        is_any_unprotected = any(parity.lacking for parity in self.parity)
        is_any_wrong = self.short_count or self.overdue or self.findings or self.unfinished_count or self.incidents
        is_any_wanting = is_any_late or is_any_away or is_any_unprotected or self.too_close
        return not (is_any_wrong or is_any_wanting or self.alarm or self.clock_doubt)


def status(
    workplace: Workplace, policy_of: Callable[[Receipt], Policy], policies: Mapping[str, Policy]
) -> StatusReport:
    """Look through the books; at each store one glance is cast, at all of them at once.

    `policy_of` gives the policy under which a package is kept now; `policies` are those in force, by their names: their
    rules say what is overdue.
    """
    books = workplace.books
    entries = books.stores()
    glances = glance(books, workplace.stores)
    away = frozenset(name for name, seen in glances.items() if seen.away_because is not None)
    now, clock_doubt = workplace.clock.now(), doubted(workplace)
    tally = _Tally(books, policy_of, {} if clock_doubt else _ages(policies, entries, now), entries, now)
    short = tally.short(away)
    short_count = sum(each.standing.packages for each in short)
    unfinished = list(_unfinished(workplace))
    found = books.open_findings_alike()
    return StatusReport(
        packages=tally.packages,
        payload_files=tally.files,
        payload_bytes=tally.bytes,
        safe=tally.packages - short_count,
        short_count=short_count,
        short=tuple(tally.named(short)),
        overdue=sum(tally.overdue.values()),
        postdated=tally.postdated,
        findings=tuple(_open_findings(found)),
        spared=tuple(stores_with_records_spared(found)),
        stores=tuple(_store_statuses(books, entries, glances, tally, now)),
        shared=tuple(_shared(tally.policies_used, entries)),
        lacking=tuple(lack for policy in tally.policies_used for lack in copies_lacking(policy, entries)),
        unfinished_count=len(unfinished),
        unfinished=tuple(unfinished[:MOST_NAMED]),
        incidents=tuple(books.incidents()),
        alarm=next((seen.alarm for seen in glances.values() if seen.alarm), None),
        locks=() if clock_doubt else tuple(books.lock_standings(with_locks(entries), lock_rules(policies), now)),
        late_drills=() if clock_doubt else tuple(_late_drills(books, entries, tally.policies_used, now)),
        ledger_entries=books.size(),
        holdings=tuple(tally.holdings(short)),
        overdue_in=dict(tally.overdue_in),
        clock_doubt=clock_doubt,
        parity=tuple(_parity(books, entries, policies)),
        beside_home=tuple(each.name for each in places.seen_beside_home(entries, workplace.home)),
        one_device=tuple(tuple(each.name for each in group) for group in places.seen_on_one_device(entries)),
        too_close=tuple(found for policy in tally.policies_used for found in too_close(policy, entries)),
    )


def _parity(books: Books, stores: Sequence[StoreEntry], policies: Mapping[str, Policy]) -> Iterator[ParityStanding]:
    there = books.parity_by_store()
    for store in stores:
        wanted = {name: percent for name, policy in policies.items() if (percent := policy.parity_on(store.role))}
        if wanted or store.name in there:
            lacking = sum(books.count_lacking_parity(name, store.name, percent) for name, percent in wanted.items())
            yield ParityStanding(store.name, *there.get(store.name, (0, 0)), lacking)


def _shared(policies: Iterable[Policy], stores: Sequence[StoreEntry]) -> Iterator[Coincidence]:
    """What stores share, and the policies in use or common sense ask them not to."""
    rules = [policy.separation for policy in policies if policy.separation is not None]
    everywhere = [attribute for rule in rules for attribute in rule.everywhere]
    remote = [attribute for rule in rules for attribute in rule.remote]
    for number, store in enumerate(stores):
        yield from coincidences(store, stores[:number], everywhere, remote)


def _unfinished(workplace: Workplace) -> Iterator[Unfinished]:
    sources = [each.entry for each in workplace.books.sources() if not each.is_retired]
    for accession in workplace.books.accessions(AccessionState.OPEN):
        if not workplace.is_claimed(accession.source):  # ingest holds the claim on it as long as it runs
            booked = sum(map(workplace.books.has_package, accession.packages))
            is_there = os.path.lexists(os.fsencode(accession.source))
            source = source_behind(accession.source, sources)
            if source is not None and accession.source.startswith("/") and not is_there:
                source = None  # a submission that somebody took out of a drop folder: no look finds it again
            yield Unfinished(accession, booked, is_there or source is not None, source)


@dataclass(frozen=True, slots=True)
class _Short:
    """Packages that stand alike and have fewer verified copies than wanted; `late` are stores away in which their
    copies are overdue, and others that stand so have some that are not."""

    standing: AlikeStanding
    late: frozenset[str]
    wanted: int
    verified: int


class _Tally:
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
        self._ahead = stamp(now + CLOCKS_DIFFER)
        self._standings = books.standings()
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

    def short(self, away: Collection[str]) -> list[_Short]:
        """Packages with fewer verified copies than their policy wants."""
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
        compared = (
            self._compared(each, stores, frozenset(store for store in each.states if (store, each.policy) in wholly))
            for each, stores in [*whole, *apart]
            if each.packages
        )
        return [each for each in compared if each.verified < each.wanted]

    def _is_wholly_overdue(self, store: str, policy: str) -> bool:
        copies = sum(each.packages for each in self._standings if each.policy == policy and store in each.states)
        return self.overdue_in[policy, store] == copies

    def _compared(self, standing: AlikeStanding, late: frozenset[str], wholly: frozenset[str]) -> _Short:
        policy = self._used[standing.policy]
        counting = {store: state for store, state in standing.states.items() if store not in late | wholly}
        return _Short(standing, late, policy.copies_wanted, verified_by_role(policy, self._stores, counting))

    def holdings(self, short: Iterable[_Short]) -> Iterator[ClassHoldings]:
        """What is kept, by policy."""
        lacking: Counter[str] = Counter()
        for each in short:
            lacking[each.standing.policy] += each.standing.packages
        for policy in sorted(self._used):
            alike = [each for each in self._standings if each.policy == policy]
            yield ClassHoldings(
                policy=policy,
                packages=sum(each.packages for each in alike),
                short=lacking[policy],
                payload_files=sum(each.payload_files for each in alike),
                payload_bytes=sum(each.payload_bytes for each in alike),
            )

    def named(self, short: Iterable[_Short]) -> list[Shortfall]:
        """The first of these packages, by id."""
        found: dict[str, Shortfall] = {}
        for each in short:  # those with overdue copies come last: they stand alike with others that have none
            for package in self._packages_of(each):
                found[package] = Shortfall(package, each.standing.policy, each.wanted, each.verified)
        return [shortfall for _, shortfall in sorted(found.items())][:MOST_NAMED]

    def _packages_of(self, short: _Short) -> list[str]:
        standing, most = short.standing, MOST_NAMED
        if not short.late:
            return [package for package, _ in self._books.packages_standing(standing.policy, standing.states, most)]
        ages = {store: self._ages[store, standing.policy] for store in short.late}
        return [package for package, _ in self._books.overdue_packages(standing, ages, self._ahead, most)]


def _key(standing: AlikeStanding) -> tuple[tuple[str, CopyState], ...]:
    return tuple(sorted(standing.states.items()))


def _ages(policies: Mapping[str, Policy], stores: Iterable[StoreEntry], now: datetime) -> dict[tuple[str, str], Ages]:
    """Before which moments a look is too long ago, for each store and policy in force."""
    return {
        (store.name, name): {
            level: stamp(now - longest) for level, longest in age_limits(policy.audit_on(store.role)).items()
        }
        for store in stores
        for name, policy in policies.items()
    }


def _late_drills(
    books: Books, entries: Sequence[StoreEntry], policies: Sequence[Policy], now: datetime
) -> Iterator[DrillDue]:
    """Drills that policies in use want and that nobody held in time."""
    if not any(policy.drills for policy in policies):
        return
    since = books.held_since(entry.name for entry in entries)
    for due in drills_due(policies, entries, since, list(books.drills()), now):
        if due.is_late(now):
            yield due


def _open_findings(found: Iterable[FindingsSeen]) -> Iterator[OpenFindings]:
    counts: Counter[Condition] = Counter()
    oldest: dict[Condition, str] = {}
    for alike in found:
        counts[alike.condition] += alike.count
        oldest[alike.condition] = min(oldest.get(alike.condition, alike.oldest_at), alike.oldest_at)
    for condition in Condition:
        if condition in counts:
            yield OpenFindings(condition, counts[condition], oldest[condition])


def _store_statuses(
    books: Books, entries: Iterable[StoreEntry], glances: Mapping[str, Glance], tally: _Tally, now: datetime
) -> Iterator[StoreStatus]:
    absences = books.absences(environment.machine_name())
    for entry in entries:
        name, seen, hours = entry.name, glances[entry.name], links.hours(entry, zone)
        opened_at, why = hours.opened_at(now), seen.away_because
        is_shut = not hours.is_open(now)
        since = None if why is None or is_shut else absences.get(name)
        if since is not None and opened_at is not None:
            since = max(since, stamp(opened_at))
        yield StoreStatus(
            name=name,
            role=entry.role,
            copies={state: tally.states[name, state] for state in CopyState if tally.states[name, state]},
            overdue=tally.overdue[name],
            ledger_entries=seen.entries,
            published=books.pushed(name),
            away_because=why,
            away_since=since,
            is_expected_away=why is not None and links.is_away_as_expected(entry, why),
            shut=Shut(hours.shown(hours.opens_at(now)), hours.opens_at(now)) if is_shut else None,
        )
