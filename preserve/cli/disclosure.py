"""The six fields in which an act is made public (职权、程序、过程、时限、监督方式、结果), of a migration.

All of it is what the ledger and the declaration that was approved say; what they do not say is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from preserve.cli.format_facts import in_language
from preserve.cli.migration_report import counts_said, decision_said
from preserve.cli.pathway_words import loss_said
from preserve.cli.stopped_files import viewed_said
from preserve.model.formats.losses import Comparison
from preserve.model.formats.risk_log import initiative_of
from preserve.model.migrations import PackageState
from preserve.model.nouns import EventType

if TYPE_CHECKING:
    from preserve.cli.voices import Voice
    from preserve.model.formats.pathways import Pathway
    from preserve.operations.report_migration import Account, MigrationReport, Taken

Pathways = Mapping[str, "Pathway"]
"""The declarations on this machine, by their digest."""


class Field(NamedTuple):
    """One of the six: its identifier, its name, and sentences."""

    id: str
    name: str
    said: tuple[str, ...]


def disclosure(account: Account, report: MigrationReport, pathways: Pathways, voice: Voice) -> tuple[Field, ...]:
    """The six fields, in their order."""
    return (
        Field("authority", voice.sentence("Authority"), tuple(_authority(account, pathways, voice))),
        Field("procedure", voice.sentence("Procedure"), tuple(_procedure(account, pathways, voice))),
        Field("course", voice.sentence("Course"), tuple(_course(account, voice))),
        Field("time", voice.sentence("Time limits"), tuple(_time(account, voice))),
        Field("supervision", voice.sentence("Supervision"), tuple(_supervision(account, report, voice))),
        Field("result", voice.sentence("Result"), tuple(_result(account, voice))),
    )


def _authority(account: Account, pathways: Pathways, voice: Voice) -> Iterator[str]:
    migration, approval = account.migration, account.approval
    yield voice.said("Initiative: {initiative}.", initiative=initiative_of(migration.grounds))
    grounds = ", ".join(map(voice.word, migration.grounds)) or voice.sentence("not known")
    yield voice.said(
        "Planned by {who}, because: {reason}.  Grounds: {grounds}.",
        who=migration.planned_by,
        reason=migration.reason,
        grounds=grounds,
    )
    if approval is None:
        yield voice.sentence("Nobody approved it.")
        return
    yield voice.said("Approved by {who}, because: {reason}.", who=approval.by, reason=approval.reason)
    pathway = pathways.get(approval.sha256)
    if pathway is None:
        yield voice.sentence(
            "Its legal basis stands in the declaration that was approved, which is not on this machine."
        )
        return
    for basis in pathway.basis:
        yield voice.said("Basis ({mark}): {basis}", mark=basis.mark, basis=in_language(basis.words, voice))


def _procedure(account: Account, pathways: Pathways, voice: Voice) -> Iterator[str]:
    for pilot in account.pilots:
        yield voice.said(
            "Pilot {number} on {day} by {who}: {files} files drawn from {strata} sorts, converted along {pathways}.",
            number=pilot.number,
            day=pilot.at[:10],
            who=pilot.by,
            files=pilot.drawn,
            strata=pilot.strata,
            pathways=", ".join(each.pathway for each in pilot.outcomes),
        )
    if not account.pilots:
        yield voice.sentence("It was not tried on a sample.")
    for approval in account.approvals:
        yield voice.said(
            "Approval {number} on {day} by {who}, of pilot {pilot}: {pathway} (SHA-256 {sha256}) with {tools}; losses"
            " accepted: {losses}.  It is signed with the key of the ledger: this archive booked it under that name; it"
            " is no personal signature.",
            number=approval.number,
            day=approval.at[:10],
            who=approval.by,
            pilot=approval.pilot,
            pathway=approval.pathway,
            sha256=approval.sha256,
            tools=", ".join(f"{id_} {version}" for id_, version in approval.tools.items()),
            losses=", ".join(approval.accepted) or voice.sentence("none"),
        )
        pathway = pathways.get(approval.sha256)
        declared = {} if pathway is None else {each.id: loss_said(each, voice) for each in pathway.losses}
        for loss, reason in approval.accepted.items():
            about = f"{loss}: {declared[loss]}" if loss in declared else loss
            yield voice.said("{loss} accepted: {reason}", loss=about, reason=reason)


def _course(account: Account, voice: Voice) -> Iterator[str]:
    for each in account.course:
        yield voice.said(
            "{day}: {step}, by {who} (entry {entry} of the ledger): {reason}",
            day=each.at[:10],
            step=each.type,
            who=each.by,
            entry=each.entry,
            reason=each.reason,
        )
    yield counts_said(account, voice)


def _time(account: Account, voice: Voice) -> Iterator[str]:
    begun = _first(account, EventType.MIGRATION_BEGUN)
    unknown = voice.sentence("not yet")
    yield voice.said(
        "Planned on {planned}, approved on {approved}, begun on {begun}, ended on {ended}.",
        planned=account.migration.planned_at[:10],
        approved=unknown if account.approval is None else account.approval.at[:10],
        begun=unknown if begun is None else begun.at[:10],
        ended=(account.migration.ended_at or unknown)[:10],
    )
    yield voice.sentence("Whether a law or an order set a time limit for it is not known to the ledger.")
    yield voice.sentence("The originals are kept unchanged, without a limit of time; this program deletes none.")


def _first(account: Account, kind: EventType) -> Taken | None:
    return next((each for each in account.course if each.type is kind), None)


def _supervision(account: Account, report: MigrationReport, voice: Voice) -> Iterator[str]:
    auditor, executor = account.migration.auditor, account.migration.executor
    if auditor:
        yield voice.said("{auditor} audits it; {executor} runs it.", auditor=auditor, executor=executor)
    else:
        yield voice.sentence("Nobody was named to audit it yet.")
    yield voice.said(
        "Each act stands in a ledger of {size} entries with the root {root}; its signed checkpoints lie in every store,"
        " and `preserve ledger verify` checks them.",
        size=f"{report.size:,}",
        root=report.root,
    )
    for each in account.decisions:
        yield voice.said(
            "A stopped file of package {package}: {decision}",
            package=each.package,
            decision=decision_said(each.is_accepted, each.by, each.reason, voice),
        )
    if account.pilots:
        pilot = account.pilots[-1]
        yield viewed_said(account.viewed_of_pilot, pilot.drawn, pilot.number, voice)
    yield viewed_said(account.viewed, account.migration.progress.files, None, voice)
    yield voice.sentence(
        "Rolling back and reinstating was tested on what it made."
        if account.migration.is_rollback_tested
        else "Rolling back was not tested on what it made."
    )


def _result(account: Account, voice: Voice) -> Iterator[str]:
    yield voice.said("State: {state}.", state=account.migration.state)
    yield counts_said(account, voice)
    states = ", ".join(
        f"{voice.word(state)} {account.states[state]:,}" for state in PackageState if account.states.get(state)
    )
    yield voice.said("Original packages: {states}.", states=states or voice.sentence("none"))
    counts = {each: sum(loss.files for loss in account.losses if loss.comparison is each) for each in Comparison}
    yield voice.said(
        "Differences, counted by property and file: {counts}.",
        counts=", ".join(f"{voice.word(each)} {count:,}" for each, count in counts.items()),
    )


def disclosure_lines(fields: tuple[Field, ...], title: str) -> Iterator[str]:
    """For people at a terminal."""
    yield title
    for field in fields:
        yield f"  {field.name}"
        yield from (f"    {each}" for each in field.said)
