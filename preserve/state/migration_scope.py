"""Which packages a scope comes to, as a query over the catalog; and what was asked of it, kept until it is booked.

A plan over a million packages takes long to ask and half as long again to write down.  So it is asked once, by whoever
admits it or before, and laid into a temporary table, from which the projection takes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from preserve.model.digests import sha256
from preserve.model.migration_states import MigrationState
from preserve.model.migrations import Scope, ScopeCount
from preserve.state.applying import Tables

COUNTED = "count(*), COALESCE(sum(files), 0), COALESCE(sum(bytes), 0)"

_COLUMNS = "package, policy, files, bytes"
_ASKED = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS scope_asked"
    " (scope TEXT NOT NULL, package TEXT NOT NULL, policy TEXT NOT NULL, files BIGINT NOT NULL, bytes BIGINT NOT NULL)"
)

_HAS_VERSION_OF = (
    "SELECT earlier.package FROM migration_package AS earlier"
    " JOIN migration ON migration.number = earlier.migration AND migration.state <> ?"
    " WHERE earlier.rolled_back = 0 AND earlier.into_packages <> '[]' AND earlier.migration IN ({migrations})"
)
_IS_VERSION_OF = "SELECT made.package FROM migration_version AS made WHERE made.migration IN ({migrations})"


def packages_in_scope(scope: Scope) -> tuple[str, tuple[Any, ...]]:
    """A query for package, policy, files and bytes in the formats meant, with its parameters.

    Asked of a million packages, so what is left out is put together once, and the files of a package are summed up
    before anything else is asked of it.
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


def lay_aside(tables: Tables, scopes: Iterable[Scope]) -> None:
    """Ask what each scope comes to, and lay it aside in place of whatever was."""
    drop_asked(tables)
    for scope in scopes:
        query, given = packages_in_scope(scope)
        tables.execute(
            f"INSERT INTO scope_asked SELECT CAST(? AS TEXT), {_COLUMNS} FROM ({query}) AS meant ORDER BY package",  # noqa: S608
            (_key(scope), *given),
        )


def drop_asked(tables: Tables) -> None:
    """What was laid aside is not true any more."""
    tables.execute(_ASKED)
    tables.execute("DELETE FROM scope_asked")


def counted_aside(tables: Tables, scope: Scope) -> ScopeCount:
    """What a scope comes to that is to be booked at once: as it was laid aside, else it is asked and laid aside now."""
    count = _counted(tables, scope)
    if not count.packages:
        lay_aside(tables, [scope])
        count = _counted(tables, scope)
    return count


def _key(scope: Scope) -> str:
    """Stands in each of a million rows, and a scope may name a thousand packages."""
    return sha256(repr(scope).encode()).hex()[:16]


def _counted(tables: Tables, scope: Scope) -> ScopeCount:
    tables.execute(_ASKED)
    row = tables.execute(f"SELECT {COUNTED} FROM scope_asked WHERE scope = ?", (_key(scope),)).fetchone()  # noqa: S608
    return ScopeCount(*map(int, row))


def take_asked(tables: Tables, scope: Scope, into: str, given: tuple[Any, ...]) -> None:
    """Write the packages of a scope by the statement `into`, which ends where they are selected from, and let go of
    what was laid aside.  A replay, which admits nothing, asks now."""
    tables.execute(_ASKED)
    if not tables.execute("SELECT 1 FROM scope_asked WHERE scope = ? LIMIT 1", (_key(scope),)).fetchone():
        query, meant = packages_in_scope(scope)
        tables.execute(f"{into} ({query}) AS meant", (*given, *meant))
        return
    tables.execute(f"{into} scope_asked WHERE scope = ?", (*given, _key(scope)))
    tables.execute("DELETE FROM scope_asked WHERE scope = ?", (_key(scope),))


def _among(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join('?' * len(values))})"
