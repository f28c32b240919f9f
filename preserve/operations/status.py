"""Status: what is safe, what is not, and what nobody has checked, from the books alone and one glance at each store."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from preserve.errors import Unavailable, Unidentified
from preserve.model.audit import age_limits, is_overdue
from preserve.model.entries import AccessionState
from preserve.model.nouns import Condition, CopyEntry, CopyState, PackageEntry, Role, StoreEntry
from preserve.model.placing import copies_lacking
from preserve.model.policy import Policy
from preserve.model.separation import Coincidence, coincidences
from preserve.workplace import Workplace

MOST_NAMED = 1000
"""How many packages, or accessions, a list of this report names; all are counted."""


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """One store: its copies by state, how much of the ledger it holds, and why it is away, if it is."""

    name: str
    role: Role
    copies: Mapping[CopyState, int]
    overdue: int
    ledger_entries: int
    away_because: Unavailable | None

    @property
    def is_wanting(self) -> bool:
        """Whether somebody has to see why it is away."""
        is_expected = self.role is Role.REMOTE_OFFLINE and not isinstance(self.away_because, Unidentified)
        return self.away_because is not None and not is_expected


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A package with fewer verified copies than its policy wants."""

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
class StatusReport:
    """How the holdings stand.  `lacking_stores` names policies that want copies for which no store is registered.

    `unfinished` are accessions that were begun and neither completed nor given up.
    """

    packages: int
    payload_files: int
    payload_bytes: int
    safe: int
    short_count: int
    short: tuple[Shortfall, ...]
    overdue: int
    findings: tuple[OpenFindings, ...]
    stores: tuple[StoreStatus, ...]
    shared: tuple[Coincidence, ...]
    lacking_stores: Mapping[str, int]
    unfinished: tuple[str, ...]
    ledger_entries: int

    @property
    def is_as_wanted(self) -> bool:
        """Whether all is as policy wants it.

        A remote offline store is away by its nature; any other that is away is not as wanted, nor is one whose place is
        there and cannot be told to be that store.
        """
        is_any_away = any(store.is_wanting for store in self.stores)
        return not (self.short_count or self.overdue or self.findings or self.unfinished or is_any_away)


def status(workplace: Workplace, policy_of: Callable[[str], Policy], policies: Mapping[str, Policy]) -> StatusReport:
    """Look through the books; each store is asked one thing only.

    `policy_of` gives the policy with a digest, under which a package was taken in; `policies` are those in force, by
    their names: their rules say what is overdue.
    """
    books = workplace.books
    tally = _Tally(policy_of, policies, books.stores(), workplace.clock.now())
    for package, copies in _packages_with_copies(books.packages(), books.copies()):
        tally.add(package, copies)
    entries = books.stores()
    return StatusReport(
        packages=tally.packages,
        payload_files=tally.files,
        payload_bytes=tally.bytes,
        safe=tally.packages - tally.short_count,
        short_count=tally.short_count,
        short=tuple(tally.short),
        overdue=sum(tally.overdue.values()),
        findings=tuple(_open_findings(workplace)),
        stores=tuple(_store_status(workplace, entry.name, entry.role, tally) for entry in entries),
        shared=tuple(_shared(tally.policies_used, entries)),
        lacking_stores=_lacking(tally.policies_used, entries),
        unfinished=tuple(accession.id for accession in books.accessions(AccessionState.OPEN))[:MOST_NAMED],
        ledger_entries=books.size(),
    )


def _shared(policies: Iterable[Policy], stores: Sequence[StoreEntry]) -> Iterator[Coincidence]:
    """What stores share, and the policies in use or common sense ask them not to."""
    rules = [policy.separation for policy in policies if policy.separation is not None]
    everywhere = [attribute for rule in rules for attribute in rule.everywhere]
    remote = [attribute for rule in rules for attribute in rule.remote]
    for number, store in enumerate(stores):
        yield from coincidences(store, stores[:number], everywhere, remote)


def _lacking(policies: Iterable[Policy], stores: Sequence[StoreEntry]) -> dict[str, int]:
    counts = {policy.name: copies_lacking(policy, stores) for policy in policies}
    return {name: count for name, count in sorted(counts.items()) if count}


class _Tally:
    """What is counted over all packages, in memory that does not grow with them."""

    def __init__(
        self,
        policy_of: Callable[[str], Policy],
        policies: Mapping[str, Policy],
        stores: Iterable[StoreEntry],
        now: datetime,
    ) -> None:
        self._policy_of = policy_of
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

    @property
    def policies_used(self) -> Iterable[Policy]:
        """Those under which anything is kept."""
        return self._used.values()

    def add(self, package: PackageEntry, copies: Iterable[CopyEntry]) -> None:
        receipt = package.receipt
        self.packages += 1
        self.files += receipt.payload_files
        self.bytes += receipt.payload_bytes
        verified = 0
        for copy in copies:
            self.states[copy.store, copy.state] += 1
            verified += copy.state is CopyState.VERIFIED
            self.overdue[copy.store] += is_overdue(copy, self._limits.get((receipt.policy, copy.store), {}), self._now)
        self._compare(package, verified)

    def _compare(self, package: PackageEntry, verified: int) -> None:
        receipt = package.receipt
        if receipt.policy_sha256 not in self._used:
            self._used[receipt.policy_sha256] = self._policy_of(receipt.policy_sha256)
        wanted = sum(rule.count for rule in self._used[receipt.policy_sha256].copies)
        if verified < wanted:
            self.short_count += 1
            if len(self.short) < MOST_NAMED:
                self.short.append(Shortfall(package.id, receipt.policy, wanted, verified))


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


def _store_status(workplace: Workplace, name: str, role: Role, tally: _Tally) -> StoreStatus:
    away = None
    try:
        workplace.stores[name].free_bytes()
    except Unavailable as error:
        away = error
    copies = {state: tally.states[name, state] for state in CopyState if tally.states[name, state]}
    return StoreStatus(name, role, copies, tally.overdue[name], workplace.books.pushed(name), away)
