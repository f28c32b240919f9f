"""What is told of settlements: what persons said of files that were odd, or not told rightly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from preserve.cli.answers import moment_shown
from preserve.cli.exits import Exit
from preserve.cli.messages import _, error_said, said, word
from preserve.cli.tables import bounded, table
from preserve.model.formats.identification import Oddity
from preserve.model.formats.settlements import FileSettled, Settlement
from preserve.operations.settle_formats import SettleReport
from preserve.packages.format_lists import Listed

Fields = dict[str, Any]


def settle_document(report: SettleReport) -> Fields:
    """What was settled or withdrawn, as `--json` gives it."""
    return {
        "settlement": report.id or None,
        "packages": [
            {"package": each.package, "files": each.files, "waiting": each.waiting} for each in report.settled
        ],
        "not_settled": [{"package": each.package, "why": error_said(each.why)} for each in report.not_settled],
    }


def settle_lines(report: SettleReport) -> Iterator[str]:
    """The same, for people."""
    if not report.settled and not report.not_settled:
        yield _("Nothing is new: all this stands in the books already.")
        return
    files = sum(each.files for each in report.settled)
    if report.settled:
        yield said(
            "settlement {settlement}: files {files}, packages {packages}",
            settlement=report.id,
            files=files,
            packages=len(report.settled),
        )
        head = (_("package"), _("files"), _("still waiting"))
        yield from table(head, ((each.package, each.files, each.waiting) for each in report.settled))
    yield from bounded(
        said("package {package} is left as it was: {why}", package=each.package, why=each.why)
        for each in report.not_settled
    )


def settle_code(report: SettleReport) -> Exit:
    """How such a command ends."""
    if not report.not_settled:
        return Exit.WELL
    return Exit.UNAVAILABLE if report.is_only_away else Exit.FINDINGS


def settlement_document(made: Settlement) -> Fields:
    """One settlement of one package."""
    named = made.word.format
    return {
        "settlement": made.id,
        "package": made.package_id,
        "what": made.what,
        "paths": None if made.selection.paths is None else sorted(made.selection.paths),
        "ending": made.selection.ending,
        "files": made.files,
        "told": [
            {"puid": kind.puid, "oddities": list(kind.oddities), "files": files} for kind, files in made.told.items()
        ],
        "settles": sorted(made.word.settles),
        "format": None if named is None else {"puid": named.puid, "name": named.name, "version": named.version},
        "encoding": made.word.encoding or None,
        "at": made.at,
        "by": made.by,
        "because": made.because,
    }


def settlement_table(made: Iterable[Settlement]) -> Iterator[str]:
    """Settlements, one a line."""
    head = (_("settlement"), _("package"), _("files"), _("settled"), _("format"), _("encoding"), _("when"), _("by"))
    return table(
        (*head, _("why")),
        (
            (
                each.id,
                each.package_id,
                each.files,
                ", ".join(word(oddity) for oddity in sorted(each.word.settles)) or "-",
                each.word.format.puid if each.word.format else "-",
                each.word.encoding or "-",
                moment_shown(each.at),
                each.by,
                each.because,
            )
            for each in made
        ),
        none=_("Nobody said anything of files yet."),
    )


def file_document(row: Listed, file: FileSettled) -> Fields:
    """One file that is odd, or of which a person said something."""
    found, counts = file.found, file.identification
    return {
        "path": row.path,
        "size": row.size,
        "sha256": row.sha256.hex(),
        "puid": counts.puid,
        "name": counts.name,
        "version": counts.version,
        "basis": counts.basis,
        "told": {
            "puid": found.identification.puid,
            "basis": found.identification.basis,
            "warning": found.identification.warning,
            "others": list(found.others),
        },
        "oddities": sorted(found.oddities),
        "open": sorted(file.open),
        "encoding": file.encoding or None,
        "settlements": list(file.settled_by),
    }


def file_lines(files: Sequence[tuple[Listed, FileSettled]], most: int) -> Iterator[str]:
    """The same, for people."""
    yield ""
    yield from table(
        (_("file"), _("format"), _("encoding"), _("what is odd"), _("waits for a person")),
        (
            (
                row.path,
                _named(file),
                file.encoding or "-",
                ", ".join(word(Oddity(each)) for each in sorted(file.found.oddities)) or "-",
                _("yes") if file.open else _("no"),
            )
            for row, file in files
        ),
        none=_("No file of this package is odd, and nobody said anything of one."),
    )
    if len(files) == most:
        yield said("only the first {count} are named", count=most)


def _named(file: FileSettled) -> str:
    told, counts = file.found.identification.puid, file.identification
    return counts.puid if counts is file.found.identification else f"{counts.puid} ({_('told')}: {told})"
