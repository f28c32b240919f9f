"""What the books know of objects that were asked for from cold storage, and of what that was expected to cost."""

from __future__ import annotations

from collections.abc import Iterator

from preserve.clock import moment_of
from preserve.model.keys import Key
from preserve.model.thawing import FrozenBag, Spent, Thaw, ThawPurpose, Tier
from preserve.state.database import Database, Row

_THAW = "SELECT package, store, object, bytes, storage_class, tier, days, purpose, asked_at, expected_at FROM thaw"
_THAW_UNREAD = (
    "SELECT thaw.package, thaw.store, object, thaw.bytes, storage_class, tier, days, purpose, asked_at, expected_at"
    " FROM thaw JOIN look ON look.package = thaw.package AND look.store = thaw.store AND sample_at <= asked_at"
)


class ThawReading:
    """Questions about thaws."""

    _database: Database

    def thaw(self, store: str, key: Key) -> Thaw | None:
        """What was asked for last of one object; None where it never was."""
        row = self._database.row(_THAW + " WHERE store = ? AND object = ?", (store, key))
        return _thaw(row) if row else None

    def unread_thaws(self, store: str, purpose: ThawPurpose, since: str) -> Iterator[Thaw]:
        """What was asked for from one store for a purpose, since a moment, and nobody has read since it was asked for,
        not in part either; what should be there first at the beginning."""
        rows = self._database.rows(
            _THAW_UNREAD + " WHERE thaw.store = ? AND purpose = ? AND asked_at >= ? ORDER BY expected_at, object",
            (store, purpose.value, since),
        )
        return map(_thaw, rows)

    def thaw_spent(self, store: str, month: str) -> Spent:
        """What was asked for from one store in a month."""
        row = self._database.row(
            "SELECT bytes, micros, unpriced FROM thaw_month WHERE store = ? AND month = ?", (store, month)
        )
        return Spent(row[0], row[1], not row[2]) if row else Spent()


def _thaw(row: Row) -> Thaw:
    package, store, key, size, storage_class, tier, days, purpose, asked_at, expected_at = row
    bag = FrozenBag(package, store, Key(key), size, storage_class)
    return Thaw(bag, Tier(tier), days, ThawPurpose(purpose), moment_of(asked_at), moment_of(expected_at))
