"""What the books know of objects that were asked for from cold storage, and of what that was expected to cost."""

from __future__ import annotations

from collections.abc import Iterator

from preserve.clock import moment_of
from preserve.model.keys import Key
from preserve.model.thawing import FrozenBag, Spent, Thaw, ThawPurpose, Tier
from preserve.state.database import Database, Row

_THAW = "SELECT package, store, object, bytes, storage_class, tier, days, purpose, asked_at, expected_at FROM thaw"


class ThawReading:
    """Questions about thaws, and a note of stores in which something was found frozen."""

    _database: Database

    def thaw(self, store: str, key: Key) -> Thaw | None:
        """What was asked for last of one object; None where it never was."""
        row = self._database.row(_THAW + " WHERE store = ? AND object = ?", (store, key))
        return _thaw(row) if row else None

    def thaws(self, store: str, since: str = "") -> Iterator[Thaw]:
        """What was asked for from one store since a moment, what should be there first at the beginning."""
        rows = self._database.rows(
            _THAW + " WHERE store = ? AND asked_at >= ? ORDER BY expected_at, object", (store, since)
        )
        return map(_thaw, rows)

    def thaw_spent(self, store: str, month: str) -> Spent:
        """What was asked for from one store in a month."""
        row = self._database.row(
            "SELECT bytes, micros, unpriced FROM thaw_month WHERE store = ? AND month = ?", (store, month)
        )
        return Spent(row[0], row[1], not row[2]) if row else Spent()

    def note_frozen(self, store: str, at: str) -> None:
        """Note that something in a store was found frozen."""
        self._database.write(
            "INSERT INTO progress (job, state) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET state = excluded.state",
            (_JOB + store, at),
        )

    def found_frozen(self) -> set[str]:
        """The stores in which something was ever found frozen, as far as anybody noted it."""
        rows = self._database.rows("SELECT job FROM progress WHERE job LIKE ?", (_JOB + "%",))
        return {row[0].removeprefix(_JOB) for row in rows}


_JOB = "frozen/"


def _thaw(row: Row) -> Thaw:
    package, store, key, size, storage_class, tier, days, purpose, asked_at, expected_at = row
    bag = FrozenBag(package, store, Key(key), size, storage_class)
    return Thaw(bag, Tier(tier), days, ThawPurpose(purpose), moment_of(asked_at), moment_of(expected_at))
