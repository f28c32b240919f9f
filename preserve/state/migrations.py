"""What the books know of migrations."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from preserve.errors import Refused
from preserve.model.formats.losses import Comparison, LossSeverity, RiskType
from preserve.model.formats.pathways import Ground
from preserve.model.formats.properties import Property
from preserve.model.migration_states import MigrationState, StopCause
from preserve.model.migrations import (
    ApprovalEntry,
    FileDecision,
    LossCount,
    Migration,
    MigrationPackage,
    PackageDone,
    PackageState,
    PilotEntry,
    PlannedPathway,
    Progress,
    Scope,
    ScopeCount,
    Stopped,
    Version,
    Versions,
    Viewed,
    path_of,
)
from preserve.state.database import PAGE_ROWS, Database, Row
from preserve.state.migration_details import pilot_of, scope_of, tallied_of
from preserve.state.migration_scope import COUNTED, packages_in_scope

_COUNTERS = (
    "done, versions, converted, stopped, failed, refused, undecided, to_carry_out, bytes_before, bytes_after,"
    " milliseconds, judging_milliseconds"
)
_MIGRATION = (
    "number, title, scope, grounds, pathways, packages, files, bytes, planned_by, planned_at, because, state, executor,"
    f" auditor, stop_cause, stop_why, stopped_at, ended_at, rollback_tested, {_COUNTERS}"
)
_PACKAGE = (
    "package, migration, policy, files, bytes, done, done_at, into_packages, said, log_sha256, undecided, to_carry_out,"
    " rolled_back"
)
_APPROVAL = "number, migration, at, pilot, pathway, sha256, tools, accepted, note, approved_by, because"
_DECISION = "package, path, migration, at, accepted, decided_by, because"
_VERSION = (
    "SELECT version.migration, version.original, version.package, package.rolled_back, migration.state"
    " FROM migration_version AS version JOIN migration ON migration.number = version.migration"
    " JOIN migration_package AS package ON package.migration = version.migration AND package.package = version.original"
)


_TELLS_ENCODING = '%"encoding":"%'
"""What stands in the terms of a settlement that says an encoding: else it is null there."""


class MigrationReading:
    """Questions about migrations."""

    _database: Database

    def migrations(self) -> list[Migration]:
        """All migrations, in the order in which they were planned."""
        rows = self._database.rows(f"SELECT {_MIGRATION} FROM migration ORDER BY number")  # noqa: S608
        return [_migration(row) for row in rows]

    def migration(self, number: int) -> Migration:
        """One migration.  Raises `Refused` where there is none with this number."""
        row = self._database.row(f"SELECT {_MIGRATION} FROM migration WHERE number = ?", (number,))  # noqa: S608
        if row is None:
            raise Refused("there is no migration {migration}; `preserve migrate list` names all", migration=number)
        return _migration(row)

    def in_scope(self, scope: Scope) -> ScopeCount:
        """What a scope comes to now."""
        query, given = packages_in_scope(scope)
        row = self._database.row(f"SELECT {COUNTED} FROM ({query}) AS meant", given)  # noqa: S608
        return ScopeCount(*(int(each) for each in row)) if row else ScopeCount(0, 0, 0)

    def in_scope_by_policy(self, scope: Scope) -> dict[str, ScopeCount]:
        """The same, by the policy under which packages are kept."""
        query, given = packages_in_scope(scope)
        rows = self._database.rows(
            f"SELECT policy, {COUNTED} FROM ({query}) AS meant GROUP BY policy ORDER BY policy",  # noqa: S608
            given,
        )
        return {policy: ScopeCount(*(int(each) for each in counted)) for policy, *counted in rows}

    def encodings_told(self, scope: Scope) -> dict[tuple[str, str], int]:
        """In which encodings persons said that files of a scope are: packages by encoding and person."""
        query, given = packages_in_scope(scope)
        rows = self._database.rows(
            "SELECT DISTINCT package, terms, booked_by FROM settlement WHERE terms LIKE ? AND package IN"  # noqa: S608
            f" (SELECT package FROM ({query}) AS meant)",
            (_TELLS_ENCODING, *given),
        )
        said = {(json.loads(terms)["encoding"], person, package) for package, terms, person in rows}
        return dict(sorted(Counter((encoding, person) for encoding, person, _ in said).items()))

    def pilots(self, number: int) -> list[PilotEntry]:
        """The pilots of a migration, the first one first."""
        rows = self._database.rows(
            "SELECT said, at FROM migration_pilot WHERE migration = ? ORDER BY number", (number,)
        )
        return [pilot_of(json.loads(said), at) for said, at in rows]

    def last_pilot(self, number: int) -> PilotEntry | None:
        """The newest pilot of a migration."""
        row = self._database.row(
            "SELECT said, at FROM migration_pilot WHERE migration = ? ORDER BY number DESC LIMIT 1", (number,)
        )
        return None if row is None else pilot_of(json.loads(row[0]), row[1])

    def approvals(self, number: int) -> list[ApprovalEntry]:
        """All approvals of a migration, the first one first; only that of the last pilot counts."""
        rows = self._database.rows(
            f"SELECT {_APPROVAL} FROM migration_approval WHERE migration = ? ORDER BY number",  # noqa: S608
            (number,),
        )
        return [_approval(row) for row in rows]

    def approval(self, number: int) -> ApprovalEntry | None:
        """The approval under which a migration may run: the last one, if it is of the last pilot."""
        approvals, pilot = self.approvals(number), self.last_pilot(number)
        if not approvals or pilot is None or approvals[-1].pilot != pilot.number:
            return None
        return approvals[-1]

    def migration_packages(self, number: int, after: str = "") -> Iterator[MigrationPackage]:
        """The original packages that a migration is about, by id, from past `after`."""
        among = {"migration": (number,)}
        for row in self._database.pages(_PACKAGE, "migration_package", ("package",), among=among, after=(after,)):
            yield _package(row)

    def migration_package(self, number: int, package: str) -> MigrationPackage:
        """One original package of a migration.  Raises `Refused` where it is not about that."""
        row = self._database.row(
            f"SELECT {_PACKAGE} FROM migration_package WHERE migration = ? AND package = ?",  # noqa: S608
            (number, package),
        )
        if row is None:
            raise Refused("migration {migration} is not about package {package}", migration=number, package=package)
        return _package(row)

    def to_migrate(self, number: int, after: str = "", most: int = PAGE_ROWS) -> list[MigrationPackage]:
        """The next packages, at most so many, of which running has something to do, by id, from past `after`: those
        that are due, and those of which a person accepted files since."""
        rows = self._database.rows(
            f"SELECT {_PACKAGE} FROM migration_package WHERE migration = ? AND package > ?"  # noqa: S608
            " AND (done IS NULL OR to_carry_out > 0) AND rolled_back = 0 ORDER BY package LIMIT ?",
            (number, after, most),
        )
        return [_package(row) for row in rows]

    def bytes_to_convert(self, number: int) -> int:
        """How large the files of all packages are that are due, as they were planned."""
        row = self._database.row(
            "SELECT COALESCE(sum(bytes), 0) FROM migration_package WHERE migration = ? AND done IS NULL", (number,)
        )
        return int(row[0]) if row else 0

    def to_carry_out(self, number: int) -> list[str]:
        """The packages that are done and of which a person accepted files since, by id."""
        # The first condition is that of the index `migration_to_do`, which is used where a query repeats it.
        rows = self._database.rows(
            "SELECT package FROM migration_package WHERE migration = ? AND (done IS NULL OR to_carry_out > 0)"
            " AND to_carry_out > 0 AND rolled_back = 0 ORDER BY package",
            (number,),
        )
        return [package for (package,) in rows]

    def policies_to_migrate(self, number: int) -> list[str]:
        """The policies of all packages of which running has something to do, by name."""
        rows = self._database.rows(
            "SELECT DISTINCT policy FROM migration_package WHERE migration = ?"
            " AND (done IS NULL OR to_carry_out > 0) AND rolled_back = 0 ORDER BY policy",
            (number,),
        )
        return [policy for (policy,) in rows]

    def migrated(self, package: str) -> Versions:
        """What a package was converted into, and of which it is a version, the earliest migration first."""
        into = self._database.rows(
            f"{_VERSION} WHERE version.original = ? ORDER BY version.migration, version.package", (package,)
        )
        of = self._database.rows(f"{_VERSION} WHERE version.package = ? ORDER BY version.migration", (package,))
        return Versions(tuple(map(_version, into)), tuple(map(_version, of)))

    def migration_losses(self, number: int) -> list[LossCount]:
        """How many files differ how, in all packages that are done, most files first."""
        rows = self._database.rows(
            "SELECT what, type, severity, comparison, declared, files FROM migration_loss WHERE migration = ?"
            " ORDER BY files DESC, what, type, severity, comparison, declared",
            (number,),
        )
        return [
            LossCount(Property(row[0]), RiskType(row[1]), LossSeverity(row[2]), Comparison(row[3]), row[4], int(row[5]))
            for row in rows
        ]

    def file_decisions(self, number: int, package: str | None = None) -> Iterator[FileDecision]:
        """What people decided about stopped files of a migration, or of one of its packages, by package and path."""
        among = {"migration": (number,), "package": None if package is None else (package,)}
        for row in self._database.pages(_DECISION, "file_decision", ("package", "path"), among=among):
            yield FileDecision(row[2], row[0], path_of(row[1]), bool(row[4]), row[5], row[6], row[3])

    def accepters(self, number: int) -> list[tuple[str, str]]:
        """The packages of a migration of which people accepted files that are in no version yet, and these people."""
        rows = self._database.rows(
            "SELECT DISTINCT decision.package, decision.decided_by FROM file_decision AS decision"
            " JOIN migration_package AS package ON package.migration = decision.migration"
            " AND package.package = decision.package"
            " WHERE decision.migration = ? AND decision.accepted = 1 AND decision.entry > package.done"
            " AND package.rolled_back = 0 ORDER BY decision.package, decision.decided_by",
            (number,),
        )
        return [(package, person) for package, person in rows]

    def viewed(self, number: int, pilot: int | None) -> Viewed:
        """How many files of a pilot, or of what the run made (None), people looked at, and who did."""
        among = (number, pilot or 0)
        row = self._database.row(
            "SELECT count(*) FROM (SELECT DISTINCT package, path FROM file_viewed WHERE migration = ? AND pilot = ?)"
            " AS seen",
            among,
        )
        rows = self._database.rows(
            "SELECT DISTINCT viewed_by FROM file_viewed WHERE migration = ? AND pilot = ? ORDER BY viewed_by", among
        )
        return Viewed(int(row[0]) if row else 0, tuple(name for (name,) in rows))


def _migration(row: Row) -> Migration:
    number, title, scope, grounds, pathways, packages, files, size, by, at, because, state, *rest = row
    executor, auditor, cause, why, stopped_at, ended_at, rollback_tested, *counters = rest
    return Migration(
        number=number,
        title=title,
        scope=scope_of(json.loads(scope)),
        grounds=tuple(map(Ground, json.loads(grounds))),
        alternatives=tuple(PlannedPathway(name, sha256) for name, sha256 in json.loads(pathways).items()),
        planned=ScopeCount(packages, files, size),
        planned_by=by,
        planned_at=at,
        reason=because,
        state=MigrationState(state),
        progress=Progress(*counters),
        executor=executor,
        auditor=auditor,
        stopped=None if cause is None else Stopped(StopCause(cause), why, stopped_at),
        ended_at=ended_at,
        is_rollback_tested=bool(rollback_tested),
    )


def _approval(row: Row) -> ApprovalEntry:
    number, migration, at, pilot, pathway, sha256, tools, accepted, note, by, because = row
    return ApprovalEntry(
        migration, pilot, pathway, sha256, json.loads(tools), json.loads(accepted), by, at, because, note, number
    )


def _package(row: Row) -> MigrationPackage:
    package, migration, policy, files, size, entry, done_at, into, said, log, undecided, to_carry_out, back = row
    made = tuple(json.loads(into))
    done = None
    if entry is not None:
        done = PackageDone(migration, package, made, tallied_of(json.loads(said)), undecided, log)
    state = PackageState.DUE
    if done is not None:
        state = PackageState.IN_FORCE if made else PackageState.NOTHING_MADE
    state = PackageState.ROLLED_BACK if back else state
    return MigrationPackage(migration, package, policy, files, size, state, done, done_at, undecided, to_carry_out)


def _version(row: Row) -> Version:
    migration, original, package, rolled_back, state = row
    is_in_force = not rolled_back and state != MigrationState.ROLLED_BACK.value
    return Version(migration, original, package, is_in_force)
