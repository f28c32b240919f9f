"""Which packages a scope comes to, as a query over the catalog."""

from __future__ import annotations

from typing import Any

from preserve.model.migration_states import MigrationState
from preserve.model.migrations import Scope

COUNTED = "count(*), COALESCE(sum(files), 0), COALESCE(sum(bytes), 0)"


def packages_in_scope(scope: Scope) -> tuple[str, tuple[Any, ...]]:
    """A query for package, policy, files and bytes in the formats meant, with its parameters."""
    tests = [_among("puid", scope.puids)]
    given: list[Any] = [*scope.puids]
    for column, values in (("identified.policy", scope.policies), ("identified.package", scope.packages)):
        if values:
            tests.append(_among(column, values))
            given += values
    if not scope.is_again:
        tests.append(
            "NOT EXISTS (SELECT 1 FROM migration_package AS earlier"  # noqa: S608
            " JOIN migration ON migration.number = earlier.migration AND migration.state <> ?"
            " JOIN migration_format ON migration_format.migration = earlier.migration"
            f" AND {_among('migration_format.puid', scope.puids)}"
            " WHERE earlier.package = identified.package AND earlier.rolled_back = 0 AND earlier.into_packages <> '[]')"
        )
        tests.append(
            "NOT EXISTS (SELECT 1 FROM migration_version AS made"  # noqa: S608
            " JOIN migration_format ON migration_format.migration = made.migration"
            f" AND {_among('migration_format.puid', scope.puids)} WHERE made.package = identified.package)"
        )
        given += [MigrationState.ROLLED_BACK.value, *scope.puids, *scope.puids]
    query = (
        "SELECT identified.package AS package, identified.policy AS policy, sum(package_format.files) AS files,"  # noqa: S608 - names of ours
        " sum(package_format.bytes) AS bytes FROM package_format"
        f" JOIN identified ON identified.package = package_format.package WHERE {' AND '.join(tests)}"
        " GROUP BY identified.package, identified.policy"
    )
    return query, tuple(given)


def _among(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join('?' * len(values))})"
