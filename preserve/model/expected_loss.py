"""Expected loss: how likely a package is lost in so many years, by what, from rates, audit delay and repair time.

A package is lost when all its copies are bad at once.  Each cause comes at its rate, makes its copies bad, and they
stay bad until that is noticed and mended (`open_days` on average).  Causes are independent, so the copies that are bad
at a random moment follow from which causes are open at that moment; a package is lost when a cause comes that takes all
copies that are left.  With single copies as causes this is the formula F2 of ../shared/durability.md, with shared ones
F5 (Marshall-Olkin shocks); DESIGN.md says how it was checked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from preserve.model.fault_rates import Threat
from preserve.model.placements import DAYS_A_YEAR

HORIZONS_YEARS = (10, 30, 50)


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that can happen: `strikes` names the stores whose copies it makes bad, `what` it is that they share."""

    threat: Threat
    what: str
    strikes: frozenset[str]
    per_year: float
    open_days: float


def chance_within(years: float, per_year: float) -> float:
    """The chance that what comes `per_year` times a year comes within `years`: 1 - exp(-rate * years)."""
    return -math.expm1(-per_year * years)


def hazard(stores: Sequence[str], causes: Iterable[Cause]) -> float:
    """Losses a year of a package with a verified copy in each of `stores`, as long as it is not lost; infinite where
    there is none."""
    if not stores:
        return math.inf
    bits = {store: 1 << number for number, store in enumerate(stores)}
    struck = [(cause, sum(bits[store] for store in cause.strikes if store in bits)) for cause in causes]
    all_bad = (1 << len(bits)) - 1
    chances = _chances(struck)
    not_lost = math.fsum(chance for bad, chance in chances.items() if bad != all_bad)
    return math.fsum(cause.per_year * _left_to(mask, all_bad, chances) for cause, mask in struck) / not_lost


def _chances(causes: Iterable[tuple[Cause, int]]) -> dict[int, float]:
    """For each set of copies, the chance that just these are bad at a random moment.

    A cause is open with the chance x / (1 + x), x being its rate times how long it stays open: what comes while it is
    open changes nothing.  Only sums of positive terms: chances of 1e-15 keep all their digits.
    """
    chances = {0: 1.0}
    for cause, mask in causes:
        x = cause.per_year * cause.open_days / DAYS_A_YEAR
        is_open = x / (1 + x)
        after: dict[int, float] = {}
        for bad, chance in chances.items():
            after[bad] = after.get(bad, 0.0) + chance * (1 - is_open)
            after[bad | mask] = after.get(bad | mask, 0.0) + chance * is_open
        chances = after
    return chances


def _left_to(mask: int, all_bad: int, chances: dict[int, float]) -> float:
    """The chance that all copies a cause does not take are bad already, and some that it takes are not."""
    return math.fsum(chance for bad, chance in chances.items() if bad | mask == all_bad and bad != all_bad)
