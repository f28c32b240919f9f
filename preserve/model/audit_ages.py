"""How old the last looks at copies are, measured by what policy allows: pure values for charts, metrics and notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from preserve.model.audit import AgeLimits
from preserve.model.nouns import Level


class AgeBand(StrEnum):
    """How much of the time that policy allows between two looks is used up."""

    FRESH = "up to a quarter"
    SECOND = "up to a half"
    THIRD = "up to three quarters"
    LAST = "up to the limit"
    OVERDUE = "past the limit"
    UNLIMITED = "no limit"  # the policy asks for no reading here


_BANDS = (AgeBand.FRESH, AgeBand.SECOND, AgeBand.THIRD, AgeBand.LAST)

HORIZONS_DAYS = (7, 30, 90)
"""How far ahead the looks that fall due are counted."""

Days = Mapping[Level, date]
"""For each level the first day that is no longer meant."""


@dataclass(frozen=True, slots=True)
class PlaceAges:
    """The copies in one store under one policy, counted by their last looks.

    `overdue` is as `preserve.model.audit.is_overdue` says; of these `postdated` are so only because a look is dated on
    a day still to come.  `older` says for each of `steps` how many copies were last looked at, at any of its levels,
    before its day.  `oldest` is the day of the look longest ago, None where there are no copies.
    """

    store: str
    limits: AgeLimits
    copies: int
    overdue: int
    postdated: int
    older: Sequence[int]
    oldest: date | None


@dataclass(frozen=True, slots=True)
class StoreAges:
    """The copies in one store by how old their last looks are.

    `oldest` is the day of the look longest ago.  `limit_days` is the shortest age that any policy in use here allows,
    None where none does.  `due_within` says of horizons in days how many copies will be due for a look by then, overdue
    ones left out.
    """

    store: str
    copies: int
    bands: Mapping[AgeBand, int]
    oldest: date
    limit_days: int | None
    due_within: Mapping[int, int] = field(default_factory=dict)


def steps(limits: AgeLimits, today: date) -> list[Days]:
    """The days at which copies are to be counted: where the second and each later band begins, then the horizons.

    Days are whole: a look of today is none of them old.  Where there are no limits there are no steps.
    """
    if not limits:
        return []
    used = [{level: -(-limit.days * part // len(_BANDS)) for level, limit in limits.items()} for part in (1, 2, 3)]
    due = [{level: limit.days - days for level, limit in limits.items()} for days in HORIZONS_DAYS]
    return [{level: today - timedelta(days=age - 1) for level, age in ages.items()} for ages in (*used, *due)]


def ages_by_store(places: Iterable[PlaceAges]) -> list[StoreAges]:
    """The ages of looks in each store that holds copies, by name."""
    by_store: dict[str, list[PlaceAges]] = {}
    for place in places:
        if place.copies:
            by_store.setdefault(place.store, []).append(place)
    return [_store_ages(store, its) for store, its in sorted(by_store.items())]


def _store_ages(store: str, places: Sequence[PlaceAges]) -> StoreAges:
    bands: Counter[AgeBand] = Counter()
    due: Counter[int] = Counter()
    for place in places:
        bands.update(_bands(place))
        late = place.overdue - place.postdated
        coming = zip(HORIZONS_DAYS, place.older[3:], strict=bool(place.limits))
        due.update({days: count - late for days, count in coming})
    shortest = min((limit for place in places for limit in place.limits.values()), default=None)
    return StoreAges(
        store=store,
        copies=sum(place.copies for place in places),
        bands={band: bands[band] for band in AgeBand},
        oldest=min(place.oldest for place in places if place.oldest is not None),
        limit_days=shortest.days if shortest else None,
        due_within={days: due[days] for days in HORIZONS_DAYS},
    )


def _bands(place: PlaceAges) -> dict[AgeBand, int]:
    """Of two levels the one that is nearer to its limit tells."""
    if not place.limits:
        return {AgeBand.UNLIMITED: place.copies}
    second, third, last = place.older[:3]
    late = place.overdue - place.postdated
    return {
        AgeBand.FRESH: place.copies - second - place.postdated,
        AgeBand.SECOND: second - third,
        AgeBand.THIRD: third - last,
        AgeBand.LAST: last - late,
        AgeBand.OVERDUE: place.overdue,
    }
