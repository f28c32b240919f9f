"""The catalog as a projection of the ledger: what each type of event does to the tables.

`apply` is all that ever writes catalog tables, in live use and in a replay alike.  It looks at nothing but the event,
its number and the tables, so that replaying gives equal tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from preserve.errors import Refused, Tampered
from preserve.model.entries import AuditResult, state_after
from preserve.model.incidents import IncidentKind
from preserve.model.keys import PARITY
from preserve.model.nouns import CopyState, EventType, Level
from preserve.state import (
    drill_projection,
    identification_projection,
    medium_projection,
    migration_projection,
    rating_projection,
    source_projection,
    standings,
    store_projection,
)
from preserve.state.applying import Apply, Detail, Tables, text
from preserve.state.identifiers import finding_id, finding_number, incident_id, incident_number

CATALOG: Mapping[str, tuple[str, ...]] = {
    "home": ("home_id",),
    "verifier_key": ("since",),
    "policy": ("name", "version"),
    "declarations": ("standard", "version"),
    "accession": ("id",),
    "package": ("id",),
    "record": ("archival_code", "package"),
    "copy": ("package", "store"),
    "retired_copy": ("package", "store"),
    "parity": ("package", "store"),
    "kept": ("package",),
    "standing": ("policy", "marks"),
    "look": ("package", "store"),
    "look_day": ("store", "policy", "level", "is_new", "day"),
    "growth": ("store", "day"),
    "finding": ("number",),
    "incident": ("number",),
    "audit_run": ("id",),
    "audited": ("run", "store", "package"),
    **store_projection.CATALOG,
    **drill_projection.CATALOG,
    **medium_projection.CATALOG,
    **source_projection.CATALOG,
    **rating_projection.CATALOG,
    **identification_projection.CATALOG,
    **migration_projection.CATALOG,
}
"""The tables that follow from the ledger, with their keys."""

_DAY = len("2026-01-01")


def apply(tables: Tables, number: int, kind: str, at: str, detail: Detail) -> str | None:
    """Let entry `number` take effect; returns the package, if any, for which `standings.settle` is to be called then.

    Raises `Refused` for an event type this version does not know, `Tampered` for an entry that no version of this
    program wrote.
    """
    act = _APPLY.get(kind)
    if act is None:
        raise Refused(
            "entry {number} of the ledger is of a type this program does not know ({kind}); use the newer program",
            number=number, kind=kind,
        )  # fmt: skip
    try:
        return act(tables, number, at, detail)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Tampered(
            "entry {number} of the ledger ({kind}) is not as this program writes them: {error}",
            number=number, kind=kind, error=repr(error),
        ) from error  # fmt: skip


def _nothing(tables: Tables, number: int, at: str, detail: Detail) -> None:
    """The event is an account of what was done; no table follows from it."""


def _initialised(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute("INSERT INTO home (home_id, initialised_at) VALUES (?, ?)", (detail["home_id"], at))
    tables.execute("INSERT INTO verifier_key (since, text) VALUES (?, ?)", (number, detail["verifier_key"]))


def _key_changed(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute("INSERT INTO verifier_key (since, text) VALUES (?, ?)", (number, detail["new"]))


def _policy_registered(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "INSERT INTO policy (name, version, sha256, text, registered_at) VALUES (?, ?, ?, ?, ?)",
        (detail["name"], detail["version"], detail["sha256"], detail["text"], at),
    )


def _declared(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "INSERT INTO declarations (standard, version, sha256, text, declared_at) VALUES (?, ?, ?, ?, ?)",
        (detail["standard"], detail["version"], detail["sha256"], detail["text"], at),
    )


def _ingest_begun(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "INSERT INTO accession (id, source, listing_sha256, metadata_sha256, policy_sha256, packages, accession_at,"
        " begun, unpackaged) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            detail["accession"],
            detail["source"],
            detail["listing_sha256"],
            detail["metadata_sha256"],
            detail["policy_sha256"],
            text(detail["packages"]),
            detail["accession_at"],
            number,
            len(detail["packages"]),
        ),
    )


def _ingest_abandoned(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute("UPDATE accession SET abandoned_because = ? WHERE id = ?", (detail["why"], detail["accession"]))


def _packaged(tables: Tables, number: int, at: str, detail: Detail) -> str:
    receipt = detail["receipt"]
    package: str = receipt["package_id"]
    tables.execute(
        "INSERT INTO package (id, accession, receipt, receipt_sha256, receipt_bytes, payload_files, payload_bytes,"
        " packaged_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            package,
            detail["accession"],
            text(receipt),
            detail["receipt_sha256"],
            detail["receipt_bytes"],
            receipt["payload_files"],
            receipt["payload_bytes"],
            at,
        ),
    )
    for code in detail["archival_codes"]:
        tables.execute(
            "INSERT INTO record (archival_code, package) VALUES (?, ?) ON CONFLICT DO NOTHING", (code, package)
        )
    tables.execute("UPDATE accession SET unpackaged = unpackaged - 1 WHERE id = ?", (detail["accession"],))
    counted = (receipt["payload_files"], receipt["payload_bytes"])
    standings.package_kept(tables, package, receipt["policy"], *counted, at)
    return package


def _copied(tables: Tables, number: int, at: str, detail: Detail) -> str:
    package: str = detail["package"]
    # A copy that was read back and found equal has just had its first full audit.
    was_read = detail["state"] == CopyState.VERIFIED.value
    tables.execute(
        "INSERT INTO copy (package, store, state, bytes, generations, booked_at, audited_at, audited_level, audits,"
        " retain_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (package, store) DO UPDATE SET"
        " state = excluded.state, bytes = excluded.bytes, generations = excluded.generations,"
        " booked_at = excluded.booked_at, audited_at = excluded.audited_at, audited_level = excluded.audited_level,"
        " audits = excluded.audits, retain_until = excluded.retain_until",
        (
            package,
            detail["store"],
            CopyState(detail["state"]).value,
            detail["bytes"],
            text(detail["generations"]),
            at,
            at if was_read else None,
            Level.FULL.value if was_read else None,
            text({Level.FULL.value: at} if was_read else {}),
            detail["retain_until"],
        ),
    )
    # A copy made anew has nothing beside it yet, whatever lay there before.
    tables.execute("DELETE FROM parity WHERE package = ? AND store = ?", (package, detail["store"]))
    tables.execute("DELETE FROM format_list WHERE package = ? AND store = ?", (package, detail["store"]))
    return package


def _copy_moved(tables: Tables, number: int, at: str, detail: Detail) -> str:
    package: str = detail["package"]
    generations = detail["generations"]
    tables.execute(
        "UPDATE copy SET state = ?, generations = COALESCE(?, generations) WHERE package = ? AND store = ?",
        (
            CopyState(detail["state"]).value,
            None if generations is None else text(generations),
            package,
            detail["store"],
        ),
    )
    return package


def _lock_extended(tables: Tables, number: int, at: str, detail: Detail) -> None:
    """A lock that is booked to end later stays so: locks are never shortened."""
    tables.execute(
        "UPDATE copy SET retain_until = ? WHERE package = ? AND store = ? AND COALESCE(retain_until, '') < ?",
        (detail["retain_until"], detail["package"], detail["store"], detail["retain_until"]),
    )


def _parity_made(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "INSERT INTO parity (package, store, percent, bytes, sha256, layout, made_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (package, store) DO UPDATE SET percent = excluded.percent, bytes = excluded.bytes,"
        " sha256 = excluded.sha256, layout = excluded.layout, made_at = excluded.made_at",
        (
            detail["package"],
            detail["store"],
            detail["percent"],
            detail["bytes"],
            detail["sha256"],
            text({name: detail[name] for name in ("sizes", "cells", "pages")}),
            at,
        ),
    )
    _repaired(tables, number, at, {**detail, "object": PARITY})


def _audit_begun(tables: Tables, number: int, at: str, detail: Detail) -> None:
    packages = detail["packages"]
    tables.execute(
        "INSERT INTO audit_run (id, level, stores, packages, begun, begun_at) VALUES (?, ?, ?, ?, ?, ?)",
        (
            detail["run"],
            detail["level"],
            text(detail["stores"]),
            None if packages is None else text(packages),
            number,
            at,
        ),
    )


def _audited(tables: Tables, number: int, at: str, detail: Detail) -> str | None:
    package: str = detail["package"]
    place = (package, detail["store"])
    tables.execute(
        "INSERT INTO audited (run, package, store, level, result, blocks_read, blocks, bytes_read)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, store, package) DO UPDATE SET level = excluded.level,"
        " result = excluded.result, blocks_read = excluded.blocks_read, blocks = excluded.blocks,"
        " bytes_read = excluded.bytes_read",
        (
            detail["run"],
            *place,
            detail["level"],
            detail["result"],
            detail["blocks_read"],
            detail["blocks"],
            detail["bytes_read"],
        ),
    )
    row = tables.execute("SELECT state, audits FROM copy WHERE package = ? AND store = ?", place).fetchone()
    if row is None:
        return None  # an audit may look at what a store holds and the books do not know
    result, level = AuditResult(detail["result"]), Level(detail["level"])
    state = state_after(CopyState(row[0]), result, level).value
    if result is AuditResult.UNREADABLE:
        # Nobody has seen the bytes: the copy stays as overdue as it was.
        tables.execute("UPDATE copy SET state = ? WHERE package = ? AND store = ?", (state, *place))
        return package
    # What is dated on a later day was dated by a clock that ran ahead: when it was, nobody knows.
    before = {deep: when for deep, when in json.loads(row[1]).items() if when[:_DAY] <= at[:_DAY]}
    audits = text({**before, level.value: at})
    tables.execute(
        "UPDATE copy SET state = ?, audited_at = ?, audited_level = ?, audits = ? WHERE package = ? AND store = ?",
        (state, at, level.value, audits, *place),
    )
    return package


def _audit_ended(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "UPDATE audit_run SET ended_at = ?, counts = ? WHERE id = ?", (at, text(detail["counts"]), detail["run"])
    )
    tables.execute("DELETE FROM audited WHERE run = ?", (detail["run"],))


def _found(tables: Tables, number: int, at: str, detail: Detail) -> None:
    if detail["id"] != finding_id(number):
        raise ValueError(f"finding {detail['id']} stands where {finding_id(number)} belongs")
    tables.execute(
        "INSERT INTO finding (number, package, store, condition, place, expected, found, blocks, files, files_touched,"
        " opened_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            detail["package"],
            detail["store"],
            detail["condition"],
            detail["where"],
            detail["expected"],
            detail["found"],
            text(detail["blocks"]),
            text(detail["files"]),
            detail["files_touched"],
            at,
        ),
    )


def _closed(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "UPDATE finding SET closed_at = ?, closed_with = ? WHERE number = ?",
        (at, detail["with"], finding_number(detail["id"])),
    )


def _incident_opened(tables: Tables, number: int, at: str, detail: Detail) -> None:
    if detail["id"] != incident_id(number):
        raise ValueError(f"incident {detail['id']} stands where {incident_id(number)} belongs")
    tables.execute(
        "INSERT INTO incident (number, kind, subject, what, opened_at) VALUES (?, ?, ?, ?, ?)",
        (number, IncidentKind(detail["kind"]).value, detail["subject"], detail["what"], at),
    )


def _incident_closed(tables: Tables, number: int, at: str, detail: Detail) -> None:
    tables.execute(
        "UPDATE incident SET closed_at = ?, closed_with = ? WHERE number = ?",
        (at, detail["with"], incident_number(detail["id"])),
    )


def _repaired(tables: Tables, number: int, at: str, detail: Detail) -> None:
    place = (detail["package"], detail["store"])
    row = tables.execute("SELECT generations FROM copy WHERE package = ? AND store = ?", place).fetchone()
    if row is None:
        return
    generations = {**json.loads(row[0]), detail["object"]: detail["generation"]}
    tables.execute("UPDATE copy SET generations = ? WHERE package = ? AND store = ?", (text(generations), *place))


_APPLY: Mapping[str, Apply] = {
    EventType.INITIALISED.value: _initialised,
    EventType.KEY_CHANGED.value: _key_changed,
    EventType.POLICY_REGISTERED.value: _policy_registered,
    EventType.DECLARED.value: _declared,
    EventType.INGEST_BEGUN.value: _ingest_begun,
    EventType.INGEST_ABANDONED.value: _ingest_abandoned,
    EventType.PACKAGED.value: _packaged,
    EventType.COPIED.value: _copied,
    EventType.COPY_MOVED.value: _copy_moved,
    EventType.LOCK_EXTENDED.value: _lock_extended,
    EventType.PARITY_MADE.value: _parity_made,
    EventType.AUDIT_BEGUN.value: _audit_begun,
    EventType.AUDITED.value: _audited,
    EventType.AUDIT_ENDED.value: _audit_ended,
    EventType.FOUND.value: _found,
    EventType.CLOSED.value: _closed,
    EventType.INCIDENT_OPENED.value: _incident_opened,
    EventType.INCIDENT_CLOSED.value: _incident_closed,
    EventType.REPAIRED.value: _repaired,
    EventType.NOTIFICATION_SET.value: _nothing,
    EventType.RESTORED.value: _nothing,
    EventType.REBUILT.value: _nothing,
    **store_projection.APPLY,
    **drill_projection.APPLY,
    **medium_projection.APPLY,
    EventType.MEDIUM_IMAGED.value: _nothing,
    EventType.BOOKS_MOVED.value: _nothing,
    EventType.MACHINE_JOINED.value: _nothing,
    **source_projection.APPLY,
    **rating_projection.APPLY,
    **identification_projection.APPLY,
    **migration_projection.APPLY,
}
