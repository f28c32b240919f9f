"""Migrations as the commands show them: plans, what waits for whom, approvals and what a pilot saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from preserve.cli.answers import moment_shown
from preserve.cli.migration_report import under_way_said
from preserve.cli.migration_titles import title_said
from preserve.cli.pathway_words import loss_said
from preserve.cli.tables import byte_count, pairs, table
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.governance import Criterion, ranking, sensitivity
from preserve.model.formats.losses import FileVerdict
from preserve.model.formats.marks import options
from preserve.model.migration_waits import MigrationStanding, Wait, WaitsFor
from preserve.model.migrations import (
    ApprovalEntry,
    LossCount,
    Migration,
    MigrationState,
    Piloted,
    PilotEntry,
    Scope,
    ScopeCount,
    Tallied,
)

if TYPE_CHECKING:
    from preserve.cli.answers import Document
    from preserve.cli.voices import Voice
    from preserve.model.formats.pathways import Pathway
    from preserve.operations.approve_migration import ApproveReport, Checked

_PER_CENT = 100
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


def pilot_document(pilot: PilotEntry) -> Document:
    """A pilot for `--json`: what it saw of each pathway, how they rank, and what would turn that."""
    found = options(pilot.outcomes)
    return {
        "pilot": pilot.number,
        "at": pilot.at,
        "by": pilot.by,
        "seed": pilot.seed,
        "files": pilot.drawn,
        "strata": pilot.strata,
        "data_sha256": pilot.data_sha256,
        "pathways": {each.pathway: _piloted_document(each) for each in pilot.outcomes},
        "weights": {name.value: weight for name, weight in pilot.weights.items()},
        "ranking": [
            {"pathway": each.name, "score": round(float(each.score), 1)} for each in ranking(found, pilot.weights)
        ],
        "turning_points": [
            {"criterion": each.criterion.value, "now_percent": _percent(each.now), "percent": _percent(each.weight),
             "pathway": each.name}
            for each in sensitivity(found, pilot.weights)
        ],
    }  # fmt: skip


def _piloted_document(outcome: Piloted) -> Document:
    return {
        "version": outcome.version,
        "sha256": outcome.sha256,
        "tools": dict(outcome.tools),
        **tallied_document(outcome.tallied),
        "marks": {name.value: mark for name, mark in outcome.marks.items()},
    }


def tallied_document(tallied: Tallied) -> Document:
    """What files came to, for `--json`."""
    return {
        "files": {fate.value: tallied.of(fate) for fate in FileFate},
        "verdicts": {verdict.value: tallied.verdicts.get(verdict, 0) for verdict in FileVerdict},
        "losses": [loss_document(each) for each in tallied.losses],
        "bytes_before": tallied.bytes_before,
        "bytes_after": tallied.bytes_after,
        "seconds": tallied.milliseconds / 1000,
        "judging_seconds": tallied.judging_milliseconds / 1000,
    }


def loss_document(loss: LossCount) -> Document:
    """How many files differ how, for `--json`."""
    return {
        "property": loss.what.value,
        "type": loss.type.value,
        "severity": loss.severity.value,
        "comparison": loss.comparison.value,
        "declared": loss.declared or None,
        "files": loss.files,
    }


def pilot_lines(pilot: PilotEntry, voice: Voice) -> Iterator[str]:
    """For people: how each pathway did, which is best by which weights, and what was lost."""
    yield voice.said(
        "Pilot {number} of {day} by {person}: {files} files of {strata} sorts",
        number=pilot.number,
        day=pilot.at[:10],
        person=pilot.by,
        files=pilot.drawn,
        strata=pilot.strata,
    )
    head = [voice.sentence("pathway"), *(voice.word(each) for each in FileFate), voice.sentence("size in per cent")]
    head += [voice.sentence("seconds a file"), *(voice.word(each) for each in Criterion), voice.sentence("score")]
    scores = {each.name: each.score for each in ranking(options(pilot.outcomes), pilot.weights)}
    rows = (
        (
            each.pathway,
            *(each.tallied.of(fate) for fate in FileFate),
            _growth(each.tallied),
            _seconds_each(each.tallied),
            *(each.marks.get(criterion, _NONE) for criterion in Criterion),
            f"{float(scores[each.pathway]):.1f}" if each.pathway in scores else _NONE,
        )
        for each in pilot.outcomes
    )
    yield from table(head, rows)
    yield from _weights_lines(pilot, voice)
    for each in pilot.outcomes:
        if each.tallied.losses:
            yield voice.said("What {pathway} lost:", pathway=each.pathway)
            yield from loss_table(each.tallied.losses, voice)


def _weights_lines(pilot: PilotEntry, voice: Voice) -> Iterator[str]:
    whole = sum(pilot.weights.values())
    weights = ", ".join(
        f"{voice.word(name)} {round(_PER_CENT * pilot.weights.get(name, 0) / whole)} %" for name in Criterion
    )
    yield voice.said("Weights: {weights} (our own figures, not verified against a standard)", weights=weights)
    for each in sensitivity(options(pilot.outcomes), pilot.weights):
        yield "  · " + voice.said(
            "if {criterion} weighed {percent} % instead of {now} %, {pathway} would be as good as the first",
            criterion=each.criterion,
            percent=_percent(each.weight),
            now=_percent(each.now),
            pathway=each.name,
        )


def loss_table(losses: Iterable[LossCount], voice: Voice) -> Iterator[str]:
    """For people: what was lost in how many files."""
    head = [voice.sentence("property"), voice.sentence("type of risk"), voice.sentence("severity")]
    head += [voice.sentence("compared"), voice.sentence("loss"), voice.sentence("files")]
    rows = (
        (
            voice.word(each.what),
            voice.word(each.type),
            voice.word(each.severity),
            voice.word(each.comparison),
            each.declared or _NONE,
            each.files,
        )
        for each in losses
    )
    yield from table(head, rows)


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
        "seen": _piloted_document(report.seen),
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
        template = (
            "approval {number} ({pathway}, by {person}, {day}): signed by {key}, and in force"
            if each.is_in_force
            else "approval {number} ({pathway}, by {person}, {day}): signed by {key}; a later pilot or approval"
            " counts now"
        )
        yield voice.said(
            template,
            number=each.signed.approval.number,
            pathway=each.signed.approval.pathway,
            person=each.signed.approval.by,
            day=each.signed.approval.at[:10],
            key=each.signed.key,
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


def _growth(tallied: Tallied) -> object:
    return _PER_CENT * tallied.bytes_after // tallied.bytes_before if tallied.bytes_before else _NONE


def _seconds_each(tallied: Tallied) -> str:
    tried = tallied.files - tallied.of(FileFate.REFUSED)
    return f"{(tallied.milliseconds + tallied.judging_milliseconds) / 1000 / tried:.1f}" if tried else _NONE


def _percent(share: Fraction) -> float:
    return round(float(share) * _PER_CENT, 1)


def declared_lines(pathway: Pathway, voice: Voice, accepted: Mapping[str, str] | None = None) -> Iterator[str]:
    """The losses that a pathway declares, each with the id by which it is accepted, and why it was."""
    for loss in pathway.losses:
        why = "" if accepted is None else f" → {accepted[loss.id]}"
        yield f"  - {loss.id}: {loss_said(loss, voice)}{why}"
    if not pathway.losses:
        yield "  - " + voice.sentence("nothing is declared: any difference stops the file")
