"""List the files and links of a source as it was at a moment, or those of them that have vanished since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from preserve.bags.entries import LINK
from preserve.model.restore import PathPattern
from preserve.model.sources import HarvestEntry
from preserve.packages.harvesting import standing
from preserve.packages.harvesting.comparing import Plan
from preserve.packages.harvesting.last_state import WornError
from preserve.packages.harvesting.moments import files_in, gone_since, harvest_meant, rows_of
from preserve.packages.harvesting.rows import KIND, MARK, MTIME, PATH, SIZE, Seen
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Which source, as of which moment (None: its newest harvest), by which pattern (see `PathPattern`).

    `only_vanished`: only what is in the newest harvest no more.
    """

    source: str
    as_of: str | None = None
    path: str | None = None
    only_vanished: bool = False


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a source as it was seen, or a symbolic link: then `target` is where it leads."""

    path: bytes
    size: int
    mtime_ns: int
    target: bytes | None = None


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """The files of a harvest, which are read from where they are noted as they are asked for, once."""

    harvest: HarvestEntry
    files: Iterator[SourceFile]


def list_source(workplace: Workplace, request: ListRequest, resources: ExitStack) -> SourceFiles:
    """The files; what holds them meanwhile is added to `resources`.

    Raises `Refused` where the source was never harvested until then, `Unavailable` and `Unreadable` where no store
    gives the state, `NoSpace`.
    """
    harvest = harvest_meant(workplace.books, request.source, request.as_of)
    try:
        plan = _gathered(workplace, request, harvest, resources)
    except WornError:
        standing.forget(workplace, request.source)
        plan = _gathered(workplace, request, harvest, resources)
    return SourceFiles(harvest, (SourceFile(*plain) for plain in plan))


def _gathered(workplace: Workplace, request: ListRequest, harvest: HarvestEntry, resources: ExitStack) -> Plan:
    """What is wanted, on disk: whether the home's own note of the last state is sound is known at its end alone."""
    pattern = None if request.path is None else PathPattern(request.path)
    plan = Plan(workplace.work)
    resources.callback(plan.close)
    with ExitStack() as reading:
        found: Iterator[Seen] = files_in(rows_of(workplace, harvest, reading))
        if request.only_vanished:
            newest = harvest_meant(workplace.books, request.source, None)
            found = gone_since(found, files_in(rows_of(workplace, newest, reading)))
        for seen in found:
            if pattern is None or pattern.takes(seen[PATH]):
                plan.add((seen[PATH], seen[SIZE], seen[MTIME], seen[MARK] if seen[KIND] == LINK else None))
    return plan
