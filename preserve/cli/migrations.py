"""Migrations as the commands show them: plans, what waits for whom, approvals and what a pilot saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from preserve.cli.answers import moment_shown
from preserve.cli.migration_pilots import loss_table, pilot_lines, piloted_document
from preserve.cli.migration_report import under_way_said
from preserve.cli.migration_titles import title_said
from preserve.cli.pathway_words import loss_said
from preserve.cli.tables import byte_count, pairs, table
from preserve.model.formats.file_results import FileFate
from preserve.model.migration_states import TAKEN_BACK, MigrationState
from preserve.model.migration_waits import MigrationStanding, Wait, WaitsFor
from preserve.model.migrations import (
    ApprovalEntry,
    LossCount,
    Migration,
    PilotEntry,
    Scope,
    ScopeCount,
)

if TYPE_CHECKING:
    from preserve.cli.answers import Document
    from preserve.cli.voices import Voice
    from preserve.model.formats.pathways import Pathway
    from preserve.operations.approve_migration import ApproveReport, Checked

_NONE = "-"


def scope_document(scope: Scope) -> Document:
    """What a migration is about, for `--json`."""
    return {
        "formats": list(scope.puids),
        "policies": list(scope.policies),
        "packages": list(scope.packages),
        "encodings": list(scope.encodings),
        "classes": list(scope.classes),
        "level": None if scope.level is None else scope.level.value,
        "again": scope.is_again,
    }


def standing_document(standing: MigrationStanding, voice: Voice) -> Document:
    """A migration for `--json`; `waits_said` are sentences in the person's language."""
    migration, progress = standing.migration, standing.migration.progress
    return {
        "migration": migration.number,
        "title": migration.called,
        "state": migration.state.value,
        "ok": standing.is_well,
        "scope": scope_document(migration.scope),
        "grounds": [each.value for each in migration.grounds],
        "pathways": {each.name: each.sha256 for each in migration.alternatives},
        "planned_by": migration.planned_by,
        "planned_at": migration.planned_at,
        "reason": migration.reason,
        "packages": migration.planned.packages,
        "files": migration.planned.files,
        "bytes": migration.planned.bytes,
        "executor": migration.executor or None,
        "auditor": migration.auditor or None,
        "packages_done": progress.done,
        "versions": progress.versions,
        "converted": progress.converted,
        "stopped": progress.stopped,
        "failed": progress.failed,
        "refused": progress.refused,
        "undecided": progress.undecided,
        "to_carry_out": progress.to_carry_out,
        "bytes_before": progress.bytes_before,
        "bytes_after": progress.bytes_after,
        "stopped_because": None if migration.stopped is None else migration.stopped.why,
        "ended_at": migration.ended_at,
        "void": [{"cause": each.cause.value, "about": each.about, "was": each.was, "now": each.now}
                 for each in standing.reopened],
        "waits": [{"for": each.what.value, "count": each.count} for each in standing.waits],
        "waits_said": [wait_said(each, migration, voice) for each in standing.waits],
    }  # fmt: skip


def standings_table(standings: Sequence[MigrationStanding], voice: Voice) -> Iterator[str]:
    """For people: a line for each migration, then what each waits for."""
    head = [voice.sentence("number"), voice.sentence("title"), voice.sentence("state"), voice.sentence("packages done")]
    head += [voice.sentence("files converted"), voice.sentence("stopped files"), voice.sentence("failed files")]
    head += [voice.sentence("given to no tool")]
    rows = (
        (
            each.migration.number,
            title_said(each.migration, voice),
            voice.word(each.migration.state),
            f"{each.migration.progress.done}/{each.migration.planned.packages}",
            each.migration.progress.converted,
            each.migration.progress.stopped,
            each.migration.progress.failed,
            each.migration.progress.refused,
        )
        for each in standings
    )
    none = voice.sentence("No migration was planned yet; `preserve migrate plan` says what could be done.")
    yield from table(head, rows, none=none)
    for each in standings:
        yield from waits_lines(each, voice)


def waits_lines(standing: MigrationStanding, voice: Voice) -> Iterator[str]:
    """Why its approval is void, and what has to be done next."""
    for each in standing.reopened:
        yield voice.said(
            "migration {migration}: the approval is void: {what}", migration=standing.migration.number, what=each.what
        )
    for wait in standing.waits:
        yield "→ " + wait_said(wait, standing.migration, voice)


def wait_said(wait: Wait, migration: Migration, voice: Voice) -> str:
    """What has to be done next, by whom."""
    number = migration.number
    match wait.what:
        case WaitsFor.PILOT:
            return voice.said("migration {number} is to be tried: `preserve migrate pilot {number}`", number=number)
        case WaitsFor.NEW_PILOT:
            return voice.said(
                "migration {number} is to be tried and approved again: `preserve migrate pilot {number}`", number=number
            )
        case WaitsFor.APPROVAL:
            return voice.said(
                "migration {number} waits for the approval of somebody other than {person} and than who tried it:"
                " `preserve migrate approve {number} --pathway NAME --accept ID=REASON…`",
                number=number,
                person=migration.planned_by,
            )
        case WaitsFor.RUN:
            return voice.said(
                "migration {number} waits for somebody who runs it: `preserve migrate run {number} --actor NAME"
                " --auditor NAME`",
                number=number,
            )
        case WaitsFor.LOOK:
            why = "" if migration.stopped is None else migration.stopped.why
            return voice.said(
                "migration {number} stopped itself ({why}); look at the files, decide about them, then `preserve"
                " migrate run {number}`, or `preserve migrate withdraw {number}`",
                number=number,
                why=why,
            )
    return voice.said(
        "{count} stopped files of migration {number} wait for a person's decision: `preserve migrate stopped {number}`"
        " shows them, and `preserve migrate decide {number}` accepts or rejects each",
        number=number,
        count=wait.count,
    )


def status_lines(
    standing: MigrationStanding,
    pilot: PilotEntry | None,
    approval: ApprovalEntry | None,
    losses: Iterable[LossCount],
    under_way: Mapping[FileFate, int],
    voice: Voice,
) -> Iterator[str]:
    """All that is known of one migration; `under_way` are files of packages that are not done."""
    yield from pairs(_about(standing.migration, approval, voice))
    if under_way:
        yield under_way_said(under_way, voice)
    if pilot is not None:
        yield ""
        yield from pilot_lines(pilot, voice)
    counted = list(losses)
    if counted:
        yield ""
        yield voice.sentence("What was lost so far:")
        yield from loss_table(counted, voice)
    if not standing.is_well:
        yield ""
    yield from waits_lines(standing, voice)


def _about(migration: Migration, approval: ApprovalEntry | None, voice: Voice) -> Iterator[tuple[str, object]]:
    yield voice.sentence("migration"), f"{migration.number} {title_said(migration, voice)}"
    yield voice.sentence("state"), voice.word(migration.state)
    yield voice.sentence("format"), ", ".join(migration.scope.puids)
    if migration.scope.policies:
        yield voice.sentence("policies"), ", ".join(migration.scope.policies)
    if migration.scope.encodings:
        yield voice.sentence("encodings"), ", ".join(migration.scope.encodings)
    yield voice.sentence("ground"), ", ".join(voice.word(each) for each in migration.grounds)
    yield voice.sentence("pathways"), ", ".join(each.name for each in migration.alternatives)
    yield voice.sentence("planned"), _by(migration.planned_by, migration.planned_at, migration.reason, voice)
    yield voice.sentence("scope"), count_said(migration.planned, voice)
    if approval is not None:
        said = _by(approval.by, approval.at, approval.reason, voice)
        yield voice.sentence("approved"), f"{approval.pathway}; {said}"
    if migration.executor:
        yield voice.sentence("executor"), migration.executor
        yield voice.sentence("auditor"), migration.auditor or _NONE
    if migration.progress.done:
        yield voice.sentence("done"), _progress_said(migration, voice)


def _by(person: str, at: str, reason: str, voice: Voice) -> str:
    return voice.said("by {person}, {moment}: {purpose}", person=person, moment=moment_shown(at), purpose=reason)


def count_said(count: ScopeCount, voice: Voice) -> str:
    """What a scope comes to."""
    packages = voice.counted("{count} package", "{count} packages", count.packages)
    files = voice.counted("{count} file", "{count} files", count.files)
    return f"{packages}, {files}, {byte_count(count.bytes)}"


def _progress_said(migration: Migration, voice: Voice) -> str:
    progress = migration.progress
    return voice.said(
        "{done} of {packages} packages, {versions} new; files: {converted} converted, {stopped} stopped, {failed}"
        " failed, {refused} refused",
        done=progress.done,
        packages=migration.planned.packages,
        versions=progress.versions,
        converted=progress.converted,
        stopped=progress.stopped,
        failed=progress.failed,
        refused=progress.refused,
    )


def approval_document(report: ApproveReport) -> Document:
    """An approval for `--json`."""
    approval = report.approval
    return {
        "migration": approval.migration,
        "approval": approval.number,
        "pilot": approval.pilot,
        "pathway": approval.pathway,
        "sha256": approval.sha256,
        "tools": dict(approval.tools),
        "accepted": dict(approval.accepted),
        "approver": approval.by,
        "at": approval.at,
        "reason": approval.reason,
        "note": approval.note,
        "seen": piloted_document(report.seen),
    }


def approval_lines(report: ApproveReport, voice: Voice) -> Iterator[str]:
    """For people: what was accepted, what the pilot saw, what is next."""
    approval = report.approval
    yield voice.said(
        "Migration {migration} is approved along {pathway}, as pilot {pilot} tried it, and signed by the ledger's key.",
        migration=approval.migration,
        pathway=approval.pathway,
        pilot=approval.pilot,
    )
    yield voice.sentence("Accepted:")
    yield from declared_lines(report.pathway, voice, approval.accepted)
    if report.seen.tallied.losses:
        yield voice.sentence("What the pilot saw:")
        yield from loss_table(report.seen.tallied.losses, voice)
    yield voice.said(
        "→ somebody else runs it: `preserve migrate run {migration} --actor NAME --auditor NAME`",
        migration=approval.migration,
    )


def checked_document(number: int, checked: Sequence[Checked]) -> Document:
    """Approvals whose signatures were checked, for `--json`."""
    return {
        "migration": number,
        "ok": True,
        "approvals": [
            {
                "approval": each.signed.approval.number,
                "pilot": each.signed.approval.pilot,
                "pathway": each.signed.approval.pathway,
                "approver": each.signed.approval.by,
                "at": each.signed.approval.at,
                "in_force": each.is_in_force,
                "verifier_key": each.signed.key,
                "document": dict(each.signed.document),
                "note": each.signed.approval.note,
            }
            for each in checked
        ],
    }


def checked_lines(number: int, checked: Sequence[Checked], voice: Voice) -> Iterator[str]:
    """For people: which approvals are sound, and which counts."""
    if not checked:
        yield voice.said("Migration {migration} was never approved.", migration=number)
    for each in checked:
        if each.is_in_force:
            template = "approval {number} ({pathway}, by {person}, {day}): signed by {key}, and in force"
        elif each.state in TAKEN_BACK:
            template = (
                "approval {number} ({pathway}, by {person}, {day}): signed by {key}; the migration is {state}, and"
                " nothing runs under it"
            )
        else:
            template = (
                "approval {number} ({pathway}, by {person}, {day}): signed by {key}; a later pilot or approval"
                " counts now"
            )
        yield voice.said(
            template,
            number=each.signed.approval.number,
            pathway=each.signed.approval.pathway,
            person=each.signed.approval.by,
            day=each.signed.approval.at[:10],
            key=each.signed.key,
            state=each.state,
        )


def ended_lines(migration: Migration, package: str | None, voice: Voice) -> Iterator[str]:
    """What a migration is after somebody withdrew it, rolled it back or reinstated it, or what it made of `package`."""
    if package is not None:
        yield voice.said(
            "this is about package {package} alone; `preserve package show {package}` says what is in force",
            package=package,
        )
    yield voice.said(
        "migration {number} ({title}) is {state} now",
        number=migration.number,
        title=title_said(migration, voice),
        state=migration.state,
    )
    if migration.state is MigrationState.ROLLED_BACK:
        yield voice.sentence("Nothing was deleted: the originals are in force as before, and what was made stays kept.")
    if migration.state is MigrationState.WITHDRAWN and migration.progress.versions:
        yield voice.said(
            "What it made stays in force; `preserve migrate rollback {number}` takes that back.",
            number=migration.number,
        )


def declared_lines(pathway: Pathway, voice: Voice, accepted: Mapping[str, str] | None = None) -> Iterator[str]:
    """The losses that a pathway declares, each with the id by which it is accepted, and why it was."""
    for loss in pathway.losses:
        why = "" if accepted is None else f" → {accepted[loss.id]}"
        yield f"  - {loss.id}: {loss_said(loss, voice)}{why}"
    if not pathway.losses:
        yield "  - " + voice.sentence("nothing is declared: any difference stops the file")
