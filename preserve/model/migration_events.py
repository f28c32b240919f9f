"""The events about migrations: planned, tried, approved, run, and what became of each package.

Their keys (FORMAT.md 6) are named here and read in `preserve/state/migration_admission.py`,
`preserve/state/migration_projection.py` and `preserve/state/migration_details.py`, nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

from preserve.model.events import TOOL
from preserve.model.formats.file_results import FileFate
from preserve.model.migration_states import StopCause
from preserve.model.migrations import (
    ApprovalEntry,
    FileDecision,
    FilesViewed,
    Migration,
    PackageDone,
    Piloted,
    PilotEntry,
    Scope,
    Tallied,
    path_text,
)
from preserve.model.nouns import Act, Event, EventType, Outcome


def migration_planned(act: Act, at: str, plan: Migration) -> Event:
    """A migration was planned.  The books give it its number, and count what its scope comes to."""
    detail = {
        "migration": plan.number,
        "title": plan.title,
        "scope": _scope(plan.scope),
        "grounds": [each.value for each in plan.grounds],
        "pathways": {each.name: each.sha256 for each in plan.alternatives},
        "packages": plan.planned.packages,
        "files": plan.planned.files,
        "bytes": plan.planned.bytes,
        "by": act.actor,
        "because": act.reason,
    }
    return _event(EventType.MIGRATION_PLANNED, act, at, detail)


def migration_piloted(act: Act, at: str, pilot: PilotEntry) -> Event:
    """Pathways were tried on a sample.  The books give the pilot its number."""
    detail = {
        "migration": pilot.migration,
        "number": pilot.number,
        "pathways": {each.pathway: _outcome(each) for each in pilot.outcomes},
        "weights": {name.value: weight for name, weight in pilot.weights.items()},
        "release": pilot.basis.release,
        "formats": dict(pilot.basis.formats),
        "seed": pilot.seed,
        "files": pilot.drawn,
        "strata": pilot.strata,
        "data_sha256": pilot.data_sha256,
        "by": act.actor,
    }
    return _event(EventType.MIGRATION_PILOTED, act, at, detail)


def migration_approved(act: Act, at: str, approval: ApprovalEntry) -> Event:
    """A person approved.  The books give the approval its number."""
    detail = {
        "migration": approval.migration,
        "number": approval.number,
        "pilot": approval.pilot,
        "pathway": approval.pathway,
        "sha256": approval.sha256,
        "tools": dict(approval.tools),
        "accepted": dict(approval.accepted),
        "note": approval.note,
        "by": act.actor,
        "because": act.reason,
    }
    return _event(EventType.MIGRATION_APPROVED, act, at, detail)


def migration_begun(act: Act, at: str, migration: int, approval: int, auditor: str) -> Event:
    """Who acts runs a migration from now on, under its last approval; `auditor` looks after it."""
    detail = {"migration": migration, "approval": approval, "executor": act.actor, "auditor": auditor}
    return _event(EventType.MIGRATION_BEGUN, act, at, detail)


def migrated(act: Act, at: str, done: PackageDone) -> Event:
    """One original package is done."""
    detail = {
        "migration": done.migration,
        "package": done.package,
        "into": list(done.into),
        **_tallied(done.tallied),
        "undecided": done.undecided,
        "log_sha256": done.log_sha256,
    }
    is_whole = done.tallied.of(FileFate.CONVERTED) == done.tallied.files
    return _event(EventType.MIGRATED, act, at, detail, Outcome.SUCCESS if is_whole else Outcome.WARNING)


def migration_stopped(act: Act, at: str, migration: int, cause: StopCause, why: str) -> Event:
    """A migration does not go on until somebody runs it again."""
    detail = {"migration": migration, "cause": cause.value, "why": why}
    outcome = Outcome.SUCCESS if cause is StopCause.PAUSED else Outcome.WARNING
    return _event(EventType.MIGRATION_STOPPED, act, at, detail, outcome)


def file_decided(act: Act, at: str, decision: FileDecision) -> Event:
    """Who acts decided about a stopped file, because of the reason of the act."""
    detail = {
        "migration": decision.migration,
        "package": decision.package,
        "path": path_text(decision.path),
        "accepted": decision.is_accepted,
        "by": act.actor,
        "because": act.reason,
    }
    return _event(EventType.FILE_DECIDED, act, at, detail)


def files_viewed(act: Act, at: str, viewed: FilesViewed) -> Event:
    """Who acts looked at what was made of files, and said of it what the reason of the act says."""
    detail = {
        "migration": viewed.migration,
        "pilot": viewed.pilot,
        "package": viewed.package,
        "paths": sorted(map(path_text, viewed.paths)),
        "by": act.actor,
        "because": act.reason,
    }
    return _event(EventType.FILES_VIEWED, act, at, detail)


def migration_ended(act: Act, at: str, migration: int) -> Event:
    """All packages of a migration are done, and all that was decided is carried out."""
    return _event(EventType.MIGRATION_ENDED, act, at, {"migration": migration})


def migration_rolled_back(act: Act, at: str, migration: int, package: str | None) -> Event:
    """What was made of an original package, or of all (None), is not in force any more.  Nothing is deleted."""
    return _event(EventType.MIGRATION_ROLLED_BACK, act, at, {"migration": migration, "package": package})


def migration_reinstated(act: Act, at: str, migration: int, package: str | None) -> Event:
    """What was rolled back is in force again."""
    return _event(EventType.MIGRATION_REINSTATED, act, at, {"migration": migration, "package": package})


def migration_withdrawn(act: Act, at: str, migration: int) -> Event:
    """Nothing more is done about a migration; what it made stays in force."""
    return _event(EventType.MIGRATION_WITHDRAWN, act, at, {"migration": migration})


def _scope(scope: Scope) -> Mapping[str, object]:
    return {
        "formats": list(scope.puids),
        "policies": list(scope.policies),
        "packages": list(scope.packages),
        "encodings": list(scope.encodings),
        "classes": list(scope.classes),
        "level": None if scope.level is None else scope.level.value,
        "again": scope.is_again,
    }


def _outcome(outcome: Piloted) -> Mapping[str, object]:
    return {
        "version": outcome.version,
        "sha256": outcome.sha256,
        "tools": dict(outcome.tools),
        **_tallied(outcome.tallied),
        "marks": {name.value: mark for name, mark in outcome.marks.items()},
    }


def _tallied(tallied: Tallied) -> Mapping[str, object]:
    return {
        "files": {fate.value: count for fate, count in tallied.fates.items()},
        "verdicts": {verdict.value: count for verdict, count in tallied.verdicts.items()},
        "losses": [
            [each.what.value, each.type.value, each.severity.value, each.comparison.value, each.declared, each.files]
            for each in tallied.losses
        ],
        "bytes_before": tallied.bytes_before,
        "bytes_after": tallied.bytes_after,
        "milliseconds": tallied.milliseconds,
        "judging_milliseconds": tallied.judging_milliseconds,
    }


def _event(
    kind: EventType, act: Act, at: str, detail: Mapping[str, object], outcome: Outcome = Outcome.SUCCESS
) -> Event:
    return Event(type=kind, at=at, actor=act.actor, reason=act.reason, outcome=outcome, detail=detail, tool=TOOL)
