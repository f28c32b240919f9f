"""What should be migrated along which pathways, on what grounds, and what it would cost: pure decisions.

Formats that the same pathways convert make one proposal: what is tried and approved together must have the same
alternatives.  Nothing is proposed without a ground, and that a format is newer is none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from preserve.model.formats.file_results import FileFate
from preserve.model.formats.holdings import FormatAdvice, HoldingRisk, ReaderState
from preserve.model.formats.pathways import Ground, Pathway
from preserve.model.formats.registry import FormatRegister
from preserve.model.formats.risk_rule import RiskLevel
from preserve.model.migrations import Migration, PilotEntry, Scope, ScopeCount
from preserve.model.nouns import StoreEntry
from preserve.model.placing import Lack, copies_lacking, stores_wanted
from preserve.model.policy import Policy

WHOLE = 100


@dataclass(frozen=True, slots=True)
class Fitting:
    """A pathway that converts some formats, the grounds on which it may, and which of its programs are not here."""

    pathway: Pathway
    grounds: frozenset[Ground]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Formats that the same pathways convert."""

    risks: tuple[HoldingRisk, ...]
    ways: tuple[Fitting, ...]

    @property
    def puids(self) -> tuple[str, ...]:
        return tuple(sorted(each.puid for each in self.risks))

    @property
    def grounds(self) -> tuple[Ground, ...]:
        """The grounds of all its pathways, in one order."""
        given = {ground for way in self.ways for ground in way.grounds}
        return tuple(each for each in Ground if each in given)


@dataclass(frozen=True, slots=True)
class Sorted:
    """The formats meant, by what can be done: `unfit` ones no pathway converts, for `groundless` ones there is no
    ground."""

    groups: tuple[Group, ...]
    unfit: tuple[HoldingRisk, ...]
    groundless: tuple[HoldingRisk, ...]


@dataclass(frozen=True, slots=True)
class Experience:
    """What earlier pilots and runs of a pathway took: `files` that a tool was given."""

    files: int = 0
    milliseconds: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a migration along one pathway takes.

    `growth_percent` is how large results are, in per cent of the originals; where that was not `measured`, the most
    that the pathway allows.  `room` is what is added to each store, in bytes, and `lacks` the copies for which there is
    no store.  `seconds` of work, one file after the other; None: nobody knows before the pilot.  `experience_files`
    were converted before.
    """

    growth_percent: int
    is_growth_measured: bool
    room: Mapping[str, int]
    lacks: tuple[Lack, ...]
    seconds: int | None
    experience_files: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What people asked for: empty is not restricted.

    `names` of pathways; `asserted` grounds that a person answers for.
    """

    puids: frozenset[str] = frozenset()
    level: RiskLevel | None = None
    names: frozenset[str] = frozenset()
    encodings: frozenset[str] = frozenset()
    asserted: frozenset[Ground] = frozenset()


def meant(risks: Iterable[HoldingRisk], wanted: Wanted, pathways: Iterable[Pathway]) -> tuple[HoldingRisk, ...]:
    """The formats that are meant, of all that is held: those asked for; else those that a named pathway converts; else
    those for which a migration should be planned."""
    if wanted.puids:
        return tuple(each for each in risks if each.puid in wanted.puids)
    if wanted.level is not None:
        levels = list(RiskLevel)
        bad = levels[levels.index(wanted.level) :]
        return tuple(each for each in risks if each.rating is not None and each.rating.level in bad)
    if wanted.names:
        sources = {puid for each in pathways if each.name in wanted.names for puid in each.sources}
        return tuple(each for each in risks if each.puid in sources)
    return tuple(each for each in risks if each.advice is FormatAdvice.PLAN)


def sorted_out(
    risks: Sequence[HoldingRisk],
    wanted: Wanted,
    pathways: Sequence[Pathway],
    register: FormatRegister,
    alive: Collection[str],
) -> Sorted:
    """What can be done about each of these formats; `alive` are the programs on this machine."""
    able = [each for each in pathways if _is_wanted(each, wanted)]
    ways: dict[tuple[str, ...], list[HoldingRisk]] = {}
    unfit, groundless = [], []
    for risk in risks:
        fitting = [each for each in able if risk.puid in each.sources]
        grounded = tuple(each.name for each in fitting if grounds_for(risk, each, register, wanted.asserted))
        if not fitting:
            unfit.append(risk)
        elif not grounded:
            groundless.append(risk)
        else:
            ways.setdefault(grounded, []).append(risk)
    by_name = {each.name: each for each in able}
    groups = tuple(
        Group(tuple(group), tuple(_fitting(by_name[name], group, wanted, register, alive) for name in names))
        for names, group in ways.items()
    )
    return Sorted(groups, tuple(unfit), tuple(groundless))


def grounds_for(
    risk: HoldingRisk, pathway: Pathway, register: FormatRegister, asserted: Collection[Ground]
) -> frozenset[Ground]:
    """On which of the pathway's grounds files in a format may be converted along it.

    That no standard accepts the format is a ground only where one accepts what comes of it.
    """
    found = set(asserted)
    if risk.rating is not None and (risk.rating.level is RiskLevel.HIGH or risk.advice is FormatAdvice.PLAN):
        found.add(Ground.RISK)
    if risk.reader_state is ReaderState.NONE_KNOWN:
        found.add(Ground.OBSOLESCENCE)
    targets = [register.of(puid) for puid in pathway.targets]
    is_refused = risk.format is not None and not risk.format.accepted
    if is_refused and any(each is not None and each.accepted for each in targets):
        found.add(Ground.NOT_ACCEPTED)
    return frozenset(found & set(pathway.grounds))


def _is_wanted(pathway: Pathway, wanted: Wanted) -> bool:
    reads = not wanted.encodings or not pathway.encodings or bool(wanted.encodings & set(pathway.encodings))
    return reads and (not wanted.names or pathway.name in wanted.names)


def _fitting(
    pathway: Pathway, group: Iterable[HoldingRisk], wanted: Wanted, register: FormatRegister, alive: Collection[str]
) -> Fitting:
    grounds = frozenset[Ground]().union(*(grounds_for(each, pathway, register, wanted.asserted) for each in group))
    return Fitting(pathway, grounds, tuple(each for each in pathway.programs if each not in alive))


def experience_of(name: str, migrations: Iterable[tuple[Migration, Sequence[PilotEntry], Sequence[str]]]) -> Experience:
    """What is known of a pathway from earlier migrations, each with its pilots and the pathways approved for it.

    A run whose approvals named several pathways says nothing of any of them.
    """
    found = Experience()
    for migration, pilots, approved in migrations:
        for outcome in (each.of(name) for each in pilots):
            if outcome is not None:
                seen = outcome.tallied
                tried = seen.files - seen.of(FileFate.REFUSED)
                work = seen.milliseconds + seen.judging_milliseconds
                found = _more(found, tried, work, seen.bytes_before, seen.bytes_after)
        if set(approved) == {name}:
            ran = migration.progress
            tried, work = ran.converted + ran.stopped + ran.failed, ran.milliseconds + ran.judging_milliseconds
            found = _more(found, tried, work, ran.bytes_before, ran.bytes_after)
    return found


def cost_of(
    pathway: Pathway,
    by_policy: Mapping[str, ScopeCount],
    experience: Experience,
    policies: Mapping[str, Policy],
    stores: Sequence[StoreEntry],
) -> Cost:
    """What converting so much, by the policy under which it is kept, takes along a pathway."""
    is_measured = experience.bytes_before > 0
    growth = pathway.tool.most_growth_percent
    if is_measured:
        growth = -(-WHOLE * experience.bytes_after // experience.bytes_before)
    room: dict[str, int] = {}
    lacks: list[Lack] = []
    for name, count in by_policy.items():
        policy = policies.get(name)
        if policy is None:
            continue
        lacks += copies_lacking(policy, stores)
        for store in stores_wanted(policy, stores):
            room[store] = room.get(store, 0) + count.bytes * growth // WHOLE
    files = sum(each.files for each in by_policy.values())
    seconds = -(-experience.milliseconds * files // (experience.files * 1000)) if experience.files else None
    return Cost(growth, is_measured, room, tuple(lacks), seconds, experience.files)


def policies_of_class(policies: Iterable[Policy], wanted: str) -> tuple[str, ...]:
    """The policies that are for records of this class: a fonds, category, retention or importance that they name."""
    return tuple(sorted(each.name for each in policies if wanted in classes_of(each)))


def classes_of(policy: Policy) -> frozenset[str]:
    """By which classes of records a policy can be meant."""
    records = policy.records
    if records is None:
        return frozenset()
    importance = () if records.importance is None else (records.importance.value,)
    return frozenset((*records.fonds, *records.categories, *records.retentions, *importance))


def about_the_same(scope: Scope, migrations: Iterable[Migration]) -> Migration | None:
    """A migration that is still to be done and may be about some of the same files."""
    return next((each for each in migrations if each.state.is_open and _may_meet(scope, each.scope)), None)


def _may_meet(scope: Scope, other: Scope) -> bool:
    pairs = ((scope.policies, other.policies), (scope.packages, other.packages), (scope.encodings, other.encodings))
    is_apart = any(one and another and not set(one) & set(another) for one, another in pairs)
    return bool(set(scope.puids) & set(other.puids)) and not is_apart


def _more(found: Experience, files: int, milliseconds: int, before: int, after: int) -> Experience:
    return Experience(
        found.files + files, found.milliseconds + milliseconds, found.bytes_before + before, found.bytes_after + after
    )
