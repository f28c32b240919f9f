"""Simulate the loss of packages, event by event, and compare it with what the formula of `preserve` expects.

    python -m ops.campaigns.losses [--seed N] [--losses N] [--out FILE]

The simulation knows nothing of the formula: causes strike at random moments, what they take is bad until the next audit
and the repair after it, and a package is lost when every copy is bad at once.  Rates are far above real ones, so that
losses come often enough to be counted.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops.campaigns.telling import parser, table, tell
from preserve.model.expected_loss import Cause, hazard
from preserve.model.fault_rates import Threat
from preserve.model.placements import DAYS_A_YEAR


@dataclass(frozen=True, slots=True)
class Blow:
    """A cause as it is simulated: found by audits every `audit_days` (at a phase of their own) and mended `mend_days`
    after; `audit_days` 0: seen at once.  `sooner` are the copies audited more often, and every how many days."""

    strikes: frozenset[str]
    per_year: float
    audit_days: float
    mend_days: float
    sooner: tuple[tuple[str, float], ...] = ()

    def cause(self) -> Cause:
        """As the formula takes it: damage waits half a period on average."""
        sooner = tuple((store, days / 2 + self.mend_days) for store, days in self.sooner)
        return Cause(Threat.DECAY, "", self.strikes, self.per_year, self.audit_days / 2 + self.mend_days, sooner)


@dataclass(frozen=True, slots=True)
class Case:
    """What is simulated: the stores that hold a copy, and what strikes them."""

    name: str
    stores: tuple[str, ...]
    blows: tuple[Blow, ...]

    def expected_per_year(self) -> float:
        """What the formula says."""
        return hazard(self.stores, [blow.cause() for blow in self.blows])


@dataclass(frozen=True, slots=True)
class Simulated:
    """So many losses in so many years of a package's life."""

    losses: int
    years: float

    @property
    def per_year(self) -> float:
        return self.losses / self.years

    @property
    def error(self) -> float:
        """The standard error of the rate, as a share of it."""
        return 1 / math.sqrt(self.losses)


def simulate(case: Case, losses: int, chance: random.Random) -> Simulated:
    """Live through packages until so many are lost; each begins sound, with audits at phases of their own."""
    total = math.fsum(blow.per_year for blow in case.blows)
    weights = [blow.per_year for blow in case.blows]
    years = 0.0
    for _ in range(losses):
        phases = [chance.random() for _ in case.blows]
        sound_again = [dict.fromkeys(blow.strikes, 0.0) for blow in case.blows]
        now = 0.0
        while True:
            now += chance.expovariate(total)
            number = chance.choices(range(len(case.blows)), weights)[0]
            blow, ends = case.blows[number], sound_again[number]
            periods = dict.fromkeys(blow.strikes, blow.audit_days) | dict(blow.sooner)
            ends |= {
                store: _mended(periods[store], blow.mend_days, phases[number], now)
                for store, end in ends.items()
                if end <= now
            }
            if _all_bad(case, sound_again, now):
                break
        years += now
    return Simulated(losses, years)


def _mended(audit_days: float, mend_days: float, phase: float, now: float) -> float:
    found = now
    if audit_days:
        period = audit_days / DAYS_A_YEAR
        found = (math.floor(now / period - phase) + 1 + phase) * period
    return found + mend_days / DAYS_A_YEAR


def _all_bad(case: Case, sound_again: Sequence[Mapping[str, float]], now: float) -> bool:
    bad = {store for ends in sound_again for store, end in ends.items() if end > now}
    return bad >= set(case.stores)


def _of(*stores: str) -> frozenset[str]:
    return frozenset(stores)


CASES = (
    Case("two copies, silent faults", ("a", "b"), tuple(Blow(_of(store), 0.2, 60, 2) for store in "ab")),
    Case("three copies, silent faults", ("a", "b", "c"), tuple(Blow(_of(store), 0.4, 120, 5) for store in "abc")),
    Case(
        "two copies, visible and silent faults",
        ("a", "b"),
        tuple(blow for store in "ab" for blow in (Blow(_of(store), 0.3, 0, 10), Blow(_of(store), 0.1, 90, 10))),
    ),
    Case(
        "stolen keys reach two copies of three",
        ("a", "b", "far"),
        (*(Blow(_of(store), 0.2, 60, 5) for store in ("a", "b", "far")), Blow(_of("a", "b"), 0.1, 0, 60)),
    ),
    Case(
        "a fault of all copies at once beside faults of each",
        ("a", "b", "c"),
        (*(Blow(_of(store), 0.3, 90, 5) for store in "abc"), Blow(_of("a", "b", "c"), 0.002, 0, 1)),
    ),
    Case(
        "three sites, two in one city",
        ("a", "b", "c"),
        (*(Blow(_of(store), 0.15, 0, 40) for store in "abc"), Blow(_of("a", "b"), 0.05, 0, 60)),
    ),
    Case(
        "software strikes two copies of three, one of them audited seldom",
        ("a", "b", "c"),
        (*(Blow(_of(store), 0.2, 60, 5) for store in "abc"), Blow(_of("a", "b"), 0.1, 700, 5, (("b", 40.0),))),
    ),
)
"""What is compared; the tests take the same cases with fewer losses."""


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--seed", type=int, default=20261121)
    arguments.add_argument("--losses", type=int, default=20_000, help="how many losses of each case are waited for")
    given = arguments.parse_args()
    rows = []
    for number, case in enumerate(CASES):
        seen = simulate(case, given.losses, random.Random(given.seed + number))
        expected = case.expected_per_year()
        ratio = f"{expected / seen.per_year:.3f}"
        rows.append((case.name, f"{expected:.3e}", f"{seen.per_year:.3e}", ratio, f"{seen.error:.3f}"))
    tell(table(("case", "expected a year", "simulated", "expected / simulated", "standard error"), rows), given.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
