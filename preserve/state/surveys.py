"""What the books tell over time and in sum, for whoever watches the service: counted in the database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from preserve.model.concerns import FindingsSeen
from preserve.model.growth import Grown
from preserve.model.notices import MendedSeen
from preserve.model.nouns import HARMS, Condition, Level
from preserve.state.database import Database, Row

_DAY_CHARACTERS, _MONTH_CHARACTERS = 10, 7
_FIRST_LOCK_END = (  # as the index over the ends has them
    "SELECT min(COALESCE(retain_until, '')) FROM copy WHERE store = ? AND COALESCE(retain_until, '') > ''"
)


@dataclass(frozen=True, slots=True)
class AuditEnded:
    """An audit that came to its end; `counts` by the name of the result."""

    ended_at: str
    level: Level
    counts: Mapping[str, int]


class SurveyReading:
    """Questions of those who watch."""

    _database: Database

    def open_findings_alike(self) -> list[FindingsSeen]:
        """Open findings by policy, store and condition."""
        rows = self._database.rows(
            "SELECT kept.policy, f.store, f.condition, count(*), min(f.opened_at), max(f.number), count(f.package)"
            " FROM finding f LEFT JOIN kept ON kept.package = f.package WHERE f.closed_at IS NULL"
            " GROUP BY kept.policy, f.store, f.condition ORDER BY f.store, f.condition, kept.policy"
        )
        return [FindingsSeen(policy, store, Condition(kind), *figures) for policy, store, kind, *figures in rows]

    def mended_alike(self, after: int) -> list[MendedSeen]:
        """Findings of harm that are closed, of those opened after entry `after`, by policy, store and condition."""
        rows = self._database.rows(
            "SELECT kept.policy, f.store, f.condition, count(*), max(f.number), max(f.closed_at)"
            " FROM finding f LEFT JOIN kept ON kept.package = f.package"
            " WHERE f.number > ? AND f.closed_at IS NOT NULL AND f.condition IN (?, ?, ?)"
            " GROUP BY kept.policy, f.store, f.condition ORDER BY f.store, f.condition, kept.policy",
            (after, *(each.value for each in HARMS)),
        )
        return [MendedSeen(policy, store, Condition(kind), *figures) for policy, store, kind, *figures in rows]

    def first_packaged_on(self) -> str | None:
        """The day on which the first package was made."""
        row = self._database.row("SELECT min(day) FROM growth WHERE store = ''")
        return row[0] if row else None

    def grown(self, *, by_day: bool) -> list[Grown]:
        """What was made day by day, or month by month: packages, and the copies that stand verified in each store."""
        length = _DAY_CHARACTERS if by_day else _MONTH_CHARACTERS
        rows = self._database.rows(
            f"SELECT substr(day, 1, {length}) AS period, NULLIF(store, ''), sum(number), sum(bytes)"  # noqa: S608
            " FROM growth GROUP BY period, store ORDER BY CASE store WHEN '' THEN 0 ELSE 1 END, period, store"
        )
        return [_grown(row) for row in rows]

    def lock_ends(self, stores: Iterable[str]) -> dict[str, str]:
        """When the first object lock ends in each of these stores that has any."""
        ends = {store: self._database.row(_FIRST_LOCK_END, (store,)) for store in stores}
        return {store: row[0] for store, row in ends.items() if row and row[0] is not None}

    def audits_ended(self, since: str) -> list[AuditEnded]:
        """Audits that ended since a moment, in the order in which they were begun."""
        rows = self._database.rows(
            "SELECT ended_at, level, counts FROM audit_run WHERE ended_at >= ? ORDER BY begun", (since,)
        )
        return [AuditEnded(ended_at, Level(level), json.loads(counts)) for ended_at, level, counts in rows]


def _grown(row: Row) -> Grown:
    period, store, count, size = row
    return Grown(period, store, int(count), int(size))
