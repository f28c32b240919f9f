"""What the books know of removable media."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preserve.errors import Refused
from preserve.model.media import Medium
from preserve.model.medium_register import (
    Answer,
    CarrierCondition,
    Cause,
    CheckIn,
    CheckOut,
    Custody,
    CustodyAct,
    Inspection,
    InspectionEntry,
    Label,
    MediumEntry,
    MediumUse,
    Particulars,
    Purpose,
    ReaderEntry,
    RefreshEntry,
    RefreshOutcome,
    RefreshPlan,
    Trigger,
)
from preserve.model.policy import CopySet
from preserve.state.database import Database, Row

_MEDIUM = (
    "number, store, kind, serial, batch, capacity_bytes, copy_set, place, keeper, in_service_since, registered_at,"
    " custody, seal, held_by, purpose, moved_at, due_back, label, label_sha256, label_entries, inspected_at,"
    " inspected_well, refreshed_into, hold_until"
)
_SELECT_MEDIUM = f"SELECT {_MEDIUM} FROM medium"  # noqa: S608
_SELECT_CUSTODY = (
    "SELECT entry, at, booked_by, going_out, person, seal, purpose, due_back, approved_by, seal_whole, custody, place,"
    " carrier_condition, packages FROM medium_custody"
)
_SELECT_INSPECTION = (
    "SELECT entry, medium, at, booked_by, cause, carrier_condition, readability, fixity, run, copies, not_sound, note"
    " FROM medium_inspection"
)
_SELECT_REFRESH = "SELECT entry, plan, begun_at, ended_at, outcome FROM medium_refresh"
_USES = (
    "SELECT store, count(*), COALESCE(sum(bytes), 0), min(booked_at), max(booked_at), max(audited_at) FROM"
    " (SELECT store, state, bytes, booked_at, audited_at FROM copy UNION ALL"
    " SELECT store, state, bytes, booked_at, audited_at FROM retired_copy) AS made"
    " WHERE store IN (SELECT store FROM medium) AND state <> 'due' GROUP BY store"
)
_CODES = (
    "SELECT min(archival_code), max(archival_code) FROM record JOIN copy ON copy.package = record.package"
    " WHERE copy.store = ?"
)


class MediaReading:
    """Questions about removable media."""

    _database: Database

    def media(self) -> list[MediumEntry]:
        """All media, by number, those that were refreshed too."""
        return [_medium(row) for row in self._database.rows(_SELECT_MEDIUM + " ORDER BY number")]

    def medium(self, number: str) -> MediumEntry:
        """One medium.  Raises `Refused` for an unknown number."""
        row = self._database.row(_SELECT_MEDIUM + " WHERE number = ?", (number,))
        if row is None:
            raise Refused("there is no medium {medium} in the books", medium=number)
        return _medium(row)

    def medium_of_store(self, store: str) -> MediumEntry | None:
        """The medium that a store is, if it is one."""
        row = self._database.row(_SELECT_MEDIUM + " WHERE store = ?", (store,))
        return _medium(row) if row else None

    def medium_uses(self) -> Mapping[str, MediumUse]:
        """What lies on each medium, by its store, those out of use too; a store without copies is not named."""
        return {
            store: MediumUse(int(packages), int(size), *moments)  # a database may sum in a type of its own
            for store, packages, size, *moments in self._database.rows(_USES)
        }

    def archival_codes_in(self, store: str) -> tuple[str, str] | None:
        """The first and the last archival code (起止档号) among the records in a store."""
        row = self._database.row(_CODES, (store,))
        return None if row is None or row[0] is None else (row[0], row[1])

    def custody_of(self, number: str) -> list[CustodyAct]:
        """The custody record of a medium, oldest first."""
        rows = self._database.rows(_SELECT_CUSTODY + " WHERE medium = ? ORDER BY entry", (number,))
        return [_custody_act(row) for row in rows]

    def inspections_of(self, number: str) -> list[InspectionEntry]:
        """The inspections of a medium, oldest first."""
        rows = self._database.rows(_SELECT_INSPECTION + " WHERE medium = ? ORDER BY entry", (number,))
        return [_inspection(row) for row in rows]

    def refreshes_of(self, number: str) -> list[RefreshEntry]:
        """The refreshes from or to a medium, oldest first."""
        rows = self._database.rows(
            _SELECT_REFRESH + " WHERE old_medium = ? OR new_medium = ? ORDER BY entry", (number, number)
        )
        return [_refresh(row) for row in rows]

    def readers(self) -> list[ReaderEntry]:
        """The drives that were checked, by name."""
        rows = self._database.rows("SELECT name, kinds, checked_at, works, note FROM reader ORDER BY name")
        return [
            ReaderEntry(name, tuple(Medium(kind) for kind in json.loads(kinds)), at, bool(works), note)
            for name, kinds, at, works, note in rows
        ]


def _medium(row: Row) -> MediumEntry:
    number, store, kind, serial, batch, capacity, copy_set, place, keeper, since, registered_at, *rest = row
    custody, seal, held_by, purpose, moved_at, due_back, label, digest, entries, inspected_at, well, *end = rest
    said = Particulars(Medium(kind), serial, batch, capacity, copy_set and CopySet(copy_set), place, keeper, since)
    return MediumEntry(
        number,
        store,
        said,
        registered_at,
        Custody(custody),
        seal,
        held_by,
        purpose and Purpose(purpose),
        moved_at,
        due_back,
        Label(label, digest, entries) if label else None,
        inspected_at,
        None if well is None else bool(well),
        *end,
    )


def _custody_act(row: Row) -> CustodyAct:
    entry, at, by, going_out, person, seal, purpose, due_back, approved_by, *back_again = row
    if going_out:
        return CustodyAct(entry, at, by, out=CheckOut(person, seal, Purpose(purpose), due_back, approved_by))
    whole, custody, place, condition, packages = back_again
    back = CheckIn(seal, bool(whole), Custody(custody), place, CarrierCondition(condition), packages)
    return CustodyAct(entry, at, by, back=back)


def _inspection(row: Row) -> InspectionEntry:
    entry, medium, at, by, cause, condition, readability, fixity, *rest = row
    result = Inspection(Cause(cause), CarrierCondition(condition), Answer(readability), Answer(fixity), *rest)
    return InspectionEntry(entry, medium, at, by, result)


def _refresh(row: Row) -> RefreshEntry:
    entry, plan, begun_at, ended_at, outcome = row
    return RefreshEntry(
        entry, _plan(json.loads(plan)), begun_at, ended_at, None if outcome is None else _outcome(json.loads(outcome))
    )


def _plan(plain: Mapping[str, Any]) -> RefreshPlan:
    names = ("basis", "approver", "executor", "auditor", "hold_days")
    return RefreshPlan(plain["old"], plain["new"], Trigger(plain["trigger"]), *(plain[name] for name in names))


def _outcome(plain: Mapping[str, Any]) -> RefreshOutcome:
    return RefreshOutcome(
        plain["copies"],
        plain["sound_on_old"],
        plain["sound_on_new"],
        plain["bytes"],
        plain["from"],
        tuple(plain["runs"]),
    )
