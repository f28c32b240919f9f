"""`preserve format`: which formats the holdings are in, how endangered each is, and what is believed of them."""

from __future__ import annotations

from pathlib import Path

import click

from preserve.cli.calls import Call
from preserve.cli.commands import identifying
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.messages import _
from preserve.cli.options import acts, asks
from preserve.errors import Refused


@click.group("format", cls=Group, help=_("File formats: what endangers them, and what that means for what is kept."))
def format_group() -> None:
    pass


@format_group.command(
    "about",
    help=_(
        "Show what is known of one format: what it is, who reads it and whether that is on this machine, where it is"
        " accepted, how endangered it is and why.\n\n"
        "PUID: PRONOM's identifier (fmt/40), one of ours (preserve/ofd-1), or the register's name (word-97-2003)."
    ),
)
@click.argument("puid", metavar="PUID")
@asks
def about(call: Call, puid: str) -> Exit:
    from preserve import compose
    from preserve.cli.format_facts import format_document, format_lines, known_format

    with call.workplace(patient=False) as workplace:
        ratings = compose.format_ratings(workplace.books)
        shown = known_format(ratings, puid)
        if shown is None:
            raise Refused(
                "neither the register nor the published ratings know a format {puid}; `preserve format import-nara`"
                " brings the ratings",
                puid=puid,
            )
        alive = compose.readers_alive(ratings.register.readers_of([shown.format]), workplace.work)
        return call.answer(format_document(shown, alive), format_lines(shown, ratings, alive))


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


for _command in (identifying.identify, identifying.list_formats, identifying.show):
    format_group.add_command(_command)
