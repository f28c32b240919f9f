"""Draw the packages of a drill: some of every sort, and the rest at random, so that it can be done again alike.

Sorts (strata) are the policy, how important its records are, the size, the age and whether the copy was ever repaired:
what went wrong elsewhere went wrong with the largest, the oldest, or what a repair had touched, and a plain random
sample of a few finds none of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from preserve.model.lots import into_reservoir
from preserve.model.policy import Importance

DEFAULT_SAMPLE = 20
"""Packages that are drawn where nobody says how many."""
_SIZES = (1 << 20, 1 << 26, 1 << 30)
_AGES = (timedelta(days=30), timedelta(days=365), timedelta(days=5 * 365))


class Candidate(NamedTuple):
    """A package that a store holds."""

    id: str
    policy: str
    importance: Importance | None
    bytes: int
    accession_at: str
    is_repaired: bool


class Stratum(NamedTuple):
    """A sort of packages: `size` and `age` count classes from 0, small and new ones first."""

    policy: str
    is_important: bool
    size: int
    age: int
    is_repaired: bool


def stratum(candidate: Candidate, now: datetime) -> Stratum:
    """Of which sort a package is."""
    age = now - datetime.fromisoformat(candidate.accession_at)
    return Stratum(
        candidate.policy,
        candidate.importance is Importance.IMPORTANT,
        sum(candidate.bytes >= limit for limit in _SIZES),
        sum(age >= limit for limit in _AGES),
        candidate.is_repaired,
    )


@dataclass(frozen=True, slots=True)
class Drawn:
    """The packages drawn, by id; how many strata there are, and how many of them are in the sample."""

    packages: tuple[str, ...]
    strata: int
    strata_drawn: int


def drawn(candidates: Iterable[Candidate], count: int, lots: Random, now: datetime) -> Drawn:
    """Draw `count` of the candidates, which come in a fixed order, in one pass and in memory for the sample alone.

    First the newest, which tells the recovery point; then one of each stratum, important ones first, as far as `count`
    goes; the rest from all alike.  The same candidates and lots give the same sample.
    """
    newest: Candidate | None = None
    of_stratum: dict[Stratum, tuple[int, Candidate]] = {}
    of_all: list[Candidate] = []
    for seen, candidate in enumerate(candidates, 1):
        if newest is None or candidate.accession_at >= newest.accession_at:
            newest = candidate
        sort = stratum(candidate, now)
        alike, kept = of_stratum.get(sort, (0, candidate))
        of_stratum[sort] = (alike + 1, candidate if lots.randrange(alike + 1) == 0 else kept)
        into_reservoir(of_all, candidate, seen, count, lots)
    sorts = sorted(of_stratum)
    lots.shuffle(sorts)
    sorts.sort(key=lambda sort: not sort.is_important)  # stable: chance decides among equals
    lots.shuffle(of_all)
    order = [*([newest] if newest else []), *(of_stratum[sort][1] for sort in sorts), *of_all]
    chosen = {candidate.id: candidate for candidate in reversed(order)}
    taken = list(dict.fromkeys(candidate.id for candidate in order))[:count]
    reached = {stratum(chosen[each], now) for each in taken}
    return Drawn(tuple(sorted(taken)), len(sorts), len(reached))
