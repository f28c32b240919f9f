"""`preserve audit` and `preserve repair`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from preserve.cli.amounts import parsed_budget
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.findings import finding_document, finding_lines
from preserve.cli.messages import _, error_said, printable, said, word
from preserve.cli.options import acts
from preserve.cli.tables import MOST_LINES, bounded, byte_count, pairs, table
from preserve.errors import Unavailable
from preserve.model.nouns import Level, Role

if TYPE_CHECKING:
    from preserve.model.audit import SampleStatement
    from preserve.operations.audit import AuditReport
    from preserve.operations.repair import RepairReport
    from preserve.workplace import Workplace


@click.command(
    help=_(
        "Read copies again and say which are sound, damaged, missing, unreadable, not checked, overdue.\n\n"
        "Those most at risk come first.  An audit that was interrupted goes on where it was.  Level attested reads"
        " nothing: it checks only copies whose store gives digests of its own, and folders give none.  Exit code 1 for"
        " findings, or when no copy could be checked because no store attests any; 75 when nothing was found and a"
        " store could not be looked at."
    )
)
@click.option("--store", "stores", metavar="NAME", multiple=True, help=_("only this store (may be repeated)"))
@click.option("--package", metavar="ID", help=_("only this package"))
@click.option(
    "--level",
    type=click.Choice(list(map(str, Level))),
    default=Level.FULL.value,
    show_default=True,
    help=_("how deeply: list objects, ask the store for digests, read a sample, read everything"),
)
@click.option("--budget", metavar="AMOUNT", help=_("stop beginning new copies after so much: 30m, 2h, 50GiB"))
@click.option("--afresh", is_flag=True, help=_("begin anew instead of going on with an interrupted audit"))
@acts
def audit(
    call: Call, stores: tuple[str, ...], package: str | None, level: str, budget: str | None, afresh: bool
) -> Exit:
    from preserve import compose
    from preserve.operations.audit import AuditRequest
    from preserve.operations.audit import audit as look

    with call.workplace() as workplace:
        request = AuditRequest(
            level=Level(level),
            stores=stores,
            package=package,
            budget=parsed_budget(budget),
            afresh=afresh,
            policies=compose.policies(workplace.books),
        )
        workplace.progress.begin("reading copies again", None)
        report = look(workplace, request)
        return call.answer(_document(report), _lines(report), _code(workplace, report, stores))


def _code(workplace: Workplace, report: AuditReport, named: tuple[str, ...]) -> Exit:
    counts = report.counts
    if report.findings or counts.damaged or counts.missing or counts.unreadable or counts.overdue:
        return Exit.FINDINGS
    if report.is_in_vain:  # as long as the same is asked of the same stores
        return Exit.FINDINGS
    # An offline store is away by its nature; its copies become overdue in their time, and that is a finding.  One that
    # is there, and cannot be told to be that store, needs a person now.
    offline = {entry.name for entry in workplace.books.stores() if entry.role is Role.REMOTE_OFFLINE}
    return Exit.UNAVAILABLE if set(report.away) - (offline - set(named) - set(report.unidentified)) else Exit.WELL


def _document(report: AuditReport) -> dict[str, object]:
    counts = report.counts
    return {
        "run": report.run,
        "level": report.level.value,
        "resumed": report.is_resumed,
        "counts": {
            "sound": counts.sound,
            "damaged": counts.damaged,
            "missing": counts.missing,
            "unreadable": counts.unreadable,
            "not_checked": counts.not_checked,
            "overdue": counts.overdue,
        },
        "findings": [finding_document(finding) for finding in report.findings],
        "away": dict(report.away),
        "unidentified": list(report.unidentified),
        "not_attested": dict(report.unattested),
        "not_searched": list(report.unlisted),
        "leftovers": report.leftovers,
        "samples": [
            {
                "store": sample.store,
                "blocks": sample.blocks,
                "drawn": sample.drawn,
                "looked_at": sample.looked_at,
                "not_sound": sample.not_sound,
                "confidence_percent": sample.confidence_percent,
                "at_most_bad": sample.at_most_bad,
                "at_most_percent": sample.at_most_percent,
            }
            for sample in report.samples
        ],
        "bytes_read": report.bytes_read,
        "seconds": report.seconds,
    }


def _lines(report: AuditReport) -> Iterator[str]:
    counts = report.counts
    yield said("audit {run}, level {level}", run=report.run, level=report.level)
    if report.is_resumed:
        yield _("an interrupted audit was gone on with")
    yield from pairs(
        [
            (_("sound"), counts.sound),
            (_("damaged"), counts.damaged),
            (_("missing"), counts.missing),
            (_("unreadable"), counts.unreadable),
            (_("not checked"), counts.not_checked),
            (_("overdue"), counts.overdue),
            (_("read"), byte_count(report.bytes_read)),
        ]
    )
    yield from map(_sample_line, report.samples)
    for store, count in report.unattested.items():
        yield said(
            "store {store} does not attest digests of {count} copies, so these were not checked; look at them with"
            " --level sample or --level full",
            store=store,
            count=count,
        )
    for store, why in report.away.items():
        yield said("store {store} could not be looked at: {why}", store=store, why=why)
    if report.leftovers:
        yield said("{count} objects are left from unfinished work; they do no harm", count=report.leftovers)
    yield from finding_lines(report.findings)


def _sample_line(sample: SampleStatement) -> str:
    if sample.at_most_bad is None:
        return said(
            "{store}: nothing was read of {drawn} blocks drawn from {blocks}, so this sample says nothing of them",
            store=sample.store,
            drawn=sample.drawn,
            blocks=sample.blocks,
        )
    values = {
        "store": sample.store,
        "looked_at": sample.looked_at,
        "blocks": sample.blocks,
        "confidence": sample.confidence_percent,
        "percent": sample.at_most_percent,
    }
    if sample.looked_at < sample.drawn:
        return said(
            "{store}: only {looked_at} of {drawn} blocks drawn from {blocks} were read; counting the others as not"
            " sound, with {confidence} % confidence at most {percent} % are not sound",
            drawn=sample.drawn,
            **values,
        )
    return said(
        "{store}: {looked_at} of {blocks} blocks were drawn and read; with {confidence} % confidence at most"
        " {percent} % are not sound",
        **values,
    )


@click.command(
    help=_(
        "Mend damaged copies from sound blocks of any copy; only what is bad travels, and nothing is overwritten.\n\n"
        "Each repaired object is read back before its finding is closed.  Exit code 1 when something could not."
    )
)
@click.option("--package", metavar="ID", help=_("only this package"))
@acts
def repair(call: Call, package: str | None) -> Exit:
    from preserve.operations.repair import RepairRequest
    from preserve.operations.repair import repair as mend

    with call.workplace() as workplace:
        workplace.progress.begin("mending copies", None)
        report = mend(workplace, RepairRequest(package))
        return call.answer(_repair_document(report), _repair_lines(report), _repair_code(report))


def _repair_document(report: RepairReport) -> dict[str, object]:
    return {
        "repaired": [
            {
                "package": each.package,
                "store": each.store,
                "object": each.object,
                "generation": each.generation,
                "blocks": list(each.blocks),
                "from": dict(each.sources),
                "bytes_transferred": each.bytes_transferred,
                "how": each.how.value,
            }
            for each in report.repaired
        ],
        "not_repaired": [
            {
                "package": each.package,
                "store": each.store,
                "object": each.object,
                "why": error_said(each.why),
                "blocks": list(each.blocks),
                "files_lost": list(each.lost.names) if each.lost else [],
                "files_lost_count": each.lost.count if each.lost else None,
                "files_whole": each.files_whole,
            }
            for each in report.not_repaired
        ],
        "sound_again": [{"package": package, "store": store} for package, store in report.sound_again],
        "bytes_transferred": report.bytes_transferred,
        "seconds": report.seconds,
    }


def _repair_code(report: RepairReport) -> Exit:
    if not report.not_repaired:
        return Exit.WELL
    is_only_away = all(isinstance(each.why, Unavailable) for each in report.not_repaired)
    return Exit.UNAVAILABLE if is_only_away else Exit.FINDINGS


def _repair_lines(report: RepairReport) -> Iterator[str]:
    yield said(
        "objects mended: {repaired}, not mended: {left}; {size} read from sound copies and written anew",
        repaired=len(report.repaired),
        left=len(report.not_repaired),
        size=byte_count(report.bytes_transferred),
    )
    if report.repaired:
        rows = (
            (
                each.package,
                each.store,
                each.object,
                each.generation,
                len(each.blocks),
                ", ".join(each.sources),
                word(each.how),
            )
            for each in report.repaired
        )
        head = (_("package"), _("store"), _("object"), _("generation"), _("bad blocks"), _("taken from"), _("how"))
        yield from table(head, rows)
    for each in report.not_repaired[:MOST_LINES]:
        yield said("{package} in {store}, not mended: {why}", package=each.package, store=each.store, why=each.why)
        if each.lost:
            yield said("  {count} files are lost with it:", count=each.lost.count)
            yield from bounded(f"    {printable(path)}" for path in each.lost.names)
    if len(report.not_repaired) > MOST_LINES:
        yield said("… and {count} more (--json gives all)", count=len(report.not_repaired) - MOST_LINES)
