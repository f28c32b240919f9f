"""`preserve medium check-out|check-in`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.incidents import incident_document, incident_lines
from preserve.cli.media import day, medium_document
from preserve.cli.messages import _, counted, said, sentence_said
from preserve.cli.options import acts
from preserve.model.medium_register import CarrierCondition, CheckIn, CheckOut, Custody, Purpose

if TYPE_CHECKING:
    from preserve.operations.check_in import CheckInReport
    from preserve.operations.check_out import CheckOutReport


@click.command(
    "check-out",
    help=_(
        "Label a mounted medium and book who takes it, under which seal, what for.\n\n"
        "Until it is checked in nothing is written to it, wherever it is mounted; reading is not kept from anybody."
        "  One under seal goes out unopened under the same seal, and need not be mounted.  Set C is never lent, set A"
        " only where somebody allows it.  One that nobody inspected since it was written, or that waits to be inspected"
        " or refreshed, leaves with a warning."
    ),
)
@click.argument("number", metavar="NUMBER")
@click.option("--to", "person", metavar="WHO", required=True, help=_("who takes it"))
@click.option("--seal", metavar="NO", required=True, help=_("the number of the seal put on it"))
@click.option(
    "--purpose",
    type=click.Choice([each.value for each in Purpose]),
    default=Purpose.DEPOSIT.value,
    show_default=True,
    help=_("what for: deposit takes it to where it is kept"),
)
@click.option("--due-back", metavar="DAY", help=_("by when it is to be back, or received"))
@click.option("--approved-by", metavar="NAME", help=_("who allows that it is lent"))
@acts
def check_out(
    call: Call, number: str, person: str, seal: str, purpose: str, due_back: str | None, approved_by: str | None
) -> Exit:
    from preserve import compose
    from preserve.operations.check_out import check_out as go_out
    from preserve.operations.label_medium import label_medium
    from preserve.operations.watch_media import media_duties

    out = CheckOut(person, seal, Purpose(purpose), day(due_back, "--due-back"), approved_by or "")
    label = partial(label_medium, signer=compose.signer(call.home()), kit=compose.kit())
    with call.workplace() as workplace:
        due = media_duties(workplace.books, compose.medium_rules(workplace.books), with_copies=False)
        report = go_out(workplace, number, out, label, due)
        document = {
            **medium_document(report.medium),
            "labelled": report.laid is not None,
            "unlooked": list(map(sentence_said, report.unlooked)),
        }
        return call.answer(document, _out_lines(report))


def _out_lines(report: CheckOutReport) -> Iterator[str]:
    medium = report.medium
    if report.laid is not None:
        yield counted(
            "label {number} lies on medium {medium}, with the digests of {count} package",
            "label {number} lies on medium {medium}, with the digests of {count} packages",
            report.laid.contents.packages,
            number=report.laid.label.generation,
            medium=medium.number,
        )
    yield said(
        "medium {medium} is out with {person}, under seal {seal}; unmount it now",
        medium=medium.number,
        person=medium.held_by,
        seal=medium.seal,
    )
    for why in report.unlooked:
        yield said(
            "warning: medium {medium} leaves, and should not be relied on yet: {reason}",
            medium=medium.number,
            reason=sentence_said(why),
        )
    if report.unlooked:
        yield said(
            "  `preserve medium inspect {medium} --condition good` reads what is on it and books how it looks; best"
            " before it leaves",
            medium=medium.number,
        )


@click.command(
    "check-in",
    help=_(
        "Book a medium as received: compare its seal, see that it is the one that left, count what is on it.\n\n"
        "With --sealed the seal stays closed and the medium lies at its place; else it must be mounted.  A broken seal"
        " or another one is an incident, and makes every copy on it suspect until `preserve medium inspect` has read"
        " them.  A clone, or an older copy, is not checked in.  Exit code 1 where an incident is open about it."
    ),
)
@click.argument("number", metavar="NUMBER")
@click.option("--seal", metavar="NO", default="", help=_("the number of the seal on it; none: leave it out"))
@click.option("--broken", is_flag=True, help=_("the seal is there and was opened or damaged"))
@click.option("--sealed", "stays_sealed", is_flag=True, help=_("the seal is not opened now"))
@click.option("--place", metavar="TEXT", default="", help=_("where it is now (default: where it is kept)"))
@click.option(
    "--condition",
    type=click.Choice([each.value for each in CarrierCondition]),
    default=CarrierCondition.NOT_LOOKED_AT.value,
    show_default=True,
    help=_("how the carrier looks"),
)
@click.option("--serial", metavar="TEXT", default="", help=_("the serial number read from the medium itself"))
@click.option("--certain", is_flag=True, help=_("the medium's own label says which one it is, and it is no copy"))
@acts
def check_in(
    call: Call,
    number: str,
    seal: str,
    broken: bool,
    stays_sealed: bool,
    place: str,
    condition: str,
    serial: str,
    certain: bool,
) -> Exit:
    from preserve.operations.check_in import CheckInRequest
    from preserve.operations.check_in import check_in as come_in

    custody = Custody.SEALED if stays_sealed else Custody.AT_HAND
    back = CheckIn(seal, not broken, custody, place, CarrierCondition(condition))
    with call.workplace() as workplace:
        report = come_in(workplace, CheckInRequest(number, back, serial, certain))
        document = {
            **medium_document(report.medium),
            "accepted": report.is_accepted,
            "packages": report.packages,
            "packages_expected": report.expected,
            "made_suspect": report.made_suspect,
            "incidents": [incident_document(each) for each in report.incidents],
        }
        return call.answer(document, _in_lines(report), Exit.FINDINGS if report.incidents else Exit.WELL)


def _in_lines(report: CheckInReport) -> Iterator[str]:
    medium = report.medium
    if not report.is_accepted:
        yield said("medium {medium} was NOT checked in; it is still out", medium=medium.number)
    elif medium.custody is Custody.SEALED:
        yield said(
            "medium {medium} is at {place}, under seal {seal}; nobody has looked at what is on it",
            medium=medium.number,
            place=medium.particulars.place or "-",
            seal=medium.seal or "-",
        )
    elif medium.is_burned:
        yield said("medium {medium} is at hand; it was burned, and nothing more is written to it", medium=medium.number)
    else:
        yield said("medium {medium} is at hand, and may be written again", medium=medium.number)
    if report.packages is not None:
        yield said("packages on it: {found}, by the books {expected}", found=report.packages, expected=report.expected)
    if report.made_suspect:
        yield counted("{count} copy on it is suspect now", "{count} copies on it are suspect now", report.made_suspect)
    yield from incident_lines(report.incidents)
