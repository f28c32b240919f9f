"""What the books tell over time and in sum, for whoever watches the service: counted in the database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from preserve.model.audit_ages import LookedAlike
from preserve.model.concerns import FindingsSeen
from preserve.model.growth import Grown
from preserve.model.nouns import Condition, CopyState, Level
from preserve.state.database import Database, Row
from preserve.state.standing_reading import Ages

_DAY_CHARACTERS, _MONTH_CHARACTERS = 10, 7
_AT = {Level.SAMPLE: "sample_at", Level.FULL: "full_at"}


@dataclass(frozen=True, slots=True)
class AuditEnded:
    """An audit that came to its end; `counts` by the name of the result."""

    ended_at: str
    level: Level
    counts: Mapping[str, int]


class SurveyReading:
    """Questions of those who watch."""

    _database: Database

    def looked_alike(self, store: str, policy: str, ages: Ages, ahead: str) -> list[LookedAlike]:
        """Copies in a store under a policy, put together by the days of the last looks at them.

        One not looked at since the moments of `ages` is overdue; a look after `ahead` counts as none.
        """
        tests = [f"{_AT[level]} NOT BETWEEN ? AND ?" for level in ages]
        rows = self._database.rows(
            f"SELECT CASE WHEN {' OR '.join(tests) or '1 = 0'} THEN 1 ELSE 0 END AS late,"  # noqa: S608
            " substr(full_at, 1, 10) AS full_day, substr(sample_at, 1, 10) AS sample_day, count(*)"
            " FROM look WHERE store = ? AND policy = ? GROUP BY late, full_day, sample_day"
            " ORDER BY late, full_day, sample_day",
            [*(moment for before in ages.values() for moment in (before, ahead)), store, policy],
        )
        return [
            LookedAlike(policy, store, copies, bool(late), date.fromisoformat(full), date.fromisoformat(sample))
            for late, full, sample, copies in rows
        ]

    def open_findings_alike(self) -> list[FindingsSeen]:
        """Open findings by policy, store and condition."""
        rows = self._database.rows(
            "SELECT kept.policy, f.store, f.condition, count(*), min(f.opened_at), max(f.number), count(f.package)"
            " FROM finding f LEFT JOIN kept ON kept.package = f.package WHERE f.closed_at IS NULL"
            " GROUP BY kept.policy, f.store, f.condition ORDER BY f.store, f.condition, kept.policy"
        )
        return [FindingsSeen(policy, store, Condition(kind), *figures) for policy, store, kind, *figures in rows]

    def first_packaged_at(self) -> str | None:
        """When the first package was made."""
        row = self._database.row("SELECT min(packaged_at) FROM package")
        return row[0] if row else None

    def grown(self, *, by_day: bool) -> list[Grown]:
        """What was made day by day, or month by month: packages, and the copies that stand verified in each store."""
        length = _DAY_CHARACTERS if by_day else _MONTH_CHARACTERS
        packages = self._database.rows(
            f"SELECT substr(packaged_at, 1, {length}) AS period, NULL, count(*), sum(payload_bytes)"  # noqa: S608
            " FROM package GROUP BY period ORDER BY period"
        )
        copies = self._database.rows(
            f"SELECT substr(booked_at, 1, {length}) AS period, store, count(*), sum(bytes)"  # noqa: S608
            " FROM copy WHERE state = ? GROUP BY period, store ORDER BY period, store",
            (CopyState.VERIFIED.value,),
        )
        return [_grown(row) for row in (*packages, *copies)]

    def lock_ends(self) -> dict[str, str]:
        """When the first object lock ends in each store that has any."""
        rows = self._database.rows(
            "SELECT store, min(retain_until) FROM copy WHERE retain_until IS NOT NULL GROUP BY store ORDER BY store"
        )
        return dict(rows)

    def audits_ended(self, since: str) -> list[AuditEnded]:
        """Audits that ended since a moment, in the order in which they were begun."""
        rows = self._database.rows(
            "SELECT ended_at, level, counts FROM audit_run WHERE ended_at >= ? ORDER BY begun", (since,)
        )
        return [AuditEnded(ended_at, Level(level), json.loads(counts)) for ended_at, level, counts in rows]


def _grown(row: Row) -> Grown:
    period, store, count, size = row
    return Grown(period, store, int(count), int(size))
