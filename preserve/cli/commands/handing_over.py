"""`preserve medium handover`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, counted, said
from preserve.cli.options import asks
from preserve.errors import Refused

if TYPE_CHECKING:
    from preserve.operations.hand_over import HandOverReport


@click.command(
    help=_(
        "Write the hand-over list of media (电子档案备份数据清单) as a page to be printed and signed, in Chinese and"
        " English.\n\n"
        "Nothing is booked: `preserve medium check-out` does that.  Exit code 1 where fewer media passed an inspection"
        " since they were written than policy asks for at a hand-over."
    )
)
@click.argument("numbers", metavar="NUMBER...", nargs=-1, required=True)
@click.option("--to", "file", metavar="FILE", required=True, help=_("the page to be written; none may be there"))
@asks
def handover(call: Call, numbers: tuple[str, ...], file: str) -> Exit:
    from preserve import compose
    from preserve.operations.hand_over import hand_over

    with call.workplace(patient=False) as workplace:
        report = hand_over(workplace, numbers, compose.medium_rules(workplace.books))
        _write(Path(file), report)
        document = {
            "file": file,
            "media": [each.medium.number for each in report.media],
            "packages": sum(each.contents.packages for each in report.media),
            "bytes": sum(each.contents.use.bytes for each in report.media),
            "inspected_well": report.inspected_well,
            "inspections_wanted": report.wanted,
            "enough": report.is_enough,
        }
        return call.answer(document, _lines(report, file), Exit.WELL if report.is_enough else Exit.FINDINGS)


def _write(path: Path, report: HandOverReport) -> None:
    from preserve.cli.handover_page import page
    from preserve.durable import raise_if_full, write_file

    if path.exists():
        raise Refused("{file} is there already; nothing was changed: give another name", file=path)
    try:
        write_file(path, page(report).encode())
    except OSError as error:
        raise_if_full(error, path)
        raise Refused("{file} cannot be written: {why}", file=path, why=error.strerror) from error


def _lines(report: HandOverReport, file: str) -> Iterator[str]:
    yield counted(
        "the hand-over list of {count} medium is in {file}", "the hand-over list of {count} media is in {file}",
        len(report.media),
        file=file,
    )  # fmt: skip
    if not report.is_enough:
        yield said(
            "{well} of them passed an inspection since they were written, and {wanted} must; `preserve medium inspect"
            " --handover NUMBER` reads one",
            well=report.inspected_well,
            wanted=report.wanted,
        )
