"""What the books know of how copies stand and since when nobody has looked at them, without reading them one by one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from preserve.model import canonical
from preserve.model.nouns import CopyState, Level
from preserve.state.database import Database

_DAY_CHARACTERS = 10
_LOOK_DAY_OF = "store = ? AND policy = ? AND level = ?"
LOOK_COLUMNS = {Level.SAMPLE: "sample_at", Level.FULL: "full_at"}
"""Where a look as deep as each level stands; a policy asks for these alone."""

Ages = Mapping[Level, str]
"""Before which moment the last look at each level is too long ago."""


@dataclass(frozen=True, slots=True)
class AlikeStanding:
    """So many packages of one policy whose copies stand alike: `states` by store."""

    policy: str
    states: Mapping[str, CopyState]
    packages: int
    payload_files: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class Looks:
    """Copies in one store under one policy: how many, how large, and which look at them is the oldest."""

    copies: int
    bytes: int
    oldest: str | None


NO_LOOKS = Looks(0, 0, None)


@dataclass(frozen=True, slots=True)
class Booked:
    """When packages were booked: at `since` or after, and before `before`, as the books write moments.

    `had_retired` True: only those that had a copy in one of the `retired` stores; False: only others.
    """

    since: str = ""
    before: str = "~"
    retired: tuple[str, ...] = ()
    had_retired: bool = False

    @property
    def test(self) -> str:
        """As a condition on `kept`."""
        among = f"AND store IN ({', '.join('?' * len(self.retired))})"
        held = f"EXISTS (SELECT 1 FROM retired_copy WHERE package = kept.package {among})"  # noqa: S608
        return "packaged_at >= ? AND packaged_at < ?" + (
            f" AND {'' if self.had_retired else 'NOT '}{held}" if self.retired else ""
        )

    @property
    def values(self) -> tuple[str, ...]:
        """What is asked for in its places."""
        return (self.since, self.before, *self.retired)


EVER = Booked()


class StandingReading:
    """Questions about how copies stand."""

    _database: Database

    def standings(self) -> list[AlikeStanding]:
        """All packages, put together by policy and by how their copies stand."""
        rows = self._database.rows(
            "SELECT policy, marks, packages, payload_files, payload_bytes FROM standing ORDER BY policy, marks"
        )
        return [AlikeStanding(policy, _states(marks), *counts) for policy, marks, *counts in rows]

    def packages_standing(
        self, policy: str, states: Mapping[str, CopyState], most: int, booked: Booked = EVER
    ) -> list[tuple[str, str]]:
        """The oldest packages that stand so, and when each was booked."""
        rows = self._database.rows(
            f"SELECT package, packaged_at FROM kept WHERE policy = ? AND marks = ? AND {booked.test}"  # noqa: S608
            " ORDER BY packaged_at, package LIMIT ?",
            (policy, marks_of(states), *booked.values, most),
        )
        return [(package, at) for package, at in rows]

    def first_booked(self, standing: AlikeStanding) -> str | None:
        """When the oldest of the packages that stand so was booked; None where none does any more."""
        found = self.packages_standing(standing.policy, standing.states, 1)
        return found[0][1] if found else None

    def packages_lost(self) -> set[str]:
        """Those of which no copy in use is sound: there is none, or all of them were read and found bad."""
        lost = [each for each in self.standings() if all(state is CopyState.BAD for state in each.states.values())]
        return {
            package for each in lost for package, _ in self.packages_standing(each.policy, each.states, each.packages)
        }

    def packaged_at(self, package: str) -> str:
        """When a package was booked; it must be there."""
        row = self._database.row("SELECT packaged_at FROM kept WHERE package = ?", (package,))
        if row is None:
            raise LookupError(package)
        return str(row[0])

    def booked_count(self, standing: AlikeStanding, booked: Booked) -> tuple[int, str | None]:
        """How many of the packages that stand so were booked then, and when the first of them was.

        `standing.packages` are all that stand so: where all of them were booked then, none need be counted.
        """
        those = "FROM kept WHERE policy = ? AND marks = ?"
        given = (standing.policy, marks_of(standing.states))
        then = (*given, *booked.values)
        first, begin, end = (
            self._database.row(f"SELECT packaged_at {those} {chosen}", values)
            for chosen, values in (
                (f"AND {booked.test} ORDER BY packaged_at LIMIT 1", then),
                ("ORDER BY packaged_at LIMIT 1", given),
                ("ORDER BY packaged_at DESC LIMIT 1", given),
            )
        )
        if first is None or begin is None or end is None:
            return 0, None
        if not booked.retired and booked.since <= begin[0] and end[0] < booked.before:
            return standing.packages, first[0]
        row = self._database.row(
            f"SELECT count(*) {those} AND {booked.test}",
            then,
        )
        return (int(row[0]) if row else 0), first[0]

    def overdue_count(self, store: str, policy: str, ages: Ages, ahead: str) -> int:
        """How many copies nobody has looked at since the moments of `ages`; a look after `ahead` counts as none."""
        (older,) = self.older_counts(store, policy, [ages])
        return older + self.postdated_count(store, policy, ages, ahead)

    def older_counts(self, store: str, policy: str, several: Sequence[Ages]) -> list[int]:
        """For each of several ages, which name the same levels, how many copies nobody has looked at since, at one
        level or the other."""
        counts = [0] * len(several)
        levels = set[Level]().union(*several)
        if levels == set(LOOK_COLUMNS):
            counts = self._older_in_full_alone(store, policy, several)
            levels = {Level.SAMPLE}
        for level in levels:
            older = [self.looks(store, policy, level, ages[level]).copies for ages in several]
            counts = [count + more for count, more in zip(counts, older, strict=True)]
        return counts

    def _older_in_full_alone(self, store: str, policy: str, several: Sequence[Ages]) -> list[int]:
        """The same of those whose last sample is not older: they are counted one by one, along the index."""
        one = "COALESCE(sum(CASE WHEN full_at < ? AND sample_at >= ? THEN 1 ELSE 0 END), 0)"
        moments = [ages[level] for ages in several for level in (Level.FULL, Level.SAMPLE)]
        row = self._database.row(
            f"SELECT {', '.join([one] * len(several))} FROM look"  # noqa: S608
            f" WHERE store = ? AND policy = ? AND {newness(Level.FULL, None)} AND full_at < ?",
            [*moments, store, policy, max(ages[Level.FULL] for ages in several)],
        )
        return [int(count) for count in row or ()]

    def postdated_count(self, store: str, policy: str, ages: Ages, ahead: str) -> int:
        """How many copies were last looked at after `ahead`, and are not older at the other level."""
        is_no_older = "".join(f" AND {LOOK_COLUMNS[level]} >= ?" for level in ages)
        parts = [
            f"SELECT package FROM look WHERE store = ? AND policy = ? AND {newness(level, None)}"  # noqa: S608
            f" AND {LOOK_COLUMNS[level]} > ?{is_no_older}"
            for level in ages
        ]
        if not parts:
            return 0
        row = self._database.row(
            f"SELECT count(*) FROM ({' UNION '.join(parts)}) AS postdated",  # noqa: S608
            [store, policy, ahead, *ages.values()] * len(parts),
        )
        return int(row[0]) if row else 0

    def looks(
        self, store: str, policy: str, level: Level, before: str, since: str = "", is_new: bool | None = None
    ) -> Looks:
        """Copies whose last look at `level` was before a moment, and not before `since`.

        `is_new` True: only those that nobody has read whole since they were booked; False: only others.
        """
        among = _Among(store, policy, level, is_new)
        counts = [self._counted_by_day(among, since, before)]
        counts += [self._counted_one_by_one(among, *edge) for edge in _edges(since, before)]
        copies, size = (sum(each) for each in zip(*counts, strict=True))
        return Looks(copies, size, self._oldest(among, since, before) if copies else None)

    def _counted_by_day(self, among: _Among, since: str, before: str) -> tuple[int, int]:
        """Copies and bytes of the days that lie whole between two moments."""
        row = self._database.row(
            "SELECT COALESCE(sum(copies), 0), COALESCE(sum(bytes), 0) FROM look_day"  # noqa: S608
            f" WHERE {_LOOK_DAY_OF} AND {among.newness} AND day > ? AND day < ?",
            (*among.values, since[:_DAY_CHARACTERS], before[:_DAY_CHARACTERS]),
        )
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def _counted_one_by_one(self, among: _Among, since: str, before: str) -> tuple[int, int]:
        row = self._database.row(
            f"SELECT count(*), COALESCE(sum(bytes), 0) FROM look WHERE store = ? AND policy = ?"  # noqa: S608
            f" AND {newness(among.level, among.is_new)} AND {among.at} >= ? AND {among.at} < ?",
            (among.store, among.policy, since, before),
        )
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def least_looked_at(
        self,
        store: str,
        policy: str,
        level: Level,
        before: str,
        most: int,
        since: str = "",
        is_new: bool | None = None,
    ) -> list[tuple[str, str]]:
        """The copies (packages) that nobody has looked at for longest, before a moment and not before `since`, and when
        that was; at most `most`."""
        rows = self._database.rows(
            f"SELECT package, {LOOK_COLUMNS[level]} FROM look WHERE store = ? AND policy = ?"  # noqa: S608
            f" AND {newness(level, is_new)} AND {LOOK_COLUMNS[level]} >= ? AND {LOOK_COLUMNS[level]} < ?"
            f" ORDER BY {LOOK_COLUMNS[level]}, package LIMIT ?",
            (store, policy, since, before, most),
        )
        return [(package, at) for package, at in rows]

    def least_looked_at_alike(
        self, standing: AlikeStanding, store: str, before: str, most: int
    ) -> list[tuple[str, str]]:
        """Copies of packages that stand so, last read whole before a moment, longest ago first, and since when."""
        rows = self._database.rows(
            "SELECT kept.package, full_at FROM kept JOIN look ON look.package = kept.package WHERE kept.policy = ?"
            " AND marks = ? AND store = ? AND full_at < ? ORDER BY full_at, kept.package LIMIT ?",
            (standing.policy, marks_of(standing.states), store, before, most),
        )
        return [(package, at) for package, at in rows]

    def looks_by_day(
        self, store: str, policy: str, level: Level, before: str, is_new: bool | None = None
    ) -> list[tuple[str, int, int]]:
        """Days (YYYY-MM-DD) of last looks at `level` before a moment: how many copies, how many bytes."""
        among = _Among(store, policy, level, is_new)
        last = before[:_DAY_CHARACTERS]
        rows = self._database.rows(
            "SELECT day, sum(copies), sum(bytes) FROM look_day"  # noqa: S608
            f" WHERE {_LOOK_DAY_OF} AND {among.newness} AND day < ? GROUP BY day ORDER BY day",
            (*among.values, last),
        )
        days = [(day, int(copies), int(size)) for day, copies, size in rows]
        copies, size = self._counted_one_by_one(among, last, before)
        return [*days, (last, copies, size)] if copies else days

    def copies_in(self, store: str, policy: str) -> int:
        """How many copies there are in a store under a policy."""
        return sum(each.packages for each in self.standings() if each.policy == policy and store in each.states)

    def oldest_look(self, store: str, policy: str, level: Level, is_new: bool | None) -> str | None:
        """The oldest of the last looks at copies in a store, found without reading the others."""
        return self._oldest(_Among(store, policy, level, is_new), "", "~")

    def _oldest(self, among: _Among, since: str, before: str) -> str | None:
        found = [
            self._database.row(
                f"SELECT min({among.at}) FROM look WHERE store = ? AND policy = ? AND {which}"  # noqa: S608
                f" AND {among.at} >= ? AND {among.at} < ?",
                (among.store, among.policy, since, before),
            )
            for which in _newnesses(among.level, among.is_new)
        ]
        return min((row[0] for row in found if row and row[0] is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Among:
    """The copies in a store under a policy; `is_new` as in `StandingReading.looks`."""

    store: str
    policy: str
    level: Level
    is_new: bool | None

    @property
    def at(self) -> str:
        """The column of the last look as deep as this."""
        return LOOK_COLUMNS[self.level]

    @property
    def newness(self) -> str:
        """The condition on `is_new` in `look_day`."""
        return "is_new IN (0, 1)" if self.is_new is None else f"is_new = {int(self.is_new)}"

    @property
    def values(self) -> tuple[str, str, str]:
        """For the places of `_LOOK_DAY_OF`."""
        return self.store, self.policy, self.level.value


def _edges(since: str, before: str) -> list[tuple[str, str]]:
    """The days that lie between two moments in part: from when, and before when."""
    first, last = since[:_DAY_CHARACTERS], before[:_DAY_CHARACTERS]
    if first == last or since >= before:
        return [(since, before)]
    edges = [(since, f"{first}~")] if since else []  # all moments of a day sort before the day and "~"
    if len(before) > _DAY_CHARACTERS:
        edges.append((last, before))
    return edges


def newness(level: Level, is_new: bool | None) -> str:
    """The condition on `is_new`; the index of full readings has it, so it is always named there."""
    if is_new is None:
        return "is_new IN (0, 1)" if level is Level.FULL else "1 = 1"
    return f"is_new = {int(is_new)}"


def _newnesses(level: Level, is_new: bool | None) -> list[str]:
    """The same as several conditions, each of which is one stretch of an index."""
    if is_new is None and level is Level.FULL:
        return ["is_new = 0", "is_new = 1"]
    return [newness(level, is_new)]


def _states(marks: str) -> dict[str, CopyState]:
    return {store: CopyState(state) for store, state in json.loads(marks).items()}


def marks_of(states: Mapping[str, CopyState]) -> str:
    """How `kept` and `standing` have it."""
    return canonical.encode({store: state.value for store, state in states.items()}).decode()
