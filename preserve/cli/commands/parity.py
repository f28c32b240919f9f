"""`preserve parity`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, said
from preserve.cli.options import acts, reaches_stores
from preserve.cli.parity import report_document, report_lines, worse_of

if TYPE_CHECKING:
    from preserve.operations.make_parity import ParityReport


@click.command(
    help=_(
        "Make the parity that policy wants beside copies and that is not there, out of sound bytes.\n\n"
        "Where `parity_percent` stands in [[copies]], each such copy is mended out of its own store, though so many of"
        " its sectors are bad and no other copy is in reach.  `ingest`, `replicate` and the runner make it by"
        " themselves; this makes what is missing, after a policy was changed say.  Exit code 1 when some could not be"
        " made; 75 when all that is missing is a store that is away."
    )
)
@click.option("--store", "stores", metavar="NAME", multiple=True, help=_("only in this store (may be repeated)"))
@click.option("--package", metavar="ID", help=_("only of this package"))
@acts
@reaches_stores
def parity(call: Call, stores: tuple[str, ...], package: str | None) -> Exit:
    from preserve import compose
    from preserve.operations.make_parity import ParityRequest, make_parity

    with call.workplace() as workplace:
        request = ParityRequest(compose.policies(workplace.books), stores, package)
        report = make_parity(workplace, request)
        return call.answer(report_document(report), _lines(report), worse_of(Exit.WELL, report))


def _lines(report: ParityReport) -> Iterator[str]:
    yield said("parity made: {made}; still due: {left}", made=report.made_count, left=report.not_made_count)
    yield from report_lines(report)
