"""How often faults come: rates as Gamma distributions, updated by what was counted (Gamma-Poisson).

Nobody knows a rate; a prior says what is believed and how firmly, faults counted over a time move it.  With a prior
Gamma(a, b) and n faults in a time t, the rate is Gamma(a + n, b + t) (conjugacy; ../shared/durability.md, F8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

LOW_QUANTILE, HIGH_QUANTILE = 0.05, 0.95
"""Between them the true rate lies with nine chances in ten, if the prior is right."""


class Threat(StrEnum):
    """What can take copies: the first two take one copy each, the others all that share something."""

    DECAY = "decay"  # bytes of one copy rot unseen
    DEVICE = "device"  # a carrier, an array or a bucket dies with all it holds
    SITE = "site"
    CITY = "city"
    POWER_GRID = "power_grid"
    RIVER_BASIN = "river_basin"
    SEISMIC_ZONE = "seismic_zone"
    VENDOR = "vendor"
    SOFTWARE = "software"
    CREDENTIALS = "credentials"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Observed:
    """Faults counted in a time of watching, in the years of the rate (of a copy, a store, a site).

    `faults` are causes, not harmed copies: a dead disk with a thousand copies is one.
    """

    faults: float
    years: float


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate per year: Gamma distributed, with this mean, and worth `worth` faults: the greater, the firmer.

    `source` says where it comes from, `is_verified` whether somebody checked it there; `counted` is what moved it.
    """

    mean: float
    worth: float
    source: str = ""
    is_verified: bool = False
    counted: Observed | None = None

    def after(self, observed: Observed) -> Rate:
        """The rate, when `observed` was seen."""
        worth = self.worth + observed.faults
        mean = worth / (self.worth / self.mean + observed.years)
        return replace(self, mean=mean, worth=worth, counted=observed)

    @property
    def low(self) -> float:
        return self.mean * _unit_quantile(self.worth, LOW_QUANTILE) / self.worth

    @property
    def high(self) -> float:
        return self.mean * _unit_quantile(self.worth, HIGH_QUANTILE) / self.worth


@cache
def _unit_quantile(shape: float, share: float) -> float:
    """Below which Gamma(shape, 1) lies with the probability `share`; found by halving, in logarithms."""
    low, high = math.log(shape) - 40 - 20 / shape, math.log(shape) + 10
    for _ in range(70):
        middle = (low + high) / 2
        if gamma_share(shape, math.exp(middle)) < share:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)


def gamma_share(shape: float, x: float) -> float:
    """The regularised lower incomplete gamma function P(shape, x): how much of Gamma(shape, 1) lies below x.

    By its series below shape + 1, by its continued fraction (Lentz) above: Abramowitz and Stegun 6.5.29 and 6.5.31.
    """
    if x <= 0:
        return 0.0
    scale = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1:
        term = total = 1 / shape
        number = shape
        while abs(term) > abs(total) * 1e-15:
            number += 1
            term *= x / number
            total += term
        return total * scale
    return 1 - scale * _continued_fraction(shape, x)


def _continued_fraction(shape: float, x: float) -> float:
    tiny = 1e-300
    b = x + 1 - shape
    c, d = 1 / tiny, 1 / b
    value = d
    for number in range(1, 500):
        a = -number * (number - shape)
        b += 2
        d = 1 / ((a * d + b) or tiny)
        c = b + a / c or tiny
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value
