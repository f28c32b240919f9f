"""How the copies of each package stand, and since when nobody has looked at each: the part of the projection that is
kept up to date so that status and plan need not read all copies.

All of it follows from `package`, `copy` and `retired_copy`; the order in which entries take effect does not matter.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

from preserve.model.nouns import Level

_text = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), sort_keys=True).encode

_COUNT = (
    "INSERT INTO standing (policy, marks, packages, payload_files, payload_bytes) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (policy, marks) DO UPDATE SET packages = standing.packages + excluded.packages,"
    " payload_files = standing.payload_files + excluded.payload_files,"
    " payload_bytes = standing.payload_bytes + excluded.payload_bytes"
)
_COUNT_ALL = (
    "INSERT INTO standing (policy, marks, packages, payload_files, payload_bytes) SELECT policy, marks, count(*),"
    " sum(payload_files), sum(payload_bytes) FROM kept GROUP BY policy, marks"
)
_LOOK = (
    "INSERT INTO look (package, store, policy, bytes, is_new, sample_at, full_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (package, store) DO UPDATE SET policy = excluded.policy, bytes = excluded.bytes,"
    " is_new = excluded.is_new, sample_at = excluded.sample_at, full_at = excluded.full_at"
)


class Tables(Protocol):
    """What applying needs of a database connection within a transaction."""

    def execute(self, sql: str, parameters: tuple[Any, ...] = (), /) -> Any: ...


def package_kept(
    tables: Tables, package: str, policy: str, payload_files: int, payload_bytes: int, packaged_at: str
) -> None:
    """A package was booked."""
    marks = _marks(tables, package)
    tables.execute(
        "INSERT INTO kept (package, policy, marks, payload_files, payload_bytes, packaged_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (package, policy, marks, payload_files, payload_bytes, packaged_at),
    )
    tables.execute(_COUNT, (policy, marks, 1, payload_files, payload_bytes))
    for table in ("copy", "retired_copy"):
        held = tables.execute(f"SELECT store FROM {table} WHERE package = ?", (package,)).fetchall()  # noqa: S608
        for (store,) in held:
            copy_looked_at(tables, package, store, table)


def copies_changed(tables: Tables, package: str) -> None:
    """A copy of the package came to be, or its state changed."""
    row = tables.execute(
        "SELECT policy, marks, payload_files, payload_bytes FROM kept WHERE package = ?", (package,)
    ).fetchone()
    if row is None:
        return  # the package's own entry is still to come
    policy, before, files, size = row
    marks = _marks(tables, package)
    if marks == before:
        return
    tables.execute(_COUNT, (policy, before, -1, -files, -size))
    tables.execute("DELETE FROM standing WHERE policy = ? AND marks = ? AND packages = 0", (policy, before))
    tables.execute(_COUNT, (policy, marks, 1, files, size))
    tables.execute("UPDATE kept SET marks = ? WHERE package = ?", (marks, package))


def copy_looked_at(tables: Tables, package: str, store: str, table: str = "copy") -> None:
    """A copy was booked, or looked at; `table` is where it stands."""
    row = tables.execute(
        f"SELECT kept.policy, each.bytes, each.booked_at, each.audits FROM {table} AS each JOIN kept"  # noqa: S608
        " ON kept.package = each.package WHERE each.package = ? AND each.store = ?",
        (package, store),
    ).fetchone()
    if row is None:
        return
    policy, size, booked_at, audits = row
    looks = json.loads(audits)
    full_at = looks.get(Level.FULL.value, booked_at)
    deep = [looks[level.value] for level in (Level.SAMPLE, Level.FULL) if level.value in looks]
    sample_at = max(deep, default=booked_at)
    tables.execute(_LOOK, (package, store, policy, size, int(full_at == booked_at), sample_at, full_at))


def store_gone(tables: Tables, store: str) -> None:
    """The copies in a store are out of use.  Their looks stay: no other store is ever given its name."""
    for policy, marks in tables.execute("SELECT policy, marks FROM standing").fetchall():
        states = json.loads(marks)
        if states.pop(store, None) is not None:
            tables.execute("UPDATE kept SET marks = ? WHERE policy = ? AND marks = ?", (_text(states), policy, marks))
    _count_anew(tables)


def store_back(tables: Tables, store: str) -> None:
    """The copies in a store are in use again, and stand in `copy` by now."""
    alike = "SELECT DISTINCT policy, marks, state FROM copy JOIN kept ON kept.package = copy.package WHERE store = ?"
    for policy, marks, state in tables.execute(alike, (store,)).fetchall():
        tables.execute(
            "UPDATE kept SET marks = ? WHERE policy = ? AND marks = ? AND package IN"
            " (SELECT package FROM copy WHERE store = ? AND state = ?)",
            (_text({**json.loads(marks), store: state}), policy, marks, store, state),
        )
    _count_anew(tables)


def _count_anew(tables: Tables) -> None:
    tables.execute("DELETE FROM standing")
    tables.execute(_COUNT_ALL)


def _marks(tables: Tables, package: str) -> str:
    return _text(dict(tables.execute("SELECT store, state FROM copy WHERE package = ?", (package,)).fetchall()))
