"""`preserve accession list|abandon`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.messages import _, error_said, said, word
from preserve.cli.options import acts, asks
from preserve.cli.tables import bounded, byte_count, table
from preserve.errors import Misused
from preserve.model.entries import AccessionState

if TYPE_CHECKING:
    from preserve.operations.abandon import AbandonReport


@click.group(cls=Group, help=_("Accessions: list what was taken in, and give up what nobody can finish."))
def accession() -> None:
    pass


@accession.command("list", help=_("List the accessions: when, from where, into which packages."))
@click.option("--open", "only_open", is_flag=True, help=_("only those that are not finished"))
@asks
def list_accessions(call: Call, only_open: bool) -> Exit:
    with call.workplace(patient=False) as workplace:
        state = AccessionState.OPEN if only_open else None
        documents = (
            {
                "id": entry.id,
                "source": entry.source,
                "begun_at": entry.accession_at,
                "state": entry.state.value,
                "packages": list(entry.packages),
            }
            for entry in workplace.books.accessions(state)
        )
        rows = (
            (entry.id, moment_shown(entry.accession_at), word(entry.state), len(entry.packages), entry.source)
            for entry in workplace.books.accessions(state)
        )
        head = (_("accession id"), _("begun"), _("state"), _("packages"), _("source"))
        return call.answer({"accessions": documents}, table(head, rows))


@accession.command(
    help=_(
        "Give up an accession that was begun and that nobody can finish, because its source is gone.\n\n"
        "Packages of it that are booked stay.  Those that a store holds whole are taken in; audit and replicate them"
        " next.  What is left of the others stays in the stores, and audits count it as left from unfinished work."
        "  Needs --reason.  Exit code 1 while a store that could not be asked may hold more."
    )
)
@click.argument("identifier", metavar="ACCESSION")
@acts
def abandon(call: Call, identifier: str) -> Exit:
    from preserve.operations.abandon import abandon as give_up

    if not call.is_reason_given:
        raise Misused("an accession is given up for a reason, which the ledger keeps: add --reason TEXT")
    with call.workplace() as workplace:
        report = give_up(workplace, identifier)
        return call.answer(_document(report), _lines(report), Exit.FINDINGS if report.away else Exit.WELL)


def _document(report: AbandonReport) -> dict[str, object]:
    return {
        "accession": report.accession.id,
        "state": report.accession.state.value,
        "kept": list(report.kept),
        "taken_in": list(report.taken_in),
        "given_up": list(report.given_up),
        "remains": [{"store": each.store, "objects": each.objects, "bytes": each.bytes} for each in report.remains],
        "away": {name: error_said(why) for name, why in report.away.items()},
    }


def _lines(report: AbandonReport) -> Iterator[str]:
    identifier = report.accession.id
    if report.accession.state is AccessionState.ABANDONED:
        yield said("accession {accession} was given up", accession=identifier)
    else:
        yield said("accession {accession} is finished: all its packages were whole in a store", accession=identifier)
    yield from bounded(said("  {package} was in the books, and is kept", package=package) for package in report.kept)
    yield from bounded(
        said("  {package} was whole in a store, and is taken in", package=package) for package in report.taken_in
    )
    yield from bounded(
        said("  {package} was whole nowhere, and is given up", package=package) for package in report.given_up
    )
    for each in report.remains:
        yield said(
            "  store {store} keeps {count} objects of it ({size}), which no command uses; audits know them",
            store=each.store,
            count=each.objects,
            size=byte_count(each.bytes),
        )
    for name, why in report.away.items():
        yield said("store {store} could not be asked and may hold more: {why}", store=name, why=why)
    if report.away:
        yield _("run the same command again when it can be reached")
    if report.taken_in:
        yield _("next: `preserve audit` reads what was taken in, `preserve replicate` makes its other copies")
