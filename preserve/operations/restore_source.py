"""Restore a source as it was at a moment: whole or in part, out of all the packages that its files lie in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preserve.bags.entries import FILE, Sorter
from preserve.errors import Refused
from preserve.model.certificates import ENGLISH, Voice
from preserve.model.restore import OnConflict, PathPattern
from preserve.model.sources import HarvestEntry
from preserve.packages import places
from preserve.packages.harvesting import standing
from preserve.packages.harvesting.comparing import Plan
from preserve.packages.harvesting.last_state import WornError
from preserve.packages.harvesting.moments import harvest_meant, rows_of
from preserve.packages.harvesting.rows import KIND, MARK, MODE, MTIME, OFFSET, PACKAGE, PATH, SHA256, SIZE, Row
from preserve.packages.restoring.giving_back import give_back
from preserve.packages.restoring.orders import Order, RestoreReport, Share
from preserve.packages.restoring.wanted import Wanted
from preserve.packages.sources import Sources
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class SourceRestoreRequest:
    """Which source, into which folder, and as of which moment (as `preserve.clock.stamp` writes it; None: the newest).

    `path` is a pattern (see `PathPattern`).  `store` alone is read if it is given.
    """

    source: str
    to: Path
    as_of: str | None = None
    path: str | None = None
    store: str | None = None
    on_conflict: OnConflict = OnConflict.REFUSE
    voices: tuple[Voice, ...] = (ENGLISH,)


@dataclass(frozen=True, slots=True)
class SourceRestored:
    """What was given back, and of which harvest.

    `unfinished` is a newer harvest that was not finished by then: what it brought is left out, as the state of no day.
    """

    harvest: HarvestEntry
    unfinished: HarvestEntry | None
    report: RestoreReport


def restore_source(workplace: Workplace, request: SourceRestoreRequest) -> SourceRestored:
    """Restore a source.

    Raises `Refused` (nothing was written) where it was never harvested until then, nothing fits the pattern, or files
    are in the way; `NoSpace`; `Unavailable` and `Unreadable` where no store gives what is needed.
    """
    places.require_target_outside(workplace.books, workplace.home, request.to)
    harvest = harvest_meant(workplace.books, request.source, request.as_of)
    with workplace.claim(f"restore {request.to.absolute()}"), ExitStack() as resources:
        selection = _Selection(workplace, request, harvest, resources)
        try:
            selection.gather(selection.known())
        except WornError:
            standing.forget(workplace, request.source)
            selection.gather(selection.known())
        newest = workplace.books.last_harvest(harvest.source, request.as_of)
        unfinished = newest if newest and newest.number > harvest.number else None
        return SourceRestored(harvest, unfinished, give_back(workplace, selection.order()))


class _Selection:
    """The rows of a state that are wanted, by the package that they lie in."""

    def __init__(
        self, workplace: Workplace, request: SourceRestoreRequest, harvest: HarvestEntry, resources: ExitStack
    ) -> None:
        self._workplace = workplace
        self._request = request
        self._harvest = harvest
        self._resources = resources
        self._begin()

    def _begin(self) -> None:
        self._files = Sorter(self._workplace.work, key=_place)
        self._resources.callback(self._files.close)
        self._frame = Plan(self._workplace.work)
        self._resources.callback(self._frame.close)
        self._counts: dict[str, int] = {}

    def known(self) -> Iterator[Row]:
        """The state."""
        return rows_of(self._workplace, self._harvest, self._resources, self._request.store)

    def gather(self, rows: Iterator[Row]) -> None:
        """Sort out what is wanted.  Raises `WornError`, and what reading the state raises."""
        self._begin()
        pattern = None if self._request.path is None else PathPattern(self._request.path)
        for seen, kept in rows:
            if pattern is not None and not pattern.takes(seen[PATH]):
                continue
            if seen[KIND] == FILE:
                self._counts[kept[PACKAGE]] = self._counts.get(kept[PACKAGE], 0) + 1
                place = (kept[PACKAGE], kept[OFFSET], seen[PATH])
                self._files.add((*place, seen[SIZE], kept[SHA256], seen[MODE], seen[MTIME]))
            else:
                self._frame.add((seen[PATH], seen[KIND], 0, 0, b"", seen[MODE], seen[MTIME], seen[MARK]))

    def order(self) -> Order:
        """What is to be given back."""
        request, groups = self._request, _Groups(self._files.sorted())
        books = self._workplace.books
        what = f"{request.source} @ {self._harvest.seen_at}"
        return Order(
            shares=tuple(
                Share(books.package(package), groups.of(package), count)
                for package, count in sorted(self._counts.items())
            ),
            to=request.to,
            frame=(Wanted(*plain) for plain in self._frame),
            store=request.store,
            selection=what if request.path is None else f"{what}: {request.path}",
            on_conflict=request.on_conflict,
            voices=request.voices,
            require_some=self._refuse_nothing,
        )

    def _refuse_nothing(self) -> None:
        if self._request.path is not None:
            raise Refused(
                "nothing in {name} fits the pattern {pattern}", name=self._request.source, pattern=self._request.path
            )


class _Groups:
    """Sorted files, handed out package by package, in their order."""

    def __init__(self, files: Iterator[Any]) -> None:
        self._files = files
        self._next = next(files, None)

    def of(self, package: str) -> Callable[[Sources], Iterator[Wanted]]:
        """The files of a package; asked once, in the order of the packages."""
        return lambda sources: self._of(package)

    def _of(self, package: str) -> Iterator[Wanted]:
        while self._next is not None and self._next[0] == package:
            _, offset, path, size, sha256, mode, mtime_ns = self._next
            yield Wanted(path, FILE, offset, size, sha256, mode, mtime_ns, b"")
            self._next = next(self._files, None)


def _place(plain: tuple[Any, ...]) -> tuple[Any, ...]:
    return plain[:3]
