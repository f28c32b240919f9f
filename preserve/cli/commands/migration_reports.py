"""`preserve migrate report`: what became of files that were converted, and what was lost."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli import voices
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, said
from preserve.cli.options import asks, reaches_stores
from preserve.errors import Misused, Refused
from preserve.model.formats.risk_counts import By, Narrowed

if TYPE_CHECKING:
    from preserve.cli.voices import Voice
    from preserve.model.formats.pathways import Pathway
    from preserve.operations.report_migration import MigrationReport

FILES_ON_PAGE = 100
FILES_ON_TERMINAL = 20


@click.command(
    help=_(
        "Report on migrations out of the ledger and their risk logs: who planned, approved and ran them, what became of"
        " each file, what was lost, and who accepted that.\n\n"
        "NUMBER: of one migration; without it, of all.  The logs are those that the ledger pins, in the home or, where"
        " it was lost, in the new packages.  Exit code 1 when the log of a package is in neither, or"
        " that in the home was changed, 75 when it may be in a store that is away."
    )
)
@click.argument("number", metavar="[NUMBER]", type=click.IntRange(min=1), required=False)
@click.option("--by", type=click.Choice([each.value for each in By]), help=_("count files and losses by this"))
@click.option("--package", metavar="ID", help=_("only of this original package, file by file"))
@click.option("--file", "path", metavar="PATH", help=_("only of files with this name below data/"))
@click.option(
    "--csv", "table", metavar="FILE", type=click.Path(path_type=Path), help=_("write every file and loss as a table")
)
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=_("write it as a page with pictures of what differs, to look at or to print"),
)
@click.option("--language", type=click.Choice(["zh", "en"]), help=_("in which language the page is written"))
@click.option(
    "--disclosure", "discloses", is_flag=True, help=_("tell it in the six fields in which such acts are made public")
)
@click.option("--pilot", "of_pilot", is_flag=True, help=_("of the last pilot of migration NUMBER, before it runs"))
@asks
@reaches_stores
def report(
    call: Call,
    number: int | None,
    by: str | None,
    package: str | None,
    path: str | None,
    table: Path | None,
    html: Path | None,
    language: str | None,
    discloses: bool,
    of_pilot: bool,
) -> Exit:
    from preserve.cli.page.migration import migration_page
    from preserve.operations.report_migration import ReportRequest, report_migrations

    if language is not None and html is None:
        raise Misused("--language says in which language the page of --html is; for the terminal set LANG")
    if of_pilot:
        if number is None or by or package or path or table or discloses:
            raise Misused("--pilot wants the NUMBER of a migration, and nothing else but --html and --language")
        return _of_pilot(call, number, html, language)
    with call.workplace(patient=False) as workplace:
        whole_id = None if package is None else workplace.books.package(package).id
        narrowed = Narrowed(whole_id, None if path is None else os.fsencode(path))
        wanted = None if by is None else By(by)
        request = ReportRequest(
            migrations=call.home().migrations,
            number=number,
            by=tuple(By) if html is not None else () if wanted is None else (wanted,),
            narrowed=narrowed,
            most_files=FILES_ON_PAGE if html is not None else FILES_ON_TERMINAL if narrowed != Narrowed() else 0,
            tells_course=html is not None or discloses,
        )
        found = report_migrations(workplace, request)
        if table is not None:
            _write_csv(table, found)
        if html is not None:
            _write_page(html, migration_page(found, _pathways(), _voice(language)))
            on_terminal = () if narrowed == Narrowed() else found.files[:FILES_ON_TERMINAL]
            groups = {} if wanted is None else {wanted: found.groups[wanted]}
            found = replace(found, files=on_terminal, groups=groups)
        return _answer(call, found, discloses)


def _answer(call: Call, report: MigrationReport, discloses: bool) -> Exit:
    from preserve.cli.disclosure import disclosure, disclosure_lines
    from preserve.cli.migration_report import report_document, report_lines
    from preserve.cli.migration_titles import title_said

    voice, document = voices.person(), report_document(report)
    lines: Iterable[str] = report_lines(report, voice)
    if discloses:
        told = {each.migration.number: disclosure(each, report, _pathways(), voice) for each in report.accounts}
        six = {number: {field.id: list(field.said) for field in fields} for number, fields in told.items()}
        document = {**document, "disclosure": six}
        titles = {each.migration.number: title_said(each.migration, voice) for each in report.accounts}
        lines = chain.from_iterable(
            disclosure_lines(fields, said("Migration {number}: {title}", number=number, title=titles[number]))
            for number, fields in told.items()
        )
    return call.answer(document, lines, _code(report))


def _code(report: MigrationReport) -> Exit:
    if report.is_changed or not (report.is_whole or report.is_only_away):
        return Exit.FINDINGS
    return Exit.WELL if report.is_whole else Exit.UNAVAILABLE


def _pathways() -> dict[str, Pathway]:
    """The declarations on this machine, by digest: only the very one that was approved is of any use."""
    from preserve import compose

    return {each.pathway.sha256: each.pathway for each in compose.pathways(compose.format_register())}


def _of_pilot(call: Call, number: int, html: Path | None, language: str | None) -> Exit:
    from preserve.cli.page.pilot import pilot_page
    from preserve.cli.pilot_report import pilot_document, pilot_lines
    from preserve.operations.report_pilot import PilotRequest, report_pilot

    with call.workplace(patient=False) as workplace:
        request = PilotRequest(call.home().migrations, number, most_files=FILES_ON_PAGE)
        found = report_pilot(workplace, request)
        if html is not None:
            _write_page(html, pilot_page(found, _pathways(), _voice(language)))
        code = Exit.WELL if found.missing is None else Exit.FINDINGS
        return call.answer(pilot_document(found), pilot_lines(found, voices.person()), code)


def _voice(language: str | None) -> Voice:
    return {"zh": voices.chinese, "en": voices.english}.get(language or "", voices.person)()


def _write_page(file: Path, page: str) -> None:
    from preserve.durable import write_file

    try:
        write_file(file.absolute(), page.encode())
    except OSError as error:
        raise Refused("{file} could not be written: {why}", file=file, why=error.strerror) from error


def _write_csv(file: Path, report: MigrationReport) -> None:
    """Write it beside, then give it its name, so that no half of it is taken for the whole."""
    from preserve.durable import move, raise_if_full, sync_file
    from preserve.packages.risk_csv import RiskCsvWriter

    file = file.absolute()
    beside = file.with_name(f".{file.name}.partial")
    try:
        with beside.open("wb") as sink:
            writer = RiskCsvWriter(sink)
            for each in report.each():
                writer.add(each)
            sink.flush()
            sync_file(sink.fileno())
        move(beside, file)
    except OSError as error:
        raise_if_full(error, file)
        raise Refused("{file} could not be written: {why}", file=file, why=error.strerror) from error
    finally:
        beside.unlink(missing_ok=True)
