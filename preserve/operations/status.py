"""Status: what is safe, what is not, and what nobody has checked, from the books alone and one glance at each store."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from preserve.errors import Unavailable, Unidentified
from preserve.model.audit import age_limits, is_overdue, is_postdated
from preserve.model.entries import AccessionEntry, AccessionState
from preserve.model.incidents import Incident
from preserve.model.nouns import (
    Condition,
    CopyEntry,
    CopyState,
    PackageEntry,
    Receipt,
    Role,
    StoreEntry,
    stores_with_records_spared,
)
from preserve.model.placing import Lack, copies_kept, copies_lacking
from preserve.model.policy import Policy
from preserve.model.separation import Coincidence, coincidences
from preserve.state.books import Books
from preserve.workplace import Workplace

MOST_NAMED = 1000
"""How many packages, or accessions, a list of this report names; all are counted."""


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """One store: its copies by state, how much of the ledger it holds, and why it is away, if it is.

    `away_since` is when a command first noticed that, as far as one that books did.
    """

    name: str
    role: Role
    copies: Mapping[CopyState, int]
    overdue: int
    ledger_entries: int
    away_because: Unavailable | None
    away_since: str | None = None

    @property
    def is_wanting(self) -> bool:
        """Whether somebody has to see why it is away."""
        is_expected = self.role is Role.REMOTE_OFFLINE and not isinstance(self.away_because, Unidentified)
        return self.away_because is not None and not is_expected


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
class Unfinished:
    """An accession that was begun and not finished: `booked` of its packages are in the books and count.

    Where the source is gone, nobody can finish it: it can only be given up.
    """

    accession: AccessionEntry
    booked: int
    is_source_there: bool


@dataclass(frozen=True, slots=True)
class StatusReport:
    """How the holdings stand.  `lacking` are copies that policy wants and that no store is registered for.

    `spared` are stores with findings of which none is about a record.
    `unfinished` are accessions that were begun and neither completed nor given up, and that nobody is working on now;
    `unfinished_count` counts all of them.  `incidents` are those open.  `postdated` copies were looked at on a day
    still to come, by a clock that ran ahead: they count as overdue.
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
    ledger_entries: int

    @property
    def is_as_wanted(self) -> bool:
        """Whether all is as policy wants it.

        A remote offline store is away by its nature; any other that is away is not as wanted, nor is one whose place is
        there and cannot be told to be that store.
        """
        is_any_away = any(store.is_wanting for store in self.stores)
        is_any_wrong = self.short_count or self.overdue or self.findings or self.unfinished_count or self.incidents
        return not (is_any_wrong or is_any_away)


def status(
    workplace: Workplace, policy_of: Callable[[Receipt], Policy], policies: Mapping[str, Policy]
) -> StatusReport:
    """Look through the books; each store is asked one thing only.

    `policy_of` gives the policy under which a package is kept now; `policies` are those in force, by their names: their
    rules say what is overdue.
    """
    books = workplace.books
    entries = books.stores()
    away = dict(_away(workplace))
    tally = _Tally(policy_of, policies, entries, away, workplace.clock.now())
    for package, copies in _packages_with_copies(books.packages(), books.copies()):
        tally.add(package, copies)
    unfinished = list(_unfinished(workplace))
    return StatusReport(
        packages=tally.packages,
        payload_files=tally.files,
        payload_bytes=tally.bytes,
        safe=tally.packages - tally.short_count,
        short_count=tally.short_count,
        short=tuple(tally.short),
        overdue=sum(tally.overdue.values()),
        postdated=tally.postdated,
        findings=tuple(_open_findings(workplace)),
        spared=tuple(stores_with_records_spared(books.findings())),
        stores=tuple(_store_statuses(books, entries, away, tally)),
        shared=tuple(_shared(tally.policies_used, entries)),
        lacking=tuple(lack for policy in tally.policies_used for lack in copies_lacking(policy, entries)),
        unfinished_count=len(unfinished),
        unfinished=tuple(unfinished[:MOST_NAMED]),
        incidents=tuple(books.incidents()),
        ledger_entries=books.size(),
    )


def _shared(policies: Iterable[Policy], stores: Sequence[StoreEntry]) -> Iterator[Coincidence]:
    """What stores share, and the policies in use or common sense ask them not to."""
    rules = [policy.separation for policy in policies if policy.separation is not None]
    everywhere = [attribute for rule in rules for attribute in rule.everywhere]
    remote = [attribute for rule in rules for attribute in rule.remote]
    for number, store in enumerate(stores):
        yield from coincidences(store, stores[:number], everywhere, remote)


def _unfinished(workplace: Workplace) -> Iterator[Unfinished]:
    for accession in workplace.books.accessions(AccessionState.OPEN):
        if not _is_under_way(workplace, accession):
            booked = sum(map(workplace.books.has_package, accession.packages))
            yield Unfinished(accession, booked, os.path.lexists(os.fsencode(accession.source)))


def _is_under_way(workplace: Workplace, accession: AccessionEntry) -> bool:
    """Whether a living process is taking it in: ingest holds a claim on the source as long as it runs."""
    try:
        with workplace.claim(accession.source):
            return False
    except Unavailable:
        return True


class _Tally:
    """What is counted over all packages, in memory that does not grow with them."""

    def __init__(
        self,
        policy_of: Callable[[Receipt], Policy],
        policies: Mapping[str, Policy],
        stores: Sequence[StoreEntry],
        away: Collection[str],
        now: datetime,
    ) -> None:
        self._policy_of = policy_of
        self._stores = stores
        self._away = away
        self._limits = {
            (name, store.name): age_limits(policy.audit_on(store.role))
            for name, policy in policies.items()
            for store in stores
        }
        self._now = now
        self._used: dict[str, Policy] = {}
        self.packages = self.files = self.bytes = self.short_count = 0
        self.short: list[Shortfall] = []
        self.states: Counter[tuple[str, CopyState]] = Counter()
        self.overdue: Counter[str] = Counter()
        self.postdated = 0

    @property
    def policies_used(self) -> list[Policy]:
        """Those under which anything is kept, by name."""
        return [policy for _, policy in sorted(self._used.items())]

    def add(self, package: PackageEntry, copies: Sequence[CopyEntry]) -> None:
        receipt = package.receipt
        self.packages += 1
        self.files += receipt.payload_files
        self.bytes += receipt.payload_bytes
        counting: list[CopyEntry] = []
        for copy in copies:
            is_late = is_overdue(copy, self._limits.get((receipt.policy, copy.store), {}), self._now)
            self.states[copy.store, copy.state] += 1
            self.overdue[copy.store] += is_late
            self.postdated += is_postdated(copy, self._now)
            if not (is_late and copy.store in self._away):
                counting.append(copy)
        self._compare(package, counting)

    def _compare(self, package: PackageEntry, copies: Sequence[CopyEntry]) -> None:
        policy = self._policy_of(package.receipt)
        self._used[policy.name] = policy
        wanted = sum(rule.count for rule in policy.copies)
        verified = copies_kept(policy, self._stores, copies)
        if verified < wanted:
            self.short_count += 1
            if len(self.short) < MOST_NAMED:
                self.short.append(Shortfall(package.id, policy.name, wanted, verified))


def _packages_with_copies(
    packages: Iterable[PackageEntry], copies: Iterator[CopyEntry]
) -> Iterator[tuple[PackageEntry, list[CopyEntry]]]:
    """Each package with its copies; both streams are sorted by package."""
    grouped = itertools.groupby(copies, key=lambda copy: copy.package_id)
    group = next(grouped, None)
    for package in packages:
        while group is not None and group[0] < package.id:  # booked meanwhile, with a package behind us
            group = next(grouped, None)
        if group is not None and group[0] == package.id:
            yield package, list(group[1])
            group = next(grouped, None)
        else:
            yield package, []


def _open_findings(workplace: Workplace) -> Iterator[OpenFindings]:
    counts: Counter[Condition] = Counter()
    oldest: dict[Condition, str] = {}
    for finding in workplace.books.findings():
        counts[finding.condition] += 1
        oldest.setdefault(finding.condition, finding.opened_at)
    for condition in Condition:
        if condition in counts:
            yield OpenFindings(condition, counts[condition], oldest[condition])


def _away(workplace: Workplace) -> Iterator[tuple[str, Unavailable]]:
    """The stores that do not answer now, and why."""
    for name, store in workplace.stores.items():
        try:
            store.free_bytes()
        except Unavailable as error:
            yield name, error


def _store_statuses(
    books: Books, entries: Iterable[StoreEntry], away: Mapping[str, Unavailable], tally: _Tally
) -> Iterator[StoreStatus]:
    absences = books.absences()
    for entry in entries:
        name = entry.name
        copies = {state: tally.states[name, state] for state in CopyState if tally.states[name, state]}
        since = absences.get(name) if name in away else None
        pushed = books.pushed(name)
        yield StoreStatus(name, entry.role, copies, tally.overdue[name], pushed, away.get(name), since)
