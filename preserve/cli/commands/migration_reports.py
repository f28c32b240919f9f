"""`preserve migrate report`: what became of files that were converted, and what was lost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli import voices
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _
from preserve.cli.options import asks, reaches_stores
from preserve.errors import Refused
from preserve.model.formats.risk_counts import By, Narrowed

if TYPE_CHECKING:
    from preserve.operations.report_migration import MigrationReport

FILES_ON_PAGE = 100
FILES_ON_TERMINAL = 20


@click.command(
    help=_(
        "Report on migrations out of the ledger and their risk logs: who planned, approved and ran them, what became of"
        " each file, what was lost, and who accepted that.\n\n"
        "NUMBER: of one migration; without it, of all.  The logs are those that the ledger pins, in the home or, where"
        " it was lost, in the new packages.  Exit code 1 when the log of a package is in neither."
    )
)
@click.argument("number", metavar="[NUMBER]", type=click.IntRange(min=1), required=False)
@click.option("--by", type=click.Choice([each.value for each in By]), help=_("count files and losses by this"))
@click.option("--package", metavar="ID", help=_("only of this original package, file by file"))
@click.option("--file", "path", metavar="PATH", help=_("only of files with this name below data/"))
@click.option(
    "--csv", "table", metavar="FILE", type=click.Path(path_type=Path), help=_("write every file and loss as a table")
)
@asks
@reaches_stores
def report(
    call: Call, number: int | None, by: str | None, package: str | None, path: str | None, table: Path | None
) -> Exit:
    from preserve.cli.migration_report import report_document, report_lines
    from preserve.operations.report_migration import ReportRequest, report_migrations

    with call.workplace(patient=False) as workplace:
        whole_id = None if package is None else workplace.books.package(package).id
        narrowed = Narrowed(whole_id, None if path is None else os.fsencode(path))
        request = ReportRequest(
            migrations=call.home().migrations,
            number=number,
            by=None if by is None else By(by),
            narrowed=narrowed,
            most_files=FILES_ON_TERMINAL if narrowed != Narrowed() else 0,
        )
        found = report_migrations(workplace, request)
        if table is not None:
            _write_csv(table, found)
        code = Exit.WELL if found.is_whole else Exit.FINDINGS
        return call.answer(report_document(found), report_lines(found, voices.person()), code)


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
