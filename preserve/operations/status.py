"""Status: what is safe, what is not, and what nobody has checked, from the books alone and one glance at each store."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from preserve import environment
from preserve.clock import stamp, zone
from preserve.errors import PreserveError, Tampered
from preserve.model import links
from preserve.model.concerns import FindingsSeen
from preserve.model.drills_due import DrillDue, drills_due
from preserve.model.entries import AccessionEntry, AccessionState
from preserve.model.formats.standing import IdentificationStanding
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.locks import LockStanding, lock_rules, with_locks
from preserve.model.migration_waits import MigrationStanding, standing_of
from preserve.model.nouns import (
    Condition,
    CopyState,
    Receipt,
    Role,
    StoreEntry,
    stores_with_records_spared,
)
from preserve.model.on_the_way import OnTheWay
from preserve.model.parity import ParityStanding
from preserve.model.placing import Lack, copies_lacking
from preserve.model.policy import Policy
from preserve.model.policy_stores import TooClose, too_close
from preserve.model.room import Room
from preserve.model.sentences import Sentence
from preserve.model.separation import Coincidence, coincidences
from preserve.model.sources import source_behind
from preserve.packages import places
from preserve.packages.judging.safety import MOST_NAMED, ClassHoldings, Shortfall, Tally, audit_ages
from preserve.packages.timekeeping import doubted
from preserve.state.books import Books
from preserve.state.glances import Glance, glance
from preserve.state.identifications import ANY_RELEASE
from preserve.workplace import Workplace


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
class OpenFindings:
    """Open findings of one condition: how many, and when the oldest was opened."""

    condition: Condition
    count: int
    oldest: str


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

    Of `safe` packages each copy that policy wants is verified, of `short_count` one is not that should be by now.  Of
    `coming` packages all that should be by now are, and policy allows time for others; `on_the_way` are the copies, of
    any package, for which it does.
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
    coming: int
    on_the_way: tuple[OnTheWay, ...]
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
    rooms: tuple[Room, ...] = ()
    """What the disks take still of the home, and of stores that are folders and there now.  Numbered media are left
    out, which are filled one after the other."""
    formats: tuple[IdentificationStanding, ...] = ()
    """Of the policies that ask for it, or under which any were told."""
    migrations: tuple[MigrationStanding, ...] = ()
    """Those that wait for a person, as far as the books tell; that an approval is void is an incident."""

    @property
    def never_read(self) -> int:
        """Copies that nobody read back yet: a store said yes, no more."""
        return sum(store.never_read for store in self.stores)

    @property
    def is_as_wanted(self) -> bool:
        """Whether all is as policy wants it by now.

        A remote offline store is away by its nature, and one out of its window or not mounted as it was registered to
        be; any other that is away is not as wanted, nor is one whose place is there and cannot be told to be that
        store.
        """
        is_any_away = any(store.is_wanting or store.lacks_ledger for store in self.stores)
        is_any_late = self.late_drills or any(locks.late for locks in self.locks)
        is_any_unprotected = any(parity.lacking for parity in self.parity)
        is_any_wrong = self.short_count or self.overdue or self.findings or self.unfinished_count or self.incidents
        is_any_short = any(room.is_short for room in self.rooms)
        is_any_wanting = is_any_late or is_any_away or is_any_unprotected or self.too_close or is_any_short
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
    # A folder that did not answer in time is not asked again, by somebody who would wait for ever.
    reached = [entry for entry in entries if entry.is_networked or entry.name not in away]
    now, clock_doubt = workplace.clock.now(), doubted(workplace)
    with books.snapshot():
        tally = Tally(books, policy_of, {} if clock_doubt else audit_ages(policies, entries, now), entries, now)
        wanting = tally.wanting(away)
        short = tuple(tally.named(wanting))
    short_count = sum(each.packages for each in wanting if each.is_short)
    coming = sum(each.packages for each in wanting if each.is_on_the_way)
    unfinished = list(_unfinished(workplace))
    found = books.open_findings_alike()
    return StatusReport(
        packages=tally.packages,
        payload_files=tally.files,
        payload_bytes=tally.bytes,
        safe=tally.packages - short_count - coming,
        coming=coming,
        on_the_way=tally.on_the_way(wanting),
        short_count=short_count,
        short=short,
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
        holdings=tuple(tally.holdings(wanting)),
        overdue_in=dict(tally.overdue_in),
        clock_doubt=clock_doubt,
        parity=tuple(_parity(books, entries, policies)),
        beside_home=tuple(each.name for each in places.seen_beside_home(reached, workplace.home)),
        one_device=tuple(tuple(each.name for each in group) for group in places.seen_on_one_device(reached)),
        too_close=tuple(
            found
            for policy in tally.policies_used
            for found in too_close(policy, entries, tally.stores_together(policy.name))
        ),
        rooms=tuple(places.rooms(_with_room(books, entries, away), workplace.home)),
        formats=tuple(_formats(books, policies)),
        migrations=tuple(each for each in _migrations(books) if not each.is_well),
    )


def _migrations(books: Books) -> Iterator[MigrationStanding]:
    """No tool is asked for its version here: that takes seconds, and is the runner's to do.  What it found, and
    nothing mended since, counts."""
    for each in books.migrations():
        found = books.open_incident(IncidentKind.REOPENED, each.claim)
        yield standing_of(each, (), books.last_pilot(each.number), is_void=found is not None)


def _with_room(books: Books, entries: Iterable[StoreEntry], away: Collection[str]) -> Iterator[StoreEntry]:
    """Stores that answered, and are to have room for more."""
    media = {medium.store for medium in books.media()}
    return (entry for entry in entries if entry.name not in away and entry.name not in media)


def _formats(books: Books, policies: Mapping[str, Policy]) -> Iterator[IdentificationStanding]:
    """By the signatures used last: what is installed now is asked by who tells formats."""
    noted = books.noted_release()
    for standing in books.identification_standings(ANY_RELEASE if noted is None else noted.digest):
        policy = policies.get(standing.policy)
        is_wanted = policy is not None and policy.formats is not None
        if is_wanted or standing.current or standing.earlier:
            yield standing


def _parity(books: Books, stores: Sequence[StoreEntry], policies: Mapping[str, Policy]) -> Iterator[ParityStanding]:
    there = books.parity_by_store()
    for store in stores:
        wanted = {name: percent for name, policy in policies.items() if (percent := policy.parity_on(store.role))}
        if wanted or store.name in there:
            lacking = sum(books.count_lacking_parity(name, store.name, percent) for name, percent in wanted.items())
            yield ParityStanding(store.name, *there.get(store.name, (0, 0)), lacking)


def _shared(policies: Iterable[Policy], stores: Sequence[StoreEntry]) -> Iterator[Coincidence]:
    """What stores share, and the policies in use or common sense ask them not to.

    Of stores of one role of which each package has one, such as the media on a shelf, no event takes two copies.
    """
    used = list(policies)
    one_each = {role for role in Role if used and all(policy.copies_on(role) <= 1 for policy in used)}
    rules = [policy.separation for policy in used if policy.separation is not None]
    everywhere = [attribute for rule in rules for attribute in rule.everywhere]
    remote = [attribute for rule in rules for attribute in rule.remote]
    for number, store in enumerate(stores):
        others = [each for each in stores[:number] if each.role is not store.role or each.role not in one_each]
        yield from coincidences(store, others, everywhere, remote)


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
    books: Books, entries: Iterable[StoreEntry], glances: Mapping[str, Glance], tally: Tally, now: datetime
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
