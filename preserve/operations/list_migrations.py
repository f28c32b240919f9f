"""List migrations: how far each is, whether its approval still holds, and for whom it waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from preserve.model.formats.watching import Circumstances, reopened
from preserve.model.migration_waits import MigrationStanding, standing_of
from preserve.model.migrations import Migration, PilotEntry
from preserve.state.books import Books

Now = Callable[[Migration, PilotEntry], Circumstances]
"""How things are now, for a migration and what it was tried with."""


def list_migrations(books: Books, now: Now) -> list[MigrationStanding]:
    """All migrations, in the order in which they were planned."""
    return [stand(books, each, now) for each in books.migrations()]


def stand(books: Books, migration: Migration, now: Now) -> MigrationStanding:
    """How one migration stands."""
    approval, pilot = books.approval(migration.number), books.last_pilot(migration.number)
    if approval is None or pilot is None or not migration.state.is_open:
        return standing_of(migration, (), pilot)
    return standing_of(migration, reopened(approval, pilot, now(migration, pilot)), pilot)


def waiting(standings: Iterable[MigrationStanding]) -> list[MigrationStanding]:
    """Those that wait for a person."""
    return [each for each in standings if not each.is_well]
