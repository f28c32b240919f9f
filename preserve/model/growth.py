"""How the holdings grew, and how much of them each role's copies covered: pure values for charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from preserve.model.nouns import Role


@dataclass(frozen=True, slots=True)
class Grown:
    """What was made in one period (YYYY-MM-DD or YYYY-MM): packages (`store` None) or copies in a store."""

    period: str
    store: str | None
    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many packages there were at the end of a period, and how many copies of each role that stand verified now."""

    period: str
    packages: int
    copies: Mapping[Role, int]

    def share(self, role: Role) -> float | None:
        """The share of the packages that had such a copy, 0 to 1; None while there were no packages.

        Where a role has several stores, a package with a copy in two of them counts twice, and nothing above 1.
        """
        return min(1.0, self.copies[role] / self.packages) if self.packages else None


def coverage(grown: Iterable[Grown], roles: Mapping[str, Role], today: date, *, by_day: bool) -> list[Coverage]:
    """Coverage at the end of every period from the first up to that of `today`; `roles` are those of the stores."""
    packages: Counter[str] = Counter()
    copies: Counter[tuple[str, Role]] = Counter()
    for each in grown:
        if each.store is None:
            packages[each.period] += each.count
        elif each.store in roles:
            copies[each.period, roles[each.store]] += each.count
    found: list[Coverage] = []
    there, held = 0, Counter[Role]()
    for period in _periods([*packages, *(period for period, _ in copies)], today, by_day=by_day):
        there += packages[period]
        held.update({role: copies[period, role] for role in Role})
        found.append(Coverage(period, there, {role: held[role] for role in Role}))
    return found


def _periods(named: Sequence[str], today: date, *, by_day: bool) -> Iterator[str]:
    """Every period between the first and the last, those in which nothing was made too."""
    if not named:
        return
    last = max(*named, _period(today, by_day=by_day))
    day = date.fromisoformat(min(named) if by_day else f"{min(named)}-01")
    while (period := _period(day, by_day=by_day)) <= last:
        yield period
        day = day + timedelta(days=1) if by_day else (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _period(day: date, *, by_day: bool) -> str:
    return day.isoformat() if by_day else day.isoformat()[:7]
