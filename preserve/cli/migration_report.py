"""How the report on migrations is told: on a terminal, and as a document for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from preserve.cli.migration_titles import title_said
from preserve.cli.tables import byte_count, table
from preserve.model.formats.file_records import file_document, path_document
from preserve.model.formats.file_results import FileFate, Opinion
from preserve.model.formats.losses import Comparison
from preserve.model.formats.risk_counts import By
from preserve.model.formats.risk_log import initiative_of, loss_score
from preserve.model.printable import printable
from preserve.packages.risk_csv import name_shown

if TYPE_CHECKING:
    from preserve.cli.answers import Document
    from preserve.cli.voices import Voice
    from preserve.model.formats.file_results import FileResult, Validated
    from preserve.model.formats.losses import Decision, Risk
    from preserve.model.formats.risk_counts import Group
    from preserve.model.formats.risk_log import LoggedFile
    from preserve.model.migrations import LossCount
    from preserve.operations.report_migration import Account, MigrationReport

MOST_PLACES = 3
"""Of each difference on a terminal; the page has those that were kept."""


def report_document(report: MigrationReport) -> Document:
    """For `--json`."""
    return {
        "at": report.at.isoformat(),
        "ok": report.is_whole and not report.is_changed,
        "ledger": {"entries": report.size, "root": report.root},
        "migrations": [_account_document(each) for each in report.accounts],
        "files": {fate.value: count for fate, count in report.fates.items()},
        "by": {by.value: [_group_document(each) for each in groups] for by, groups in report.groups.items()},
        "told": [logged_document(each.logged) for each in report.files],
    }


def _account_document(account: Account) -> Document:
    migration, approval = account.migration, account.approval
    progress = migration.progress
    return {
        "migration": migration.number,
        "title": migration.called,
        "state": migration.state.value,
        "planned": {"by": migration.planned_by, "at": migration.planned_at, "reason": migration.reason,
                    "packages": migration.planned.packages, "files": migration.planned.files},
        "pilots": len(account.pilots),
        "viewed": {"files": account.viewed.files, "by": list(account.viewed.by)},
        "viewed_of_pilot": {"files": account.viewed_of_pilot.files, "by": list(account.viewed_of_pilot.by),
                            "of_files": account.pilots[-1].drawn if account.pilots else 0},
        "rollback_tested": migration.is_rollback_tested,
        "initiative": initiative_of(migration.grounds).value,
        "approval": None if approval is None else {
            "by": approval.by, "at": approval.at, "reason": approval.reason, "pathway": approval.pathway,
            "sha256": approval.sha256, "tools": dict(approval.tools), "accepted": dict(approval.accepted),
        },
        "executor": migration.executor or None,
        "auditor": migration.auditor or None,
        "files": {FileFate.CONVERTED.value: progress.converted, FileFate.STOPPED.value: progress.stopped,
                  FileFate.FAILED.value: progress.failed, FileFate.REFUSED.value: progress.refused},
        "under_way": {fate.value: account.under_way.get(fate, 0) for fate in FileFate},
        "undecided": progress.undecided,
        "bytes_before": progress.bytes_before,
        "bytes_after": progress.bytes_after,
        "packages": {state.value: count for state, count in account.states.items()},
        "losses": [{"property": each.what.value, "type": each.type.value, "severity": each.severity.value,
                    "comparison": each.comparison.value, "declared": each.declared or None, "files": each.files}
                   for each in account.losses],
        "decisions": [{"package": each.package, **path_document(each.path), "accepted": each.is_accepted,
                       "by": each.by, "reason": each.reason, "at": each.at} for each in account.decisions],
        "decided": account.decided,
        "missing_logs": {package: str(why) for package, why in account.missing.items()},
        "changed_logs": {package: str(why) for package, why in account.changed.items()},
        "ended_at": migration.ended_at,
    }  # fmt: skip


def _group_document(group: Group) -> Document:
    return {
        "key": list(group.key),
        "files": {fate.value: count for fate, count in group.files.items()},
        "losses": {comparison.value: count for comparison, count in group.losses.items()},
        "severities": {severity.value: count for severity, count in group.severities.items()},
        "score": group.score,
    }


def logged_document(logged: LoggedFile) -> Document:
    """One file of a log, with what was decided about each loss."""
    document = file_document(logged.result)
    for risk, told, decision in zip(logged.result.risks, document["risks"], logged.decisions, strict=True):
        told["score"] = loss_score(risk)
        told["decision"] = (
            None
            if decision is None
            else {
                "accepted": decision.is_accepted,
                "by": decision.by,
                "reason": decision.reason,
                "about": "file" if risk.comparison.stops else "pathway",
            }
        )
    return {"migration": logged.circumstances.migration, **document}


def report_lines(report: MigrationReport, voice: Voice) -> Iterator[str]:
    """For people: each migration, then what was asked for, counted or file by file."""
    if not report.accounts:
        yield voice.sentence("No migration was planned yet; `preserve migrate plan` plans one.")
    for account in report.accounts:
        yield from _account_lines(account, voice)
    for by, groups in report.groups.items():
        yield ""
        none = voice.sentence("Nothing differs in any file that is counted.")
        yield from table(group_head(by, voice), (group_row(each, by, voice) for each in groups), none=none)
    for each in report.files:
        yield ""
        yield from file_lines(each.logged, voice)
    if report.narrowed.path is not None and not report.files:
        yield ""
        yield voice.said(
            "No log that is meant says anything of a file {file}: it was left as it is, its package is not done, or it"
            " is called otherwise.",
            file=name_shown(report.narrowed.path),
        )


def _account_lines(account: Account, voice: Voice) -> Iterator[str]:
    migration, approval = account.migration, account.approval
    yield voice.said(
        "Migration {number}, {title}: {state}",
        number=migration.number,
        title=title_said(migration, voice),
        state=migration.state,
    )
    for line in people_lines(account, voice):
        yield f"  {line}"
    if approval is not None:
        for loss, reason in approval.accepted.items():
            yield "    - " + voice.said("{loss} accepted: {reason}", loss=loss, reason=reason)
    yield "  " + counts_said(account, voice)
    if account.under_way:
        yield "  " + under_way_said(account.under_way, voice)
    if account.losses:
        for line in table(loss_head(voice), (loss_row(each, voice) for each in account.losses)):
            yield f"  {line}"
    for why in (*account.missing.values(), *account.changed.values()):
        yield "  " + voice.error_said(why)


def loss_head(voice: Voice) -> list[str]:
    """The columns of a table of losses."""
    return [
        voice.sentence("property"),
        voice.sentence("risk"),
        voice.sentence("severity"),
        voice.sentence("compared"),
        voice.sentence("declared as"),
        voice.sentence("files"),
    ]


def loss_row(each: LossCount, voice: Voice) -> list[object]:
    """How many files differ in a property, and how."""
    words = map(voice.word, (each.what, each.type, each.severity, each.comparison))
    return [*words, each.declared or "-", each.files]


def people_lines(account: Account, voice: Voice) -> Iterator[str]:
    """Who planned, approved, runs and audits it; what nobody does yet is said."""
    migration, approval = account.migration, account.approval
    yield voice.said(
        "planned by {who} on {day}: {reason}",
        who=migration.planned_by,
        day=migration.planned_at[:10],
        reason=migration.reason,
    )
    if approval is None:
        yield voice.sentence("nobody approved it")
    else:
        yield voice.said(
            "approved by {who} on {day} for {pathway}: {reason}",
            who=approval.by,
            day=approval.at[:10],
            pathway=approval.pathway,
            reason=approval.reason,
        )
    executor, auditor = (each or voice.sentence("nobody yet") for each in (migration.executor, migration.auditor))
    yield voice.said("run by {executor}, audited by {auditor}", executor=executor, auditor=auditor)


def counts_said(account: Account, voice: Voice) -> str:
    """How many files became what."""
    progress = account.migration.progress
    return voice.said(
        "files: {converted} converted, {stopped} stopped ({undecided} wait for a decision), {failed} failed, {refused}"
        " refused; packages done: {done} of {packages}",
        converted=f"{progress.converted:,}",
        stopped=f"{progress.stopped:,}",
        undecided=f"{progress.undecided:,}",
        failed=f"{progress.failed:,}",
        refused=f"{progress.refused:,}",
        done=f"{progress.done:,}",
        packages=f"{account.migration.planned.packages:,}",
    )


def under_way_said(counts: Mapping[FileFate, int], voice: Voice) -> str:
    """What became so far of files whose packages are not done."""
    return voice.said(
        "files of packages under way: {converted} converted, {stopped} stopped, {failed} failed, {refused} refused so"
        " far; they count with their package when it is done",
        **{fate.name.lower(): f"{counts.get(fate, 0):,}" for fate in FileFate},
    )


def group_head(by: By, voice: Voice) -> list[str]:
    """The columns of a count."""
    counted = [voice.sentence("files"), *(voice.word(fate) for fate in FileFate)]
    return [*_key_heads(by, voice), *counted, *(voice.word(each) for each in Comparison), voice.sentence("score")]


def _key_heads(by: By, voice: Voice) -> list[str]:
    match by:
        case By.TYPE:
            return [voice.sentence("risk")]
        case By.SEVERITY:
            return [voice.sentence("severity")]
        case By.PROPERTY:
            return [voice.sentence("property")]
        case By.PATHWAY:
            return [voice.sentence("pathway")]
        case By.CLASS:
            return [voice.sentence("class of records")]
        case By.FORMAT:
            return [voice.sentence("from"), voice.sentence("to")]


def group_row(group: Group, by: By, voice: Voice) -> list[object]:
    """One group of a count."""
    fates = (group.files.get(fate, 0) for fate in FileFate)
    losses = (group.losses.get(each, 0) for each in Comparison)
    return [*key_words(group, by, voice), group.file_count, *fates, *losses, group.score]


def key_words(group: Group, by: By, voice: Voice) -> list[str]:
    """What a group is called."""
    unknown = voice.sentence("nothing made") if by is By.FORMAT else voice.sentence("not known")
    return [unknown if part is None else _key_word(part, by, voice) for part in group.key]


def _key_word(part: str, by: By, voice: Voice) -> str:
    from preserve.model.formats.losses import LossSeverity, RiskType
    from preserve.model.formats.properties import Property

    kinds = {By.TYPE: RiskType, By.SEVERITY: LossSeverity, By.PROPERTY: Property}
    return voice.word(kinds[by](part)) if by in kinds else part


def file_lines(logged: LoggedFile, voice: Voice) -> Iterator[str]:
    """One file: what became of it, and each loss with the first places."""
    return result_lines(logged.result, logged.decisions, voice)


def result_lines(result: FileResult, decisions: Iterable[Decision | None], voice: Voice) -> Iterator[str]:
    """The same of a file that may stand in no log yet; `decisions` has one entry for each of its risks."""
    original = result.original
    yield printable(f"{original.package} {name_shown(original.path)}: {voice.word(result.fate)}", is_line=True)
    if result.why:
        yield "  " + voice.resaid(result.why)
    if words := tool_said(result, voice):
        yield f"  - {words}"
    for made in result.made:
        yield printable(f"  → {name_shown(made.path)}, {byte_count(made.bytes)}, {made.puid}", is_line=True)
    for risk, decision in zip(result.risks, decisions, strict=True):
        if risk.amount is None:
            continue
        yield "  - " + risk_said(risk, voice)
        for place in risk.places[:MOST_PLACES]:
            yield printable(f"      {place.where}: {place.before!r} → {place.after!r}", is_line=True)
        if decision is not None:
            yield "      " + loss_decision_said(risk, decision, voice)
    yield from (f"  - {each}" for each in unmeasured_said(result.risks, voice))


def tool_said(result: FileResult, voice: Voice) -> str:
    """What the tool complained of where it failed."""
    words = result.complaint
    return voice.said("the tool says: {words}", words=printable(voice.resaid(words), is_line=True)) if words else ""


def unsound_said(validated: Iterable[Validated], voice: Voice) -> Iterator[str]:
    """Which validators do not call a result sound, and what they say."""
    for each in validated:
        if each.opinion is not Opinion.SOUND:
            said = voice.said("{program} says {opinion}", program=each.program, opinion=each.opinion)
            yield printable(f"  - {said}: {voice.resaid(each.text)}" if each.text else f"  - {said}", is_line=True)


def unmeasured_said(risks: Iterable[Risk], voice: Voice) -> Iterator[str]:
    """What was not measured, by why: one tool that is missing leaves a dozen properties unmeasured."""
    by_reason: dict[str, list[str]] = {}
    for risk in risks:
        if risk.amount is None:
            by_reason.setdefault(risk.why, []).append(voice.word(risk.what))
    for why, names in by_reason.items():
        yield voice.said("not measured: {properties}: {why}", properties=", ".join(names), why=why)


def risk_said(risk: Risk, voice: Voice) -> str:
    """One loss that was measured, in a sentence."""
    return voice.said(
        "{property} ({severity}): {comparison}; differs by {amount}, {tolerance} allowed; {before} before, {after}"
        " after",
        property=risk.what,
        severity=risk.severity,
        comparison=risk.comparison,
        amount=risk.amount,
        tolerance=risk.tolerance,
        before=risk.before,
        after=risk.after,
    )


def loss_decision_said(risk: Risk, decision: Decision, voice: Voice) -> str:
    """Who accepted or rejected one loss: whoever looked at the file, or, of one that was declared, whoever approved the
    pathway and was not asked about this file."""
    if risk.comparison.stops:
        return decision_said(decision.is_accepted, decision.by, decision.reason, voice)
    return voice.said(
        "accepted by {who} of all files, when the pathway was approved: {reason}",
        who=decision.by,
        reason=decision.reason,
    )


def decision_said(is_accepted: bool, by: str, reason: str, voice: Voice) -> str:
    """What a person decided, and why."""
    template = "accepted by {who}: {reason}" if is_accepted else "rejected by {who}: {reason}"
    return voice.said(template, who=by, reason=reason)
