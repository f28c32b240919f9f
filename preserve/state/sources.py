"""What the books know of sources and their harvests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from preserve.errors import Refused
from preserve.model.brake import BrakeLimits, Upheaval
from preserve.model.sources import RESTLESS_DAYS, Counts, HarvestEntry, Registered, SourceEntry, SourceKind
from preserve.state.database import Database, Row

_SOURCE = "name, kind, policy, place, settings, registered_at, held, released, retired_at, retired_because, released_at"
_HARVEST = "source, number, seen_at, at, counts, accessions, state_package, is_base, is_partial, was_released"
_SELECT_SOURCE = f"SELECT {_SOURCE} FROM source"  # noqa: S608
_SELECT_HARVEST = f"SELECT {_HARVEST} FROM harvest"  # noqa: S608


class SourceReading:
    """Questions about sources."""

    _database: Database

    def sources(self) -> list[Registered]:
        """All sources, retired ones too, by name."""
        return [_source(row) for row in self._database.rows(_SELECT_SOURCE + " ORDER BY name")]

    def source(self, name: str) -> Registered:
        """One source.  Raises `Refused` for an unknown name, listing those known."""
        row = self._database.row(_SELECT_SOURCE + " WHERE name = ?", (name,))
        if row is None:
            known = ", ".join(source.entry.name for source in self.sources()) or "-"
            raise Refused("there is no source {source}; registered are: {known}", source=name, known=known)
        return _source(row)

    def harvests(self, source: str, after: int = 0) -> Iterator[HarvestEntry]:
        """The harvests of a source in order, from past number `after`."""
        key = ("source", "number")
        rows = self._database.pages(_HARVEST, "harvest", key, among={"source": (source,)}, after=(source, after))
        return map(_harvest, rows)

    def last_harvest(self, source: str, until: str | None = None) -> HarvestEntry | None:
        """The newest harvest of a source, or the newest of those of how it was not after the moment `until`."""
        return self._newest(source, until, "")

    def last_whole_harvest(self, source: str, until: str | None = None) -> HarvestEntry | None:
        """The same, of those harvests that went through the whole source."""
        return self._newest(source, until, " AND is_partial = 0")

    def _newest(self, source: str, until: str | None, further: str) -> HarvestEntry | None:
        """The newest by number.  As of a moment, the one that is nearest to it by its own date: after a clock that was
        behind, a higher number would pass for older than what it came after."""
        query = _SELECT_HARVEST + " WHERE source = ?" + further
        if until is None:
            row = self._database.row(query + " ORDER BY number DESC LIMIT 1", (source,))
        else:
            order = " AND seen_at <= ? ORDER BY seen_at DESC, number DESC LIMIT 1"
            row = self._database.row(query + order, (source, until))
        return _harvest(row) if row else None

    def harvests_since(self, source: str, moment: str, most: int) -> list[HarvestEntry]:
        """The harvests of how a source was not before a moment, in order; of more than `most` the newest."""
        rows = self._database.rows(
            _SELECT_HARVEST + " WHERE source = ? AND seen_at >= ? ORDER BY number DESC LIMIT ?", (source, moment, most)
        )
        return [_harvest(row) for row in reversed(list(rows))]

    def is_harvested(self, source: str, accession: str) -> bool:
        """Whether a harvest of a source names an accession."""
        row = self._database.row(
            "SELECT 1 FROM harvest WHERE source = ? AND accessions LIKE ? LIMIT 1", (source, f'%"{accession}"%')
        )
        return row is not None

    def states(self, source: str, number: int) -> list[HarvestEntry]:
        """The harvests whose states together are that of harvest `number`: a base and what differs since, in order.

        Empty where the source had no state then.
        """
        rows = self._database.rows(
            _SELECT_HARVEST
            + " WHERE source = ? AND number <= ? AND state_package IS NOT NULL AND number >= COALESCE((SELECT"
            " max(number) FROM harvest WHERE source = ? AND number <= ? AND is_base = 1), 0) ORDER BY number",
            (source, number, source, number),
        )
        return [_harvest(row) for row in rows]


def _source(row: Row) -> Registered:
    name, kind, policy, place, text, registered_at, held, released, retired_at, why, released_at = row
    settings = json.loads(text)
    entry = SourceEntry(
        name=name,
        kind=SourceKind(kind),
        policy=policy,
        place=place,
        settle_seconds=settings["settle_seconds"],
        reread_percent=settings["reread_percent"],
        limits=BrakeLimits(**settings["limits"]),
        profile=settings["profile"],
        file_name=settings["file_name"],
        uses_shell=settings["shell"],
        most_seconds=settings["most_seconds"],
        moves_taken=settings["moves_taken"],
        restless_days=settings.get("restless_days", RESTLESS_DAYS),
        environment=tuple(settings.get("environment", ())),
        exclude=tuple(settings.get("exclude", ())),
        include=tuple(settings.get("include", ())),
        metadata=settings.get("metadata"),
    )
    return Registered(entry, registered_at, _upheaval(held), _upheaval(released), retired_at, why, released_at)


def _upheaval(text: Any) -> Upheaval | None:
    return None if text is None else Upheaval(**json.loads(text))


def _harvest(row: Row) -> HarvestEntry:
    source, number, seen_at, at, counts, accessions, state_package, is_base, is_partial, was_released = row
    return HarvestEntry(
        source=source,
        seen_at=seen_at,
        at=at,
        counts=Counts(**json.loads(counts)),
        accessions=tuple(json.loads(accessions)),
        state_package=state_package,
        is_base=bool(is_base),
        is_partial=bool(is_partial),
        was_released=bool(was_released),
        number=number,
    )
