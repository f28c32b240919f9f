"""What a pilot and a run of a migration did, in words and as `--json` gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from preserve.cli import voices
from preserve.cli.exits import Exit
from preserve.cli.messages import _, error_said, said, word
from preserve.cli.migration_pilots import piloted_document, tallied_cells
from preserve.cli.migration_report import file_lines, logged_document, unsound_said
from preserve.cli.tables import bounded, table
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.governance import Criterion

if TYPE_CHECKING:
    from preserve.model.formats.governance import TurningPoint
    from preserve.model.migrations import Piloted
    from preserve.operations.pilot_migration import PilotReport
    from preserve.operations.run_migration import PassedOver, RunReport
    from preserve.packages.migrating.finishing import PackageEnded

Fields = Mapping[str, object]


def pilot_document(report: PilotReport) -> Fields:
    """What a pilot found."""
    entry, sample = report.entry, report.sample
    return {
        "migration": entry.migration,
        "pilot": entry.number,
        "seed": entry.seed,
        "files": len(sample.files),
        "of_files": sample.of_files,
        "sorts": sample.sorts,
        "sorts_drawn": sample.sorts_drawn,
        "packages": report.of_packages,
        "pathways": [{"pathway": each.pathway, **piloted_document(each)} for each in entry.outcomes],
        "ranking": [{"pathway": each.name, "score": round(float(each.score), 1)} for each in report.ranked],
        "turning_points": [
            {"criterion": each.criterion.value, "percent": _percent(each), "pathway": each.name}
            for each in report.turning
        ],
        "nothing_passed": {name: [logged_document(each) for each in its] for name, its in report.not_passed.items()},
        "not_tried": [{"what": each.what, "why": str(each.why)} for each in report.not_tried],
        "log": str(report.log),
        "log_sha256": entry.data_sha256,
        "seconds": round(report.seconds, 1),
    }


def pilot_lines(report: PilotReport) -> Iterator[str]:
    """The same for people."""
    entry, sample = report.entry, report.sample
    yield said(
        "pilot {pilot} of migration {migration}: {files} of {of_files} files, {sorts_drawn} of {sorts} sorts, drawn"
        " from {packages} packages by the seed {seed}",
        pilot=entry.number,
        migration=entry.migration,
        files=len(sample.files),
        of_files=sample.of_files,
        sorts_drawn=sample.sorts_drawn,
        sorts=sample.sorts,
        packages=report.of_packages,
        seed=entry.seed,
    )
    yield ""
    head = (_("pathway"), *map(word, FileFate), _("seconds a file"), _("size in %"), *map(word, Criterion), _("score"))
    scores = {each.name: round(float(each.score)) for each in report.ranked}
    yield from table(head, (_outcome_row(each, scores.get(each.pathway)) for each in entry.outcomes))
    yield ""
    yield from _nothing_passed_lines(report)
    yield from _turning_lines(report)
    for each in report.not_tried:
        yield said("{what} was left out: {why}", what=each.what, why=error_said(each.why))
    yield said("what was made, and pages that differ, lie in {folder}", folder=report.log)
    if len(report.not_passed) == len(entry.outcomes):
        yield said(
            "nothing passed, so there is nothing to approve: see to the reasons, then `preserve migrate pilot"
            " {migration}` tries again, or `preserve migrate withdraw {migration}` ends it",
            migration=entry.migration,
        )
        return
    yield said(
        "nothing of it is in force; next, somebody else approves: `preserve migrate approve {migration} --pathway NAME"
        " --accept LOSS`",
        migration=entry.migration,
    )


def _outcome_row(outcome: Piloted, score: int | None) -> list[object]:
    marks = [outcome.marks.get(each, "-") for each in Criterion]
    fates = [outcome.tallied.of(fate) for fate in FileFate]
    return [outcome.pathway, *fates, *tallied_cells(outcome.tallied), *marks, "-" if score is None else score]


def _nothing_passed_lines(report: PilotReport) -> Iterator[str]:
    """Why nothing that a pathway made could be used: the first files, each with its reasons."""
    for name, files in report.not_passed.items():
        yield said("Nothing that {pathway} made passed; the first of its files, and why:", pathway=name)
        for each in files:
            yield from (f"  {line}" for line in file_lines(each, voices.person()))
            yield from (f"  {line}" for line in unsound_said(each.result.validated, voices.person()))


def _turning_lines(report: PilotReport) -> Iterator[str]:
    passed = [each for each in report.ranked if each.name not in report.not_passed]
    if passed:
        yield said("by its marks the first is {pathway}", pathway=passed[0].name)
    if not passed or passed[0] != report.ranked[0]:
        return  # how many points are between those that cannot be used is nobody's question
    for point in report.turning:
        yield said(
            "if {criterion} weighed {percent} % instead of {now} %, {pathway} would be as good",
            criterion=point.criterion,
            percent=_percent(point),
            now=round(100 * point.now),
            pathway=point.name,
        )


def pilot_code(report: PilotReport) -> Exit:
    """How a command ends that tried a migration: a pathway of which no file passes, or that cannot be tried, is told
    by it."""
    return Exit.FINDINGS if report.not_passed or report.not_tried else Exit.WELL


def _percent(point: TurningPoint) -> int:
    return round(100 * point.weight)


def run_document(report: RunReport) -> Fields:
    """What a run did."""
    migration = report.migration
    return {
        "migration": migration.number,
        "state": migration.state.value,
        "finished": report.is_finished,
        "packages": [_ended_document(each) for each in report.ended],
        "files": {fate.value: count for fate, count in report.fates.items()},
        "left": migration.packages_due,
        "waiting": report.waiting,
        "not_converted": report.not_converted,
        "stopped": report.stopped,
        "passed_over": [{"package": each.package, "why": str(each.why)} for each in report.passed_over],
        "seconds": round(report.seconds, 1),
    }


def _ended_document(ended: PackageEnded) -> Fields:
    return {
        "package": ended.done.package,
        "into": list(ended.done.into),
        "files": {fate.value: ended.done.tallied.of(fate) for fate in FileFate},
        "undecided": ended.done.undecided,
        "log_sha256": ended.done.log_sha256,
        "copies": [
            {"package": made.id, "store": copy.store, "state": copy.state.value}
            for made in ended.made
            for copy in made.copies
        ],
    }


def run_lines(report: RunReport) -> Iterator[str]:
    """The same for people."""
    migration, fates = report.migration, report.fates
    yield said(
        "{packages} packages done; {converted} files converted, {stopped} kept for review, {failed} failed, {refused}"
        " given to no tool",
        packages=len(report.ended),
        converted=fates[FileFate.CONVERTED],
        stopped=fates[FileFate.STOPPED],
        failed=fates[FileFate.FAILED],
        refused=fates[FileFate.REFUSED],
    )
    yield from bounded(map(_ended_line, report.ended))
    yield from bounded(map(_passed_over_line, report.passed_over))
    owed = sum(made.owed for ended in report.ended for made in ended.made)
    if owed:
        yield said(
            "copies of the new versions that policy wants by now, and that are not verified: {count}; `preserve status`"
            " tells which, and `preserve replicate` makes what can be made",
            count=owed,
        )
    failed = [(made.id, copy) for ended in report.ended for made in ended.made for copy in made.copies if copy.why]
    yield from bounded(
        said(
            "  the copy of {package} in {store} was not made: {why}",
            package=package,
            store=copy.store,
            why=error_said(copy.why),
        )
        for package, copy in failed
        if copy.why is not None
    )
    if report.stopped is not None:
        yield said(
            "migration {migration} stopped: {why}. Look at the files with `preserve migrate stopped {migration}`; then"
            " `preserve migrate run {migration}` goes on, or `preserve migrate withdraw {migration}` ends it",
            migration=migration.number,
            why=report.stopped,
        )
    elif report.is_finished:
        yield said("migration {migration} is finished", migration=migration.number)
    elif migration.packages_due:
        yield said(
            "{left} packages are left; the same command goes on",
            left=migration.packages_due,
        )
    if booked := migration.progress.failed + migration.progress.refused:
        yield said(
            "{count} files of migration {migration} failed or were given to no tool, and their originals alone are"
            " kept: `preserve migrate report {migration} --csv FILE` names them and says why",
            count=booked,
            migration=migration.number,
        )
    if report.waiting:
        yield said(
            "{count} files wait for a person: `preserve migrate stopped {migration}` shows them, and `preserve migrate"
            " decide {migration}` accepts or rejects each",
            count=report.waiting,
            migration=migration.number,
        )


def _ended_line(ended: PackageEnded) -> str:
    done = ended.done
    if not done.into:
        return said("  {package}: nothing of it was converted", package=done.package)
    return said("  {package} is converted into {into}", package=done.package, into=", ".join(done.into))


def _passed_over_line(each: PassedOver) -> str:
    return said("  {package} was passed over: {why}", package=each.package, why=error_said(each.why))


def run_code(report: RunReport) -> Exit:
    """How a command ends that ran a migration: what waits for a person is told by it."""
    if report.is_as_wanted:
        return Exit.WELL
    is_only_away = report.is_only_away and not (report.stopped or report.waiting or report.not_converted)
    return Exit.UNAVAILABLE if is_only_away else Exit.FINDINGS
