"""Book that a person looked at what was made of files: of a pilot's sample, or of what a run made."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from preserve.errors import PreserveError, Refused
from preserve.model import migration_events
from preserve.model.complaints import ComplaintList
from preserve.model.formats.risk_counts import Narrowed
from preserve.model.migrations import FilesViewed, Migration, Viewed
from preserve.packages.risk_csv import name_shown
from preserve.packages.risk_log_finding import find_log, is_as_pinned
from preserve.packages.risk_logs import pilot_log
from preserve.packages.risk_queries import RiskLogs
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """Which files a person looked at, by their names below `data/` as deposited or as they are shown: of the last pilot
    (`of_pilot`), or of what the run made of `package`.  No files: all of the pilot's sample, or of the package."""

    migration: int
    migrations: Path
    files: Sequence[str] = ()
    package: str | None = None
    of_pilot: bool = False


@dataclass(frozen=True, slots=True)
class ViewReport:
    """How many files of a pilot (None: of the run) people looked at by now, of how many."""

    migration: Migration
    pilot: int | None
    viewed: Viewed
    of_files: int


def view_files(workplace: Workplace, request: ViewRequest) -> ViewReport:
    """Book it; what the same person said before is not booked again.

    Raises `Refused` where a file is not among those that were made or tried, or their log is not here.
    """
    books = workplace.books
    migration = books.migration(request.migration)
    package = None if request.package is None else books.package(request.package).id
    pilot = books.last_pilot(migration.number) if request.of_pilot else None
    folder = _log(workplace, request, package)
    paths: dict[str, set[bytes]] = defaultdict(set)
    for of, path in _meant(folder, request, package):
        paths[of].add(path)
    number = None if pilot is None else pilot.number
    viewed = (FilesViewed(migration.number, of, tuple(each), number) for of, each in sorted(paths.items()))
    workplace.record(*(migration_events.files_viewed(workplace.act, workplace.now(), each) for each in viewed))
    of_files = migration.progress.files if pilot is None else pilot.drawn
    return ViewReport(migration, number, books.viewed(migration.number, number), of_files)


def _log(workplace: Workplace, request: ViewRequest, package: str | None) -> Path:
    books = workplace.books
    if request.of_pilot:
        pilot = books.last_pilot(request.migration)
        folder = None if pilot is None else pilot_log(request.migrations, request.migration, pilot.number)
        if pilot is None or folder is None or not is_as_pinned(folder, pilot.data_sha256):
            raise Refused(
                "no pilot of migration {migration} has its files in this home; `preserve migrate pilot {migration}`"
                " tries it",
                migration=request.migration,
            )
        return folder
    row = books.migration_package(request.migration, package or "")
    if row.done is None:
        raise Refused(
            "package {package} is not done in migration {migration}: there is nothing of it to look at",
            package=row.package,
            migration=row.migration,
        )
    log = find_log(workplace, request.migrations, row.done)
    if isinstance(log, PreserveError):
        raise log
    return log.folder


def _meant(folder: Path, request: ViewRequest, package: str | None) -> Iterator[tuple[str, bytes]]:
    """The package and path of each file that is meant and of which something was made.

    Raises `Refused` with all names that are of none.
    """
    left = set(request.files)
    found = []
    for each in RiskLogs([folder]).each(Narrowed(package)):
        original = each.result.original
        names = {os.fsdecode(original.path), name_shown(original.path)}
        if each.result.made and (not request.files or names & set(request.files)):
            found.append((original.package, original.path))
            left -= names
    complaints = ComplaintList()
    for name in sorted(left):
        complaints.add(
            "unknown",
            name,
            "nothing was made of a file {file} in migration {migration}, so nobody looked at it",
            file=name,
            migration=request.migration,
        )
    complaints.raise_if_any(str(folder))
    return iter(found)
