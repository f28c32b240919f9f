"""`preserve format`: which formats the holdings are in, how endangered each is, and what is believed of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli import voices
from preserve.cli.calls import Call
from preserve.cli.commands import identifying, settling
from preserve.cli.exits import Exit
from preserve.cli.help import Group
from preserve.cli.messages import _, said
from preserve.cli.options import acts, asks
from preserve.errors import Misused, Refused

if TYPE_CHECKING:
    from preserve.model.formats.risk_rule import RiskRule
    from preserve.model.formats.standing import OddityHeld
    from preserve.operations.rate_formats import RatingReport
    from preserve.state.ratings import RecordedRisk


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


@format_group.command(
    help=_(
        "Say how endangered the holdings are by the formats they are in, why, and what should be done.\n\n"
        "Risk = format (its rating, and whether anything on this machine reads it) x amount x importance (retention, by"
        " policy) x trend (against what `preserve format record` wrote down).  Exit code 1 when something must be done:"
        " a migration planned, files recognised, a format rated, packages identified."
    )
)
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help=_("write it as a page with charts"))
@click.option(
    "--language", type=click.Choice(["zh", "en"]), help=_("the language of the page (default: that of the environment)")
)
@click.option(
    "--history", metavar="FILE", type=click.Path(path_type=Path), help=_("write all records up to now as Parquet")
)
@asks
def risk(call: Call, html: Path | None, language: str | None, history: Path | None) -> Exit:
    from preserve import compose
    from preserve.cli.format_risk import risk_document, risk_lines
    from preserve.operations.rate_formats import rate_formats

    if language is not None and html is None:
        raise Misused("--language says in which language the page of --html is; for the terminal set LANG")
    with call.workplace(patient=False) as workplace:
        request = compose.rating_request(workplace)
        report = rate_formats(workplace, request)
        if history is not None:
            compose.write_risk_history(workplace.books, history)
        rule, voice = request.ratings.rule, voices.person()
        if html is not None:
            recorded, odd = tuple(workplace.books.format_risks()), workplace.books.oddities_held()
            _write_page(html, report, recorded, odd, rule, language)
        code = Exit.WELL if report.is_well else Exit.FINDINGS
        return call.answer(risk_document(report, rule, voice), risk_lines(report, rule, voice), code)


def _write_page(
    file: Path,
    report: RatingReport,
    recorded: Sequence[RecordedRisk],
    odd: Sequence[OddityHeld],
    rule: RiskRule,
    language: str | None,
) -> None:
    from preserve.cli.page.formats import risk_page
    from preserve.durable import write_file

    voice = {"zh": voices.chinese, "en": voices.english}.get(language or "", voices.person)()
    try:
        write_file(file.absolute(), risk_page(report, recorded, odd, rule, voice).encode())
    except OSError as error:
        raise Refused("{file} could not be written: {why}", file=file, why=error.strerror) from error


@format_group.command(
    help=_(
        "Write down how endangered the holdings are today, in the ledger: later judgements tell the trend by it.\n\n"
        "The history lies in the home too, as history/format-risk.parquet, for other tools; it follows from the ledger."
    )
)
@acts
def record(call: Call) -> Exit:
    from preserve import compose
    from preserve.cli.format_risk import unknowns
    from preserve.operations.rate_formats import rate_formats, record_risk

    with call.workplace() as workplace:
        report = rate_formats(workplace, compose.rating_request(workplace))
        records = record_risk(workplace, report)
        file = call.home().risk_history
        compose.write_risk_history(workplace.books, file)
        document = {"formats": len(report.risks), "not_identified": report.not_identified, "records": records}
        told = said(
            "recorded: {formats} formats; there are {records} records now, also in {file}",
            formats=len(report.risks),
            records=records,
            file=file,
        )
        return call.answer({**document, "history": str(file)}, [*unknowns(report, voices.person()), told])


for _command in (identifying.identify, identifying.list_formats, identifying.show, settling.settle, settling.settled):
    format_group.add_command(_command)
