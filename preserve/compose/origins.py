"""Where records come from: the places of registered sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from preserve.compose.rules import policy, profile
from preserve.model.sources import Registered, SourceEntry, SourceKind
from preserve.settings.home import Home
from preserve.workplace import Workplace

if TYPE_CHECKING:
    from preserve.operations.harvest import HarvestRequest
    from preserve.operations.take_submissions import TakeRequest
    from preserve.packages.harvesting.places import Catchment


def harvest_request(home: Home, workplace: Workplace, source: Registered) -> HarvestRequest:
    """What a harvest of a source needs: its policy in force, its place.  Raises `Refused`, `Misused`, `Tampered`."""
    from preserve.operations.harvest import HarvestRequest

    kept_under = policy(workplace.books, source.entry.policy)
    return HarvestRequest(source, kept_under, catchment(workplace, source.entry), profile(home, kept_under))


def take_request(home: Home, workplace: Workplace, source: Registered) -> TakeRequest:
    """What taking submissions from a drop folder needs.  Raises `Refused`, `Misused`, `Tampered`."""
    from preserve.operations.take_submissions import TakeRequest
    from preserve.packages.harvesting.sieve import Sieve

    entry = source.entry
    kept_under = policy(workplace.books, source.entry.policy)
    sieve = Sieve(entry.exclude, entry.include) if entry.exclude else None
    return TakeRequest(source, kept_under, profile(home, kept_under), sieve)


def catchment(workplace: Workplace, source: SourceEntry) -> Catchment:
    """The place that a source is harvested from; nothing is asked of it yet.  Raises `Misused`, `Refused`."""
    from preserve.packages.harvesting.sieve import Sieve

    if source.kind is SourceKind.S3:
        from preserve.stores.s3_connection import Connection
        from preserve.stores.s3_place import place_of
        from preserve.stores.s3_source import S3Catchment

        connection = Connection(source.name, place_of(source.place), source.profile)
        return S3Catchment(connection, workplace.work, Sieve(source.exclude, source.include))
    if source.kind is SourceKind.COMMAND:
        from preserve.packages.harvesting.outputs import OutputCatchment

        return OutputCatchment(source, workplace.work)
    from preserve.packages.harvesting.places import FolderCatchment

    return FolderCatchment(Path(source.place), Sieve(source.exclude, source.include) if source.exclude else None)
