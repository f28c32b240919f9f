"""`preserve source harvest` and `preserve source restore`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from preserve.cli import identified, voices
from preserve.cli.answers import moment_shown
from preserve.cli.calls import Call
from preserve.cli.exits import Exit
from preserve.cli.messages import (
    _,
    complaint_documents,
    complaint_said,
    counted,
    error_said,
    printable,
    said,
    sentence_said,
    word,
)
from preserve.cli.moments import parsed_moment
from preserve.cli.on_the_way import on_the_way_documents, on_the_way_lines
from preserve.cli.options import acts, asks, gives_back, reaches_stores
from preserve.cli.restored import restored_document, restored_lines
from preserve.cli.shortfalls import lack_documents, lack_lines
from preserve.cli.sources import harvest_document
from preserve.cli.tables import bounded, byte_count
from preserve.errors import Misused, PreserveError, Refused, Tampered
from preserve.model.brake import what_moved
from preserve.model.restore import OnConflict
from preserve.model.sources import SourceKind

if TYPE_CHECKING:
    from preserve.model.sources import Counts
    from preserve.operations.harvest import HarvestReport
    from preserve.operations.take_submissions import TakeReport
    from preserve.state.books import Books


@click.command(
    help=_(
        "Harvest sources now: keep what is new and changed of each, and how the whole was.\n\n"
        "What looks as it did is not read again, but for a share.  Where a source changed as no source should (files"
        " vanished, changed or encrypted in masses), nothing of it is taken: the brake holds it until somebody has"
        " looked (`preserve source release`).  What cannot be taken or read is passed over and told, and stops nothing"
        " else.  Exit code 1 when the brake holds a source, a file changed silently, something was passed over, or a"
        " copy that policy wants by now was not made and verified."
    )
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--all", "wants_all", is_flag=True, help=_("all sources in use"))
@acts
@reaches_stores
def harvest(call: Call, names: tuple[str, ...], wants_all: bool) -> Exit:
    from preserve import compose
    from preserve.operations.harvest import harvest as take
    from preserve.operations.take_submissions import take_submissions

    if bool(names) == wants_all:
        raise Misused("name the sources to harvest, or give --all")
    with call.workplace() as workplace:
        books = workplace.books
        wanted = [each for each in books.sources() if not each.is_retired] if wants_all else map(books.source, names)
        reports: list[HarvestReport] = []
        drops: list[TakeReport] = []
        failed: dict[str, PreserveError] = {}
        for registered in wanted:
            try:
                if registered.entry.kind is SourceKind.DROP:
                    drops.append(take_submissions(workplace, compose.take_request(call.home(), workplace, registered)))
                else:
                    reports.append(take(workplace, compose.harvest_request(call.home(), workplace, registered)))
            except Tampered:
                raise
            except PreserveError as error:
                if not wants_all and len(names) == 1:
                    raise
                failed[registered.entry.name] = error
        formats = identified.told_of(workplace, _made(reports, drops))
        document = {
            "harvests": [_document(report) for report in reports],
            "drops": [_drop_document(report) for report in drops],
            "failed": {name: error_said(error) for name, error in failed.items()},
            "formats": [identified.report_document(each) for each in formats],
        }
        is_well = not failed and all(map(_is_well, reports)) and all(report.is_complete for report in drops)
        lines = chain(_lines(reports, failed), *map(_drop_lines, drops), *map(identified.report_lines, formats))
        code = Exit.WELL if is_well else Exit.FINDINGS
        for each in formats:
            code = identified.worse_of(code, each)
        return call.answer(document, lines, code)


def _made(reports: Iterable[HarvestReport], drops: Iterable[TakeReport]) -> Iterator[str]:
    """The packages that were made now, those with the states of sources included."""
    for report in reports:
        yield from report.packages
    for drop in drops:
        for taken in drop.taken:
            if not taken.report.already:
                yield from (package.id for package in taken.report.packages)


def _drop_document(report: TakeReport) -> dict[str, object]:
    return {
        "source": report.source,
        "harvest": harvest_document(report.entry) if report.entry else None,
        "taken": [
            {
                "name": each.name,
                "accession": each.report.accession,
                "already": each.report.already,
                "packages": [package.id for package in each.report.packages],
                "complete": each.report.is_complete,
                "on_the_way": on_the_way_documents(each.report.on_the_way),
                "moved_to": str(each.moved_to) if each.moved_to else None,
            }
            for each in report.taken
        ],
        "waiting": list(report.waiting),
        "refused": {name: error_said(error) for name, error in report.refused},
        "orphans": list(report.orphans),
        "forgotten": list(report.forgotten),
        "left_out": report.left_out,
    }


def _drop_lines(report: TakeReport) -> Iterator[str]:
    yield said(
        "source {source}: submissions taken {taken}, waiting {waiting}, refused {refused}",
        source=report.source,
        taken=len(report.taken),
        waiting=len(report.waiting) + len(report.forgotten),
        refused=len(report.refused),
    )
    yield from bounded(
        said("  {name}: accession {accession}", name=each.name, accession=each.report.accession)
        for each in report.taken
    )
    yield from bounded(said("  {name} is not taken: {why}", name=name, why=why) for name, why in report.refused)
    yield from bounded(
        said("  {name} waits until it is declared complete and has rested", name=name) for name in report.waiting
    )
    yield from bounded(
        said(
            "  ALARM: {name} lies there and no submission beside it; ask who laid it there what was handed over, and"
            " remove it if nothing was",
            name=name,
        )
        for name in report.orphans
    )
    yield from bounded(
        said(
            "  ALARM: {name} has waited for long, and was not declared complete, or does not come to rest; ask who laid"
            " it there: lay {name}.complete beside it, take it away, or leave it out with `preserve source add {source}"
            " --exclude PATTERN`",
            name=name,
            source=report.source,
        )
        for name in report.forgotten
    )
    if report.left_out:
        yield counted(
            "{count} file or folder was left out by the patterns of the source",
            "{count} files and folders were left out by the patterns of the source",
            report.left_out,
        )
    if not all(each.report.is_kept for each in report.taken):
        yield _("`preserve replicate` makes the copies that are still due")
    yield from on_the_way_lines(report.on_the_way)


def _readable(path: bytes) -> str:
    """A path on one line, whatever is in it."""
    return printable(path.decode("utf-8", "surrogateescape"), is_line=True)


def _is_well(report: HarvestReport) -> bool:
    told = report.doubtful or report.restless or report.passed_over
    return report.entry is not None and report.is_kept and not told


def _document(report: HarvestReport) -> dict[str, object]:
    return {
        "source": report.source,
        "held": report.entry is None,
        "alarms": [alarm.value for alarm in report.alarms],
        "upheaval": asdict(report.upheaval) if report.upheaval else None,
        "harvest": harvest_document(report.entry) if report.entry else None,
        "packages": list(report.packages),
        "complete": report.is_complete,
        "on_the_way": on_the_way_documents(report.on_the_way),
        "vanished_files": [path.decode("utf-8", "surrogateescape") for path in report.vanished],
        "changed_files": [path.decode("utf-8", "surrogateescape") for path in report.changed],
        "restless_files": [path.decode("utf-8", "surrogateescape") for path in report.restless],
        "doubtful_files": [path.decode("utf-8", "surrogateescape") for path in report.doubtful],
        "lacking_stores": lack_documents(report.lacking),
        "passed_over": complaint_documents(report.passed_over),
        "notes": complaint_documents(report.notes),
    }


def _lines(reports: list[HarvestReport], failed: dict[str, PreserveError]) -> Iterator[str]:
    for report in reports:
        yield from _report_lines(report)
    for name, error in failed.items():
        yield said("source {source} was not harvested: {why}", source=name, why=error)


def _report_lines(report: HarvestReport) -> Iterator[str]:
    if report.entry is None:
        yield from _brake_lines(report)
        return
    yield from _counts_lines(report.source, report.entry.counts)
    yield from _alarm_lines(report, report.entry.counts)
    if not report.is_kept:
        yield _("`preserve replicate` makes the copies that are still due")
    yield from on_the_way_lines(report.on_the_way)
    yield from bounded(complaint_said(note) for note in report.notes)
    yield from lack_lines(report.lacking)


def _brake_lines(report: HarvestReport) -> Iterator[str]:
    words = ", ".join(map(word, report.alarms))
    yield said("source {source}: THE BRAKE IS SET ({alarms}); nothing was taken", source=report.source, alarms=words)
    if report.upheaval:
        yield sentence_said(what_moved(report.upheaval, report.alarms))
    yield from bounded(said("  vanished: {file}", file=_readable(path)) for path in report.vanished)
    yield from bounded(said("  changed: {file}", file=_readable(path)) for path in report.changed)
    yield said(
        "what was kept before is untouched; look at the source, then `preserve source release {source} --reason"
        " TEXT`, or mend the source: `preserve source restore {source} --to DIR`",
        source=report.source,
    )


def _counts_lines(source: str, counts: Counts) -> Iterator[str]:
    yield said(
        "source {source}: {files} files, {size}; new {new}, changed {changed}, moved {moved}, vanished {vanished}",
        source=source,
        files=counts.files,
        size=byte_count(counts.bytes),
        new=counts.new,
        changed=counts.changed,
        moved=counts.moved,
        vanished=counts.vanished,
    )
    if counts.links:
        yield counted(
            "{count} symbolic link is kept with them, as a link, and counted as new, changed, moved or vanished too",
            "{count} symbolic links are kept with them, as links, and counted as new, changed, moved or vanished too",
            counts.links,
        )
    if counts.left_out:
        yield counted(
            "{count} file or folder was left out by the patterns of the source",
            "{count} files and folders were left out by the patterns of the source",
            counts.left_out,
        )
    if counts.unsettled:
        yield counted(
            "{count} file changed a short while ago and is left for the next harvest",
            "{count} files changed a short while ago and are left for the next harvest",
            counts.unsettled,
        )


def _alarm_lines(report: HarvestReport, counts: Counts) -> Iterator[str]:
    if counts.doubtful:
        yield said(
            "ALARM: {count} files hold other bytes than were taken, though nobody changed them; what was taken is kept:"
            " compare, and put it back with `preserve source restore {source} --path FILE --to DIR`",
            count=counts.doubtful,
            source=report.source,
        )
        yield from bounded(f"  {_readable(path)}" for path in report.doubtful)
    if report.restless:
        yield said(
            "ALARM: {count} files were being changed at every harvest for long, and what they hold now is in none; end"
            " what writes there, have it dump them (`source add NAME --command`), or leave them out (`--exclude`)",
            count=len(report.restless),
        )
        yield from bounded(f"  {_readable(path)}" for path in report.restless)
    if counts.passed_over:
        yield said(
            "ALARM: passed over, because it cannot be taken or read: {count}; all else was taken, and what was kept"
            " before stays kept: mend it at the source, or leave it out with `preserve source add {source} --exclude"
            " PATTERN`",
            count=counts.passed_over,
            source=report.source,
        )
        yield from bounded(complaint_said(why) for why in report.passed_over)


def as_of_then(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say of which moment a source is meant."""
    moment = _("how it was then: 2026-03-01 (the end of that day), or 2026-03-01T18:30")
    number = _("how it was at this harvest, by its number in `preserve source history`")
    command = click.option("--harvest", metavar="N", type=click.IntRange(min=1), help=number)(command)
    return click.option("--as-of", metavar="MOMENT", help=moment)(command)


def _moment(books: Books, source: str, as_of: str | None, harvest: int | None) -> str | None:
    """The moment meant, as the books write it; None: now."""
    if harvest is None:
        return parsed_moment(as_of, "--as-of") if as_of else None
    if as_of is not None:
        raise Misused("give either --as-of or --harvest")
    found = next(books.harvests(source, after=harvest - 1), None)
    if found is None or found.number != harvest:
        raise Refused(
            "source {source} has no harvest {number}; `preserve source history {source}` lists them",
            source=source,
            number=harvest,
        )
    return found.seen_at


@click.command(
    help=_(
        "List the files and links of a source as it was at a moment, or (--vanished) those of them that are in its"
        " newest harvest no more.  `preserve source restore --as-of MOMENT --path FILE` gives any of them back."
    )
)
@click.argument("name", metavar="NAME")
@as_of_then
@click.option("--path", metavar="GLOB", help=_("only what matches, such as '2024/**/*.pdf'"))
@click.option("--vanished", is_flag=True, help=_("only what was there then and is there no more"))
@asks
def files(call: Call, name: str, as_of: str | None, harvest: int | None, path: str | None, vanished: bool) -> Exit:
    from preserve.operations.list_source import ListRequest, SourceFile, list_source

    if vanished and as_of is None and harvest is None:
        raise Misused("--vanished asks what has vanished since: say since when with --as-of MOMENT or --harvest N")

    def plain(file: SourceFile) -> dict[str, object]:
        text = file.path.decode("utf-8", "surrogateescape")
        target = None if file.target is None else file.target.decode("utf-8", "surrogateescape")
        return {"path": text, "bytes": file.size, "modified_ns": file.mtime_ns, "link_to": target}

    def shown(file: SourceFile) -> str:
        if file.target is None:
            return f"{byte_count(file.size):>10}  {_readable(file.path)}"
        return f"{_('link'):>10}  {_readable(file.path)} -> {_readable(file.target)}"

    with call.workplace(opens_key=False) as workplace, ExitStack() as resources:
        moment = _moment(workplace.books, name, as_of, harvest)
        found = list_source(workplace, ListRequest(name, moment, path, vanished), resources)
        document = {"source": name, "harvest": harvest_document(found.harvest), "files": map(plain, found.files)}
        title = said("source {source} as of {moment}", source=name, moment=moment_shown(found.harvest.seen_at))
        return call.answer(document, chain([title], map(shown, found.files)))


@click.command(
    help=_(
        "Give a source back as it was at a moment, whole or in part, each file verified before it gets its name.\n\n"
        "`preserve source history` lists the moments.  Exit code 1 when a file could not be had soundly from any copy."
    )
)
@click.argument("name", metavar="NAME")
@gives_back
@as_of_then
@acts
@reaches_stores
def restore(
    call: Call,
    name: str,
    to: Path,
    as_of: str | None,
    harvest: int | None,
    path: str | None,
    store: str | None,
    on_conflict: str,
) -> Exit:
    from preserve.operations.restore_source import SourceRestoreRequest, restore_source

    with call.workplace(opens_key=False, source=store) as workplace:
        moment = _moment(workplace.books, name, as_of, harvest)
        request = SourceRestoreRequest(name, to, moment, path, store, OnConflict(on_conflict), voices.both())
        restored = restore_source(workplace, request)
        report = restored.report
        if restored.unfinished is not None:
            call.warn(
                "a harvest of {moment} was not finished, and what it brought is left out: its packages stand in"
                " `preserve source history {source}`",
                moment=moment_shown(restored.unfinished.seen_at),
                source=name,
            )
        if restored.harvest.is_partial:
            call.warn("the first harvest of source {source} was not finished: this is a part of it", source=name)
        document = {
            "source": name,
            "harvest": harvest_document(restored.harvest),
            "unfinished": harvest_document(restored.unfinished) if restored.unfinished else None,
            **restored_document(report),
        }
        lines = [
            said("source {source} as of {moment}", source=name, moment=moment_shown(restored.harvest.seen_at)),
            *restored_lines(report, to),
        ]
        return call.answer(document, lines, Exit.WELL if report.is_verified else Exit.FINDINGS)
