"""End a migration, or take back what it made: by marking alone; no version is deleted, and it can be reinstated."""

from __future__ import annotations

from pathlib import Path

from preserve.model import events, migration_events
from preserve.model.incidents import IncidentKind
from preserve.model.migrations import Migration
from preserve.model.nouns import Event, EventType
from preserve.model.phrases import phrase
from preserve.packages.migrating.clearing import clear_up
from preserve.workplace import Workplace


def withdraw_migration(workplace: Workplace, number: int, migrations: Path) -> Migration:
    """Do nothing more about a migration; what it made stays in force.  What lies in the home for files that are in no
    version goes; `migrations` is where.

    Raises `Refused` where it is over, `Unavailable` while somebody is at work on it.
    """
    event = migration_events.migration_withdrawn(workplace.act, workplace.now(), number)
    migration = _booked(workplace, number, event)
    clear_up(workplace, migrations)
    return migration


def roll_back(workplace: Workplace, number: int, package: str | None = None) -> Migration:
    """What was made of an original package, or of all, is not in force any more: the originals are, as before.

    Raises `Refused` where nothing was made of it, `Unavailable` while somebody is at work on it.
    """
    original = _original(workplace, package)
    at = workplace.now()
    return _booked(workplace, number, migration_events.migration_rolled_back(workplace.act, at, number, original))


def reinstate(workplace: Workplace, number: int, package: str | None = None) -> Migration:
    """What was rolled back is in force again.  Raises as `roll_back` does."""
    original = _original(workplace, package)
    at = workplace.now()
    return _booked(workplace, number, migration_events.migration_reinstated(workplace.act, at, number, original))


def _original(workplace: Workplace, package: str | None) -> str | None:
    return None if package is None else workplace.books.package(package).id


def _booked(workplace: Workplace, number: int, event: Event) -> Migration:
    books = workplace.books
    migration = books.migration(number)
    with workplace.claim(migration.claim):
        happened = [event]
        known = books.open_incident(IncidentKind.REOPENED, migration.claim)
        if known is not None and event.type is EventType.MIGRATION_WITHDRAWN:
            over = phrase("nothing more is done about the migration")
            happened.append(events.incident_closed(workplace.act, workplace.now(), known.id, over))
        workplace.record(*happened)
        return books.migration(number)
