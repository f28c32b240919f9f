"""What the books know of canaries."""

from __future__ import annotations

import json

from preserve.model.canary import Attempt, CanaryTrial, Effect
from preserve.model.credentials import Holder
from preserve.state.database import Database, Row

_TRIAL = "SELECT store, tried_at, profile, lock_until, effects FROM canary"


class CanaryReading:
    """Questions about canaries."""

    _database: Database

    def canary(self, store: str) -> CanaryTrial | None:
        """The last trial in a store; None where no canary was ever laid."""
        row = self._database.row(_TRIAL + " WHERE store = ?", (store,))
        return _trial(row) if row else None

    def canaries(self) -> dict[str, CanaryTrial]:
        """The last trial in each store, by its name."""
        return {row[0]: _trial(row) for row in self._database.rows(_TRIAL)}


def _trial(row: Row) -> CanaryTrial:
    store, tried_at, profile, lock_until, effects = row
    known = {
        Holder(holder): {Attempt(attempt): Effect(effect) for attempt, effect in each.items()}
        for holder, each in json.loads(effects).items()
    }
    return CanaryTrial(store, tried_at, profile, lock_until, known)
