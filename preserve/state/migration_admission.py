"""What is checked of events about migrations before they are booked, and what is filled in.

Kept apart from `preserve.state.admission`, which knows it by name alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from preserve.errors import Refused
from preserve.model.migration_states import advanced, step_of
from preserve.model.nouns import Event, EventType
from preserve.state.applying import Tables
from preserve.state.migration_details import scope_of
from preserve.state.migration_projection import decision_row, package_row, stage_of
from preserve.state.migration_scope import counted_aside


def _planned_admitted(tables: Tables, number: int, event: Event) -> Event:
    count = counted_aside(tables, scope_of(event.detail["scope"]))  # type: ignore[arg-type]
    if not count.packages:
        raise Refused("no package holds files in these formats that a migration is still to be made of")
    last = tables.execute("SELECT max(number) FROM migration").fetchone()[0] or 0
    filled = {"migration": last + 1, "packages": count.packages, "files": count.files, "bytes": count.bytes}
    return replace(event, detail={**event.detail, **filled})


def _step_admitted(tables: Tables, number: int, event: Event) -> Event:
    """An event is refused that may not follow on what was booked of its migration."""
    migration = event.detail["migration"]
    row = tables.execute("SELECT state, state_before FROM migration WHERE number = ?", (migration,)).fetchone()
    if row is None:
        raise Refused("there is no migration {migration}; `preserve migrate list` names all", migration=migration)
    stage = stage_of(*row)
    if advanced(stage, step_of(event.type, event.detail)) is None:
        raise Refused(
            "migration {migration} is {state}, and this does not follow on that; `preserve migrate status {migration}`"
            " says what is next",
            migration=migration,
            state=stage.state,
        )
    return event


def _pilot_admitted(tables: Tables, number: int, event: Event) -> Event:
    return _numbered(tables, "migration_pilot", _step_admitted(tables, number, event))


def _approval_admitted(tables: Tables, number: int, event: Event) -> Event:
    known = _step_admitted(tables, number, event)
    migration = known.detail["migration"]
    last = tables.execute("SELECT max(number) FROM migration_pilot WHERE migration = ?", (migration,)).fetchone()[0]
    if known.detail["pilot"] != last:
        raise Refused(
            "migration {migration} was piloted again meanwhile; look at what pilot {number} found, then approve",
            migration=migration,
            number=last,
        )
    return _numbered(tables, "migration_approval", known)


def _numbered(tables: Tables, table: str, event: Event) -> Event:
    migration = event.detail["migration"]
    last = tables.execute(f"SELECT max(number) FROM {table} WHERE migration = ?", (migration,)).fetchone()[0]  # noqa: S608
    return replace(event, detail={**event.detail, "number": (last or 0) + 1})


def _begun_admitted(tables: Tables, number: int, event: Event) -> Event:
    known = _step_admitted(tables, number, event)
    migration = known.detail["migration"]
    last = tables.execute("SELECT max(number) FROM migration_approval WHERE migration = ?", (migration,)).fetchone()[0]
    if last is None or known.detail["approval"] != last:
        raise Refused(
            "migration {migration} was approved anew meanwhile; run it under that approval", migration=migration
        )
    return known


def _migrated_admitted(tables: Tables, number: int, event: Event) -> Event:
    known = _package_admitted(tables, number, event)
    into: Any = known.detail["into"]
    for made in into:
        if not tables.execute("SELECT 1 FROM package WHERE id = ?", (made,)).fetchone():
            raise Refused("there is no package {package} in the books", package=made)
    return known


def _package_admitted(tables: Tables, number: int, event: Event) -> Event:
    known = _step_admitted(tables, number, event)
    migration, package = known.detail["migration"], known.detail["package"]
    if package_row(tables, migration, package) is None:
        raise Refused("migration {migration} is not about package {package}", migration=migration, package=package)
    return known


def _decided_admitted(tables: Tables, number: int, event: Event) -> Event | None:
    known = _package_admitted(tables, number, event)
    migration, package, path = (known.detail[name] for name in ("migration", "package", "path"))
    done, undecided = package_row(tables, migration, package)[:2]
    before = decision_row(tables, migration, package, path)
    if done is None or (before is None and not undecided):
        raise Refused(
            "no file of package {package} in migration {migration} waits for a decision",
            package=package,
            migration=migration,
        )
    if before is None:
        return known
    if bool(before[0]) is known.detail["accepted"]:
        return None
    if before[1] < done:
        raise Refused(
            "the decision about {path} in package {package} is carried out; what was made of the package can be rolled"
            " back as a whole: `preserve migrate rollback {migration} --package {package}`",
            path=path,
            package=package,
            migration=migration,
        )
    return known


def _viewed_admitted(tables: Tables, number: int, event: Event) -> Event | None:
    """What somebody said already that he saw is not booked again."""
    known = _package_admitted(tables, number, event)
    migration, pilot, package = (known.detail[name] for name in ("migration", "pilot", "package"))
    if pilot is None and package_row(tables, migration, package)[0] is None:
        raise Refused(
            "package {package} is not done in migration {migration}: there is nothing of it to look at",
            package=package,
            migration=migration,
        )
    sql = "SELECT 1 FROM migration_pilot WHERE migration = ? AND number = ?"
    if pilot is not None and not tables.execute(sql, (migration, pilot)).fetchone():
        raise Refused("migration {migration} has no pilot {number}", migration=migration, number=pilot)
    rows = tables.execute(
        "SELECT path FROM file_viewed WHERE migration = ? AND pilot = ? AND package = ? AND viewed_by = ?",
        (migration, pilot or 0, package, known.detail["by"]),
    ).fetchall()
    before, paths = {row[0] for row in rows}, known.detail["paths"]
    news = [path for path in paths if path not in before]  # type: ignore[attr-defined]
    return replace(known, detail={**known.detail, "paths": news}) if news else None


def _rolled_back_admitted(tables: Tables, number: int, event: Event) -> Event | None:
    if event.detail["package"] is None:
        return _with_versions(tables, _step_admitted(tables, number, event))
    known = _package_admitted(tables, number, event)
    row = package_row(tables, known.detail["migration"], known.detail["package"])
    if row[0] is None or row[2] == "[]":
        raise Refused(
            "nothing was made of package {package}, so nothing is rolled back", package=event.detail["package"]
        )
    is_rolled_back, wanted = bool(row[3]), event.type is EventType.MIGRATION_ROLLED_BACK
    return None if is_rolled_back is wanted else known


def _with_versions(tables: Tables, event: Event) -> Event:
    migration = event.detail["migration"]
    if not tables.execute("SELECT versions FROM migration WHERE number = ?", (migration,)).fetchone()[0]:
        raise Refused(
            "migration {migration} has made nothing that could be rolled back; `preserve migrate withdraw {migration}`"
            " ends it",
            migration=migration,
        )
    return event


CHECK: Mapping[EventType, Callable[[Tables, int, Event], Event | None]] = {
    EventType.MIGRATION_PLANNED: _planned_admitted,
    EventType.MIGRATION_PILOTED: _pilot_admitted,
    EventType.MIGRATION_APPROVED: _approval_admitted,
    EventType.MIGRATION_BEGUN: _begun_admitted,
    EventType.MIGRATED: _migrated_admitted,
    EventType.MIGRATION_STOPPED: _step_admitted,
    EventType.FILE_DECIDED: _decided_admitted,
    EventType.FILES_VIEWED: _viewed_admitted,
    EventType.MIGRATION_ENDED: _step_admitted,
    EventType.MIGRATION_ROLLED_BACK: _rolled_back_admitted,
    EventType.MIGRATION_REINSTATED: _rolled_back_admitted,
    EventType.MIGRATION_WITHDRAWN: _step_admitted,
}
