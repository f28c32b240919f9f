"""What the books check of an event before they append it: that it is news and fits; and what only they can fill in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from preserve.errors import Refused
from preserve.model.nouns import Event, EventType
from preserve.state import (
    identification_projection,
    medium_projection,
    migration_admission,
    rating_projection,
    source_projection,
)
from preserve.state.applying import Tables
from preserve.state.identifiers import drill_id, finding_id, finding_number, incident_id, incident_number


def admitted(tables: Tables, number: int, event: Event) -> Event | None:
    """`event` as entry `number` may record it, or None where it says nothing new.

    Asked inside the transaction that appends, so that two processes cannot both be first.  Raises `Refused` for an
    event that contradicts the books.
    """
    check = _CHECK.get(event.type)
    return check(tables, number, event) if check else event


def _store_added(tables: Tables, number: int, event: Event) -> Event:
    name, store_id = event.detail["name"], event.detail["store_id"]
    row = tables.execute("SELECT store_id FROM store WHERE name = ?", (name,)).fetchone()
    if row and row[0] != store_id:
        raise Refused(
            "store {store} is registered already, for another place (id {known}, not {found}); choose another name",
            store=name, known=row[0], found=store_id,
        )  # fmt: skip
    twin = tables.execute("SELECT name FROM store WHERE store_id = ? AND name <> ?", (store_id, name)).fetchone()
    if twin:
        raise Refused("this place is registered already, as store {known}", known=twin[0])
    retired = tables.execute("SELECT store_id, retired_at FROM retired_store WHERE name = ?", (name,)).fetchone()
    if retired and retired[0] != store_id:
        raise name_taken(str(name), str(retired[1]))
    return event


def name_taken(name: str, retired_at: str) -> Refused:
    """Why no new store may bear the name of a retired one: entries of the ledger name stores by it."""
    return Refused(
        "a store named {store} was retired on {day}, and the ledger calls no other one so: choose another name; or, if"
        " it is that very store that is to be used again, put it in its place",
        store=name,
        day=retired_at[:10],
    )


def _known_store(tables: Tables, number: int, event: Event) -> Event:
    name = event.detail["name"]
    if not tables.execute("SELECT 1 FROM store WHERE name = ?", (name,)).fetchone():
        raise Refused("there is no store {store} in the books", store=name)
    return event


def _canary_tried(tables: Tables, number: int, event: Event) -> Event:
    _not_retired(tables, event)
    return event


def _thaw_asked(tables: Tables, number: int, event: Event) -> Event:
    _not_retired(tables, event)
    return event


def _policy_registered(tables: Tables, number: int, event: Event) -> Event | None:
    row = tables.execute(
        "SELECT version, sha256 FROM policy WHERE name = ? ORDER BY version DESC LIMIT 1", (event.detail["name"],)
    ).fetchone()
    if row and row[1] == event.detail["sha256"]:
        return None
    return _with(event, version=row[0] + 1 if row else 1)


def _declared(tables: Tables, number: int, event: Event) -> Event | None:
    row = tables.execute(
        "SELECT version, sha256 FROM declarations WHERE standard = ? ORDER BY version DESC LIMIT 1",
        (event.detail["standard"],),
    ).fetchone()
    if row and row[1] == event.detail["sha256"]:
        return None
    return _with(event, version=row[0] + 1 if row else 1)


def _packaged(tables: Tables, number: int, event: Event) -> Event | None:
    receipt = event.detail["receipt"]
    package = receipt["package_id"] if isinstance(receipt, Mapping) else None
    row = tables.execute("SELECT receipt_sha256 FROM package WHERE id = ?", (package,)).fetchone()
    if row is None:
        return event
    if row[0] == event.detail["receipt_sha256"]:
        return None
    raise Refused("package {package} is in the books already, with another receipt", package=package)


def _not_retired(tables: Tables, event: Event) -> None:
    """Work that was under way when somebody retired its store is not booked any more."""
    store = event.detail["store"]
    if tables.execute("SELECT 1 FROM retired_store WHERE name = ?", (store,)).fetchone():
        raise _was_retired(store)


def _was_retired(store: object) -> Refused:
    return Refused("store {store} was retired meanwhile: what was done in it is not booked", store=store)


def _known_copy(tables: Tables, number: int, event: Event) -> Event:
    package, store = event.detail["package"], event.detail["store"]
    if not tables.execute("SELECT 1 FROM copy WHERE package = ? AND store = ?", (package, store)).fetchone():
        raise Refused("the books know no copy of {package} in store {store}", package=package, store=store)
    return event


def _repaired(tables: Tables, number: int, event: Event) -> Event:
    return event if event.detail["package"] is None else _known_copy(tables, number, event)


def _copied(tables: Tables, number: int, event: Event) -> Event:
    package, store = event.detail["package"], event.detail["store"]
    known, retired = tables.execute(
        "SELECT (SELECT count(*) FROM package WHERE id = ?), (SELECT count(*) FROM retired_store WHERE name = ?)",
        (package, store),
    ).fetchone()
    if not known:
        raise Refused("there is no package {package} in the books", package=package)
    if retired:
        raise _was_retired(store)
    return event


def _found(tables: Tables, number: int, event: Event) -> Event | None:
    detail = event.detail
    _not_retired(tables, event)
    is_open = tables.execute(
        "SELECT 1 FROM finding WHERE store = ? AND place = ? AND condition = ? AND COALESCE(package, '') = ?"
        " AND closed_at IS NULL",
        (detail["store"], detail["where"], detail["condition"], detail["package"] or ""),
    ).fetchone()
    return None if is_open else _with(event, id=finding_id(number))


def _closed(tables: Tables, number: int, event: Event) -> Event | None:
    identifier = str(event.detail["id"])
    try:
        row = tables.execute("SELECT closed_at FROM finding WHERE number = ?", (finding_number(identifier),)).fetchone()
    except ValueError:
        row = None
    if row is None:
        raise Refused("there is no finding {finding} in the books", finding=identifier)
    return None if row[0] else event


def _incident_opened(tables: Tables, number: int, event: Event) -> Event | None:
    is_open = tables.execute(
        "SELECT 1 FROM incident WHERE kind = ? AND subject = ? AND closed_at IS NULL",
        (event.detail["kind"], event.detail["subject"]),
    ).fetchone()
    return None if is_open else _with(event, id=incident_id(number))


def _incident_closed(tables: Tables, number: int, event: Event) -> Event | None:
    identifier = str(event.detail["id"])
    try:
        place = (incident_number(identifier),)
        row = tables.execute("SELECT closed_at FROM incident WHERE number = ?", place).fetchone()
    except ValueError:
        row = None
    if row is None:
        raise Refused("there is no incident {incident} in the books", incident=identifier)
    return None if row[0] else event


def _drilled(tables: Tables, number: int, event: Event) -> Event:
    return _with(event, id=drill_id(number))


def _acknowledgement_withdrawn(tables: Tables, number: int, event: Event) -> Event:
    digest = event.detail["sha256"]
    if not tables.execute("SELECT 1 FROM acknowledged WHERE sha256 = ?", (digest,)).fetchone():
        raise Refused("nobody answers for a document with SHA-256 {digest}", digest=digest)
    return event


def _with(event: Event, **completed: object) -> Event:
    return replace(event, detail={**event.detail, **completed})


_CHECK: Mapping[EventType, Callable[[Tables, int, Event], Event | None]] = {
    EventType.STORE_ADDED: _store_added,
    EventType.STORE_PROBED: _known_store,
    EventType.STORE_RETIRED: _known_store,
    EventType.CANARY_TRIED: _canary_tried,
    EventType.THAW_ASKED: _thaw_asked,
    EventType.POLICY_REGISTERED: _policy_registered,
    EventType.DECLARED: _declared,
    EventType.PACKAGED: _packaged,
    EventType.COPIED: _copied,
    EventType.COPY_MOVED: _known_copy,
    EventType.LOCK_EXTENDED: _known_copy,
    EventType.PARITY_MADE: _known_copy,
    EventType.FORMATS_KEPT: _known_copy,
    EventType.REPAIRED: _repaired,
    EventType.FOUND: _found,
    EventType.CLOSED: _closed,
    EventType.INCIDENT_OPENED: _incident_opened,
    EventType.INCIDENT_CLOSED: _incident_closed,
    **medium_projection.CHECK,
    **source_projection.CHECK,
    **rating_projection.CHECK,
    **identification_projection.CHECK,
    **migration_admission.CHECK,
    EventType.DRILLED: _drilled,
    EventType.ACKNOWLEDGEMENT_WITHDRAWN: _acknowledgement_withdrawn,
}
