"""Decide about files that a migration stopped: look at what was lost and at what was made, then accept or reject each.

Nothing is converted here: what is accepted comes into a further version when the migration is run again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from preserve import durable
from preserve.errors import Misused, PreserveError, Refused
from preserve.model import migration_events
from preserve.model.complaints import ComplaintList
from preserve.model.formats.file_results import FileFate, FileResult
from preserve.model.formats.governance import objections_to_decider
from preserve.model.formats.risk_counts import Narrowed
from preserve.model.formats.risk_log import LoggedFile, is_picture_name
from preserve.model.migrations import FileDecision, Migration, MigrationPackage
from preserve.packages.migrating.clearing import clear_up
from preserve.packages.migrating.journal import Journal, journal_folder, made_path
from preserve.packages.migrating.under_way import results_under_way
from preserve.packages.migrating.versions import unsound_results
from preserve.packages.risk_csv import name_shown
from preserve.packages.risk_log_finding import PackageLog, fetch_pictures, find_log
from preserve.packages.risk_queries import RiskLogs
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class StoppedRequest:
    """Which files are wanted that wait for a decision: of one package, or of all of a migration; at most `most` are
    told one by one.  `migrations` is where logs lie in the home.  Into `lay_into`, a new or empty folder, what was made
    of them is copied under the names that it would get, with the pages that look otherwise."""

    migration: int
    migrations: Path
    package: str | None = None
    most: int = 20
    lay_into: Path | None = None


@dataclass(frozen=True, slots=True)
class StoppedFile:
    """A file that was stopped: how it was judged, where in this home what was made of it lies (() where it does not,
    or not as it was made), and which pictures there are of pages that look otherwise."""

    logged: LoggedFile
    made: tuple[Path, ...]
    pictures: tuple[Path, ...]

    @property
    def result(self) -> FileResult:
        return self.logged.result


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A file that was not converted, of a package that is not done: nobody can decide about it yet."""

    result: FileResult
    made: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class StoppedReport:
    """The first files that wait for a decision, of `waiting`, and the first of `count_under_way` of packages that are
    not done; `missing` says of which packages nothing can be told, and why."""

    migration: Migration
    files: tuple[StoppedFile, ...]
    waiting: int
    missing: Mapping[str, PreserveError]
    under_way: tuple[UnderWay, ...]
    count_under_way: int


@dataclass(frozen=True, slots=True)
class DecideRequest:
    """What becomes of these files of an original package, by their names below `data/` as `--file` has them or as they
    are shown.  Who decides and why says the act."""

    migration: int
    migrations: Path
    package: str
    files: Sequence[str]
    is_accepted: bool


@dataclass(frozen=True, slots=True)
class DecideReport:
    """What was decided about, each file as it had been judged; `left` of the migration wait for a decision still."""

    migration: Migration
    package: str
    files: tuple[StoppedFile, ...]
    is_accepted: bool

    @property
    def left(self) -> int:
        return self.migration.progress.undecided


def stopped_files(workplace: Workplace, request: StoppedRequest) -> StoppedReport:
    """What waits for a decision, and why.

    Raises `Refused` where there is no such migration or it is not about that package, `Misused` for a folder that is
    not empty, `NoSpace`.
    """
    books = workplace.books
    migration = books.migration(request.migration)
    if request.lay_into is not None:
        _require_empty(request.lay_into)
    files: list[StoppedFile] = []
    missing: dict[str, PreserveError] = {}
    for row in _waiting(workplace, request):
        log = _log(workplace, request.migrations, row)
        if isinstance(log, PreserveError):
            missing[row.package] = log
            continue
        decided = {each.path for each in books.file_decisions(row.migration, row.package)}
        for each in _stopped(log):
            if len(files) >= request.most:
                break
            if each.result.original.path not in decided:
                files.append(_at_hand(workplace, request.migrations, log, each))
    if request.lay_into is not None:
        for file in files:
            _lay_out(file, request.lay_into)
    waiting = sum(row.undecided for row in _waiting(workplace, request))
    begun, count = _under_way(workplace, request)
    return StoppedReport(migration, tuple(files), waiting, missing, tuple(begun), count)


def decide_files(workplace: Workplace, request: DecideRequest) -> DecideReport:
    """Book what a person decides about stopped files, all of them or none.

    Raises `Refused` where one of them was not stopped or is not known, where what was made of an accepted one is not
    here any more, or where the person ran or audits the migration; `Unavailable` while somebody is at work on it.
    """
    books = workplace.books
    migration = books.migration(request.migration)
    package = books.package(request.package).id
    with workplace.claim(migration.claim):
        row = books.migration_package(migration.number, package)
        log = _log(workplace, request.migrations, row)
        if isinstance(log, PreserveError):
            raise log
        files = _meant(workplace, request, log)
        _require_may_decide(workplace.act.actor, migration, files)
        if request.is_accepted:
            _require_made(request, package, files)
        workplace.record(
            *(
                migration_events.file_decided(
                    workplace.act,
                    workplace.now(),
                    FileDecision(migration.number, package, each.result.original.path, request.is_accepted),
                )
                for each in files
            )
        )
    clear_up(workplace, request.migrations)
    return DecideReport(books.migration(migration.number), package, tuple(files), request.is_accepted)


def _waiting(workplace: Workplace, request: StoppedRequest) -> Iterator[MigrationPackage]:
    books = workplace.books
    if request.package is None:
        return (row for row in books.migration_packages(request.migration) if row.undecided)
    row = books.migration_package(request.migration, books.package(request.package).id)
    return iter([row] if row.undecided else [])


def _log(workplace: Workplace, migrations: Path, row: MigrationPackage) -> PackageLog | PreserveError:
    if row.done is None:
        return Refused(
            "package {package} is not done in migration {migration}: no file of it waits for a decision",
            package=row.package,
            migration=row.migration,
        )
    return find_log(workplace, migrations, row.done)


def _under_way(workplace: Workplace, request: StoppedRequest) -> tuple[list[UnderWay], int]:
    """Files of packages that are not done and that were not converted: those to be told, and how many there are."""
    books, folder = workplace.books, journal_folder(request.migrations, request.migration)
    only = None if request.package is None else books.package(request.package).id
    told, count = list[UnderWay](), 0
    for each in results_under_way(books, request.migrations, request.migration, only):
        if each.fate is FileFate.CONVERTED:
            continue
        count += 1
        if len(told) < request.most:
            places = range(len(each.made))
            made = (made_path(folder / each.original.package, each.original.number, place) for place in places)
            told.append(UnderWay(each, tuple(path for path in made if path.is_file())))
    return told, count


def _stopped(log: PackageLog) -> Iterator[LoggedFile]:
    each_file = RiskLogs([log.folder]).each(Narrowed(log.done.package))
    return (each for each in each_file if each.result.fate is FileFate.STOPPED)


def _at_hand(workplace: Workplace, migrations: Path, log: PackageLog, logged: LoggedFile) -> StoppedFile:
    result = logged.result
    folder = journal_folder(migrations, log.done.migration) / log.done.package
    places = tuple(made_path(folder, result.original.number, place) for place in range(len(result.made)))
    is_there = bool(places) and not unsound_results(folder, [result])
    names = [name for each in result.pictures for name in (each.before, each.after) if is_picture_name(name)]
    fetch_pictures(workplace, log, names)
    pictures = (log.folder / "pictures" / name for name in names)
    return StoppedFile(logged, places if is_there else (), tuple(each for each in pictures if each.is_file()))


def _meant(workplace: Workplace, request: DecideRequest, log: PackageLog) -> list[StoppedFile]:
    """The files by these names.  Raises `Refused` naming each that was not stopped, or is not there."""
    wanted = {os.fsencode(name): name for name in request.files}
    shown = {name: name for name in request.files}
    found: dict[str, StoppedFile] = {}
    fates: dict[str, FileFate] = {}
    for each in RiskLogs([log.folder]).each(Narrowed(log.done.package)):
        path = each.result.original.path
        name = wanted.get(path) or shown.get(name_shown(path))
        if name is not None:
            fates[name] = each.result.fate
            if each.result.fate is FileFate.STOPPED:
                found[name] = _at_hand(workplace, request.migrations, log, each)
    complaints = ComplaintList()
    for name in wanted.values():
        if name not in fates:
            complaints.add(
                "unknown",
                name,
                "package {package} has no file {file} that migration {migration} is about",
                package=log.done.package,
                file=name,
                migration=request.migration,
            )
        elif name not in found:
            complaints.add(
                "not stopped",
                name,
                "{file} was not stopped: it is {fate}, and there is nothing to decide",
                file=name,
                fate=fates[name],
            )
    complaints.raise_if_any(log.done.package)
    return list(found.values())


def _require_may_decide(person: str, migration: Migration, files: Sequence[StoppedFile]) -> None:
    """The log names who converted these files; the books who runs and audits the migration now."""
    about = [each.logged.circumstances for each in files]
    executors = {migration.executor, *(each.executor or "" for each in about)} - {""}
    auditors = {migration.auditor, *(each.auditor or "" for each in about)} - {""}
    for raised in objections_to_decider(person, executors, auditors):
        raise Refused(
            "{person} may not decide about files of migration {migration}: {objection}",
            person=person,
            migration=migration.number,
            objection=raised.objection,
        )


def _require_made(request: DecideRequest, package: str, files: Sequence[StoppedFile]) -> None:
    """What is accepted has to be there to come into a version.  Raises `Refused`."""
    folder = journal_folder(request.migrations, request.migration)
    settled = {each.original.path for each in Journal(folder).settled(package) if each.fate is FileFate.STOPPED}
    complaints = ComplaintList()
    for each in files:
        path = each.result.original.path
        if not each.made or path not in settled:
            complaints.add(
                "not made",
                name_shown(path),
                "what was made of {file} is not in this home any more; reject it, and plan another migration of it,"
                " with --again",
                file=name_shown(path),
            )
    complaints.raise_if_any(package)


def _require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Misused("{folder} is no new or empty folder", folder=folder)


def _lay_out(file: StoppedFile, into: Path) -> None:
    """Copy what was made of a file, and its pictures, to where a person looks at them with any program."""
    original = file.result.original
    folder = into / original.package
    try:
        for place, made in zip(file.made, file.result.made, strict=False):
            target = Path(os.fsdecode(os.fsencode(folder) + b"/" + made.path))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(place, target)
        for picture in file.pictures:
            target = folder / "pictures" / f"{original.number}-{picture.name}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(picture, target)
    except OSError as error:
        durable.raise_if_full(error, into)
        raise Refused("{file} could not be written: {why}", file=into, why=error.strerror) from error
