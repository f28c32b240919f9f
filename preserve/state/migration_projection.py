"""What events about migrations do to the tables.

Kept apart from `preserve.state.projection`, which knows these tables by name alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preserve.model.formats.file_results import FileFate
from preserve.model.migration_states import MigrationStage, MigrationState, StopCause, advanced, step_of
from preserve.model.migrations import Tallied
from preserve.model.nouns import EventType
from preserve.state.applying import Apply, Detail, Tables, text
from preserve.state.migration_details import TALLIED, pilot_of, scope_of, tallied_of
from preserve.state.migration_scope import take_asked

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


def _planned(tables: Tables, number: int, at: str, detail: Detail) -> None:
    scope = scope_of(detail["scope"])
    migration = detail["migration"]
    take_asked(
        tables,
        scope,
        "INSERT INTO migration_package (migration, package, policy, files, bytes, into_packages, undecided,"
        " to_carry_out, rolled_back) SELECT CAST(? AS INTEGER), package, policy, files, bytes, '[]', 0, 0, 0 FROM",
        (migration,),
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
    done, undecided, into, _, to_carry_out, said = package_row(tables, migration, package)
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
    before = decision_row(tables, migration, package, path)
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
    stage = None if row is None else advanced(stage_of(*row), step)
    if stage is None:
        raise ValueError(f"migration {detail['migration']} could not be {step}")
    tables.execute(
        "UPDATE migration SET state = ?, state_before = ? WHERE number = ?",
        (stage.state.value, None if stage.before is None else stage.before.value, detail["migration"]),
    )


def stage_of(state: str, before: str | None) -> MigrationStage:
    return MigrationStage(MigrationState(state), None if before is None else MigrationState(before))


def package_row(tables: Tables, migration: object, package: object) -> Any:
    """The entry by which it was done or None, how many files are undecided, what was made of it, whether that is rolled
    back, how many decisions are to be carried out, and what its files came to."""
    return tables.execute(
        "SELECT done, undecided, into_packages, rolled_back, to_carry_out, said FROM migration_package"
        " WHERE migration = ? AND package = ?",
        (migration, package),
    ).fetchone()


def decision_row(tables: Tables, migration: object, package: object, path: object) -> Any:
    """Whether a file was accepted, and by which entry; None where nobody decided."""
    return tables.execute(
        "SELECT accepted, entry FROM file_decision WHERE migration = ? AND package = ? AND path = ?",
        (migration, package, path),
    ).fetchone()


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
