"""`preserve migrate stopped|decide|viewed`: a person looks at what was made, and says what becomes of stopped files."""

from __future__ import annotations

from pathlib import Path

import click

from preserve.cli import voices
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _
from preserve.cli.options import acts, asks, reaches_stores
from preserve.errors import Misused

NUMBER = click.argument("number", metavar="NUMBER", type=click.IntRange(min=1))
FILES_TOLD = 20


@click.command(
    help=_(
        "List files that a migration stopped and that wait for a person: what was lost, and where in the home what was"
        " made and the pages that look otherwise lie.\n\n"
        "Exit code 1 where files wait, 75 where a store that may have the log of a package is away."
    )
)
@NUMBER
@click.option("--package", metavar="ID", help=_("only of this original package"))
@click.option(
    "--most",
    metavar="N",
    type=click.IntRange(min=1),
    default=FILES_TOLD,
    show_default=True,
    help=_("tell so many files at most"),
)
@click.option(
    "--to",
    "lay_into",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help=_("copy what was made of them, and the pictures, into a new folder, under the names that people know"),
)
@asks
@reaches_stores
def stopped(call: Call, number: int, package: str | None, most: int, lay_into: Path | None) -> Exit:
    from preserve.cli.stopped_files import stopped_document, stopped_lines
    from preserve.errors import Unavailable
    from preserve.operations.decide_files import StoppedRequest, stopped_files

    with call.workplace(patient=False) as workplace:
        request = StoppedRequest(number, call.home().migrations, package, most, lay_into)
        report = stopped_files(workplace, request)
    code = Exit.FINDINGS if report.waiting or report.under_way else Exit.WELL
    if report.missing and not report.files and all(isinstance(why, Unavailable) for why in report.missing.values()):
        code = Exit.UNAVAILABLE
    return call.answer(stopped_document(report), stopped_lines(report, voices.person()), code)


@click.command(
    help=_(
        "Decide about files that a migration stopped, each by its name: --accept has what was made of them come into a"
        " further version with the next run, in spite of what was lost; --reject leaves their originals alone.\n\n"
        "`preserve migrate stopped NUMBER` shows them.  Who ran the migration or audits it cannot decide, and who"
        " decided cannot carry it out.  Either all named files are decided about, or none."
    )
)
@NUMBER
@click.option("--package", metavar="ID", required=True, help=_("the original package"))
@click.option(
    "--file",
    "files",
    metavar="PATH",
    multiple=True,
    required=True,
    help=_("a stopped file, by its name below data/; may be given several times"),
)
@click.option("--accept", "is_accepted", is_flag=True, help=_("what was made of them comes into a further version"))
@click.option("--reject", "is_rejected", is_flag=True, help=_("their originals are left alone"))
@acts
@reaches_stores
def decide(call: Call, number: int, package: str, files: tuple[str, ...], is_accepted: bool, is_rejected: bool) -> Exit:
    from preserve.cli.stopped_files import decided_document, decided_lines
    from preserve.operations.decide_files import DecideRequest, decide_files

    if is_accepted == is_rejected:
        raise Misused(
            "say either --accept or --reject; `preserve migrate stopped {migration}` shows the files", migration=number
        )
    if not call.is_reason_given:
        raise Misused("say with --reason why: it stands in the ledger for good, beside the name of the file")
    with call.workplace(patient=False) as workplace:
        request = DecideRequest(number, call.home().migrations, package, files, is_accepted)
        report = decide_files(workplace, request)
    return call.answer(decided_document(report), decided_lines(report, voices.person()))


@click.command(
    help=_(
        "Book that you looked at what was made of files and held it against the originals: of the sample of the last"
        " pilot (--pilot), or of what a run made of a package.\n\n"
        "`preserve migrate report` tells how many of how many files people looked at, and who; so does the risk log of"
        " what is run later.  Without --file all files of the sample, or of the package, are meant."
    )
)
@NUMBER
@click.option("--pilot", "of_pilot", is_flag=True, help=_("files of the sample of the last pilot"))
@click.option("--package", metavar="ID", help=_("files of this original package"))
@click.option("--file", "files", metavar="PATH", multiple=True, help=_("only this one; may be given several times"))
@acts
@reaches_stores
def viewed(call: Call, number: int, of_pilot: bool, package: str | None, files: tuple[str, ...]) -> Exit:
    from preserve.cli.stopped_files import viewed_document, viewed_lines
    from preserve.operations.view_files import ViewRequest, view_files

    if not (of_pilot or package):
        raise Misused("say with --pilot or --package ID what you looked at")
    if not call.is_reason_given:
        raise Misused("say with --reason what you found: it stands in the ledger for good")
    with call.workplace(patient=False) as workplace:
        report = view_files(workplace, ViewRequest(number, call.home().migrations, files, package, of_pilot))
    return call.answer(viewed_document(report), viewed_lines(report, voices.person()))


COMMANDS = (stopped, decide, viewed)
