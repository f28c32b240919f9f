"""`preserve migrate pilot` and `preserve migrate run`: try a migration out, and carry it out."""

from __future__ import annotations

from functools import reduce
from itertools import chain

import click

from preserve.cli import identified
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _
from preserve.cli.options import acts, reaches_stores
from preserve.errors import Misused
from preserve.model.formats.pilot_samples import DEFAULT_SAMPLE, LARGEST_SAMPLE

NUMBER = click.argument("number", metavar="NUMBER", type=click.IntRange(min=1))


@click.command(
    help=_(
        "Try a planned migration out: each pathway that it considers converts a sample of its files, and what comes of"
        " it is judged, marked and ranked.\n\n"
        "The sample has some files of every sort (format, size, year and category of the records, what is odd about"
        " them), and is drawn by a seed that stands in the ledger.  Nothing comes into force.  Exit code 1 when a"
        " pathway could not be tried, or made nothing that passed."
    )
)
@NUMBER
@click.option("--pathway", "pathways", metavar="NAME", multiple=True, help=_("try only this one"))
@click.option(
    "--sample",
    metavar="N",
    type=click.IntRange(1, LARGEST_SAMPLE),
    default=DEFAULT_SAMPLE,
    show_default=True,
    help=_("how many files to draw"),
)
@click.option("--seed", metavar="TEXT", help=_("draw the sample by this again (default: by lot)"))
@acts
@reaches_stores
def pilot(call: Call, number: int, pathways: tuple[str, ...], sample: int, seed: str | None) -> Exit:
    from preserve import chance, compose
    from preserve.cli.migration_work import pilot_code, pilot_document, pilot_lines
    from preserve.operations.pilot_migration import pilot_migration

    with call.workplace() as workplace, compose.identifier(workplace) as identifier:
        request = compose.pilot_request(call.home(), workplace, number, pathways, seed or chance.token(10), sample)
        report = pilot_migration(workplace, request, compose.workshop(workplace), identifier)
        return call.answer(pilot_document(report), pilot_lines(report), pilot_code(report))


@click.command(
    help=_(
        "Run a migration that was approved: its files are converted in a sandbox, judged, and become a new version"
        " beside each package.  No original is touched.\n\n"
        "Who approved it cannot run it, and neither can the auditor.  What is done is kept: an interrupted run goes on"
        " where it was.  A file with a loss that nobody declared is kept for review; too many of them stop the job."
        "  Exit code 1 when it stopped, files wait for a person, failed or were given to no tool, or a package could"
        " not be read; 75 when all that is left waits for a store that is away."
    )
)
@NUMBER
@click.option("--auditor", metavar="NAME", help=_("who looks after it (the first time; a third person)"))
@click.option("--most", metavar="N", type=click.IntRange(min=1), help=_("convert at most so many files now"))
@click.option("--most-seconds", metavar="N", type=click.IntRange(min=1), help=_("begin nothing more after so long"))
@acts
@reaches_stores
def run(call: Call, number: int, auditor: str | None, most: int | None, most_seconds: int | None) -> Exit:
    from preserve import compose
    from preserve.cli.migration_work import run_code, run_document, run_lines
    from preserve.operations.run_migration import run_migration

    with call.workplace() as workplace:
        looked_after_by = auditor or workplace.books.migration(number).auditor
        if not looked_after_by:
            raise Misused("name with --auditor who looks after this migration; nobody approves, runs and audits alone")
        request = compose.run_request(
            call.home(), workplace, number, call.actor().actor, looked_after_by, most, most_seconds
        )
        with compose.identifier(workplace) as identifier:
            report = run_migration(workplace, request, compose.workshop(workplace), identifier)
        # New versions are identified as any package is, where their policy asks for it at once.
        formats = identified.told_of(workplace, [made.id for ended in report.ended for made in ended.made])
        document = {**run_document(report), "formats": list(map(identified.report_document, formats))}
        lines = chain(run_lines(report), *map(identified.report_lines, formats))
        return call.answer(document, lines, reduce(identified.worse_of, formats, run_code(report)))


COMMANDS = (pilot, run)
