"""Report on migrations: what the ledger says of them, and what their risk logs say of files and losses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from preserve.errors import PreserveError, Refused, Unavailable
from preserve.model import events
from preserve.model.formats.file_results import FileFate
from preserve.model.formats.losses import Decision
from preserve.model.formats.risk_counts import By, Group, Narrowed
from preserve.model.formats.risk_log import LoggedFile, decided
from preserve.model.migrations import (
    ApprovalEntry,
    FileDecision,
    LossCount,
    Migration,
    MigrationPackage,
    PackageState,
    PilotEntry,
    Viewed,
)
from preserve.model.nouns import EventType
from preserve.packages.migrating.under_way import under_way
from preserve.packages.risk_log_finding import PackageLog, fetch_pictures, find_log
from preserve.packages.risk_queries import FoundFile, RiskLogs
from preserve.workplace import Workplace

MOST_DECISIONS = 200


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What is wanted: of one migration (None: all), counted `by` some things, narrowed down to a package or a
    file, with the worst `most_files` files told one by one.  `migrations` is their folder in the home."""

    migrations: Path
    number: int | None = None
    by: tuple[By, ...] = ()
    narrowed: Narrowed = field(default_factory=Narrowed)
    most_files: int = 0
    tells_course: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """One step of a migration, as the ledger has it: the number of the entry, when, and who for what reason."""

    entry: int
    type: EventType
    at: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Account:
    """What the ledger says of one migration.

    `decisions` are at most `MOST_DECISIONS` of `decided`.  `missing` says of which packages that are done the log is
    not here, and why; `changed` of which another log lies in the home than the ledger pins, so that what is told comes
    from a new package.  `under_way` counts files of packages that are not done.
    `course` is empty unless it was asked for.
    """

    migration: Migration
    pilots: tuple[PilotEntry, ...]
    approvals: tuple[ApprovalEntry, ...]
    losses: tuple[LossCount, ...]
    states: Mapping[PackageState, int]
    decisions: tuple[FileDecision, ...]
    decided: int
    missing: Mapping[str, PreserveError]
    changed: Mapping[str, PreserveError]
    under_way: Mapping[FileFate, int]
    course: tuple[Taken, ...]
    viewed: Viewed = field(default_factory=Viewed)
    viewed_of_pilot: Viewed = field(default_factory=Viewed)
    """How many files people looked at of what the run made, and of the last pilot's sample."""

    @property
    def approval(self) -> ApprovalEntry | None:
        """The last approval there was."""
        return self.approvals[-1] if self.approvals else None


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """The answer to a `ReportRequest`.  `fates` and `groups` are counted in the logs, `files` are the worst."""

    at: datetime
    accounts: tuple[Account, ...]
    fates: Mapping[FileFate, int]
    groups: Mapping[By, tuple[Group, ...]]
    files: tuple[FoundFile, ...]
    logs: RiskLogs
    narrowed: Narrowed
    root: str
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether the log of each package that is done is there, as the ledger pins it."""
        return not any(each.missing for each in self.accounts)

    @property
    def is_changed(self) -> bool:
        """Whether another log than the ledger pins lies in the home, of a package that was told of all the same."""
        return any(each.changed for each in self.accounts)

    @property
    def is_only_away(self) -> bool:
        """Whether each log that is not here may be in a store that is away."""
        return all(isinstance(why, Unavailable) for each in self.accounts for why in each.missing.values())

    def each(self) -> Iterator[LoggedFile]:
        """Every file that is meant, in bounded memory, while the workplace is open."""
        return self.logs.each(self.narrowed)


def report_migrations(workplace: Workplace, request: ReportRequest) -> MigrationReport:
    """What is known of a migration, or of all.

    Raises `Refused` for a number or a package that is in none.
    """
    books = workplace.books
    meant = books.migrations() if request.number is None else [books.migration(request.number)]
    accounts, logs = [], []
    for migration in meant:
        packages = list(_packages(workplace, migration.number, request.narrowed.package))
        found = {each.package: _log(workplace, request, each) for each in packages if each.done is not None}
        logs += [log for log in found.values() if isinstance(log, PackageLog)]
        accounts.append(_account(workplace, migration, packages, found, request))
    _require_known(request, accounts)
    risk_logs = RiskLogs([log.folder for log in logs])
    worst = risk_logs.worst(request.narrowed, request.most_files) if logs and request.most_files else []
    _bring_pictures(workplace, logs, worst)
    files = tuple(_with_decision(workplace, each) for each in worst)
    return MigrationReport(
        at=workplace.clock.now(),
        accounts=tuple(accounts),
        fates=risk_logs.fates(request.narrowed) if logs else {},
        groups={by: risk_logs.groups(by, request.narrowed) if logs else () for by in request.by},
        files=files,
        logs=risk_logs,
        narrowed=request.narrowed,
        root=books.root().hex(),
        size=books.size(),
    )


def _packages(workplace: Workplace, number: int, only: str | None) -> Iterator[MigrationPackage]:
    return (each for each in workplace.books.migration_packages(number) if only in (None, each.package))


def _log(workplace: Workplace, request: ReportRequest, package: MigrationPackage) -> PackageLog | PreserveError:
    assert package.done is not None  # noqa: S101  it is asked of no other
    return find_log(workplace, request.migrations, package.done)


def _account(
    workplace: Workplace,
    migration: Migration,
    packages: list[MigrationPackage],
    logs: Mapping[str, PackageLog | PreserveError],
    request: ReportRequest,
) -> Account:
    books, number = workplace.books, migration.number
    decisions = list(books.file_decisions(number, request.narrowed.package))
    pilots = books.pilots(number)
    return Account(
        migration=migration,
        pilots=tuple(pilots),
        approvals=tuple(books.approvals(number)),
        losses=tuple(books.migration_losses(number)),
        states={state: sum(each.state is state for each in packages) for state in PackageState},
        decisions=tuple(decisions[:MOST_DECISIONS]),
        decided=len(decisions),
        missing={package: log for package, log in logs.items() if isinstance(log, PreserveError)},
        changed={
            package: _changed(log, log.changed)
            for package, log in logs.items()
            if isinstance(log, PackageLog) and log.changed is not None
        },
        under_way=under_way(books, request.migrations, number, request.narrowed.package),
        course=tuple(_course(workplace, number)) if request.tells_course else (),
        viewed=books.viewed(number, None),
        viewed_of_pilot=books.viewed(number, pilots[-1].number) if pilots else Viewed(),
    )


def _changed(log: PackageLog, folder: Path) -> Refused:
    return Refused(
        "the risk log of package {package} in {folder} is not as the ledger knows it: somebody changed it, or the disk"
        " did; what is told here comes from package {source}, whose log is sound. Find out why, then move that folder"
        " away",
        package=log.done.package,
        folder=folder,
        source=log.source,
    )


def _bring_pictures(workplace: Workplace, logs: Iterable[PackageLog], files: Sequence[FoundFile]) -> None:
    """Bring the pictures of files whose log came from a new package."""
    for log in logs:
        own = [each.logged.result for each in files if each.pictures.parent == log.folder]
        shown = [picture for each in own for picture in each.pictures]
        fetch_pictures(workplace, log, [name for each in shown for name in (each.before, each.after) if name])


def _with_decision(workplace: Workplace, found: FoundFile) -> FoundFile:
    """A file with what a person decided about it since its log was written."""
    logged = found.logged
    if logged.result.fate is not FileFate.STOPPED or logged.decision is not None:
        return found
    original = logged.result.original
    for each in workplace.books.file_decisions(logged.circumstances.migration, original.package):
        if each.path == original.path:
            decision = Decision(original.package, each.is_accepted, each.by, each.reason)
            return FoundFile(decided(logged, decision), found.pictures)
    return found


def _require_known(request: ReportRequest, accounts: list[Account]) -> None:
    package = request.narrowed.package
    if package is not None and not any(sum(each.states.values()) for each in accounts):
        raise Refused("no migration that is meant is about package {package}", package=package)


def _course(workplace: Workplace, number: int) -> Iterator[Taken]:
    """The steps of a migration, but for packages and files, which are counted."""
    mark = f'"migration":{number}'.encode()
    for entry in workplace.books.entries():
        if mark not in entry.content:  # canonical JSON: a million other entries need not be read
            continue
        event = events.decode(entry.content)
        if event.type in _STEPS and event.detail["migration"] == number:
            yield Taken(entry.number, event.type, event.at, event.actor, event.reason)


_STEPS = frozenset(
    [
        EventType.MIGRATION_PLANNED,
        EventType.MIGRATION_PILOTED,
        EventType.MIGRATION_APPROVED,
        EventType.MIGRATION_BEGUN,
        EventType.MIGRATION_STOPPED,
        EventType.MIGRATION_ENDED,
        EventType.MIGRATION_ROLLED_BACK,
        EventType.MIGRATION_REINSTATED,
        EventType.MIGRATION_WITHDRAWN,
    ]
)
