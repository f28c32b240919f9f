"""Assess: how safe what is kept is, from the books alone; and what would be left if something happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from preserve.clock import stamp
from preserve.model.assessment import ExpectedLoss, PolicyAssessment, assess_policy, expected_loss
from preserve.model.audit import CLOCKS_DIFFER, age_limits
from preserve.model.backup_evidence import BackupEvidence, planned_facts, shown_facts
from preserve.model.blocks import BLOCK_BYTES
from preserve.model.disaster_levels import (
    Declaration,
    DisasterLevel,
    Standard,
    declared_facts,
    disaster_level,
    supposed_facts,
)
from preserve.model.drills import as_proofs
from preserve.model.fault_counts import StoreHistory, observed
from preserve.model.nouns import CopyState, Level, Role, StoreEntry
from preserve.model.placements import DAYS_A_YEAR, Look, Placement, looks_of
from preserve.model.policy import Policy
from preserve.model.threats import FaultModel
from preserve.model.three_two_one import Digit, KeptAlike, digits
from preserve.model.what_if import Survivors, aftermath
from preserve.packages import places
from preserve.state.safety import StandingAlike, StandingCopy, StoreSeen
from preserve.workplace import Workplace

_HARMED = (CopyState.BAD, CopyState.SUSPECT)
_UNREAD = (CopyState.WRITTEN, CopyState.ATTESTED, CopyState.AWAY)


@dataclass(frozen=True, slots=True)
class Rules:
    """What is judged by: fault rates as they are believed, a standard's levels, and what people declared to meet it."""

    faults: FaultModel
    standard: Standard
    declarations: tuple[Declaration, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a policy reaches if all goes as it asks; the level supposes that everything needed is declared."""

    policy: str
    assessment: PolicyAssessment
    level: DisasterLevel


@dataclass(frozen=True, slots=True)
class Assessment:
    """How safe what is kept under one policy is, or under all (`policy` None).

    `faults` is what is believed of faults after those counted in the books; `planned` what the policy reaches, where
    one was named, or everything is kept under one.  `one_device` are stores that were just seen on one device, or lie
    at one site of S3: they are judged by what was said of them all the same, and whoever reads has to know.
    """

    policy: str | None
    packages: int
    digits: tuple[Digit, ...]
    level: DisasterLevel
    loss: ExpectedLoss
    faults: FaultModel
    planned: Planned | None
    one_device: tuple[tuple[str, ...], ...] = ()

    @property
    def falls_short(self) -> tuple[Digit, ...]:
        """Digits that the policy asks for and that are not met; without a policy named, all that are not met."""
        asked = {each.rule for each in self.planned.assessment.digits if each.is_met} if self.planned else None
        return tuple(each for each in self.digits if not each.is_met and (asked is None or each.rule in asked))


def assess(
    workplace: Workplace,
    policies: Mapping[str, Policy],
    rules: Rules,
    name: str | None = None,
) -> Assessment:
    """Assess what is kept under the policy `name`, or all that is kept.

    `policies` are those in force, by name.  No store is asked: what counts is what was read and booked.
    """
    books = _Counted(workplace, policies, name)
    faults = rules.faults.after(observed(books.histories()))
    policy = policies.get(name or books.only_policy or "")
    now = workplace.clock.now()
    facts = {
        **declared_facts(rules.declarations, now.date()),
        **shown_facts(books.evidence(rules.standard), rules.standard.measures, now),
    }
    sha256 = policy.sha256 if policy is not None else ""
    return Assessment(
        policy=policy.name if policy is not None else None,
        packages=sum(each.packages for each in books.groups),
        digits=digits(books.groups, workplace.books.open_harm() if name is None else 0),
        level=disaster_level(rules.standard, facts, as_proofs(workplace.books.drills()), sha256, now),
        loss=expected_loss(books.groups, faults),
        faults=faults,
        planned=plan(policy, rules, now) if policy is not None else None,
        one_device=tuple(
            tuple(each.name for each in group) for group in places.seen_on_one_device(_reached(workplace))
        ),
    )


def plan(policy: Policy, rules: Rules, now: datetime) -> Planned:
    """What a policy reaches, before anything is kept under it."""
    assessment = assess_policy(policy, rules.faults)
    facts = {
        **supposed_facts(rules.standard),
        **planned_facts(policy, assessment.copies, rules.standard.measures),
    }
    return Planned(policy.name, assessment, disaster_level(rules.standard, facts, (), policy.sha256, now))


def survivors(workplace: Workplace, lose: Sequence[str], steal: Sequence[str]) -> Survivors:
    """Which records would be left if stores were lost and keys stolen (see `what_if.aftermath`).  Raises `Misused`."""
    books = workplace.books
    after = aftermath(books.stores(), lose, steal, books.canaries(), _beside_home(workplace))
    left = (after.whole, after.locked, workplace.now())
    standing = books.standing_in(*left)
    records, named = books.lost_packages(*left) if None in standing else (0, [])
    return Survivors(
        aftermath=after,
        safe=standing.get(CopyState.VERIFIED),
        unread=standing.get(CopyState.WRITTEN),
        lost=standing.get(None),
        last_read=books.last_read_in(*left),
        lost_named=tuple(named),
        records_lost=records,
        probed={each.store: _probed_at(workplace, each.store) for each in after.stolen},
    )


def _probed_at(workplace: Workplace, store: str) -> str | None:
    probe = workplace.books.probe(store)
    return probe.probed_at if probe else None


class _Counted:
    """What the books counted, turned into the values that are judged."""

    def __init__(self, workplace: Workplace, policies: Mapping[str, Policy], name: str | None) -> None:
        self._books = workplace.books
        self._policies = policies
        self._now = workplace.clock.now()
        self._entries = {entry.name: entry for entry in workplace.books.stores()}
        self._beside_home = _beside_home(workplace)
        self._seen = {each.store: each for each in workplace.books.stores_seen()}
        self._alike = list(self._kept_alike(name))

    def _kept_alike(self, name: str | None) -> Iterator[StandingAlike]:
        cutoffs = {policy.name: self._cutoffs(policy) for policy in self._policies.values()}
        return self._books.kept_alike(cutoffs, stamp(self._now), stamp(self._now + CLOCKS_DIFFER), name)

    def _cutoffs(self, policy: Policy) -> dict[str, dict[Level, str]]:
        """Before which moment the last look at a copy in each store is overdue."""
        return {
            entry.name: {
                level: stamp(self._now - age) for level, age in age_limits(policy.audit_on(entry.role)).items()
            }
            for entry in self._entries.values()
        }

    @property
    def only_policy(self) -> str | None:
        """The policy under which everything is kept, if it is one."""
        names = {each.policy for each in self._alike} or set(self._policies)
        return names.pop() if len(names) == 1 else None

    @cached_property
    def groups(self) -> list[KeptAlike]:
        """Packages that are kept alike."""
        return [
            KeptAlike(
                packages=each.packages,
                copies=tuple(self._placement(mark, each) for mark in each.marks if mark.state is CopyState.VERIFIED),
                unread=sum(mark.state in _UNREAD for mark in each.marks),
                harmed=sum(mark.state in _HARMED for mark in each.marks),
                overdue=sum(mark.is_overdue and mark.state is CopyState.VERIFIED for mark in each.marks),
            )
            for each in self._alike
        ]

    def _placement(self, mark: StandingCopy, alike: StandingAlike) -> Placement:
        entry = self._entries[mark.store]
        looks = self._looks(entry, mark, alike)
        # A lock is booked where policy asks for one, and stores that have none ignore the wish.
        is_locked = mark.is_locked and entry.capabilities.get("object_lock", False)
        return Placement(
            entry.name,
            entry.role,
            entry.attributes,
            looks,
            is_locked,
            is_networked=entry.is_networked,
            is_beside_home=entry.name in self._beside_home,
        )

    def _looks(self, entry: StoreEntry, mark: StandingCopy, alike: StandingAlike) -> tuple[Look, ...]:
        """The audits that policy asks for; where they are overdue, the interval is as long as it has really become."""
        policy = self._policies.get(alike.policy)
        if policy is None:
            return ()  # a package found in a store by a rebuild may name a policy that nobody registered here
        rule = policy.audit_on(entry.role)
        blocks = alike.copy_bytes / (alike.packages * len(alike.marks)) / BLOCK_BYTES
        looks = looks_of(rule, blocks)
        if not mark.is_overdue:
            return looks
        age_days = (self._now - _moment(self._seen[entry.name].oldest_look)) / timedelta(days=1)
        return tuple(Look(max(look.every_days, age_days), look.reads) for look in looks)

    def histories(self) -> Iterator[StoreHistory]:
        """What was seen of each store, of all policies: a disk does not know them."""
        harm = self._books.harm_by_day()
        for name, seen in self._seen.items():
            family = Placement(name, Role.PRIMARY, self._entries[name].attributes).family
            years = _years_watched(seen)
            yield StoreHistory(family, seen.copies, seen.copy_years, years, tuple(harm.get(name, ())))

    def evidence(self, standard: Standard) -> BackupEvidence:
        """What the books show of backup: of the packages assessed, and of the unit's habits, whatever the policy."""
        since = self._now - timedelta(days=standard.measures.window_days)
        offsite = _offsite(list(self._entries.values()))
        first, days = self._books.accession_days(stamp(since))
        lacking = sum(each.packages for each in self._alike if not _is_verified_in(each, offsite))
        oldest = self._books.not_verified_in([entry.name for entry in offsite])[1] if lacking else None
        online = [entry.name for entry in offsite if entry.is_networked or entry.role is not Role.REMOTE_OFFLINE]
        arrivals = self._books.arrivals(online, stamp(since))
        return BackupEvidence(
            packages=sum(each.packages for each in self._alike),
            begun_on=date.fromisoformat(first) if first else None,
            backup_days=frozenset(map(date.fromisoformat, days)),
            offsite_stores=tuple(entry.name for entry in offsite),
            not_offsite=lacking,
            oldest_not_offsite=_moment(oldest) if oldest else None,
            transfers={date.fromisoformat(day): hours for day, hours in arrivals.hours_by_day.items()},
            lag_seconds=arrivals.lag_seconds,
            copies=sum(each.packages * len(each.marks) for each in self._alike),
            overdue=sum(each.packages * sum(mark.is_overdue for mark in each.marks) for each in self._alike),
        )


def _beside_home(workplace: Workplace) -> frozenset[str]:
    return frozenset(entry.name for entry in places.seen_beside_home(_reached(workplace), workplace.home))


def _reached(workplace: Workplace) -> Iterator[StoreEntry]:
    """The stores but for folders that did not answer, as far as they were asked: a dead share keeps one for ever."""
    entries = workplace.books.stores()
    return (entry for entry in entries if entry.is_networked or entry.name not in workplace.away)


def _offsite(entries: Sequence[StoreEntry]) -> list[StoreEntry]:
    """Stores that are known to stand at another site than every primary one; none, where that is not known of one."""
    home = [entry.attributes.get("site", "").casefold() for entry in entries if entry.role is Role.PRIMARY]
    if not home or "" in home:
        return []
    return [entry for entry in entries if entry.attributes.get("site", "").casefold() not in ("", *home)]


def _is_verified_in(alike: StandingAlike, stores: Sequence[StoreEntry]) -> bool:
    names = {entry.name for entry in stores}
    return any(mark.store in names and mark.state is CopyState.VERIFIED for mark in alike.marks)


def _years_watched(seen: StoreSeen) -> float:
    if seen.last_looked is None:
        return 0.0
    return max((_moment(seen.last_looked) - _moment(seen.first_booked)) / timedelta(days=DAYS_A_YEAR), 0.0)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
