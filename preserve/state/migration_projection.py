"""What events about migrations do to the tables, and what is checked of them first.

Kept apart from `preserve.state.projection` and `preserve.state.admission`, which know these tables by name alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from preserve.errors import Refused
from preserve.model.formats.file_results import FileFate
from preserve.model.migrations import MigrationStage, MigrationState, StopCause, Tallied, advanced, step_of
from preserve.model.nouns import Event, EventType
from preserve.state.applying import Apply, Detail, Tables, text
from preserve.state.migration_details import TALLIED, pilot_of, scope_of, tallied_of
from preserve.state.migration_scope import COUNTED, packages_in_scope

CATALOG: Mapping[str, tuple[str, ...]] = {
    "migration": ("number",),
    "migration_format": ("migration", "puid"),
    "migration_pilot": ("migration", "number"),
    "migration_approval": ("migration", "number"),
    "migration_package": ("migration", "package"),
    "migration_version": ("package", "migration"),
    "migration_loss": ("migration", "what", "type", "severity", "comparison", "declared"),
    "file_decision": ("migration", "package", "path"),
    "file_viewed": ("migration", "pilot", "package", "path", "viewed_by"),
}

_COUNTERS = (
    "done", "versions", "converted", "stopped", "failed", "refused", "undecided", "to_carry_out", "bytes_before",
    "bytes_after", "milliseconds", "judging_milliseconds",
)  # fmt: skip
_NONE_YET = dict.fromkeys(_COUNTERS, 0)
_FATES = (FileFate.CONVERTED, FileFate.STOPPED, FileFate.FAILED, FileFate.REFUSED)


def _planned_admitted(tables: Tables, number: int, event: Event) -> Event:
    query, given = packages_in_scope(scope_of(event.detail["scope"]))  # type: ignore[arg-type]
    counted = tables.execute(f"SELECT {COUNTED} FROM ({query}) AS meant", given).fetchone()  # noqa: S608
    packages, files, size = (int(each) for each in counted)
    if not packages:
        raise Refused("no package holds files in these formats that a migration is still to be made of")
    last = tables.execute("SELECT max(number) FROM migration").fetchone()[0] or 0
    filled = {"migration": last + 1, "packages": packages, "files": files, "bytes": size}
    return replace(event, detail={**event.detail, **filled})


def _step_admitted(tables: Tables, number: int, event: Event) -> Event:
    """An event is refused that may not follow on what was booked of its migration."""
    migration = event.detail["migration"]
    row = tables.execute("SELECT state, state_before FROM migration WHERE number = ?", (migration,)).fetchone()
    if row is None:
        raise Refused("there is no migration {migration}; `preserve migrate list` names all", migration=migration)
    stage = _stage(*row)
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
    if _package_row(tables, migration, package) is None:
        raise Refused("migration {migration} is not about package {package}", migration=migration, package=package)
    return known


def _decided_admitted(tables: Tables, number: int, event: Event) -> Event | None:
    known = _package_admitted(tables, number, event)
    migration, package, path = (known.detail[name] for name in ("migration", "package", "path"))
    done, undecided = _package_row(tables, migration, package)[:2]
    before = _decision_row(tables, migration, package, path)
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
    if pilot is None and _package_row(tables, migration, package)[0] is None:
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
    row = _package_row(tables, known.detail["migration"], known.detail["package"])
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


def _planned(tables: Tables, number: int, at: str, detail: Detail) -> None:
    scope = scope_of(detail["scope"])
    query, given = packages_in_scope(scope)
    migration = detail["migration"]
    tables.execute(
        "INSERT INTO migration_package (migration, package, policy, files, bytes, into_packages, undecided,"  # noqa: S608
        " to_carry_out, rolled_back)"
        f" SELECT CAST(? AS INTEGER), package, policy, files, bytes, '[]', 0, 0, 0 FROM ({query}) AS meant",
        (migration, *given),
    )
    tables.executemany(
        "INSERT INTO migration_format (migration, puid) VALUES (?, ?)", [(migration, puid) for puid in scope.puids]
    )
    said = (detail["title"], text(detail["scope"]), text(detail["grounds"]), text(detail["pathways"]))
    tables.execute(
        "INSERT INTO migration (number, planned_at, state, title, scope, grounds, pathways, packages, files, bytes,"  # noqa: S608
        f" planned_by, because, executor, auditor, rollback_tested, {', '.join(_COUNTERS)})"
        f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', 0, {', '.join('0' * len(_COUNTERS))})",
        (
            migration,
            at,
            MigrationState.PLANNED.value,
            *said,
            *(detail[name] for name in ("packages", "files", "bytes", "by", "because")),
        ),
    )


def _piloted(tables: Tables, number: int, at: str, detail: Detail) -> None:
    pilot_of(detail, at)  # what cannot be read must not be kept
    _advance(tables, EventType.MIGRATION_PILOTED, detail)
    tables.execute(
        "INSERT INTO migration_pilot (migration, number, at, said) VALUES (?, ?, ?, ?)",
        (detail["migration"], detail["number"], at, text(detail)),
    )


def _approved(tables: Tables, number: int, at: str, detail: Detail) -> None:
    _advance(tables, EventType.MIGRATION_APPROVED, detail)
    tables.execute(
        "INSERT INTO migration_approval (migration, number, at, pilot, pathway, sha256, tools, accepted, note,"
        " approved_by, because) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            detail["migration"],
            detail["number"],
            at,
            *(detail[name] for name in ("pilot", "pathway", "sha256")),
            text(detail["tools"]),
            text(detail["accepted"]),
            *(detail[name] for name in ("note", "by", "because")),
        ),
    )


def _begun(tables: Tables, number: int, at: str, detail: Detail) -> None:
    _advance(tables, EventType.MIGRATION_BEGUN, detail)
    tables.execute(
        "UPDATE migration SET executor = ?, auditor = ?, stop_cause = NULL, stop_why = NULL, stopped_at = NULL,"
        " ended_at = NULL WHERE number = ?",
        (detail["executor"], detail["auditor"], detail["migration"]),
    )


def _migrated(tables: Tables, number: int, at: str, detail: Detail) -> None:
    _advance(tables, EventType.MIGRATED, detail)
    migration, package = detail["migration"], detail["package"]
    done, undecided, into, _, to_carry_out, said = _package_row(tables, migration, package)
    before = None if done is None else tallied_of(json.loads(said))
    after = tallied_of(detail)
    was = _counted(before, len(json.loads(into)), undecided, to_carry_out)
    _add(tables, migration, _counted(after, len(detail["into"]), detail["undecided"], 0), was)
    _add_losses(tables, migration, before, -1)
    _add_losses(tables, migration, after, 1)
    tables.execute(
        "UPDATE migration_package SET done = ?, done_at = ?, into_packages = ?, said = ?, log_sha256 = ?,"
        " undecided = ?, to_carry_out = 0 WHERE migration = ? AND package = ?",
        (
            number,
            at,
            text(detail["into"]),
            text({name: detail[name] for name in TALLIED}),
            detail["log_sha256"],
            detail["undecided"],
            migration,
            package,
        ),
    )
    tables.executemany(
        "INSERT INTO migration_version (package, migration, original) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(made, migration, package) for made in detail["into"]],
    )


def _counted(tallied: Tallied | None, versions: int, undecided: int, to_carry_out: int) -> Mapping[str, int]:
    """What one package adds to the counters of its migration; None: it is not done yet."""
    if tallied is None:
        return _NONE_YET
    return {
        "done": 1,
        "versions": versions,
        **{fate.value: tallied.of(fate) for fate in _FATES},
        "undecided": undecided,
        "to_carry_out": to_carry_out,
        "bytes_before": tallied.bytes_before,
        "bytes_after": tallied.bytes_after,
        "milliseconds": tallied.milliseconds,
        "judging_milliseconds": tallied.judging_milliseconds,
    }


def _add(tables: Tables, migration: int, news: Mapping[str, int], was: Mapping[str, int]) -> None:
    """Let counters of a migration follow what changed of one package."""
    sums = ", ".join(f"{name} = {name} + ?" for name in _COUNTERS)
    tables.execute(
        f"UPDATE migration SET {sums} WHERE number = ?",  # noqa: S608 - names of ours
        (*(news[name] - was[name] for name in _COUNTERS), migration),
    )


def _add_losses(tables: Tables, migration: int, tallied: Tallied | None, sign: int) -> None:
    losses = () if tallied is None else tallied.losses
    tables.executemany(
        "INSERT INTO migration_loss (migration, what, type, severity, comparison, declared, files)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (migration, what, type, severity, comparison, declared)"
        " DO UPDATE SET files = migration_loss.files + excluded.files",
        [
            (migration, each.what.value, each.type.value, each.severity.value, each.comparison.value, each.declared,
             sign * each.files)
            for each in losses
        ],
    )  # fmt: skip
    tables.execute("DELETE FROM migration_loss WHERE migration = ? AND files = 0", (migration,))


def _stopped(tables: Tables, number: int, at: str, detail: Detail) -> None:
    _advance(tables, EventType.MIGRATION_STOPPED, detail)
    tables.execute(
        "UPDATE migration SET stop_cause = ?, stop_why = ?, stopped_at = ? WHERE number = ?",
        (StopCause(detail["cause"]).value, detail["why"], at, detail["migration"]),
    )


def _decided(tables: Tables, number: int, at: str, detail: Detail) -> None:
    migration, package, path = (detail[name] for name in ("migration", "package", "path"))
    before = _decision_row(tables, migration, package, path)
    was_undecided = before is None
    accepted_more = int(detail["accepted"]) - (int(before[0]) if before is not None else 0)
    tables.execute(
        "INSERT INTO file_decision (migration, package, path, entry, at, accepted, decided_by, because)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (migration, package, path) DO UPDATE SET entry = excluded.entry,"
        " at = excluded.at, accepted = excluded.accepted, decided_by = excluded.decided_by,"
        " because = excluded.because",
        (migration, package, path, number, at, int(detail["accepted"]), detail["by"], detail["because"]),
    )
    change = (-int(was_undecided), accepted_more)
    tables.execute(
        "UPDATE migration_package SET undecided = undecided + ?, to_carry_out = to_carry_out + ?"
        " WHERE migration = ? AND package = ?",
        (*change, migration, package),
    )
    tables.execute(
        "UPDATE migration SET undecided = undecided + ?, to_carry_out = to_carry_out + ? WHERE number = ?",
        (*change, migration),
    )


def _viewed(tables: Tables, number: int, at: str, detail: Detail) -> None:
    about = (detail["migration"], detail["pilot"] or 0, detail["package"])
    tables.executemany(
        "INSERT INTO file_viewed (migration, pilot, package, path, viewed_by, at, because)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(*about, path, detail["by"], at, detail["because"]) for path in detail["paths"]],
    )


def _ended(tables: Tables, number: int, at: str, detail: Detail) -> None:
    _advance(tables, EventType.MIGRATION_ENDED, detail)
    tables.execute("UPDATE migration SET ended_at = ? WHERE number = ?", (at, detail["migration"]))


def _rolled_back(tables: Tables, number: int, at: str, detail: Detail) -> None:
    _roll(tables, EventType.MIGRATION_ROLLED_BACK, detail, 1)


def _reinstated(tables: Tables, number: int, at: str, detail: Detail) -> None:
    _roll(tables, EventType.MIGRATION_REINSTATED, detail, 0)
    tables.execute("UPDATE migration SET rollback_tested = 1 WHERE number = ?", (detail["migration"],))


def _roll(tables: Tables, kind: EventType, detail: Detail, back: int) -> None:
    """A migration that is rolled back says so itself: each package keeps what was said of it alone."""
    _advance(tables, kind, detail)
    if detail["package"] is not None:
        tables.execute(
            "UPDATE migration_package SET rolled_back = ? WHERE migration = ? AND package = ?",
            (back, detail["migration"], detail["package"]),
        )


def _withdrawn(tables: Tables, number: int, at: str, detail: Detail) -> None:
    _advance(tables, EventType.MIGRATION_WITHDRAWN, detail)


def _advance(tables: Tables, kind: EventType, detail: Detail) -> None:
    """Let the state follow.  Raises `ValueError` for an event that this program would not have let in."""
    row = tables.execute(
        "SELECT state, state_before FROM migration WHERE number = ?", (detail["migration"],)
    ).fetchone()
    step = step_of(kind, detail)
    stage = None if row is None else advanced(_stage(*row), step)
    if stage is None:
        raise ValueError(f"migration {detail['migration']} could not be {step}")
    tables.execute(
        "UPDATE migration SET state = ?, state_before = ? WHERE number = ?",
        (stage.state.value, None if stage.before is None else stage.before.value, detail["migration"]),
    )


def _stage(state: str, before: str | None) -> MigrationStage:
    return MigrationStage(MigrationState(state), None if before is None else MigrationState(before))


def _package_row(tables: Tables, migration: object, package: object) -> Any:
    """The entry by which it was done or None, how many files are undecided, what was made of it, whether that is rolled
    back, how many decisions are to be carried out, and what its files came to."""
    return tables.execute(
        "SELECT done, undecided, into_packages, rolled_back, to_carry_out, said FROM migration_package"
        " WHERE migration = ? AND package = ?",
        (migration, package),
    ).fetchone()


def _decision_row(tables: Tables, migration: object, package: object, path: object) -> Any:
    """Whether a file was accepted, and by which entry; None where nobody decided."""
    return tables.execute(
        "SELECT accepted, entry FROM file_decision WHERE migration = ? AND package = ? AND path = ?",
        (migration, package, path),
    ).fetchone()


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
APPLY: Mapping[str, Apply] = {
    EventType.MIGRATION_PLANNED.value: _planned,
    EventType.MIGRATION_PILOTED.value: _piloted,
    EventType.MIGRATION_APPROVED.value: _approved,
    EventType.MIGRATION_BEGUN.value: _begun,
    EventType.MIGRATED.value: _migrated,
    EventType.MIGRATION_STOPPED.value: _stopped,
    EventType.FILE_DECIDED.value: _decided,
    EventType.FILES_VIEWED.value: _viewed,
    EventType.MIGRATION_ENDED.value: _ended,
    EventType.MIGRATION_ROLLED_BACK.value: _rolled_back,
    EventType.MIGRATION_REINSTATED.value: _reinstated,
    EventType.MIGRATION_WITHDRAWN.value: _withdrawn,
}
