"""How old the last looks at copies are, measured by what policy allows: pure values for charts, metrics and notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
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


@dataclass(frozen=True, slots=True)
class LookedAlike:
    """So many copies under one policy in one store whose last looks fell on the same days.

    `full` and `sample` are the days on which all, or at least a sample, was last read, or of the copy's booking where
    nobody has read it since.  `is_overdue` as `preserve.model.audit.is_overdue` says.
    """

    policy: str
    store: str
    copies: int
    is_overdue: bool
    full: date
    sample: date

    def last(self, level: Level) -> date:
        """The day of the last look as deep as `level`."""
        return self.full if level is Level.FULL else self.sample


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


HORIZONS_DAYS = (7, 30, 90)
"""How far ahead the looks that fall due are counted."""

Limits = Mapping[tuple[str, str], AgeLimits]
"""What is allowed, by policy and store."""


def ages_by_store(looks: Iterable[LookedAlike], limits: Limits, today: date) -> list[StoreAges]:
    """The ages of looks in each store, by name.  Days are whole: a look of today is none of them old."""
    tallies: dict[str, _Tally] = {}
    for look in looks:
        tallies.setdefault(look.store, _Tally()).add(look, limits.get((look.policy, look.store), {}), today)
    return [tally.frozen(store) for store, tally in sorted(tallies.items())]


class _Tally:
    def __init__(self) -> None:
        self._bands: Counter[AgeBand] = Counter()
        self._due: Counter[int] = Counter()
        self._oldest = date.max
        self._limit: timedelta | None = None

    def add(self, look: LookedAlike, limits: AgeLimits, today: date) -> None:
        self._bands[_band(look, limits, today)] += look.copies
        self._oldest = min(self._oldest, look.sample)
        self._limit = min(filter(None, (self._limit, *limits.values())), default=None)
        due = min((look.last(level) + limit for level, limit in limits.items()), default=None)
        if due is not None and not look.is_overdue:
            for days in HORIZONS_DAYS:
                self._due[days] += look.copies if due <= today + timedelta(days=days) else 0

    def frozen(self, store: str) -> StoreAges:
        return StoreAges(
            store=store,
            copies=sum(self._bands.values()),
            bands={band: self._bands[band] for band in AgeBand},
            oldest=self._oldest,
            limit_days=self._limit.days if self._limit else None,
            due_within={days: self._due[days] for days in HORIZONS_DAYS},
        )


def _band(look: LookedAlike, limits: AgeLimits, today: date) -> AgeBand:
    if not limits:
        return AgeBand.UNLIMITED
    if look.is_overdue:
        return AgeBand.OVERDUE
    used = max((today - look.last(level)) / limit for level, limit in limits.items())
    return _BANDS[min(len(_BANDS) - 1, max(0, int(used * len(_BANDS))))]
