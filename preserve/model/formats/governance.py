"""Who decides about a migration, by which criteria, and what an approval is bound to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from preserve.model.formats.pathways import Pathway
from preserve.model.persons import is_one_person


class Criterion(StrEnum):
    """By what alternatives are compared."""

    FIDELITY = "fidelity"
    COST = "cost"
    OPENNESS = "openness"
    TOOL_HEALTH = "tool health"


@dataclass(frozen=True, slots=True)
class Option:
    """One alternative, with its marks from 0 (worst) to 100 (best) by each criterion."""

    name: str
    marks: Mapping[Criterion, int]


@dataclass(frozen=True, slots=True)
class Ranked:
    """An alternative and its score, from 0 to 100."""

    name: str
    score: Fraction


@dataclass(frozen=True, slots=True)
class TurningPoint:
    """If `criterion` weighed `weight` of the whole (0 to 1) instead of `now`, `name` would be as good as the first."""

    criterion: Criterion
    now: Fraction
    weight: Fraction
    name: str


class Objection(StrEnum):
    """Why a migration may not run under an approval."""

    SAME_PERSON = "approver and executor are one person"
    SAME_AUDITOR = "the auditor approved or executes"
    PATHWAY_CHANGED = "the pathway changed since the approval"
    TOOL_CHANGED = "a tool changed since the approval"
    TOOL_GONE = "a tool is not on this machine"
    LOSS_NOT_ACCEPTED = "a declared loss was not accepted by name"
    OWN_WORK = "who decides about a file converted it"
    OWN_AUDIT = "who decides about a file audits the migration"


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's word that a pathway may run: for this text of it, with these versions of programs, with these
    losses (by their ids), each accepted by name."""

    by: str
    pathway: str
    sha256: str
    tools: Mapping[str, str]
    accepted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Raised:
    """An objection, and what it is about: a person, a program, a loss."""

    objection: Objection
    about: str


def ranking(options: Iterable[Option], weights: Mapping[Criterion, int]) -> tuple[Ranked, ...]:
    """The alternatives by their weighted marks, the best first; equal ones by name.

    Raises `ValueError` where no criterion weighs anything, or one weighs less than nothing.
    """
    shares = _shares(weights)
    found = [Ranked(each.name, _score(each, shares)) for each in options]
    return tuple(sorted(found, key=lambda each: (-each.score, each.name)))


def sensitivity(options: Sequence[Option], weights: Mapping[Criterion, int]) -> tuple[TurningPoint, ...]:
    """For each criterion the least change of its weight at which the first place is shared; the nearest first.

    The other weights keep their proportion (one at a time: Triantaphyllou and Sánchez, "A Sensitivity Analysis
    Approach for Some Deterministic Multi-Criteria Decision-Making Methods", Decision Sciences 28, 1997).  What no
    weight would turn is not named.  Raises `ValueError` as `ranking` does.
    """
    shares = _shares(weights)
    order = ranking(options, weights)
    by_name = {each.name: each for each in options}
    if not order:
        return ()
    first, others = by_name[order[0].name], [by_name[each.name] for each in order[1:]]
    points = [point for name in Criterion for point in _turning(first, others, name, shares)]
    return tuple(sorted(points, key=lambda each: (abs(each.weight - each.now), each.criterion)))


def objections(
    approval: Approval, pathway: Pathway, tools: Mapping[str, str], executor: str, auditor: str
) -> tuple[Raised, ...]:
    """Why `executor` may not run `pathway` with these `tools` (versions by id, of what is here); (): he may."""
    missing = [each.id for each in pathway.losses if each.id not in approval.accepted]
    return (
        *_of_persons(approval, executor, auditor),
        *_of_what_was_approved(approval, pathway, tools),
        *(Raised(Objection.LOSS_NOT_ACCEPTED, id_) for id_ in missing),
    )


def objections_to_decider(decider: str, executors: Iterable[str], auditors: Iterable[str]) -> tuple[Raised, ...]:
    """Why `decider` may not say what becomes of a file that was stopped: who accepts such a loss approves, and nobody
    approves his own work, or what he is to audit.  (): he may."""
    found = []
    if any(is_one_person(decider, each) for each in executors):
        found.append(Raised(Objection.OWN_WORK, decider))
    if any(is_one_person(decider, each) for each in auditors):
        found.append(Raised(Objection.OWN_AUDIT, decider))
    return tuple(found)


def _of_persons(approval: Approval, executor: str, auditor: str) -> list[Raised]:
    found = []
    if is_one_person(approval.by, executor):
        found.append(Raised(Objection.SAME_PERSON, executor))
    if any(is_one_person(auditor, each) for each in (approval.by, executor)):
        found.append(Raised(Objection.SAME_AUDITOR, auditor))
    return found


def _of_what_was_approved(approval: Approval, pathway: Pathway, tools: Mapping[str, str]) -> list[Raised]:
    found = []
    if (approval.pathway, approval.sha256) != (pathway.name, pathway.sha256):
        found.append(Raised(Objection.PATHWAY_CHANGED, pathway.name))
    for program in pathway.programs:
        if program not in tools:
            found.append(Raised(Objection.TOOL_GONE, program))
        elif tools[program] != approval.tools.get(program):
            found.append(Raised(Objection.TOOL_CHANGED, program))
    changed = (each for each in pathway.welcome if tools.get(each) != approval.tools.get(each))
    return [*found, *(Raised(Objection.TOOL_CHANGED, each) for each in changed)]


def _shares(weights: Mapping[Criterion, int]) -> dict[Criterion, Fraction]:
    total = sum(weights.values())
    if total <= 0 or min(weights.values()) < 0:
        raise ValueError("weights are not negative, and not all 0")
    return {name: Fraction(weights.get(name, 0), total) for name in Criterion}


def _score(option: Option, shares: Mapping[Criterion, Fraction]) -> Fraction:
    return sum((share * option.marks.get(name, 0) for name, share in shares.items()), Fraction(0))


def _turning(
    first: Option, others: Sequence[Option], name: Criterion, shares: Mapping[Criterion, Fraction]
) -> list[TurningPoint]:
    """With weight w of one criterion a score is w·mark + (1 - w)·rest: two of them meet in one point at the most."""
    now = shares[name]
    if now == 1:
        return []  # nothing says how the others would share the rest
    found = []
    for other in others:
        ahead = first.marks.get(name, 0) - other.marks.get(name, 0)
        rest = (_score(first, shares) - _score(other, shares) - now * ahead) / (1 - now)
        if ahead in (0, rest):
            continue  # this criterion tells them not apart, or they are as far apart with any weight
        weight = rest / (rest - ahead)
        if 0 <= weight <= 1:
            found.append(TurningPoint(name, now, weight, other.name))
    return sorted(found, key=lambda each: (abs(each.weight - now), each.name))[:1]
