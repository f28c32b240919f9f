"""Which packages have overdue copies in several stores at once, counted and named without reading every package.

Packages are put together by how they stand.  Mostly nearly all stand alike: so the others are looked up one by one,
and these follow from what is counted over all: for each set of stores, how many copies are on the smaller side of
"overdue" in all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, compress

from preserve.model.nouns import Level
from preserve.state.standing_reading import (
    EVER,
    LOOK_COLUMNS,
    Ages,
    AlikeStanding,
    Booked,
    StandingReading,
    marks_of,
    newness,
)

_WALKED = 10
"""So many packages are gone through for each that is asked for, rather than that all overdue copies are."""
_Overdue = Counter[frozenset[str]]
"""How many packages are overdue in just these stores."""


@dataclass(frozen=True, slots=True)
class _Side:
    """The copies in a store that are overdue, or those that are not, whichever are fewer: `count` of them."""

    store: str
    is_late: bool
    count: int
    test: str
    values: Sequence[object]
    newness: str


class OverdueReading(StandingReading):
    """Questions about packages with overdue copies."""

    def overdue_standings(
        self, ages: Mapping[tuple[str, str], Ages], ahead: str
    ) -> Iterator[tuple[AlikeStanding, frozenset[str]]]:
        """Packages with overdue copies, put together by how they stand and in which stores they are overdue, those
        overdue in the fewest first.  `packages` alone is of these; files and bytes are of all that stand alike.

        `ages` are those of each store and policy that count; a look after `ahead` counts as none.
        """
        by_policy: dict[str, dict[str, Ages]] = {}
        for (store, policy), limits in ages.items():
            by_policy.setdefault(policy, {})[store] = limits
        for policy, stores in sorted(by_policy.items()):
            yield from self._overdue_under(policy, stores, ahead)

    def _overdue_under(
        self, policy: str, stores: Mapping[str, Ages], ahead: str
    ) -> Iterator[tuple[AlikeStanding, frozenset[str]]]:
        alike = [each for each in self.standings() if each.policy == policy and stores.keys() & each.states.keys()]
        if not alike:
            return
        most, *others = sorted(alike, key=lambda each: each.packages, reverse=True)
        looked_up = [(each, self._looked_up(each, stores, ahead)) for each in others]
        counted = [(most, self._left_over(most, looked_up, stores, ahead)), *looked_up]
        found = ((replace(each, packages=count), late) for each, counts in counted for late, count in counts.items())
        yield from sorted((pair for pair in found if pair[1] and pair[0].packages), key=lambda pair: len(pair[1]))

    def _looked_up(self, standing: AlikeStanding, stores: Mapping[str, Ages], ahead: str) -> _Overdue:
        """Of packages that stand so, each looked at."""
        among = sorted(stores.keys() & standing.states.keys())
        columns, given = [], list[object]()
        for number, store in enumerate(among):
            late, values = _lateness(stores[store], ahead)
            columns.append(f"CASE WHEN {_exists('kept', late)} THEN 1 ELSE 0 END AS late{number}")
            given += [store, *values]
        names = ", ".join(f"late{number}" for number in range(len(among)))
        rows = self._database.rows(
            f"SELECT {names}, count(*) FROM (SELECT {', '.join(columns)} FROM kept"  # noqa: S608
            f" WHERE policy = ? AND marks = ?) AS alike GROUP BY {names}",
            [*given, standing.policy, marks_of(standing.states)],
        )
        return Counter({frozenset(compress(among, late)): int(count) for *late, count in rows})

    def _left_over(
        self,
        most: AlikeStanding,
        others: Sequence[tuple[AlikeStanding, _Overdue]],
        stores: Mapping[str, Ages],
        ahead: str,
    ) -> _Overdue:
        """Of the packages of which most stand alike: what is counted over all, less the others."""
        among = sorted(stores.keys() & most.states.keys())
        sides = {store: self._smaller_side(store, most.policy, stores[store], ahead) for store in among}
        at_least = {frozenset[str](): most.packages}
        for chosen in _subsets(among):
            elsewhere = sum(
                count
                for each, counts in others
                if chosen <= each.states.keys()
                for late, count in counts.items()
                if all((store in late) == sides[store].is_late for store in chosen)
            )
            at_least[chosen] = self._count_on_all(most.policy, [sides[store] for store in chosen]) - elsewhere
        return Counter(
            {
                frozenset(store for store in among if (store in chosen) == sides[store].is_late): count
                for chosen, count in _exactly(at_least).items()
            }
        )

    def _smaller_side(self, store: str, policy: str, ages: Ages, ahead: str) -> _Side:
        late = self.overdue_count(store, policy, ages, ahead)
        others = self.copies_in(store, policy) - late
        test, values = _lateness(ages, ahead)
        by_index = newness(Level.FULL if Level.FULL in ages else Level.SAMPLE, None)
        if late <= others:
            return _Side(store, True, late, test, values, by_index)
        tests = [f"{LOOK_COLUMNS[level]} BETWEEN ? AND ?" for level in ages]  # said so, an index serves
        return _Side(store, False, others, " AND ".join(tests), values, by_index)

    def _count_on_all(self, policy: str, sides: Sequence[_Side]) -> int:
        """How many packages have a copy on each of these sides."""
        first, *others = sorted(sides, key=lambda side: side.count)
        if not first.count or not others:
            return first.count
        row = self._database.row(
            "SELECT count(*) FROM look AS scanned WHERE store = ? AND policy = ?"  # noqa: S608
            f" AND {first.newness} AND ({first.test})"
            + "".join(f" AND {_exists('scanned', other.test)}" for other in others),
            [first.store, policy, *first.values, *chain(*((other.store, *other.values) for other in others))],
        )
        return int(row[0]) if row else 0

    def overdue_packages(
        self, standing: AlikeStanding, stores: Mapping[str, Ages], ahead: str, most: int, booked: Booked = EVER
    ) -> list[tuple[str, str]]:
        """The oldest packages that stand so and whose copies in all of `stores` are overdue, and when each was booked;
        of those there are `standing.packages`."""
        tests, given = [], list[object]()
        for store, ages in sorted(stores.items()):
            late, values = _lateness(ages, ahead)
            tests.append(_exists("kept", late))
            given += [store, *values]
        if standing.packages < most < self._packages_alike(standing) / _WALKED:
            # Going through all that stand so would take longer.
            store, ages = min(stores.items())
            chosen, values = _overdue(store, standing.policy, ages, ahead)
            tests.append(f"package IN ({chosen})")
            given += values
        rows = self._database.rows(
            f"SELECT package, packaged_at FROM kept WHERE policy = ? AND marks = ? AND {booked.test}"  # noqa: S608
            f" AND {' AND '.join(tests)} ORDER BY packaged_at, package LIMIT ?",
            [standing.policy, marks_of(standing.states), *booked.values, *given, most],
        )
        return [(package, at) for package, at in rows]

    def booked_count_overdue(
        self, standing: AlikeStanding, booked: Booked, late: Mapping[str, tuple[Ages, bool]], ahead: str
    ) -> tuple[int, str | None]:
        """How many of the packages that stand so were booked then and have copies that are overdue, or (False) are not,
        in each of several stores; and when the first of them was.  They are counted one by one."""
        tests, given = [], list[object]()
        for store, (ages, is_late) in late.items():
            test, values = _lateness(ages, ahead)
            tests.append(f"{'' if is_late else 'NOT '}{_exists('kept', test)}")
            given += [store, *values]
        row = self._database.row(
            f"SELECT count(*), min(packaged_at) FROM kept WHERE policy = ? AND marks = ? AND {booked.test}"  # noqa: S608
            f" AND {' AND '.join(tests)}",
            [standing.policy, marks_of(standing.states), *booked.values, *given],
        )
        return (int(row[0]), row[1]) if row else (0, None)

    def _packages_alike(self, standing: AlikeStanding) -> int:
        row = self._database.row(
            "SELECT packages FROM standing WHERE policy = ? AND marks = ?", (standing.policy, marks_of(standing.states))
        )
        return int(row[0]) if row else 0


def _subsets(stores: Sequence[str]) -> Iterator[frozenset[str]]:
    """All but the empty one."""
    sizes = range(1, len(stores) + 1)
    return (frozenset(chosen) for size in sizes for chosen in combinations(stores, size))


def _exactly(at_least: Mapping[frozenset[str], int]) -> dict[frozenset[str], int]:
    """How many are in just these sets, of how many are in them and perhaps in others (inclusion and exclusion)."""
    return {
        chosen: sum((-1) ** len(more - chosen) * count for more, count in at_least.items() if chosen <= more)
        for chosen in at_least
    }


def _exists(outer: str, test: str) -> str:
    """The condition that a package has a copy in a store of which something is so."""
    return f"EXISTS (SELECT 1 FROM look WHERE look.package = {outer}.package AND look.store = ? AND ({test}))"  # noqa: S608


def _overdue(store: str, policy: str, ages: Ages, ahead: str) -> tuple[str, list[object]]:
    """A query of the packages whose copy is overdue, each once."""
    parts: list[str] = []
    given: list[object] = []
    for level, before in ages.items():
        for test, moment in (("<", before), (">", ahead)):
            parts.append(
                f"SELECT package FROM look WHERE store = ? AND policy = ? AND {newness(level, None)}"  # noqa: S608
                f" AND {LOOK_COLUMNS[level]} {test} ?"
            )
            given += [store, policy, moment]
    return " UNION ".join(parts) or "SELECT package FROM look WHERE 1 = 0", given


def _lateness(ages: Ages, ahead: str) -> tuple[str, list[object]]:
    """The condition that a copy is overdue."""
    tests = [f"{LOOK_COLUMNS[level]} NOT BETWEEN ? AND ?" for level in ages]
    return " OR ".join(tests) or "1 = 0", [moment for before in ages.values() for moment in (before, ahead)]
