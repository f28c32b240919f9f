"""`preserve ingest` and `preserve replicate`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from preserve.bags.shapes import TakenAs
from preserve.cli import identified
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import _, complaint_documents, complaint_said, error_said, said, word
from preserve.cli.on_the_way import on_the_way_documents, on_the_way_lines
from preserve.cli.options import acts, reaches_stores
from preserve.cli.parity import made_for, report_document, report_lines, worse_of
from preserve.cli.shortfalls import full_line, lack_documents, lack_lines, lost_line
from preserve.cli.tables import bounded, byte_count, table
from preserve.errors import Away, Expected, NoSpace, PreserveError, Unavailable
from preserve.model.nouns import CopyState

if TYPE_CHECKING:
    from preserve.operations.ingest import IngestReport, PackageMade
    from preserve.operations.replicate import ReplicateReport

_UNREAD = (CopyState.WRITTEN, CopyState.ATTESTED)


@click.command(
    help=_(
        "Take a submission in: a folder, a tar or a bag becomes one or more packages, copied to every store that can be"
        " reached and read back from each.\n\n"
        "The source is not changed.  What contains bagit.txt, data/ and a manifest is a bag; where only some of these"
        " are there, --as says what it is.  Exit code 1 when a copy that policy wants by now was not made and verified,"
        " or no store is registered for one that it wants.  For copies on their way policy allows time (`within`); they"
        " are named, with when the first is due."
    )
)
@click.argument("source", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--policy", metavar="NAME", help=_("the policy to keep it under (default: the only one, or `default`)"))
@click.option("--metadata", metavar="FILE", type=click.Path(path_type=Path), help=_("CSV or JSON about the records"))
@click.option(
    "--as",
    "taken_as",
    type=click.Choice(list(map(str, TakenAs))),
    help=_("what it is: a bag, or a folder in which bagit.txt is a file like any other"),
)
@click.option("--again", is_flag=True, help=_("make new packages even if this was taken in before, unchanged"))
@acts
@reaches_stores
def ingest(
    call: Call, source: Path, policy: str | None, metadata: Path | None, taken_as: str | None, again: bool
) -> Exit:
    from preserve import compose
    from preserve.operations.ingest import IngestRequest
    from preserve.operations.ingest import ingest as take_in

    with call.workplace() as workplace:
        kept_under = compose.policy(workplace.books, policy)
        profile = compose.profile(call.home(), kept_under)
        shape = TakenAs(taken_as) if taken_as else None
        report = take_in(workplace, IngestRequest(source, kept_under, metadata, profile, again, shape))
        made = [package.id for package in report.packages]
        parity = made_for(workplace, made)
        formats = identified.told_for(workplace, kept_under, made)
        document = {
            "accession": report.accession,
            "already": report.already,
            "complete": report.is_complete,
            "packages": [_package_document(package) for package in report.packages],
            "on_the_way": on_the_way_documents(report.on_the_way),
            "lacking_stores": lack_documents(report.lacking),
            "notes": complaint_documents(report.notes),
            "pack_seconds": report.pack_seconds,
            "read_back_seconds": report.read_back_seconds,
            "parity": report_document(parity),
            "formats": None if formats is None else identified.report_document(formats),
        }
        told = () if formats is None else identified.report_lines(formats)
        lines = chain(_ingest_lines(report), report_lines(parity), told)
        code = worse_of(Exit.WELL if report.is_kept else Exit.FINDINGS, parity)
        return call.answer(document, lines, identified.worse_of(code, formats))


def _package_document(package: PackageMade) -> dict[str, object]:
    return {
        "id": package.id,
        "files": package.files,
        "bytes": package.bytes,
        "copies": [
            {
                "store": copy.store,
                "state": copy.state.value,
                **({"why": error_said(copy.why)} if copy.why else {}),
            }
            for copy in package.copies
        ],
    }


def _ingest_lines(report: IngestReport) -> Iterator[str]:
    if report.already:
        yield _("this submission was taken in before and has not changed; nothing was done")
    yield said("accession {accession}", accession=report.accession)
    rows = (
        (package.id, package.files, byte_count(package.bytes), copy.store, word(copy.state))
        for package in report.packages
        for copy in package.copies
    )
    yield from table((_("package"), _("files"), _("payload"), _("store"), _("copy")), rows)
    yield from bounded(complaint_said(note) for note in report.notes)
    failures = {
        (copy.store, error_said(copy.why)) for package in report.packages for copy in package.copies if copy.why
    }
    yield from bounded(
        said("no verified copy in {store} yet: {why}", store=store, why=why) for store, why in sorted(failures)
    )
    if any(copy.state in (CopyState.DUE, CopyState.AWAY) for package in report.packages for copy in package.copies):
        yield _("`preserve replicate` makes the copies that are still due")
    unread = [copy for package in report.packages for copy in package.copies if copy.state in _UNREAD]
    if unread and any(package.owed for package in report.packages):
        yield said(
            "not safe yet: what was written to {stores} was not read back; `preserve audit` reads it, and asks for what"
            " lies frozen",
            stores=", ".join(sorted({copy.store for copy in unread})),
        )
    yield from on_the_way_lines(report.on_the_way)
    yield from lack_lines(report.lacking)


@click.command(
    help=_(
        "Make the copies that policy wants and that are not there, each from a sound one.\n\n"
        "What a package's policy wants is what its newest registered version says.  Exit code 1 when a copy could not"
        " be made, or not be read back, or policy wants one for which no store is registered; 75 when all that is"
        " missing is a store that is away.  A copy that waits for a store that is away, and for which policy allows"
        " time (`within`), is named and is no shortfall.  With --store, only the copies in that store are asked for,"
        " and now."
    )
)
@click.option("--store", "stores", metavar="NAME", multiple=True, help=_("only into this store (may be repeated)"))
@click.option("--package", metavar="ID", help=_("only of this package"))
@acts
@reaches_stores
def replicate(call: Call, stores: tuple[str, ...], package: str | None) -> Exit:
    from preserve import compose
    from preserve.operations.replicate import ReplicateRequest
    from preserve.operations.replicate import replicate as make_copies

    with call.workplace() as workplace:
        request = ReplicateRequest(compose.policy_in_force(workplace.books), stores, package)
        report = make_copies(workplace, request)
        parity = made_for(workplace, {copy.package for copy in report.made})
        document = {
            "made": [
                {
                    "package": copy.package,
                    "store": copy.store,
                    "state": copy.state.value,
                    "bytes": copy.bytes,
                    "from": dict(copy.taken),
                }
                for copy in report.made
            ],
            "not_made": [
                {"package": copy.package, "store": copy.store, "why": error_said(copy.why)} for copy in report.not_made
            ],
            "due": report.due_count,
            "on_the_way": on_the_way_documents(report.on_the_way),
            "lacking_stores": lack_documents(report.lacking),
            "notes": complaint_documents(report.passed_over),
            "seconds": report.seconds,
            "parity": report_document(parity),
        }
        lines = chain(_replicate_lines(report), report_lines(parity))
        return call.answer(document, lines, worse_of(_replicate_code(report, is_by_name=bool(stores)), parity))


def _replicate_code(report: ReplicateReport, *, is_by_name: bool) -> Exit:
    """Who names a store wants its copies now, whatever time policy allows."""
    if report.is_complete or (report.is_kept and not is_by_name):
        return Exit.WELL
    is_all_made_sound = all(copy.state is CopyState.VERIFIED for copy in report.made)
    is_only_away = is_all_made_sound and all(isinstance(copy.why, Unavailable) for copy in report.not_made)
    return Exit.UNAVAILABLE if is_only_away and not report.lacking else Exit.FINDINGS


def _may_be_lost(why: PreserveError) -> bool:
    return isinstance(why, Away) and not isinstance(why, Expected)


def _replicate_lines(report: ReplicateReport) -> Iterator[str]:
    yield said("copies made: {made}; still due: {left}", made=len(report.made), left=report.due_count)
    if report.made:
        rows = ((copy.package, copy.store, word(copy.state), byte_count(copy.bytes)) for copy in report.made)
        yield from table((_("package"), _("store"), _("copy"), _("size")), rows)
    yield from bounded(
        said("{package} is not in {store}: {why}", package=copy.package, store=copy.store, why=copy.why)
        for copy in report.not_made
    )
    yield from bounded(complaint_said(note) for note in report.passed_over)
    yield from on_the_way_lines(report.on_the_way)
    yield from map(full_line, sorted({copy.store for copy in report.not_made if isinstance(copy.why, NoSpace)}))
    yield from map(
        lost_line, sorted({copy.store for copy in report.not_made if copy.is_owed and _may_be_lost(copy.why)})
    )
    yield from lack_lines(report.lacking)
