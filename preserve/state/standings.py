"""How the copies of each package stand, since when nobody has looked at each, which lack the list of formats, and all
that counted: the part of the projection that is kept up to date so that status and plan need not read all copies.

All of it follows from `package`, `copy`, `retired_copy`, `identified` and `format_list`; the order in which entries
take effect does not matter.  So it is brought up to date once for all packages that a transaction touched, not once for
each entry.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from preserve.model.nouns import CopyState, Level
from preserve.state.applying import Tables, text

_DAY_CHARACTERS = 10
_PACKAGES_AT_ONCE = 256
_NOT_COUNTED = ""
"""In place of the marks of a package that is in no count yet."""

_LOOK = "package, store, policy, bytes, is_new, sample_at, full_at, verified_on"
_WRITE_LOOK = (
    f"INSERT INTO look ({_LOOK}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    " ON CONFLICT (package, store) DO UPDATE SET policy = excluded.policy, bytes = excluded.bytes,"
    " is_new = excluded.is_new, sample_at = excluded.sample_at, full_at = excluded.full_at,"
    " verified_on = excluded.verified_on"
)
_COPY = "package, store, state, bytes, booked_at, audits"
_KEPT = "package, policy, marks, payload_files, payload_bytes, packaged_at"
_FOLLOWED = (
    (_KEPT, "kept"),
    (_COPY, "copy"),
    (_COPY, "retired_copy"),
    (_LOOK, "look"),
    ("package, number", "identified"),
    ("package, number, store", "format_list"),
    ("package, store", "list_lacking"),
)
"""Columns and tables."""
_COUNT_ALL = (
    "INSERT INTO standing (policy, marks, packages, payload_files, payload_bytes) SELECT policy, marks, count(*),"
    " sum(payload_files), sum(payload_bytes) FROM kept GROUP BY policy, marks"
)


@dataclass(frozen=True, slots=True)
class _Count:
    """A table that counts: its key, and what is counted, of which the first is how many."""

    table: str
    key: tuple[str, ...]
    counted: tuple[str, ...]

    def add(self, tables: Tables, changes: Mapping[tuple[Any, ...], Sequence[int]]) -> None:
        """Add to the rows of these keys; a row that counts nothing any more is taken away."""
        news = [(*key, *change) for key, change in changes.items() if any(change)]
        gone = [key for key, change in changes.items() if change[0] < 0]
        columns = (*self.key, *self.counted)
        sums = ", ".join(f"{each} = {self.table}.{each} + excluded.{each}" for each in self.counted)
        _each(
            tables,
            f"INSERT INTO {self.table} ({', '.join(columns)}) VALUES ({_places(columns)})"  # noqa: S608
            f" ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {sums}",
            news,
        )
        where = " AND ".join(f"{each} = ?" for each in self.key)
        _each(tables, f"DELETE FROM {self.table} WHERE {where} AND {self.counted[0]} = 0", gone)  # noqa: S608


_STANDING = _Count("standing", ("policy", "marks"), ("packages", "payload_files", "payload_bytes"))
_LOOK_DAY = _Count("look_day", ("store", "policy", "level", "is_new", "day"), ("copies", "bytes"))
_GROWTH = _Count("growth", ("store", "day"), ("number", "bytes"))

_Kept = tuple[str, str, int, int, str]
"""Policy, marks, payload files, payload bytes, when it was packaged."""
_Looks = dict[tuple[str, str], tuple[Any, ...]]
"""Rows of `look` by package and store, without these."""


def package_kept(
    tables: Tables, package: str, policy: str, payload_files: int, payload_bytes: int, packaged_at: str
) -> None:
    """A package was booked; `settle` counts it."""
    tables.execute(
        "INSERT INTO kept (package, policy, marks, payload_files, payload_bytes, packaged_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (package, policy, _NOT_COUNTED, payload_files, payload_bytes, packaged_at),
    )


def settle(tables: Tables, packages: Collection[str]) -> None:
    """Bring up to date what follows from these packages and their copies, which came to be or changed."""
    touched = sorted(packages)
    for at in range(0, len(touched), _PACKAGES_AT_ONCE):
        _settle(tables, touched[at : at + _PACKAGES_AT_ONCE])


def _settle(tables: Tables, packages: Sequence[str]) -> None:
    # All are asked before the first answer is waited for: a server may be far away.
    asked = [_asked(tables, columns, table, packages) for columns, table in _FOLLOWED]
    in_kept, in_copy, in_retired_copy, in_look, identified, lists, lacking = (answer.fetchall() for answer in asked)
    kept: dict[str, _Kept] = {row[0]: row[1:] for row in in_kept}
    # Of a package whose own entry is still to come nothing follows yet.
    copies, retired = ([row for row in rows if row[0] in kept] for rows in (in_copy, in_retired_copy))
    before: _Looks = {(row[0], row[1]): row[2:] for row in in_look}
    after = {(row[0], row[1]): _look(kept[row[0]][0], row[2:], in_use=True) for row in copies}
    after |= {(row[0], row[1]): _look(kept[row[0]][0], row[2:], in_use=False) for row in retired}
    _count_packages(tables, kept, _marks(kept, copies))
    changed = {place: look for place, look in after.items() if before.get(place) != look}
    _each(tables, _WRITE_LOOK, [(*place, *look) for place, look in changed.items()])
    was = {place: before[place] for place in changed if place in before}
    _LOOK_DAY.add(tables, _difference(_days(was), _days(changed)))
    packaged = (("", row[4][:_DAY_CHARACTERS], row[3]) for row in kept.values() if row[1] == _NOT_COUNTED)
    _GROWTH.add(tables, _difference(_verified(was), (*_verified(changed), *packaged)))
    _count_lists(tables, kept, copies, (identified, lists, lacking))


def _asked(tables: Tables, columns: str, table: str, packages: Sequence[str]) -> Any:
    """A cursor that has the rows of some packages."""
    asked = [*packages, *[packages[-1]] * (_round_number(len(packages)) - len(packages))]
    return tables.execute(
        f"SELECT {columns} FROM {table} WHERE package IN ({_places(asked)})",  # noqa: S608
        tuple(asked),
    )


def _round_number(count: int) -> int:
    """So that there are few different statements, which a database prepares once."""
    return next(size for size in (1, 4, 16, 64, _PACKAGES_AT_ONCE) if count <= size)


def _marks(kept: Mapping[str, _Kept], copies: Iterable[tuple[Any, ...]]) -> dict[str, str]:
    states: dict[str, dict[str, str]] = {package: {} for package in kept}
    for package, store, state, *_ in copies:
        states[package][store] = state
    return {package: text(each) for package, each in states.items()}


def _count_packages(tables: Tables, kept: Mapping[str, _Kept], marks: Mapping[str, str]) -> None:
    """Move packages in the count from how they stood to how they stand."""
    changes: Counter[tuple[str, str]] = Counter()
    files, size = changes.copy(), changes.copy()
    moved = [(package, row) for package, row in kept.items() if row[1] != marks[package]]
    for package, (policy, stood, payload_files, payload_bytes, _) in moved:
        for key, sign in (((policy, stood), -1), ((policy, marks[package]), 1)):
            changes[key] += sign
            files[key] += sign * payload_files
            size[key] += sign * payload_bytes
    _each(tables, "UPDATE kept SET marks = ? WHERE package = ?", [(marks[each], each) for each, _ in moved])
    counted = (key for key in changes if key[1] != _NOT_COUNTED)
    _STANDING.add(tables, {key: (changes[key], files[key], size[key]) for key in counted})


def _count_lists(
    tables: Tables,
    kept: Mapping[str, _Kept],
    copies: Iterable[tuple[Any, ...]],
    known: tuple[Sequence[tuple[Any, ...]], ...],
) -> None:
    """Which verified copies lack the list of formats that was made last; a package nobody identified lacks none."""
    identified, lists, lacking = known
    numbers = dict(identified)
    there = {(package, store) for package, number, store in lists if numbers.get(package) == number}
    verified = {row[:2] for row in copies if row[2] == CopyState.VERIFIED.value and row[0] in numbers}
    before, after = set(map(tuple, lacking)), verified - there
    _each(tables, "DELETE FROM list_lacking WHERE package = ? AND store = ?", sorted(before - after))
    _each(
        tables,
        "INSERT INTO list_lacking (package, store, policy) VALUES (?, ?, ?)",
        [(*each, kept[each[0]][0]) for each in sorted(after - before)],
    )


def _look(policy: str, copy: Sequence[Any], *, in_use: bool) -> tuple[Any, ...]:
    """What the row of `look` says of a copy."""
    state, size, booked_at, audits = copy
    looks = json.loads(audits)
    full_at = looks.get(Level.FULL.value, booked_at)
    deep = [looks[level.value] for level in (Level.SAMPLE, Level.FULL) if level.value in looks]
    is_verified = in_use and state == CopyState.VERIFIED.value
    verified_on = booked_at[:_DAY_CHARACTERS] if is_verified else None
    return (policy, size, int(full_at == booked_at), max(deep, default=booked_at), full_at, verified_on)


def _days(looks: _Looks) -> Iterator[tuple[Any, ...]]:
    """Keys of `look_day`, each with the size of the copy."""
    for (_, store), (policy, size, is_new, sample_at, full_at, _verified_on) in looks.items():
        yield store, policy, Level.FULL.value, is_new, full_at[:_DAY_CHARACTERS], size
        yield store, policy, Level.SAMPLE.value, is_new, sample_at[:_DAY_CHARACTERS], size


def _verified(looks: _Looks) -> Iterator[tuple[Any, ...]]:
    """Keys of `growth`, each with the size of the copy."""
    for (_, store), (_policy, size, _is_new, _sample_at, _full_at, verified_on) in looks.items():
        if verified_on is not None:
            yield store, verified_on, size


def _difference(
    before: Iterable[tuple[Any, ...]], after: Iterable[tuple[Any, ...]]
) -> dict[tuple[Any, ...], tuple[int, int]]:
    """By how much each key counts more, and how many bytes; the last of what is given is the size."""
    number: Counter[tuple[Any, ...]] = Counter()
    size: Counter[tuple[Any, ...]] = Counter()
    for sign, those in ((-1, before), (1, after)):
        for *key, each in those:
            number[tuple(key)] += sign
            size[tuple(key)] += sign * each
    return {key: (number[key], size[key]) for key in number}


def store_gone(tables: Tables, store: str) -> None:
    """The copies in a store are out of use.  Their looks stay: no other store is ever given its name."""
    for policy, marks in tables.execute("SELECT policy, marks FROM standing").fetchall():
        states = json.loads(marks)
        if states.pop(store, None) is not None:
            tables.execute("UPDATE kept SET marks = ? WHERE policy = ? AND marks = ?", (text(states), policy, marks))
    _count_anew(tables)
    tables.execute("UPDATE look SET verified_on = NULL WHERE store = ? AND verified_on IS NOT NULL", (store,))
    tables.execute("DELETE FROM growth WHERE store = ?", (store,))
    tables.execute("DELETE FROM list_lacking WHERE store = ?", (store,))


def store_back(tables: Tables, store: str) -> None:
    """The copies in a store are in use again, and stand in `copy` by now; none of them is verified."""
    alike = "SELECT DISTINCT policy, marks, state FROM copy JOIN kept ON kept.package = copy.package WHERE store = ?"
    for policy, marks, state in tables.execute(alike, (store,)).fetchall():
        tables.execute(
            "UPDATE kept SET marks = ? WHERE policy = ? AND marks = ? AND package IN"
            " (SELECT package FROM copy WHERE store = ? AND state = ?)",
            (text({**json.loads(marks), store: state}), policy, marks, store, state),
        )
    _count_anew(tables)


def _count_anew(tables: Tables) -> None:
    tables.execute("DELETE FROM standing")
    tables.execute(_COUNT_ALL)


def _each(tables: Tables, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:  # a server would be asked for nothing
        tables.executemany(sql, rows)


def _places(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
