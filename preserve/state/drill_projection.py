"""What events about drills do to the tables, and about documents that were deposited broken.

Kept apart from `preserve.state.projection`, which knows these tables by name alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from preserve.model.drills import DrillFault
from preserve.model.nouns import EventType
from preserve.state.applying import Apply, Detail, Tables, text
from preserve.state.identifiers import drill_id

CATALOG: Mapping[str, tuple[str, ...]] = {
    "drill": ("number",),
    "acknowledged": ("sha256",),
}


def _drilled(tables: Tables, number: int, at: str, detail: Detail) -> None:
    if detail["id"] != drill_id(number):
        raise ValueError(f"drill {detail['id']} stands where {drill_id(number)} belongs")
    tables.execute(
        "INSERT INTO drill (number, store, begun_at, sample, seed, without_catalog, faults, packages, files, bytes,"
        " unopened, unjudged, acknowledged, unread_bags, rpo_seconds, lost_seconds, rto_milliseconds,"
        " rto_unjudged, thaw, policies, certificate, certificate_sha256)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            detail["store"],
            detail["begun_at"],
            detail["sample"],
            detail["seed"],
            int(detail["without_catalog"]),
            text([DrillFault(fault).value for fault in detail["faults"]]),
            detail["packages"],
            detail["files"],
            detail["bytes"],
            detail["unopened"],
            detail["unjudged"],
            detail["acknowledged"],
            detail["unread_bags"],
            detail["rpo_seconds"],
            detail["lost_seconds"],
            detail["rto_milliseconds"],
            int(detail["rto_unjudged"]),
            text(detail["thaw"]),
            text(detail["policies"]),
            detail["certificate"],
            detail["certificate_sha256"],
        ),
    )


def _acknowledged(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "INSERT INTO acknowledged (sha256, place, why, drill, at, booked_by, because) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (sha256) DO UPDATE SET place = excluded.place, why = excluded.why, drill = excluded.drill,"
        " at = excluded.at, booked_by = excluded.booked_by, because = excluded.because",
        (*(detail[name] for name in ("sha256", "where", "why", "drill")), at, detail["by"], detail["because"]),
    )


def _acknowledgement_withdrawn(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute("DELETE FROM acknowledged WHERE sha256 = ?", (detail["sha256"],))


APPLY: Mapping[str, Apply] = {
    EventType.DRILLED.value: _drilled,
    EventType.ACKNOWLEDGED.value: _acknowledged,
    EventType.ACKNOWLEDGEMENT_WITHDRAWN.value: _acknowledgement_withdrawn,
}
