"""How safe: the digits of 3-2-1-1-0 and the expected loss, of a policy or of what is kept.

Everything here follows from values: `preserve.operations.assess` gathers them from the books, `preserve policy check`
from the policy alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from preserve.model.expected_loss import HORIZONS_YEARS, Cause, chance_within, hazard
from preserve.model.fault_rates import Threat
from preserve.model.media import Family
from preserve.model.nouns import Role
from preserve.model.placements import Look, Placement, planned
from preserve.model.policy import Policy
from preserve.model.separation import ATTRIBUTES
from preserve.model.threats import SHARED_BY, FaultModel, Reading, causes, loss_per_year, unknown_attributes
from preserve.model.three_two_one import Digit, KeptAlike, digits_of_plan

ONE_MORE_AUDIT_DAYS = 365.0
MOST_COPIES_RECKONED = 6
"""Of a package with more copies so many are reckoned with, offline ones first: each more doubles the work, and to leave
copies out never makes a loss look smaller than it is."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure at the three readings: nobody knows one number."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class LossWithin:
    """What is lost within so many years: the chance for one package, and how many of all are to be expected.

    `any_at_least` and `any_at_most` bound the chance that any package is lost, at the middle reading: whether packages
    are lost together or each for itself lies between the two.
    """

    years: int
    chance: Estimate
    packages: Estimate
    any_at_least: float
    any_at_most: float


class Remedy(StrEnum):
    """What could be done next."""

    COPY = "copy"  # one more copy online: site, power and vendor of its own, keys and software as the first online
    AUDIT = "audit"  # every byte of every copy read once more a year
    OFFLINE = "offline"  # one copy offline and far away, with everything of its own, read once a year
    APART = "apart"  # let copies differ in what the dominant threat takes them by
    FACTS = "facts"  # say of the stores what is not known of them, if they are as far apart as can be


@dataclass(frozen=True, slots=True)
class Improvement:
    """The middle hazard of loss a year after a remedy, and how many times smaller it is; `attribute` is what copies
    differ in after `Remedy.APART`."""

    step: Remedy
    per_year: float
    times_better: float
    attribute: str | None = None


@dataclass(frozen=True, slots=True)
class Involved:
    """By how much (0 to 1) the expected loss would fall if this cause never came; the shares of causes overlap, because
    most losses need several."""

    cause: Cause
    share: float


@dataclass(frozen=True, slots=True)
class ExpectedLoss:
    """Expected loss of `packages`, each with a verified copy at least; `per_year` are losses of one, on average.

    `involved` names what loses records, the dominant first.  `without_copy` are packages of which no copy was ever read
    back: nothing is said of them.  `not_known` are the attributes that some store was never said to have, and that were
    taken to be shared.
    """

    packages: int
    without_copy: int
    per_year: Estimate
    within: tuple[LossWithin, ...]
    involved: tuple[Involved, ...]
    improvements: tuple[Improvement, ...]
    not_known: tuple[str, ...]

    @property
    def dominant(self) -> Involved | None:
        """What losses need most."""
        return self.involved[0] if self.involved else None


@dataclass(frozen=True, slots=True)
class PolicyAssessment:
    """What a policy reaches when all is as it asks, and stores differ only where it demands that."""

    copies: tuple[Placement, ...]
    digits: tuple[Digit, ...]
    loss: ExpectedLoss


def assess_policy(policy: Policy, model: FaultModel) -> PolicyAssessment:
    """What a policy can reach, before anything is kept under it."""
    copies = planned(policy)
    return PolicyAssessment(copies, digits_of_plan(copies), expected_loss([KeptAlike(1, copies)], model))


def expected_loss(groups: Sequence[KeptAlike], model: FaultModel) -> ExpectedLoss:
    """The expected loss over groups of packages."""
    kinds = _kinds(group for group in groups if group.copies)
    hazards = {reading: [loss_per_year(kind.copies, model, reading) for kind in kinds] for reading in Reading}
    per_year = Estimate(*(_mean(kinds, hazards[reading]) for reading in Reading))
    involved = _involved(kinds, model)
    return ExpectedLoss(
        packages=sum(kind.packages for kind in kinds),
        without_copy=sum(group.packages for group in groups if not group.copies),
        per_year=per_year,
        within=tuple(_within(years, kinds, hazards) for years in HORIZONS_YEARS),
        involved=tuple(involved),
        improvements=_improvements(kinds, per_year.middle, _shared_by_most(involved), model),
        not_known=tuple(dict.fromkeys(name for kind in kinds for name in unknown_attributes(kind.copies))),
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """So many packages whose copies differ in nothing that matters; `copies` are those of one of them."""

    packages: int
    copies: tuple[Placement, ...]


def _kinds(groups: Iterable[KeptAlike]) -> list[_Kind]:
    """Groups put together that differ in the names of their stores alone: a thousand tapes are one kind."""
    found: dict[tuple[object, ...], _Kind] = {}
    for group in groups:
        copies = tuple(sorted(group.copies, key=lambda copy: not copy.is_offline)[:MOST_COPIES_RECKONED])
        likeness = tuple(sorted(map(_likeness, copies)))
        known = found.get(likeness, _Kind(0, copies))
        found[likeness] = replace(known, packages=known.packages + group.packages)
    return list(found.values())


def _likeness(copy: Placement) -> tuple[object, ...]:
    looks = tuple((look.every_days, look.reads) for look in copy.looks)
    return copy.is_offline, tuple(sorted(copy.attributes.items())), looks, copy.is_locked


def _mean(kinds: Sequence[_Kind], hazards: Sequence[float]) -> float:
    """The hazard of one package among those of all kinds."""
    packages = sum(kind.packages for kind in kinds) or 1
    return math.fsum(kind.packages * each for kind, each in zip(kinds, hazards, strict=True)) / packages


def _within(years: int, kinds: Sequence[_Kind], hazards: Mapping[Reading, Sequence[float]]) -> LossWithin:
    chances = {reading: [chance_within(years, each) for each in found] for reading, found in hazards.items()}
    mean = Estimate(*(_mean(kinds, chances[reading]) for reading in Reading))
    packages = sum(kind.packages for kind in kinds)
    return LossWithin(
        years=years,
        chance=mean,
        packages=Estimate(mean.low * packages, mean.middle * packages, mean.high * packages),
        any_at_least=max(chances[Reading.MIDDLE], default=0.0),
        any_at_most=min(1.0, mean.middle * packages),
    )


def _involved(kinds: Sequence[_Kind], model: FaultModel) -> list[Involved]:
    """What each cause is to the middle hazard: the hazard is reckoned again without it."""
    saved: dict[tuple[Threat, str], float] = {}
    found: dict[tuple[Threat, str], Cause] = {}
    whole = 0.0
    for kind in kinds:
        every = list(causes(kind.copies, model, Reading.MIDDLE))
        stores = [copy.store for copy in kind.copies]
        now = hazard(stores, every)
        whole += now * kind.packages
        for cause in every:
            without = hazard(stores, [other for other in every if other is not cause])
            found.setdefault((cause.threat, cause.what), cause)
            saved[cause.threat, cause.what] = (
                saved.get((cause.threat, cause.what), 0.0) + (now - without) * kind.packages
            )
    involved = [Involved(found[key], amount / whole if whole else 0.0) for key, amount in saved.items()]
    return sorted(involved, key=lambda each: -each.share)


def _shared_by_most(involved: Sequence[Involved]) -> str | None:
    """The attribute by which the dominant threat takes several copies, if it is one that stores are said to have."""
    if not involved or len(involved[0].cause.strikes) < 2 or not involved[0].cause.what:
        return None
    return SHARED_BY.get(involved[0].cause.threat)


def _improvements(
    kinds: Sequence[_Kind], now: float, attribute: str | None, model: FaultModel
) -> tuple[Improvement, ...]:
    """What each step is worth, the best first."""
    found: list[Improvement] = []
    for step in Remedy:
        is_idle = {
            Remedy.FACTS: not any(unknown_attributes(kind.copies) for kind in kinds),
            Remedy.APART: attribute is None,
        }
        if is_idle.get(step):
            continue
        hazards = [loss_per_year(_stepped(kind.copies, step, attribute), model, Reading.MIDDLE) for kind in kinds]
        if after := _mean(kinds, hazards):
            found.append(Improvement(step, after, now / after, attribute if step is Remedy.APART else None))
    return tuple(sorted(found, key=lambda each: -each.times_better))


def _stepped(copies: tuple[Placement, ...], step: Remedy, attribute: str | None) -> tuple[Placement, ...]:
    """The copies of a package after a step."""
    first = next((copy for copy in copies if not copy.is_offline), copies[0])
    own = {attribute: f"{attribute} of its own" for attribute in ATTRIBUTES}
    match step:
        case Remedy.COPY:
            kept = {
                name: first.attributes[name]
                for name in ("city", "river_basin", "seismic_zone", "medium", "software", "credential_domain")
                if name in first.attributes
            }
            apart = {name: own[name] for name in ("site", "power_grid", "vendor")}
            more = Placement("one more", Role.SAME_CITY, {**kept, **apart}, first.looks, first.is_locked, True)
            return (*copies, more)
        case Remedy.OFFLINE:
            medium = Family.MAGNETIC_TAPE.value
            look = (Look(ONE_MORE_AUDIT_DAYS),)
            return (
                *copies,
                Placement("one offline", Role.REMOTE_OFFLINE, {**own, "medium": medium}, look, False, True),
            )
        case Remedy.AUDIT:
            return tuple(replace(copy, looks=(*copy.looks, _one_more(copy.looks))) for copy in copies)
        case Remedy.APART:
            return tuple(_differing(copy, attribute) for copy in copies) if attribute else copies
        case Remedy.FACTS:
            return tuple(replace(copy, attributes={**_apart(copy, own), **copy.attributes}) for copy in copies)


def _one_more(looks: Iterable[Look]) -> Look:
    """The full audit that there is when one more is made a year."""
    full_a_year = sum(ONE_MORE_AUDIT_DAYS / look.every_days for look in looks if look.reads == 1)
    return Look(ONE_MORE_AUDIT_DAYS / (full_a_year + 1))


def _differing(copy: Placement, attribute: str) -> Placement:
    return replace(copy, attributes={**copy.attributes, attribute: copy.store})


def _apart(copy: Placement, own: Mapping[str, str]) -> dict[str, str]:
    """What a store might be said to have, at its best; of its medium nothing can be supposed."""
    return {name: f"{text} ({copy.store})" for name, text in own.items() if name != "medium"}
