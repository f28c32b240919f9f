"""What the books know of drills."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from preserve.model.drills import DrillEntry, DrillFault, Rehearsed
from preserve.state.database import Database, Row
from preserve.state.projection import drill_id

_DRILL = (
    "number, store, begun_at, sample, seed, without_catalog, faults, packages, files, bytes, unopened, unjudged,"
    " rpo_seconds, lost_seconds, rto_milliseconds, policies, certificate, certificate_sha256"
)

_EARLIEST = "SELECT booked_at FROM copy WHERE store = ? ORDER BY package LIMIT 1"


class DrillReading:
    """Questions about drills."""

    _database: Database

    def drills(self, store: str | None = None) -> Iterator[DrillEntry]:
        """Drills in the order in which they ended, from one store or from any."""
        among = {"store": None if store is None else (store,)}
        return map(_drill, self._database.pages(_DRILL, "drill", ("number",), among=among))

    def held_since(self, stores: Iterable[str]) -> Mapping[str, datetime]:
        """When the copy of the earliest package in each of these stores was booked; those that hold none are left out.

        Answered by the index: nobody waits for it, however much is kept.
        """
        asked = {store: self._database.row(_EARLIEST, (store,)) for store in stores}
        return {store: datetime.fromisoformat(row[0]) for store, row in asked.items() if row is not None}


def _drill(row: Row) -> DrillEntry:
    number, store, begun_at, sample, seed, without_catalog, faults, *counts, policies, certificate, sha256 = row
    packages, files, size, unopened, unjudged, rpo_seconds, lost_seconds, rto_milliseconds = counts
    return DrillEntry(
        store=store,
        begun_at=begun_at,
        sample=sample,
        seed=seed,
        without_catalog=bool(without_catalog),
        faults=tuple(map(DrillFault, json.loads(faults))),
        packages=packages,
        files=files,
        bytes=size,
        unopened=unopened,
        unjudged=unjudged,
        rpo_seconds=rpo_seconds,
        lost_seconds=lost_seconds,
        rto_milliseconds=rto_milliseconds,
        policies=tuple(
            Rehearsed(part["policy"], part["sha256"], part["packages"], part["whole"]) for part in json.loads(policies)
        ),
        certificate=certificate,
        certificate_sha256=sha256,
        id=drill_id(number),
    )
