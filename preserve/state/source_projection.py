"""What events about sources and harvests do to the tables, and what the books check of them first.

Kept apart from `preserve.state.projection` and `preserve.state.admission`, which know these tables by name alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from preserve.errors import Refused
from preserve.model.nouns import Event, EventType
from preserve.model.sources import SourceKind
from preserve.state.applying import Apply, Detail, Tables, text

CATALOG: Mapping[str, tuple[str, ...]] = {"source": ("name",), "harvest": ("source", "number")}

_SOURCE_COLUMNS = ("name", "kind", "policy", "place")


def _source_registered(tables: Tables, number: int, at: str, detail: Detail) -> None:
    settings = {key: value for key, value in detail.items() if key not in _SOURCE_COLUMNS}
    tables.execute(
        "INSERT INTO source (name, kind, policy, place, settings, registered_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET policy = excluded.policy, place = excluded.place,"
        " settings = excluded.settings, retired_at = NULL, retired_because = NULL",
        (detail["name"], SourceKind(detail["kind"]).value, detail["policy"], detail["place"], text(settings), at),
    )


def _source_retired(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "UPDATE source SET retired_at = ?, retired_because = ?, held = NULL, released = NULL, released_at = NULL"
        " WHERE name = ?",
        (at, detail["why"], detail["name"]),
    )


def _harvested(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "INSERT INTO harvest (source, number, seen_at, at, counts, accessions, state_package, is_base, is_partial,"
        " was_released) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            detail["source"],
            detail["number"],
            detail.get("seen_at", at),  # entries of before 0.3 do not say when the listing began
            at,
            text(detail["counts"]),
            text(detail["accessions"]),
            detail["state_package"],
            int(detail["base"]),
            int(detail["partial"]),
            int(detail.get("released", False)),
        ),
    )
    if not detail["partial"]:
        tables.execute(
            "UPDATE source SET held = NULL, released = NULL, released_at = NULL WHERE name = ?", (detail["source"],)
        )


def _harvest_held(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "UPDATE source SET held = ?, released = NULL, released_at = NULL WHERE name = ?",
        (text(detail["upheaval"]), detail["source"]),
    )


def _source_released(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "UPDATE source SET released = held, released_at = ?, held = NULL WHERE name = ?", (at, detail["name"])
    )


APPLY: Mapping[str, Apply] = {
    EventType.SOURCE_REGISTERED.value: _source_registered,
    EventType.SOURCE_RETIRED.value: _source_retired,
    EventType.HARVESTED.value: _harvested,
    EventType.HARVEST_HELD.value: _harvest_held,
    EventType.SOURCE_RELEASED.value: _source_released,
}


def _may_register(tables: Tables, number: int, event: Event) -> Event:
    name, kind = event.detail["name"], event.detail["kind"]
    row = tables.execute("SELECT kind FROM source WHERE name = ?", (name,)).fetchone()
    if row and row[0] != kind:
        raise Refused(
            "source {source} is registered already, of another kind ({known}); its harvests cannot go on as those of a"
            " {kind}: choose another name",
            source=name,
            known=row[0],
            kind=kind,
        )
    return event


def _known_source(tables: Tables, number: int, event: Event) -> Event:
    _require_source(tables, event.detail["name"])
    return event


def _require_source(tables: Tables, name: object) -> None:
    if not tables.execute("SELECT 1 FROM source WHERE name = ? AND retired_at IS NULL", (name,)).fetchone():
        raise Refused("there is no source {source} in use in the books", source=name)


def _numbered(tables: Tables, number: int, event: Event) -> Event:
    source = event.detail["source"]
    _require_source(tables, source)
    last = tables.execute("SELECT COALESCE(max(number), 0) FROM harvest WHERE source = ?", (source,)).fetchone()[0]
    return replace(event, detail={**event.detail, "number": last + 1})


def _may_hold(tables: Tables, number: int, event: Event) -> Event | None:
    source = event.detail["source"]
    _require_source(tables, source)
    held = tables.execute("SELECT held FROM source WHERE name = ?", (source,)).fetchone()[0]
    return None if held is not None and json.loads(held) == event.detail["upheaval"] else event


def _may_release(tables: Tables, number: int, event: Event) -> Event:
    name = event.detail["name"]
    _require_source(tables, name)
    if tables.execute("SELECT held FROM source WHERE name = ?", (name,)).fetchone()[0] is None:
        raise Refused("the brake does not hold source {source}; there is nothing to release", source=name)
    return event


CHECK: Mapping[EventType, Callable[[Tables, int, Event], Event | None]] = {
    EventType.SOURCE_REGISTERED: _may_register,
    EventType.SOURCE_RETIRED: _known_source,
    EventType.HARVESTED: _numbered,
    EventType.HARVEST_HELD: _may_hold,
    EventType.SOURCE_RELEASED: _may_release,
}
