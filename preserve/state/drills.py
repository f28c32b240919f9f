"""What the books know of drills."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from preserve.errors import Refused
from preserve.model.drill_thaws import thaw_told
from preserve.model.drills import Acknowledged, Document, DrillEntry, DrillFault, Rehearsed
from preserve.state.database import Database, Row
from preserve.state.identifiers import drill_id

_DRILL = (
    "number, store, begun_at, sample, seed, without_catalog, faults, packages, files, bytes, unopened, unjudged,"
    " acknowledged, unread_bags, rpo_seconds, lost_seconds, rto_milliseconds, rto_unjudged, thaw, policies,"
    " certificate, certificate_sha256"
)

_ACKNOWLEDGED = "sha256, place, why, drill, at, booked_by, because"
_ONE_ACKNOWLEDGED = f"SELECT {_ACKNOWLEDGED} FROM acknowledged WHERE sha256 = ?"  # noqa: S608
_EARLIEST = "SELECT booked_at FROM copy WHERE store = ? ORDER BY package LIMIT 1"


class DrillReading:
    """Questions about drills."""

    _database: Database

    def drills(self, store: str | None = None) -> Iterator[DrillEntry]:
        """Drills in the order in which they ended, from one store or from any."""
        among = {"store": None if store is None else (store,)}
        return map(_drill, self._database.pages(_DRILL, "drill", ("number",), among=among))

    def drill(self, identifier: str) -> DrillEntry:
        """One drill.  Raises `Refused` where there is none with this id."""
        found = next((each for each in self.drills() if each.id == identifier), None)
        if found is None:
            raise Refused("there is no drill {drill} in the books; `preserve drill list` names all", drill=identifier)
        return found

    def acknowledged(self) -> Iterator[Acknowledged]:
        """The documents for which a person answers, by digest."""
        rows = self._database.pages(_ACKNOWLEDGED, "acknowledged", ("sha256",))
        for sha256, place, why, *said in rows:
            yield Acknowledged(Document(place, sha256, why), *said)

    def acknowledgement(self, sha256: str) -> Acknowledged | None:
        """Who answers for a document with this digest (hex), if anybody does."""
        row = self._database.row(_ONE_ACKNOWLEDGED, (sha256,))
        return None if row is None else Acknowledged(Document(row[1], row[0], row[2]), *row[3:])

    def held_since(self, stores: Iterable[str]) -> Mapping[str, datetime]:
        """When the copy of the earliest package in each of these stores was booked; those that hold none are left out.

        Answered by the index: nobody waits for it, however much is kept.
        """
        asked = {store: self._database.row(_EARLIEST, (store,)) for store in stores}
        return {store: datetime.fromisoformat(row[0]) for store, row in asked.items() if row is not None}


def _drill(row: Row) -> DrillEntry:
    number, store, begun_at, sample, seed, without_catalog, faults, *counts, policies, certificate, sha256 = row
    packages, files, size, unopened, unjudged, acknowledged, unread_bags, *measures = counts
    rpo_seconds, lost_seconds, rto_milliseconds, rto_unjudged, thaw = measures
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
        acknowledged=acknowledged,
        unread_bags=unread_bags,
        rpo_seconds=rpo_seconds,
        lost_seconds=lost_seconds,
        rto_milliseconds=rto_milliseconds,
        policies=tuple(
            Rehearsed(part["policy"], part["sha256"], part["packages"], part["whole"]) for part in json.loads(policies)
        ),
        certificate=certificate,
        certificate_sha256=sha256,
        thaw=thaw_told(json.loads(thaw)),
        is_rto_unjudged=bool(rto_unjudged),
        id=drill_id(number),
    )
