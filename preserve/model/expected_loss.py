"""Expected loss: how likely a package is lost in so many years, by what, from rates, audit delay and repair time.

A package is lost when all its copies are bad at once.  Each cause comes at its rate, makes its copies bad, and they
stay bad until that is noticed and mended (`open_days` on average).  Causes are independent, so the copies that are bad
at a random moment follow from which causes are open at that moment; a package is lost when a cause comes that takes all
copies that are left.  With single copies as causes this is the formula F2 of ../shared/durability.md, with shared ones
F5 (Marshall-Olkin shocks); DESIGN.md says how it was checked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from preserve.model.fault_rates import Threat
from preserve.model.placements import DAYS_A_YEAR

HORIZONS_YEARS = (10, 30, 50)


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that can happen: `strikes` names the stores whose copies it makes bad, `what` it is that they share.

    `open_days` pass on average until all is noticed and mended; `sooner` are the copies that are mended earlier, and
    after how many days: each copy is noticed by its own audits.
    """

    threat: Threat
    what: str
    strikes: frozenset[str]
    per_year: float
    open_days: float
    sooner: tuple[tuple[str, float], ...] = ()

    def days_of(self, store: str) -> float:
        """How long the copy in a store stays bad, of those struck."""
        return dict(self.sooner).get(store, self.open_days)


def chance_within(years: float, per_year: float) -> float:
    """The chance that what comes `per_year` times a year comes within `years`: 1 - exp(-rate * years)."""
    return -math.expm1(-per_year * years)


def hazard(stores: Sequence[str], causes: Iterable[Cause]) -> float:
    """Losses a year of a package with a verified copy in each of `stores`, as long as it is not lost; infinite where
    there is none."""
    if not stores:
        return math.inf
    bits = {store: 1 << number for number, store in enumerate(stores)}
    struck = [_struck(cause, bits) for cause in causes]
    all_bad = (1 << len(bits)) - 1
    # A blow to all copies is the loss itself: no package lives to see what is mended after it.
    chances = _chances(each for each in struck if each.mask != all_bad)
    not_lost = math.fsum(chance for bad, chance in chances.items() if bad != all_bad)
    return math.fsum(each.per_year * _left_to(each.mask, all_bad, chances) for each in struck) / not_lost


@dataclass(frozen=True, slots=True)
class _Struck:
    """A cause among the copies of one package: `mask` has a bit for each it strikes, `spells` says which sets are bad
    at a random moment on its account, with what chance."""

    per_year: float
    mask: int
    spells: tuple[tuple[int, float], ...]


def _struck(cause: Cause, bits: Mapping[str, int]) -> _Struck:
    """A copy is bad with the chance x / (1 + x), x being the rate times how long it stays bad: what comes meanwhile
    changes nothing.  While one is bad that is mended sooner, those struck with it and mended later are bad too."""
    years = {store: cause.days_of(store) / DAYS_A_YEAR for store in cause.strikes if store in bits}
    spells: list[tuple[int, float]] = []
    bad = mask = sum(bits[store] for store in years)
    before = 0.0
    for end in sorted(set(years.values())):
        x, earlier = cause.per_year * end, cause.per_year * before
        spells.append((bad, (x - earlier) / ((1 + x) * (1 + earlier))))
        bad -= sum(bits[store] for store, until in years.items() if until == end)
        before = end
    return _Struck(cause.per_year, mask, tuple(spells))


def _chances(causes: Iterable[_Struck]) -> dict[int, float]:
    """For each set of copies, the chance that just these are bad at a random moment.

    Only sums of positive terms: chances of 1e-15 keep all their digits.
    """
    chances = {0: 1.0}
    for cause in causes:
        sound = 1 - math.fsum(share for _, share in cause.spells)
        after: dict[int, float] = {}
        for bad, chance in chances.items():
            for mask, share in ((0, sound), *cause.spells):
                after[bad | mask] = after.get(bad | mask, 0.0) + chance * share
        chances = after
    return chances


def _left_to(mask: int, all_bad: int, chances: dict[int, float]) -> float:
    """The chance that all copies a cause does not take are bad already, and some that it takes are not."""
    return math.fsum(chance for bad, chance in chances.items() if bad | mask == all_bad and bad != all_bad)
