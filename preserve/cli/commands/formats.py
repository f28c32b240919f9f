"""`preserve format`: which formats the holdings are in, how endangered each is, and what is believed of them."""

from __future__ import annotations

from pathlib import Path

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.messages import _
from preserve.cli.options import acts


@click.group("format", cls=Group, help=_("File formats: what endangers them, and what that means for what is kept."))
def format_group() -> None:
    pass


@format_group.command(
    "import-nara",
    help=_(
        "Take in the File Format Risk Matrix of the U.S. National Archives (NARA), once every figure of it was"
        " recomputed from its answers.\n\n"
        "FILE: the CSV files as NARA publishes them, in any order: the numbered matrix, the weights (compared with our"
        " rule), the preservation action plan (which says the PUID of each format).  What does not agree is listed; the"
        " published figures count all the same.  Exit code 1 when a figure or a weight does not agree."
    ),
)
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@acts
def import_nara(call: Call, files: tuple[Path, ...]) -> Exit:
    from preserve import compose
    from preserve.cli.ratings import import_document, import_lines
    from preserve.operations.import_ratings import import_ratings

    rule = compose.risk_rule()
    request = compose.nara_request(files)
    with call.workplace() as workplace:
        report = import_ratings(workplace, rule, request)
        if not request.has_puids:
            call.warn(
                "without the preservation action plan no PUID of any format is known; import it together with the"
                " matrix"
            )
        code = Exit.FINDINGS if report.contradicts else Exit.WELL
        return call.answer(import_document(report), import_lines(report, rule), code)
