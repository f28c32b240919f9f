"""What events about the risk of formats do to the tables, and what is checked of them first.

Kept apart from `preserve.state.projection` and `preserve.state.admission`, which know these tables by name alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from preserve.model.nouns import Event, EventType
from preserve.state.applying import Apply, Detail, Tables

CATALOG: Mapping[str, tuple[str, ...]] = {
    "format_ratings": ("publisher", "version"),
    "format_risk": ("record", "puid"),
}


def _ratings_admitted(tables: Tables, number: int, event: Event) -> Event | None:
    row = tables.execute(
        "SELECT version, sha256 FROM format_ratings WHERE publisher = ? ORDER BY version DESC LIMIT 1",
        (event.detail["publisher"],),
    ).fetchone()
    if row and row[1] == event.detail["sha256"]:
        return None
    return replace(event, detail={**event.detail, "version": row[0] + 1 if row else 1})


def _ratings_imported(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "INSERT INTO format_ratings (publisher, version, edition, sha256, text, imported_at) VALUES (?, ?, ?, ?, ?, ?)",
        (detail["publisher"], detail["version"], detail["edition"], detail["sha256"], detail["text"], at),
    )


def _risk_recorded(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.executemany(
        "INSERT INTO format_risk (record, puid, at, files, bytes, total, reader, score, advice)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (number, puid, at, *(each[name] for name in ("files", "bytes", "total", "reader", "score", "advice")))
            for puid, each in detail["formats"].items()
        ],
    )


CHECK: Mapping[EventType, Callable[[Tables, int, Event], Event | None]] = {
    EventType.RATINGS_IMPORTED: _ratings_admitted,
}
APPLY: Mapping[str, Apply] = {
    EventType.RATINGS_IMPORTED.value: _ratings_imported,
    EventType.RISK_RECORDED.value: _risk_recorded,
}
