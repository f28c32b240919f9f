"""`preserve restore`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.findings import finding_document, finding_lines
from preserve.cli.messages import _, printable, said
from preserve.cli.options import acts
from preserve.cli.tables import bounded, byte_count
from preserve.model.restore import OnConflict

if TYPE_CHECKING:
    from preserve.operations.restore import RestoreReport


@click.command(
    help=_(
        "Give records back: the payload exactly as deposited, each file verified before it gets its name.\n\n"
        "ID is a package, the beginning of its id, an accession, or an archival code.  Exit code 1 when a file"
        " could not be had soundly from any copy."
    )
)
@click.argument("name", metavar="ID")
@click.option(
    "--to",
    metavar="DIR",
    type=click.Path(path_type=Path),
    required=True,
    help=_("a new or empty folder, or one to complete"),
)
@click.option("--from", "store", metavar="NAME", help=_("read this store alone"))
@click.option("--path", metavar="GLOB", help=_("only what matches, such as '2024/**/*.pdf'"))
@click.option("--as-bag", is_flag=True, help=_("the whole bag instead of its payload"))
@click.option(
    "--on-conflict",
    type=click.Choice(list(map(str, OnConflict))),
    default=OnConflict.REFUSE.value,
    show_default=True,
    help=_("where a file of that name and other content is there"),
)
@acts
def restore(
    call: Call, name: str, to: Path, store: str | None, path: str | None, as_bag: bool, on_conflict: str
) -> Exit:
    from preserve.operations.restore import RestoreRequest
    from preserve.operations.restore import restore as give_back

    with call.workplace() as workplace:
        report = give_back(workplace, RestoreRequest(name, to, store, path, as_bag, OnConflict(on_conflict)))
        return call.answer(_document(report), _lines(report, to), Exit.WELL if report.is_verified else Exit.FINDINGS)


def _document(report: RestoreReport) -> dict[str, object]:
    return {
        "packages": list(report.packages),
        "files": report.files,
        "bytes": report.bytes,
        "verified": report.is_verified,
        "from": sorted(report.sources),
        "bytes_from": dict(report.sources),
        "already_there": report.already_there,
        "left": report.left,
        "lost": report.lost,
        "losses": [
            {"path": loss.path.decode("utf-8", "surrogateescape"), "why": said(loss.template, **loss.values)}
            for loss in report.losses
        ],
        "away": dict(report.away),
        "findings": [finding_document(finding) for finding in report.damage],
        "seconds": report.seconds,
        "certificate": str(report.certificate),
        "certificate_sha256": report.certificate_sha256,
    }


def _lines(report: RestoreReport, to: Path) -> Iterator[str]:
    size = byte_count(report.bytes)
    if report.is_verified:
        yield said("{files} files, {size}, are in {to}, each verified", files=report.files, size=size, to=to)
    else:
        yield said(
            "NOT COMPLETE: {files} files, {size}, are in {to}, each verified; {lost} could not be had soundly, {left}"
            " were left as they stood there",
            files=report.files,
            size=size,
            to=to,
            lost=report.lost,
            left=report.left,
        )
    if report.already_there:
        yield said("{count} of them were there already, equal", count=report.already_there)
    for store, count in sorted(report.sources.items()):
        yield said("  {size} from store {store}", size=byte_count(count), store=store)
    for store, why in sorted(report.away.items()):
        yield said("store {store} could not be read: {why}", store=store, why=why)
    yield from bounded(
        f"  {printable(loss.path.decode('utf-8', 'surrogateescape'))}: {said(loss.template, **loss.values)}"
        for loss in report.losses
    )
    yield from finding_lines(report.damage)
    yield said("certificate: {file}", file=report.certificate)
