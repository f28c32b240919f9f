"""From what the books counted to observed faults: which findings were one cause, and over how many years nobody found
more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from preserve.model.fault_rates import Observed, Threat
from preserve.model.media import Family

MANY = 3
"""A day on which fewer copies were found harmed is no death of a carrier, however few it holds."""


@dataclass(frozen=True, slots=True)
class StoreHistory:
    """What was seen of one store.  `copy_years` counts for each copy the time from its making to its last full audit,
    `store_years` the time from the first copy to the last look at any; `harmed_by_day` the copies found damaged or
    missing on each day on which there were any."""

    family: Family | None
    copies: int
    copy_years: float
    store_years: float
    harmed_by_day: tuple[int, ...]


def observed(histories: Iterable[StoreHistory]) -> dict[tuple[Threat, Family | None], Observed]:
    """Faults of single copies and of whole carriers by family of medium.

    A day on which half of a store was found harmed is one death of a carrier.  What else came to light on one day is
    one cause too: the rate stays harmed copies over copy-years, but it weighs no more than so many causes (a prior is
    not to be overruled by one bad day with a thousand findings).
    """
    found: dict[tuple[Threat, Family | None], Observed] = {}
    for history in histories:
        deaths = [count for count in history.harmed_by_day if count >= max(MANY, history.copies / 2)]
        single = [count for count in history.harmed_by_day if count < max(MANY, history.copies / 2)]
        share = len(single) / sum(single) if single else 1.0
        _add(found, (Threat.DECAY, history.family), Observed(len(single), history.copy_years * share))
        _add(found, (Threat.DEVICE, history.family), Observed(len(deaths), history.store_years))
    return found


def _add(
    found: dict[tuple[Threat, Family | None], Observed], key: tuple[Threat, Family | None], more: Observed
) -> None:
    known = found.get(key, Observed(0, 0.0))
    found[key] = Observed(known.faults + more.faults, known.years + more.years)
