"""What events about stores do to the tables: registered, retired, probed, their canaries, what thaws in them.

Kept apart from `preserve.state.projection`, which knows these tables by name alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from preserve.model.nouns import CopyState, EventType
from preserve.state import standings
from preserve.state.applying import Apply, Detail, Tables, text

CATALOG: Mapping[str, tuple[str, ...]] = {
    "store": ("name",),
    "store_credentials": ("store",),
    "canary": ("store",),
    "thaw": ("store", "object"),
    "thaw_month": ("store", "month"),
    "retired_store": ("name",),
}

_STORE = "name, store_id, role, url, attributes, capabilities, profile"
_COPY = "bytes, generations, booked_at, audited_at, audited_level, audits, retain_until"
_RETIRE_STORE = (
    f"INSERT INTO retired_store ({_STORE}, retired_at, retired_because, is_lost)"  # noqa: S608
    f" SELECT {_STORE}, ?, ?, ? FROM store WHERE name = ?"
)
_RETIRE_COPIES = (
    f"INSERT INTO retired_copy (package, store, state, {_COPY})"  # noqa: S608
    f" SELECT package, store, state, {_COPY} FROM copy WHERE store = ?"
)
_BRING_COPIES_BACK = (
    f"INSERT INTO copy (package, store, state, {_COPY})"  # noqa: S608
    " SELECT package, store, CASE state WHEN ? THEN state ELSE ? END,"
    f" {_COPY} FROM retired_copy WHERE store = ?"
)


def _store_added(tables: Tables, number: int, at: str, detail: Detail) -> None:
    _bring_back(tables, detail["name"])
    tables.execute(
        "INSERT INTO store (name, store_id, role, url, attributes, capabilities, profile, complaints)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, '[]') ON CONFLICT (name) DO UPDATE SET store_id = excluded.store_id,"
        " role = excluded.role, url = excluded.url, attributes = excluded.attributes,"
        " capabilities = excluded.capabilities, profile = excluded.profile",
        (
            detail["name"],
            detail["store_id"],
            detail["role"],
            detail["url"],
            text(detail["attributes"]),
            text(detail["capabilities"]),
            detail["profile"],
        ),
    )
    # Of a retired store they stay: its name is never another's, and registering it again brings them anew.
    tables.execute("DELETE FROM store_credentials WHERE store = ?", (detail["name"],))
    apart = (detail.get("auditor_profile"), detail.get("disposer_profile"))
    if any(apart):  # books of before have no rows for entries of before
        tables.execute(
            "INSERT INTO store_credentials (store, auditor_profile, disposer_profile) VALUES (?, ?, ?)",
            (detail["name"], *apart),
        )


def _bring_back(tables: Tables, store: str) -> None:
    """End the retirement of a store, if it was retired: nobody has looked at its copies meanwhile."""
    tables.execute("DELETE FROM retired_store WHERE name = ?", (store,))
    tables.execute(_BRING_COPIES_BACK, (CopyState.BAD.value, CopyState.SUSPECT.value, store))
    if tables.execute("SELECT 1 FROM retired_copy WHERE store = ? LIMIT 1", (store,)).fetchone():
        standings.store_back(tables, store)
    tables.execute("DELETE FROM retired_copy WHERE store = ?", (store,))


def _store_retired(tables: Tables, number: int, at: str, detail: Detail) -> None:
    store = detail["name"]
    tables.execute(_RETIRE_STORE, (at, detail["why"], int(detail["lost"]), store))
    tables.execute("DELETE FROM store WHERE name = ?", (store,))
    tables.execute(_RETIRE_COPIES, (store,))
    tables.execute("DELETE FROM copy WHERE store = ?", (store,))
    standings.store_gone(tables, store)
    tables.execute(
        "UPDATE finding SET closed_at = ?, closed_with = ? WHERE store = ? AND closed_at IS NULL",
        (at, detail["with"], store),
    )


def _store_probed(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "UPDATE store SET probed_at = ?, probe_ok = ?, capabilities = ?, complaints = ? WHERE name = ?",
        (at, int(detail["ok"]), text(detail["capabilities"]), text(detail["complaints"]), detail["name"]),
    )


def _canary_tried(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute("DELETE FROM canary WHERE store = ?", (detail["store"],))
    tables.execute(
        "INSERT INTO canary (store, object, tried_at, profile, lock_until, effects) VALUES (?, ?, ?, ?, ?, ?)",
        (detail["store"], detail["key"], at, detail["profile"], detail["lock_until"], text(detail["effects"])),
    )


def _thaw_asked(tables: Tables, number: int, at: str, detail: Detail) -> None:
    store, micros, objects = detail["store"], detail["micros"], detail["objects"]
    for each in objects:
        tables.execute("DELETE FROM thaw WHERE store = ? AND object = ?", (store, each["object"]))
        tables.execute(
            "INSERT INTO thaw (store, object, package, bytes, storage_class, tier, days, purpose, asked_at,"
            " expected_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                store,
                each["object"],
                each["package"],
                each["bytes"],
                each["storage_class"],
                detail["tier"],
                detail["days"],
                detail["purpose"],
                at,
                each["expected_at"],
            ),
        )
    tables.execute(
        "INSERT INTO thaw_month (store, month, bytes, micros, unpriced) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (store, month) DO UPDATE SET bytes = thaw_month.bytes + excluded.bytes,"
        " micros = thaw_month.micros + excluded.micros, unpriced = thaw_month.unpriced + excluded.unpriced",
        (store, at[:7], sum(each["bytes"] for each in objects), micros or 0, 0 if micros is not None else len(objects)),
    )


APPLY: Mapping[str, Apply] = {
    EventType.STORE_ADDED.value: _store_added,
    EventType.STORE_PROBED.value: _store_probed,
    EventType.STORE_RETIRED.value: _store_retired,
    EventType.CANARY_TRIED.value: _canary_tried,
    EventType.THAW_ASKED.value: _thaw_asked,
}
