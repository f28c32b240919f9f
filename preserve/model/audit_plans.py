"""What a daily budget of reading buys: which copies are read in time, and which go overdue and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Reading:
    """Copies in one store that fall due on the same day and are late after another, and their bytes."""

    store: str
    due_on: date
    late_after: date
    copies: int
    bytes: int


@dataclass(frozen=True, slots=True)
class PlannedDay:
    """One day of a plan: what falls due on it, what is read, and how many copies are overdue at its end."""

    day: date
    due_copies: int
    due_bytes: int
    read_bytes: int
    overdue_copies: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What comes of reading so many bytes a day (None: as many as are due) for the days planned.

    `least_bytes` is the smallest daily budget with which nothing more goes overdue than is now; `hopeless_copies` are
    overdue before the first day begins.
    """

    budget_bytes: int | None
    days: tuple[PlannedDay, ...]
    least_bytes: int
    hopeless_copies: int

    @property
    def first_overdue(self) -> date | None:
        """The first day at whose end more is overdue than was at the beginning."""
        return next((each.day for each in self.days if each.overdue_copies > self.hopeless_copies), None)


Fits = Callable[[str, date], int | None]
"""How many bytes can be read from a store on a day, by its hours and its rate; None: nobody can say, or any."""


def plan(
    readings: Iterable[Reading], today: date, days: int, budget_bytes: int | None, fits: Fits = lambda *_: None
) -> Plan:
    """Read what is late first each day, as far as the budget and each store's hours go; what is read falls due again
    only later.

    Copies of one reading count as equally large.
    """
    queue = sorted(readings, key=lambda each: (each.late_after, each.store))
    left = [each.bytes for each in queue]
    planned = []
    for number in range(days):
        day = today + timedelta(days=number)
        budget, read = budget_bytes, 0
        room = {store: fits(store, day) for store in {each.store for each in queue}}
        for index, each in enumerate(queue):
            if each.due_on <= day and left[index]:
                taken = min([left[index], *(most for most in (budget, room[each.store]) if most is not None)])
                left[index] -= taken
                read += taken
                budget = _less(budget, taken)
                room[each.store] = _less(room[each.store], taken)
        fresh = [each for each in queue if each.due_on == day or (number == 0 and each.due_on < day)]
        overdue = sum(
            _copies_left(each, bytes_left)
            for each, bytes_left in zip(queue, left, strict=True)
            if each.late_after <= day
        )
        planned.append(
            PlannedDay(day, sum(each.copies for each in fresh), sum(each.bytes for each in fresh), read, overdue)
        )
    hopeless = sum(each.copies for each in queue if each.late_after < today)
    return Plan(budget_bytes, tuple(planned), least_budget(queue, today, days), hopeless)


def least_budget(readings: Sequence[Reading], today: date, days: int) -> int:
    """The smallest daily budget that reads everything before it is late: the steepest demand of any span of days.

    A span wants what falls due in it and is late before it ends: no other day can take that.  Reading what is late
    first then needs no more than the steepest span does (the processor demand of real-time scheduling: Baruah, Rosier,
    Howell, 1990).  What is late already counts as wanted on the first day.
    """
    wanted: dict[int, dict[int, int]] = {}
    for each in readings:
        last = max(0, (each.late_after - today).days)
        if last < days:
            begins = wanted.setdefault(min(last, max(0, (each.due_on - today).days)), {})
            begins[last] = begins.get(last, 0) + each.bytes
    most, since = 0, dict[int, int]()
    for first in sorted(wanted, reverse=True):
        for last, size in wanted[first].items():
            since[last] = since.get(last, 0) + size
        total = 0
        for last in sorted(since):
            total += since[last]
            most = max(most, -(-total // (last - first + 1)))
    return most


def _less(most: int | None, taken: int) -> int | None:
    return None if most is None else most - taken


def _copies_left(reading: Reading, bytes_left: int) -> int:
    return -(-reading.copies * bytes_left // reading.bytes) if reading.bytes else 0
