"""What events about removable media do to the tables, and what the books check of them first.

Kept apart from `preserve.state.projection` and `preserve.state.admission`, which know these tables by name alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from preserve.errors import Refused
from preserve.model.media import Medium
from preserve.model.medium_register import Answer, CarrierCondition, Cause, Custody, Purpose, Trigger
from preserve.model.nouns import Event, EventType
from preserve.model.policy import CopySet
from preserve.state.applying import Apply, Detail, Tables, text

CATALOG: Mapping[str, tuple[str, ...]] = {
    "medium": ("number",),
    "medium_custody": ("entry",),
    "medium_inspection": ("entry",),
    "medium_refresh": ("entry",),
    "reader": ("name",),
}


def _registered(tables: Tables, number: int, at: str, detail: Detail) -> None:
    copy_set = detail["copy_set"]
    tables.execute(
        "INSERT INTO medium (number, store, kind, serial, batch, capacity_bytes, copy_set, place, keeper,"
        " in_service_since, registered_at, custody, seal, held_by, label)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', 0) ON CONFLICT (number) DO UPDATE SET"
        " kind = excluded.kind, serial = excluded.serial, batch = excluded.batch,"
        " capacity_bytes = excluded.capacity_bytes, copy_set = excluded.copy_set, place = excluded.place,"
        " keeper = excluded.keeper, in_service_since = excluded.in_service_since",
        (
            detail["number"],
            detail["store"],
            Medium(detail["kind"]).value,
            detail["serial"],
            detail["batch"],
            detail["capacity_bytes"],
            None if copy_set is None else CopySet(copy_set).value,
            detail["place"],
            detail["keeper"],
            detail["in_service_since"],
            at,
            Custody.AT_HAND.value,
        ),
    )


def _labelled(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "UPDATE medium SET label = ?, label_sha256 = ?, label_entries = ? WHERE number = ?",
        (detail["generation"], detail["sha256"], detail["entries"], detail["number"]),
    )


def _checked_out(tables: Tables, number: int, at: str, detail: Detail) -> None:
    purpose = Purpose(detail["purpose"]).value
    tables.execute(
        "INSERT INTO medium_custody (entry, medium, at, booked_by, going_out, person, seal, purpose, due_back,"
        " approved_by) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?)",
        (
            number,
            detail["number"],
            at,
            detail["by"],
            detail["to"],
            detail["seal"],
            purpose,
            detail["due_back"],
            detail["approved_by"],
        ),
    )
    tables.execute(
        "UPDATE medium SET custody = ?, held_by = ?, seal = ?, purpose = ?, due_back = ?, moved_at = ?"
        " WHERE number = ?",
        (Custody.OUT.value, detail["to"], detail["seal"], purpose, detail["due_back"], at, detail["number"]),
    )


def _checked_in(tables: Tables, number: int, at: str, detail: Detail) -> None:
    custody = Custody(detail["custody"])
    tables.execute(
        "INSERT INTO medium_custody (entry, medium, at, booked_by, going_out, person, seal, seal_whole, custody, place,"
        " carrier_condition, packages) VALUES (?, ?, ?, ?, 0, '', ?, ?, ?, ?, ?, ?)",
        (
            number,
            detail["number"],
            at,
            detail["by"],
            detail["seal"],
            int(detail["seal_whole"]),
            custody.value,
            detail["place"],
            CarrierCondition(detail["condition"]).value,
            detail["packages"],
        ),
    )
    tables.execute(
        "UPDATE medium SET custody = ?, held_by = '', seal = ?, purpose = NULL, due_back = NULL, moved_at = ?,"
        " place = ? WHERE number = ?",
        (custody.value, detail["seal"] if custody is Custody.SEALED else "", at, detail["place"], detail["number"]),
    )


def _inspected(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "INSERT INTO medium_inspection (entry, medium, at, booked_by, cause, carrier_condition, readability, fixity,"
        " run, copies, not_sound, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            detail["number"],
            at,
            detail["by"],
            Cause(detail["cause"]).value,
            CarrierCondition(detail["condition"]).value,
            Answer(detail["readability"]).value,
            Answer(detail["fixity"]).value,
            detail["run"],
            detail["copies"],
            detail["not_sound"],
            detail["note"],
        ),
    )
    tables.execute(
        "UPDATE medium SET inspected_at = ?, inspected_well = ? WHERE number = ?",
        (at, None if detail["passed"] is None else int(detail["passed"]), detail["number"]),
    )


def _refresh_begun(tables: Tables, number: int, at: str, detail: Detail) -> None:
    plan = {**detail, "trigger": Trigger(detail["trigger"]).value}
    tables.execute(
        "INSERT INTO medium_refresh (entry, old_medium, new_medium, plan, begun_at) VALUES (?, ?, ?, ?, ?)",
        (number, detail["old"], detail["new"], text(plan), at),
    )


def _refresh_ended(tables: Tables, number: int, at: str, detail: Detail) -> None:
    pair = (detail["old"], detail["new"])
    tables.execute(
        "UPDATE medium_refresh SET ended_at = ?, outcome = ? WHERE old_medium = ? AND new_medium = ?"
        " AND ended_at IS NULL",
        (at, text(detail), *pair),
    )
    tables.execute(
        "UPDATE medium SET refreshed_into = ?, hold_until = ? WHERE number = ?",
        (detail["new"], detail["hold_until"], detail["old"]),
    )


def _reader_checked(tables: Tables, number: int, at: str, detail: Detail) -> None:
    kinds = text([Medium(kind).value for kind in detail["kinds"]])
    tables.execute(
        "INSERT INTO reader (name, kinds, checked_at, works, note) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
        " SET kinds = excluded.kinds, checked_at = excluded.checked_at, works = excluded.works, note = excluded.note",
        (detail["name"], kinds, at, int(detail["works"]), detail["note"]),
    )


APPLY: Mapping[str, Apply] = {
    EventType.MEDIUM_REGISTERED.value: _registered,
    EventType.MEDIUM_LABELLED.value: _labelled,
    EventType.MEDIUM_CHECKED_OUT.value: _checked_out,
    EventType.MEDIUM_CHECKED_IN.value: _checked_in,
    EventType.MEDIUM_INSPECTED.value: _inspected,
    EventType.REFRESH_BEGUN.value: _refresh_begun,
    EventType.REFRESH_ENDED.value: _refresh_ended,
    EventType.READER_CHECKED.value: _reader_checked,
}


# Before an event is appended


def _may_register(tables: Tables, number: int, event: Event) -> Event:
    medium, store = event.detail["number"], event.detail["store"]
    row = tables.execute("SELECT store FROM medium WHERE number = ?", (medium,)).fetchone()
    if row and row[0] != store:
        raise Refused(
            "medium {medium} is registered already, as store {store}; give the new medium a number of its own",
            medium=medium,
            store=row[0],
        )
    twin = tables.execute("SELECT number FROM medium WHERE store = ? AND number <> ?", (store, medium)).fetchone()
    if twin:
        raise Refused("store {store} is medium {medium} already", store=store, medium=twin[0])
    if not tables.execute("SELECT 1 FROM store WHERE name = ?", (store,)).fetchone():
        raise Refused("there is no store {store} in the books", store=store)
    return event


def _may_check_out(tables: Tables, number: int, event: Event) -> Event:
    if _custody(tables, event) is Custody.OUT:
        raise Refused("medium {medium} is out already; check it in first", medium=event.detail["number"])
    return event


def _may_check_in(tables: Tables, number: int, event: Event) -> Event:
    if _custody(tables, event) is Custody.AT_HAND:
        raise Refused("medium {medium} was not checked out; it is at hand", medium=event.detail["number"])
    return event


def _known(tables: Tables, number: int, event: Event) -> Event:
    _custody(tables, event)
    return event


def _custody(tables: Tables, event: Event) -> Custody:
    medium = event.detail["number"]
    row: tuple[Any, ...] | None = tables.execute("SELECT custody FROM medium WHERE number = ?", (medium,)).fetchone()
    if row is None:
        raise Refused("there is no medium {medium} in the books", medium=medium)
    return Custody(row[0])


def _may_begin_refresh(tables: Tables, number: int, event: Event) -> Event | None:
    """A refresh between the same two that is under way goes on by its own plan."""
    old, new = event.detail["old"], event.detail["new"]
    under_way = tables.execute(
        "SELECT old_medium, new_medium FROM medium_refresh WHERE ended_at IS NULL"
        " AND (old_medium IN (?, ?) OR new_medium IN (?, ?))",
        (old, new, old, new),
    ).fetchone()
    if under_way is None:
        return event
    if tuple(under_way) == (old, new):
        return None
    raise Refused(
        "a refresh of medium {old} into medium {new} is under way; bring that to its end first",
        old=under_way[0],
        new=under_way[1],
    )


CHECK: Mapping[EventType, Callable[[Tables, int, Event], Event | None]] = {
    EventType.MEDIUM_REGISTERED: _may_register,
    EventType.MEDIUM_LABELLED: _known,
    EventType.MEDIUM_CHECKED_OUT: _may_check_out,
    EventType.MEDIUM_CHECKED_IN: _may_check_in,
    EventType.MEDIUM_INSPECTED: _known,
    EventType.REFRESH_BEGUN: _may_begin_refresh,
}
