"""`preserve audit` and `preserve repair`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from preserve.cli.amounts import parsed_budget
from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.findings import finding_document, finding_lines
from preserve.cli.messages import _, counted, error_said, said
from preserve.cli.options import acts, reaches_stores
from preserve.cli.repaired import repair_lines
from preserve.cli.shortfalls import lost_line
from preserve.cli.tables import byte_count, pairs
from preserve.clock import stamp
from preserve.errors import Tampered, Unavailable
from preserve.model.nouns import Level

if TYPE_CHECKING:
    from preserve.model.audit import AuditCounts, SampleStatement
    from preserve.operations.audit import AuditReport, NotLookedAt
    from preserve.operations.repair import RepairReport
    from preserve.packages.thawing import Thawing


@click.command(
    help=_(
        "Read copies again and say which are sound, damaged, missing, unreadable, not checked, overdue.\n\n"
        "Sound means no more than the level looked at: at exists that the objects are listed with their sizes, at"
        " attested that the store's own digests fit, at sample that the blocks drawn do; only at full that every byte"
        " was read and fits.  A copy that is known to be bad counts as that until a full audit or a repair shows"
        " otherwise.\n\n"
        "Those most at risk come first.  An audit that was interrupted goes on where it was.  Level attested reads"
        " nothing: it checks only copies whose store gives digests of its own, and folders give none.  What lies beside"
        " the packages, the rescue kit and the ledger, is looked at too.\n\n"
        "Exit code 1 for findings, for copies that are overdue, or when no copy could be checked because no store"
        " attests any; 4 when a store attests another ledger; 75 when nothing was found and a store could not be looked"
        " at.  An offline store that is not attached is told of and does not count, until its copies are overdue or"
        " --store names it."
    )
)
@click.option("--store", "stores", metavar="NAME", multiple=True, help=_("only this store (may be repeated)"))
@click.option("--package", metavar="ID", help=_("only this package"))
@click.option(
    "--level",
    type=click.Choice(list(map(str, Level))),
    default=Level.FULL.value,
    show_default=True,
    help=_(
        "how deeply: exists lists the objects, attested asks the store for their digests, sample reads blocks drawn at"
        " random, full reads every byte"
    ),
)
@click.option("--budget", metavar="AMOUNT", help=_("begin no further copy after so much time or data: 30m, 2h, 50GiB"))
@click.option("--afresh", is_flag=True, help=_("begin anew instead of going on with an interrupted audit"))
@acts
@reaches_stores
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
            kit=compose.kit(),
        )
        workplace.progress.begin("reading copies again", None)
        report = look(workplace, request)
        return call.answer(_document(report), _lines(report), _code(report))


def _code(report: AuditReport) -> Exit:
    counts = report.counts
    if report.contradictions:
        return Exit.TAMPERED
    if report.findings or counts.damaged or counts.missing or counts.unreadable or counts.overdue:
        return Exit.FINDINGS
    if report.is_in_vain:  # as long as the same is asked of the same stores
        return Exit.FINDINGS
    return Exit.UNAVAILABLE if report.is_any_missed or report.is_any_frozen else Exit.WELL


def _document(report: AuditReport) -> dict[str, object]:
    return {
        "run": report.run,
        "level": report.level.value,
        "resumed": report.is_resumed,
        "begun_at": report.begun_at,
        "counts": _counts_document(report.counts),
        "findings": [finding_document(finding) for finding in report.findings],
        "contradictions": {store: error_said(error) for store, error in report.contradictions.items()},
        "away": dict(report.away),
        "unidentified": list(report.unidentified),
        "not_looked_at": [
            {
                "store": each.store,
                "expected": each.is_expected,
                "copies": each.copies,
                "overdue": each.overdue,
                "last_looked_at": each.last_at,
            }
            for each in report.not_looked_at
        ],
        "not_attested": dict(report.unattested),
        "thaws": [_thaw_document(each) for each in report.thaws],
        "not_searched": list(report.unlisted),
        "ended_by_budget": report.is_ended_by_budget,
        "waiting": report.waiting,
        "leftovers": report.leftovers,
        "samples": [_sample_document(each) for each in report.samples],
        "bytes_read": report.bytes_read,
        "seconds": report.seconds,
    }


def _counts_document(counts: AuditCounts) -> dict[str, object]:
    return {
        "sound": counts.sound,
        "damaged": counts.damaged,
        "missing": counts.missing,
        "unreadable": counts.unreadable,
        "not_checked": counts.not_checked,
        "overdue": counts.overdue,
    }


def _thaw_document(thawing: Thawing) -> dict[str, object]:
    return {
        "store": thawing.store,
        "readable": thawing.readable,
        "asked": len(thawing.asked),
        "asked_before": len(thawing.way),
        "beyond_budget": len(thawing.beyond),
        "expected_at": stamp(thawing.expected_at) if thawing.expected_at else None,
    }


def _sample_document(sample: SampleStatement) -> dict[str, object]:
    return {
        "store": sample.store,
        "blocks": sample.blocks,
        "drawn": sample.drawn,
        "looked_at": sample.looked_at,
        "not_sound": sample.not_sound,
        "confidence_percent": sample.confidence_percent,
        "at_most_bad": sample.at_most_bad,
        "at_most_percent": sample.at_most_percent,
    }


def _lines(report: AuditReport) -> Iterator[str]:
    counts = report.counts
    yield said("audit {run}, level {level}", run=report.run, level=report.level)
    if report.is_resumed:
        begun = moment_shown(report.begun_at)
        yield said("this audit continues one that was begun at {begun} and interrupted; both count", begun=begun)
    yield from pairs(
        [
            (_sound_label(report.level), counts.sound),
            (_("damaged"), counts.damaged),
            (_("missing"), counts.missing),
            (_("unreadable"), counts.unreadable),
            (_("not checked"), counts.not_checked),
            (_("overdue"), counts.overdue),
            (_("bytes read"), byte_count(report.bytes_read)),
        ]
    )
    yield from map(_sample_line, report.samples)
    yield from _budget_lines(report)
    for store, count in report.unattested.items():
        yield counted(
            "store {store} attests no digests of {count} copy, which was not checked; look at it with --level sample or"
            " --level full",
            "store {store} attests no digests of {count} copies, which were not checked; look at them with --level"
            " sample or --level full",
            count,
            store=store,
        )
    for thawing in report.thaws:
        if thawing.is_waiting:
            yield error_said(thawing.error())
    for contradiction in report.contradictions.values():
        yield said("ALARM: {why}", why=contradiction)
    for each in report.not_looked_at:
        yield from _absence_lines(each, report.away[each.store])
    if report.leftovers:
        yield counted(
            "{count} object is left from unfinished work; it does no harm",
            "{count} objects are left from unfinished work; they do no harm",
            report.leftovers,
        )
    yield from finding_lines(report.findings)


def _sound_label(level: Level) -> str:
    """What "sound" means at a level: no more than was looked at."""
    labels = {
        Level.EXISTS: _("sound (listed with its size, no byte read)"),
        Level.ATTESTED: _("sound (by the store's own digests, no byte of records read)"),
        Level.SAMPLE: _("sound (in the blocks drawn, the others not read)"),
        Level.FULL: _("sound"),
    }
    return labels[level]


def _budget_lines(report: AuditReport) -> Iterator[str]:
    """What the budget left undone, and how to go on."""
    if not report.is_ended_by_budget:
        return
    if report.waiting:
        yield counted(
            "the budget ended this audit: {count} copy waits for the next; the same command goes on with those whose"
            " bytes nobody has read for longest",
            "the budget ended this audit: {count} copies wait for the next; the same command goes on with those whose"
            " bytes nobody has read for longest",
            report.waiting,
        )
    else:
        yield _(
            "the budget ended this audit before all was done; the same command looks again, and a larger budget further"
        )
    if report.unlisted:
        yield said("  not searched for what nobody expects: {stores}", stores=", ".join(report.unlisted))


def _absence_lines(absent: NotLookedAt, why: str) -> Iterator[str]:
    if absent.is_arranged:
        yield said("NOT LOOKED AT: {why}", why=why)
    elif absent.is_expected:
        yield said("offline store {store} is not attached: NOT LOOKED AT", store=absent.store)
    else:
        yield said("store {store} could not be looked at: {why}", store=absent.store, why=why)
    if absent.copies:
        yield counted(
            "  {count} copy in it was last looked at on {moment}; overdue by policy: {overdue}",
            "  {count} copies in it were last looked at on {moment}; overdue by policy: {overdue}",
            absent.copies,
            moment=moment_shown(absent.last_at),
            overdue=absent.overdue,
        )
    if (absent.overdue and not absent.is_arranged) or not (absent.is_expected or absent.is_arranged):
        yield f"  {lost_line(absent.store)}"


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
        "Each repaired object is read back before its finding is closed.  What is harmed beside the packages is made"
        " anew: the rescue kit from this program, the ledger from the books.  Exit code 1 when something could not be"
        " mended, 4 when a store attests another ledger."
    )
)
@click.option("--package", metavar="ID", help=_("only this package"))
@click.option("--finding", metavar="ID", help=_("only what this finding is about"))
@acts
@reaches_stores
def repair(call: Call, package: str | None, finding: str | None) -> Exit:
    from preserve import compose
    from preserve.operations.repair import RepairRequest
    from preserve.operations.repair import repair as mend

    if package is not None and finding is not None:
        raise click.UsageError(_("give either --package or --finding"))
    with call.workplace() as workplace:
        workplace.progress.begin("mending copies", None)
        report = mend(workplace, RepairRequest(package, finding, kit=compose.kit(), signer=compose.signer(call.home())))
        return call.answer(_repair_document(report), repair_lines(report), _repair_code(report))


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
                "bytes_read": each.bytes_read,
                "bytes_written": each.bytes_written,
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
                "loss_proved": each.is_loss_proved,
                "files_lost": list(each.without.names) if each.without and each.is_loss_proved else [],
                "files_lost_count": each.without.count if each.without and each.is_loss_proved else None,
                "files_not_in_reach": list(each.without.names) if each.without and not each.is_loss_proved else [],
                "files_not_in_reach_count": each.without.count if each.without and not each.is_loss_proved else None,
                "copies_away": list(each.away),
                "copies_unreadable": list(each.unread),
                "files_whole": each.files_whole,
            }
            for each in report.not_repaired
        ],
        "right_again": [finding_document(finding) for finding in report.right_again],
        "left_alone": [finding_document(finding) for finding in report.left_alone],
        "sound_again": [{"package": package, "store": store} for package, store in report.sound_again],
        "bytes_transferred": report.bytes_transferred,
        "bytes_read": report.bytes_read,
        "bytes_written": report.bytes_written,
        "seconds": report.seconds,
    }


def _repair_code(report: RepairReport) -> Exit:
    if not report.not_repaired:
        return Exit.WELL
    if any(isinstance(each.why, Tampered) for each in report.not_repaired):
        return Exit.TAMPERED
    is_only_away = all(isinstance(each.why, Unavailable) for each in report.not_repaired)
    return Exit.UNAVAILABLE if is_only_away else Exit.FINDINGS
