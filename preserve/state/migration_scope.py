"""Which packages a scope comes to, as a query over the catalog."""

from __future__ import annotations

from typing import Any

from preserve.model.migration_states import MigrationState
from preserve.model.migrations import Scope

COUNTED = "count(*), COALESCE(sum(files), 0), COALESCE(sum(bytes), 0)"


_HAS_VERSION_OF = (
    "SELECT earlier.package FROM migration_package AS earlier"
    " JOIN migration ON migration.number = earlier.migration AND migration.state <> ?"
    " WHERE earlier.rolled_back = 0 AND earlier.into_packages <> '[]' AND earlier.migration IN ({migrations})"
)
_IS_VERSION_OF = "SELECT made.package FROM migration_version AS made WHERE made.migration IN ({migrations})"


def packages_in_scope(scope: Scope) -> tuple[str, tuple[Any, ...]]:
    """A query for package, policy, files and bytes in the formats meant, with its parameters.

    Asked of a million packages while nobody else can write, so what is left out is put together once, and the files of
    a package are summed up before anything else is asked of it.
    """
    counts, counted_by = [_among("puid", scope.puids)], [*scope.puids]
    tests, given = [], list[Any]()
    if scope.packages:
        counts.append(_among("package", scope.packages))
        counted_by += scope.packages
    if scope.policies:
        tests.append(_among("identified.policy", scope.policies))
        given += scope.policies
    if not scope.is_again:
        migrations = f"SELECT migration FROM migration_format WHERE {_among('puid', scope.puids)}"  # noqa: S608
        tests.append(f"identified.package NOT IN ({_HAS_VERSION_OF.format(migrations=migrations)})")
        tests.append(f"identified.package NOT IN ({_IS_VERSION_OF.format(migrations=migrations)})")
        given += [MigrationState.ROLLED_BACK.value, *scope.puids, *scope.puids]
    query = (
        "SELECT identified.package AS package, identified.policy AS policy, counted.files AS files,"  # noqa: S608 - names of ours
        " counted.bytes AS bytes FROM (SELECT package, sum(files) AS files, sum(bytes) AS bytes FROM package_format"
        f" WHERE {' AND '.join(counts)} GROUP BY package) AS counted"
        f" JOIN identified ON identified.package = counted.package WHERE {' AND '.join(tests or ['1 = 1'])}"
    )
    return query, (*counted_by, *given)


def _among(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join('?' * len(values))})"
