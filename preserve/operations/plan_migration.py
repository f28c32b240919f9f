"""Plan migrations: which endangered formats could be converted along which pathways, on what grounds, at what cost.

Showing a plan changes nothing.  Registering it gives each migration of it a number; nothing is converted before it was
tried on a sample and somebody else approved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from preserve.errors import Misused, Refused
from preserve.model import migration_events
from preserve.model.formats.holdings import HoldingRisk
from preserve.model.formats.pathways import Ground, Pathway
from preserve.model.formats.registry import FormatRegister
from preserve.model.formats.risk_rule import RiskLevel
from preserve.model.migration_plans import (
    Cost,
    Fitting,
    Group,
    Sorted,
    Wanted,
    about_the_same,
    classes_of,
    cost_of,
    experience_of,
    meant,
    policies_of_class,
    sorted_out,
)
from preserve.model.migrations import (
    MOST_PACKAGES_NAMED,
    Migration,
    PilotEntry,
    PlannedPathway,
    Scope,
    ScopeCount,
)
from preserve.model.policy import Policy
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class PlanBasis:
    """What a plan is judged by: the risks of all holdings as they are now, and how many packages nobody identified; all
    pathways; versions of programs on this machine, by id; and the policies in force, by name."""

    risks: Sequence[HoldingRisk]
    not_identified: int
    known: Sequence[Pathway]
    register: FormatRegister
    alive: Mapping[str, str]
    policies: Mapping[str, Policy]


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What is meant, each empty or None where it is not restricted.

    `formats` are PUIDs or ids of the register, `classes` fonds, categories, retentions or importances that policies
    name.  `grounds` are those that a person answers for, beyond what is found.
    """

    basis: PlanBasis
    formats: Sequence[str] = ()
    level: RiskLevel | None = None
    policies: Sequence[str] = ()
    classes: Sequence[str] = ()
    packages: Sequence[str] = ()
    pathways: Sequence[str] = ()
    encodings: Sequence[str] = ()
    grounds: Sequence[Ground] = ()
    is_again: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class PlannedWay:
    """One alternative of a proposal, and what it would cost."""

    fitting: Fitting
    cost: Cost


@dataclass(frozen=True, slots=True)
class Proposal:
    """One migration that is proposed, with how much of each format it is about (`held`, by PUID); `number` where it was
    registered, `title` where a person gave it one.  `encodings` are those in which a person said that files are:
    packages by encoding and person; None where no pathway asks."""

    group: Group
    scope: Scope
    count: ScopeCount
    held: Mapping[str, ScopeCount]
    ways: tuple[PlannedWay, ...]
    title: str
    encodings: Mapping[tuple[str, str], int] | None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What is proposed; formats `unfit` for any pathway, those for which there is no ground, those of which there is
    nothing left to do (`done`); how much there is of each format where it was asked for (`held`, by PUID); and how many
    packages were never identified."""

    proposals: tuple[Proposal, ...]
    unfit: tuple[HoldingRisk, ...]
    groundless: tuple[HoldingRisk, ...]
    done: tuple[HoldingRisk, ...]
    held: Mapping[str, ScopeCount]
    not_identified: int


def plan_migration(workplace: Workplace, request: PlanRequest) -> PlanReport:
    """What could be done about the formats meant; nothing is booked.

    Raises `Misused` for a name that nobody knows, `Refused` where no such file is held.
    """
    wanted = _wanted(request)
    narrow = _scope(workplace, request)
    held = {
        each.puid: workplace.books.in_scope(replace(narrow, puids=(each.puid,), is_again=True))
        for each in request.basis.risks
    }
    risks = [each for each in meant(request.basis.risks, wanted, request.basis.known) if held[each.puid].packages]
    if not risks:
        raise _nothing_meant(request)
    out = sorted_out(risks, wanted, request.basis.known, request.basis.register, request.basis.alive)
    proposals = list(_proposals(workplace, request, out, narrow))
    planned = {each.puid for proposal in proposals for each in proposal.group.risks}
    done = tuple(each for group in out.groups for each in group.risks if each.puid not in planned)
    if request.title and len(proposals) > 1:
        raise Misused("--title names one migration, and these are {count}; narrow them down", count=len(proposals))
    return PlanReport(tuple(proposals), out.unfit, out.groundless, done, held, request.basis.not_identified)


def register_plan(workplace: Workplace, report: PlanReport) -> PlanReport:
    """Book what is proposed; the same report, with the numbers of the migrations.

    Raises `Refused` where nothing is proposed, or an open migration is about the same files.
    """
    if not report.proposals:
        raise Refused(
            "there is nothing to register: no pathway, ground or file is left for any format meant;"
            " --again plans what has a version in force already"
        )
    with workplace.claim("migration plan"):
        before = workplace.books.migrations()
        for proposal in report.proposals:
            _require_apart(proposal.scope, before)
        at = workplace.now()
        workplace.books.record_plans(
            *(migration_events.migration_planned(workplace.act, at, _migration(each)) for each in report.proposals)
        )
        numbers = [each.number for each in workplace.books.migrations()[len(before) :]]
    booked = (replace(each, number=number) for each, number in zip(report.proposals, numbers, strict=True))
    return replace(report, proposals=tuple(booked))


def _wanted(request: PlanRequest) -> Wanted:
    names = {each.name for each in request.basis.known}
    for name in request.pathways:
        if name not in names:
            raise Misused("there is no pathway {name}; `preserve migrate pathways` lists them", name=name)
    puids = frozenset(puid for each in request.formats for puid in _puids(request.basis.register, each))
    return Wanted(
        puids, request.level, frozenset(request.pathways), frozenset(request.encodings), frozenset(request.grounds)
    )


def _puids(register: FormatRegister, given: str) -> tuple[str, ...]:
    named = register.named(given)
    if named is None and "/" not in given and given != given.upper():
        raise Misused("{format} is neither a PUID (fmt/40) nor an id of the register (word-97-2003)", format=given)
    return (given,) if named is None else tuple(named.puids)


def _scope(workplace: Workplace, request: PlanRequest) -> Scope:
    """All of the scope but its formats."""
    if len(request.packages) > MOST_PACKAGES_NAMED:
        raise Misused("name at most {count} packages; a policy or format names more", count=MOST_PACKAGES_NAMED)
    for name in request.policies:
        if name not in request.basis.policies:
            raise Misused("there is no policy {policy}; `preserve policy list` names them", policy=name)
    policies = set(request.policies)
    for wanted in request.classes:
        of_class = policies_of_class(request.basis.policies.values(), wanted)
        if not of_class:
            known = sorted({each for policy in request.basis.policies.values() for each in classes_of(policy)})
            raise Misused(
                "no policy is for records of the class {wanted}; those that policies name are: {known}",
                wanted=wanted,
                known=", ".join(known) or "-",
            )
        policies |= set(of_class)
    return Scope(
        puids=(),
        policies=tuple(sorted(policies)),
        packages=tuple(sorted({workplace.books.package(each).id for each in request.packages})),
        encodings=tuple(sorted(set(request.encodings))),
        classes=tuple(request.classes),
        level=request.level,
        is_again=request.is_again,
    )


def _proposals(workplace: Workplace, request: PlanRequest, out: Sorted, narrow: Scope) -> Iterator[Proposal]:
    books = workplace.books
    earlier = [
        (each, books.pilots(each.number), [approval.pathway for approval in books.approvals(each.number)])
        for each in books.migrations()
    ]
    for group in out.groups:
        counts = {each.puid: books.in_scope(replace(narrow, puids=(each.puid,))) for each in group.risks}
        held = {puid: count for puid, count in counts.items() if count.packages}
        if not held:
            continue
        group = replace(group, risks=tuple(each for each in group.risks if each.puid in held))
        scope = replace(narrow, puids=group.puids)
        by_policy = books.in_scope_by_policy(scope)
        ways = tuple(_way(workplace, request, each, by_policy, earlier) for each in group.ways)
        asks = any(each.pathway.encodings for each in group.ways)
        encodings = books.encodings_told(scope) if asks else None
        yield Proposal(group, scope, books.in_scope(scope), held, ways, request.title, encodings)


def _way(
    workplace: Workplace,
    request: PlanRequest,
    fitting: Fitting,
    by_policy: Mapping[str, ScopeCount],
    earlier: Sequence[tuple[Migration, Sequence[PilotEntry], Sequence[str]]],
) -> PlannedWay:
    experience = experience_of(fitting.pathway.name, earlier)
    stores = workplace.books.stores()
    return PlannedWay(fitting, cost_of(fitting.pathway, by_policy, experience, request.basis.policies, stores))


def _migration(proposal: Proposal) -> Migration:
    """As it is handed to the books, which fill in number, counts, who and when."""
    return Migration(
        number=0,
        title=proposal.title,
        scope=proposal.scope,
        grounds=proposal.group.grounds,
        alternatives=tuple(
            PlannedPathway(each.fitting.pathway.name, each.fitting.pathway.sha256) for each in proposal.ways
        ),
        planned=proposal.count,
        planned_by="",
        planned_at="",
        reason="",
    )


def _require_apart(scope: Scope, migrations: Sequence[Migration]) -> None:
    other = about_the_same(scope, migrations)
    if other is not None:
        raise Refused(
            "migration {migration} ({title}) is {state}, and about some of the same files; go on with it, or end it by"
            " `preserve migrate withdraw {migration}`",
            migration=other.number,
            title=other.called,
            state=other.state,
        )


def _nothing_meant(request: PlanRequest) -> Refused:
    if request.formats or request.level is not None or request.pathways:
        return Refused(
            "no identified file is in such a format: nothing can be planned ({count} packages were never identified:"
            " `preserve format identify`)",
            count=request.basis.not_identified,
        )
    if request.grounds:
        return Refused(
            "--ground says why files are to be converted, not which; no format that they are in asks for it by itself,"
            " so name with --format, --level or --pathway what is meant ({count} packages were never identified)",
            count=request.basis.not_identified,
        )
    return Refused(
        "no format that files are in asks for a migration; `preserve format risk` says how endangered each is, and"
        " --format names one all the same ({count} packages were never identified)",
        count=request.basis.not_identified,
    )
