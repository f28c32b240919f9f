"""What people look at in a migration, as the commands show it: stopped files, what was decided, how much was seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from preserve.cli.migration_report import file_lines, logged_document, result_lines, unsound_said
from preserve.cli.tables import bounded
from preserve.model.formats.file_records import file_document

if TYPE_CHECKING:
    from preserve.cli.answers import Document
    from preserve.cli.voices import Voice
    from preserve.model.migrations import Viewed
    from preserve.operations.decide_files import DecideReport, StoppedFile, StoppedReport
    from preserve.operations.view_files import ViewReport


def stopped_document(report: StoppedReport) -> Document:
    """Files that wait, for `--json`."""
    return {
        "migration": report.migration.number,
        "waiting": report.waiting,
        "files": [_document(each) for each in report.files],
        "missing": {package: str(why) for package, why in report.missing.items()},
        "files_under_way": report.count_under_way,
        "under_way": [
            {**file_document(each.result), "result_lies_in": [str(path) for path in each.made]}
            for each in report.under_way
        ],
    }


def _document(file: StoppedFile) -> Document:
    return {
        **logged_document(file.logged),
        "result_lies_in": [str(each) for each in file.made],
        "pictures_lie_in": [str(each) for each in file.pictures],
    }


def stopped_lines(report: StoppedReport, voice: Voice) -> Iterator[str]:
    """For people: each file that waits, why it was stopped, and where to look at it."""
    for each in report.files:
        yield from _lines(each, voice)
        yield ""
    for package, why in report.missing.items():
        yield voice.said("of package {package} nothing can be told: {why}", package=package, why=voice.error_said(why))
    if report.under_way:
        yield from _under_way_lines(report, voice)
    if not report.waiting:
        yield voice.said("No file of migration {number} waits for a decision.", number=report.migration.number)
        return
    yield voice.said(
        "{count} files wait, {told} are told here. Somebody who neither ran nor audits it decides: `preserve migrate"
        " decide {number} --package ID --file PATH --accept|--reject --actor NAME --reason WHY`",
        count=report.waiting,
        told=len(report.files),
        number=report.migration.number,
    )


def _under_way_lines(report: StoppedReport, voice: Voice) -> Iterator[str]:
    for each in report.under_way:
        yield from result_lines(each.result, [None] * len(each.result.risks), voice)
        yield from unsound_said(each.result.validated, voice)
        for place in each.made:
            yield "  " + voice.said("what was made lies in {path}", path=place)
        yield ""
    yield voice.said(
        "{count} files of packages under way were not converted, {told} are told here; they can be decided about when"
        " their package is done",
        count=report.count_under_way,
        told=len(report.under_way),
    )


def _lines(file: StoppedFile, voice: Voice) -> Iterator[str]:
    yield from file_lines(file.logged, voice)
    yield from unsound_said(file.result.validated, voice)
    for place in file.made:
        yield "  " + voice.said("what was made lies in {path}", path=place)
    if not file.made:
        yield "  " + voice.sentence("what was made of it is not in this home any more: it can be rejected alone")
    yield from bounded("  " + voice.said("picture: {path}", path=each) for each in file.pictures)


def decided_document(report: DecideReport) -> Document:
    """A decision, for `--json`."""
    return {
        "migration": report.migration.number,
        "package": report.package,
        "accepted": report.is_accepted,
        "files": [_document(each) for each in report.files],
        "waiting": report.left,
        "to_carry_out": report.migration.progress.to_carry_out,
    }


def decided_lines(report: DecideReport, voice: Voice) -> Iterator[str]:
    """For people: what was decided about, with what was known of each file, and what is next."""
    for each in report.files:
        yield from _lines(each, voice)
    migration = report.migration
    if report.is_accepted:
        yield voice.counted(
            "{count} file is accepted: it comes into a further version with the next run: `preserve migrate run"
            " {number} --actor NAME`",
            "{count} files are accepted: they come into a further version with the next run: `preserve migrate run"
            " {number} --actor NAME`",
            len(report.files),
            number=migration.number,
        )
    else:
        yield voice.counted(
            "{count} file is rejected: its original stays the only version",
            "{count} files are rejected: their originals stay the only version",
            len(report.files),
        )
    if report.left:
        yield voice.said(
            "{count} files wait for a decision still; `preserve migrate stopped {number}` names them",
            count=report.left,
            number=migration.number,
        )


def viewed_document(report: ViewReport) -> Document:
    """How much was looked at, for `--json`."""
    return {
        "migration": report.migration.number,
        "pilot": report.pilot,
        "viewed": report.viewed.files,
        "of_files": report.of_files,
        "by": list(report.viewed.by),
    }


def viewed_lines(report: ViewReport, voice: Voice) -> Iterator[str]:
    """For people."""
    yield viewed_said(report.viewed, report.of_files, report.pilot, voice)


def viewed_said(viewed: Viewed, of_files: int, pilot: int | None, voice: Voice) -> str:
    """How many files people looked at, of how many, and who."""
    template = (
        "of the {of_files} files of the run people looked at {files} ({who})"
        if pilot is None
        else "of the {of_files} files of pilot {pilot} people looked at {files} ({who})"
    )
    who = ", ".join(viewed.by) or voice.sentence("nobody yet")
    return voice.said(template, of_files=f"{of_files:,}", pilot=pilot, files=f"{viewed.files:,}", who=who)
