"""What the books know of the parity beside copies."""

from __future__ import annotations

import json
from collections.abc import Iterator

from preserve.model.nouns import CopyState
from preserve.model.parity import Code, Layout, ParityEntry
from preserve.state.database import PAGE_ROWS, Database, Row

_LACKING = (
    "FROM copy JOIN kept ON kept.package = copy.package AND kept.policy = ?"
    " LEFT JOIN parity ON parity.package = copy.package AND parity.store = copy.store"
    f" WHERE copy.store = ? AND copy.state = '{CopyState.VERIFIED.value}' AND COALESCE(parity.percent, 0) < ?"
)
"""Verified copies in a store, of packages under a policy, whose parity is none or survives less than so much."""


class ParityReading:
    """Questions about parity."""

    _database: Database

    def parity(self, package: str, store: str) -> ParityEntry | None:
        """The parity object of a copy, where it has one."""
        row = self._database.row(
            "SELECT package, store, percent, sha256, layout, made_at FROM parity WHERE package = ? AND store = ?",
            (package, store),
        )
        return None if row is None else _entry(row)

    def lacking_parity(self, policy: str, store: str, percent: int, after: str = "") -> Iterator[str]:
        """The packages under `policy` whose verified copy in a store has no parity that survives `percent`, by id,
        those behind `after`."""
        while True:
            rows = self._database.rows(
                f"SELECT copy.package {_LACKING} AND copy.package > ? ORDER BY copy.package LIMIT ?",
                (policy, store, percent, after, PAGE_ROWS),
            )
            yield from (row[0] for row in rows)
            if len(rows) < PAGE_ROWS:
                return
            after = rows[-1][0]

    def count_lacking_parity(self, policy: str, store: str, percent: int) -> int:
        """How many they are."""
        row = self._database.row(f"SELECT count(*) {_LACKING}", (policy, store, percent))
        return int(row[0]) if row else 0

    def parity_by_store(self) -> dict[str, tuple[int, int]]:
        """How many copies in each store in use have parity, and how many bytes that takes."""
        rows = self._database.rows(
            "SELECT parity.store, count(*), sum(parity.bytes) FROM parity JOIN copy"
            " ON copy.package = parity.package AND copy.store = parity.store GROUP BY parity.store"
        )
        return {store: (int(copies), int(total)) for store, copies, total in rows}


def _entry(row: Row) -> ParityEntry:
    package, store, percent, sha256, layout, made_at = row
    plain = json.loads(layout)
    return ParityEntry(
        package_id=package,
        store=store,
        layout=Layout(tuple(plain["sizes"]), Code(*plain["cells"]), Code(*plain["pages"])),
        percent=percent,
        sha256=sha256,
        made_at=made_at,
    )
