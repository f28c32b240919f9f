"""What the books know of sources and their harvests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from preserve.errors import Refused
from preserve.model.brake import BrakeLimits, Upheaval
from preserve.model.sources import Counts, HarvestEntry, Registered, SourceEntry, SourceKind
from preserve.state.database import Database, Row

_SOURCE = "name, kind, policy, place, settings, registered_at, held, released, retired_at, retired_because"
_HARVEST = "source, number, at, counts, accessions, state_package, is_base, is_partial"
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
        """The newest harvest of a source, or the newest one not after the moment `until`."""
        row = self._database.row(
            _SELECT_HARVEST + " WHERE source = ? AND (CAST(? AS TEXT) IS NULL OR at <= ?) ORDER BY number DESC LIMIT 1",
            (source, until, until),
        )
        return _harvest(row) if row else None

    def last_whole_harvest(self, source: str, until: str | None = None) -> HarvestEntry | None:
        """The newest harvest that went through the whole source, or the newest of them not after the moment `until`."""
        row = self._database.row(
            _SELECT_HARVEST + " WHERE source = ? AND is_partial = 0 AND (CAST(? AS TEXT) IS NULL OR at <= ?)"
            " ORDER BY number DESC LIMIT 1",
            (source, until, until),
        )
        return _harvest(row) if row else None

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
    name, kind, policy, place, text, registered_at, held, released, retired_at, why = row
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
    )
    return Registered(entry, registered_at, _upheaval(held), _upheaval(released), retired_at, why)


def _upheaval(text: Any) -> Upheaval | None:
    return None if text is None else Upheaval(**json.loads(text))


def _harvest(row: Row) -> HarvestEntry:
    source, number, at, counts, accessions, state_package, is_base, is_partial = row
    return HarvestEntry(
        source=source,
        at=at,
        counts=Counts(**json.loads(counts)),
        accessions=tuple(json.loads(accessions)),
        state_package=state_package,
        is_base=bool(is_base),
        is_partial=bool(is_partial),
        number=number,
    )
