"""Stopped files of a migration as the commands show them: what was lost, where what was made lies, what was decided."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from preserve.cli.migration_report import file_lines, logged_document, unsound_said
from preserve.cli.tables import bounded

if TYPE_CHECKING:
    from preserve.cli.answers import Document
    from preserve.cli.voices import Voice
    from preserve.operations.decide_files import DecideReport, StoppedFile, StoppedReport


def stopped_document(report: StoppedReport) -> Document:
    """Files that wait, for `--json`."""
    return {
        "migration": report.migration.number,
        "waiting": report.waiting,
        "files": [_document(each) for each in report.files],
        "missing": {package: str(why) for package, why in report.missing.items()},
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
