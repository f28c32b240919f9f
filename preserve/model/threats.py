"""What can take which copies: from where copies stand to the causes of loss, at three readings of what is not known.

What is not known is taken to be shared: two stores whose power grid nobody told are on the same one, and may be on
anybody's.  The kindest reading alone takes them to be apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations

from preserve.model.expected_loss import Cause, hazard
from preserve.model.fault_rates import Observed, Rate, Threat
from preserve.model.media import Family
from preserve.model.placements import Placement

SHARED_BY: Mapping[Threat, str] = {
    Threat.SITE: "site",
    Threat.CITY: "city",
    Threat.POWER_GRID: "power_grid",
    Threat.RIVER_BASIN: "river_basin",
    Threat.SEISMIC_ZONE: "seismic_zone",
    Threat.VENDOR: "vendor",
    Threat.SOFTWARE: "software",
    Threat.CREDENTIALS: "credential_domain",
}
"""The attribute that makes stores share a threat's fate.  The operator is one for all that is online."""
STOPPED_BY_THE_SHELF = frozenset({Threat.POWER_GRID, Threat.CREDENTIALS, Threat.OPERATOR})
"""What does not reach a copy that nobody has mounted."""
STOPPED_BY_A_LOCK = frozenset({Threat.CREDENTIALS, Threat.OPERATOR})
"""What cannot harm an object that its store holds locked."""
UNSEEN = frozenset({Threat.SOFTWARE})
"""What leaves everything looking well: it is noticed when bytes are read, not on the day."""


class Reading(StrEnum):
    """Which value of each rate is taken: the ends are those that all rates together hardly ever pass."""

    LOW = "low"
    MIDDLE = "middle"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Durations:
    """How long things take, in days: until the loss of a store online is noticed; to mend a copy online, and offline
    (somebody has to travel); to set up again what a shared fate took."""

    notice_online_days: float
    mend_online_days: float
    mend_offline_days: float
    rebuild_days: float
    nobody_looks_days: float
    """The delay of a copy that no audit reads: it is found when it is needed."""


@dataclass(frozen=True, slots=True)
class FaultModel:
    """What is believed of faults, by family of medium (None: not known) and of what is shared."""

    decay: Mapping[Family | None, Rate]
    device: Mapping[Family | None, Rate]
    shared: Mapping[Threat, Rate]
    durations: Durations

    def after(self, seen: Mapping[tuple[Threat, Family | None], Observed]) -> FaultModel:
        """The model, when faults of single copies and devices were counted."""
        return replace(
            self,
            decay=_after(Threat.DECAY, self.decay, seen),
            device=_after(Threat.DEVICE, self.device, seen),
        )


def causes(copies: Sequence[Placement], model: FaultModel, reading: Reading) -> Iterator[Cause]:
    """Everything that can make copies of a package bad, with the rates of one reading."""
    for copy in copies:
        yield from _own(copy, model, reading)
    for threat, attribute in SHARED_BY.items():
        within = [copy for copy in copies if _reaches(threat, copy)]
        for what, strikes in _sharing(within, attribute, reading):
            yield _shared(threat, what, [copy for copy in copies if copy.store in strikes], model, reading)
    if online := [copy for copy in copies if _reaches(Threat.OPERATOR, copy)]:
        yield _shared(Threat.OPERATOR, "", online, model, reading)


def loss_per_year(copies: Sequence[Placement], model: FaultModel, reading: Reading) -> float:
    """Losses a year of a package with these verified copies, as long as it is not lost; infinite where there is none.

    It is lost when all its copies are, hence never before any few of them: what comes out for the few that it comes
    out least for bounds it.  These are all of them as long as causes come seldom.  Where a copy that nobody audits is
    bad for years, the formula counts what strikes the others again after the package was lost, and overrates the loss.
    """
    some = (few for count in range(1, len(copies) + 1) for few in combinations(copies, count))
    return min((hazard([copy.store for copy in few], causes(few, model, reading)) for few in some), default=math.inf)


def unknown_attributes(copies: Sequence[Placement]) -> tuple[str, ...]:
    """The attributes that decide and that some store was never said to have."""
    names = ("medium", *SHARED_BY.values())
    return tuple(name for name in names if any(copy.attribute(name) is None for copy in copies))


def delay_days(copy: Placement, model: FaultModel) -> float:
    """How long silent damage of a copy stays unseen on average."""
    delay = copy.delay_days
    return model.durations.nobody_looks_days if delay is None else min(delay, model.durations.nobody_looks_days)


def _own(copy: Placement, model: FaultModel, reading: Reading) -> Iterator[Cause]:
    durations = model.durations
    delay = delay_days(copy, model)
    mend = durations.mend_offline_days if copy.is_offline else durations.mend_online_days
    strikes = frozenset([copy.store])
    decay = _value(model.decay.get(copy.family, model.decay[None]), reading)
    yield Cause(Threat.DECAY, copy.store, strikes, decay, delay + mend)
    # A carrier on the shelf dies unseen too; a look that reads a block of each copy finds it at once.
    look = min((each.every_days / 2 for each in copy.looks), default=durations.nobody_looks_days)
    notice = look if copy.is_offline else durations.notice_online_days
    device = _value(model.device.get(copy.family, model.device[None]), reading)
    yield Cause(Threat.DEVICE, copy.store, strikes, device, notice + mend)


def _shared(threat: Threat, what: str, struck: Sequence[Placement], model: FaultModel, reading: Reading) -> Cause:
    notice, rebuild = model.durations.notice_online_days, model.durations.rebuild_days
    days = {copy.store: rebuild + (delay_days(copy, model) if threat in UNSEEN else notice) for copy in struck}
    longest = max(days.values())
    sooner = tuple((store, each) for store, each in days.items() if each < longest)
    return Cause(threat, what, frozenset(days), _value(model.shared[threat], reading), longest, sooner)


def _reaches(threat: Threat, copy: Placement) -> bool:
    if copy.is_offline and threat in STOPPED_BY_THE_SHELF:
        return False
    return not (copy.is_locked and threat in STOPPED_BY_A_LOCK)


def _sharing(copies: Sequence[Placement], attribute: str, reading: Reading) -> Iterator[tuple[str, frozenset[str]]]:
    """The values of an attribute, and the stores that share the fate of each."""
    known: dict[str, list[Placement]] = {}
    unknown = [copy.store for copy in copies if copy.attribute(attribute) is None]
    for copy in copies:
        value = copy.attribute(attribute)
        if value is not None:
            known.setdefault(value, []).append(copy)
    near = {value: held for value, held in known.items() if not all(copy.is_supposed for copy in held)}
    if reading is Reading.LOW:
        yield from (("", frozenset([store])) for store in unknown)
    elif unknown and not near:
        yield "", frozenset(unknown)
    for value, held in known.items():
        stores = [copy.store for copy in held]
        may_be_there_too = unknown if value in near and reading is not Reading.LOW else []
        yield value, frozenset([*stores, *may_be_there_too])


def _value(rate: Rate, reading: Reading) -> float:
    if reading is Reading.MIDDLE:
        return rate.mean
    return rate.low if reading is Reading.LOW else rate.high


def _after(
    threat: Threat, rates: Mapping[Family | None, Rate], seen: Mapping[tuple[Threat, Family | None], Observed]
) -> dict[Family | None, Rate]:
    return {
        family: rate.after(seen[threat, family]) if (threat, family) in seen else rate for family, rate in rates.items()
    }
