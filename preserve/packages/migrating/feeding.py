"""Bring the files of a migration to the workshop: in lots over packages, the next while one is worked on.

A lot is what lies on the disk as copies of originals at a time, and it is bounded; the packages under way are few.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from preserve import chance
from preserve.durable import raise_if_full
from preserve.errors import NoSpace, PreserveError
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.settlements import Settlement
from preserve.model.formats.standing import IdentifiedEntry
from preserve.model.formats.web_pages import PACKED
from preserve.packages.migrating.bench import OnBench
from preserve.packages.migrating.candidates import (
    Candidate,
    belonging,
    candidates,
    encodings_of,
    is_for,
    stem_of,
    why_unfit,
)
from preserve.packages.migrating.fetching import Fetcher
from preserve.packages.migrating.journal import Journal
from preserve.packages.migrating.linked import by_name, pack_for
from preserve.packages.reaching import unlistable
from preserve.packages.settled_files import rows_of
from preserve.packages.sources import Sources
from preserve.packages.tag_files import records_of
from preserve.workplace import Workplace

LOT_FILES = 200
"""Several calls of a tool that takes many files at once; what the workshop works on at its end is little of it."""
LOT_BYTES = 1024**3
"""A larger file is a lot by itself."""


@dataclass(frozen=True, slots=True)
class Due:
    """A package of which files are to be converted: its copies, its list of formats, and the numbers of files that need
    not be converted again.  `said` is what persons said of its formats; `only` are the numbers wanted; None: all."""

    sources: Sources
    formats: IdentifiedEntry
    done: frozenset[int]
    said: tuple[Settlement, ...] = ()
    only: frozenset[int] | None = None

    @property
    def id(self) -> str:
        return self.sources.package.id

    def is_wanted(self, number: int) -> bool:
        """Whether a file is still to be converted."""
        return number not in self.done and (self.only is None or number in self.only)


@dataclass(slots=True)
class Lot:
    """What is worked on at a time: files that were brought, those that no tool is given, the packages of which nothing
    is to come after it, and those that cannot be brought, with why."""

    folder: Path
    files: list[OnBench] = field(default_factory=list)
    refused: list[Candidate] = field(default_factory=list)
    ended: list[Due] = field(default_factory=list)
    failed: list[tuple[Due, PreserveError]] = field(default_factory=list)
    bytes: int = 0

    @property
    def is_any(self) -> bool:
        return bool(self.files or self.refused or self.ended or self.failed)


@dataclass(slots=True)
class Feeder:
    """Makes lots of files in the formats `puids`, of what is `wanted` next, which is asked in the thread that works,
    and brought in another.

    At most `most` files are brought in all; None: any number.
    """

    workplace: Workplace
    pathway: Pathway
    puids: Sequence[str]
    journal: Journal
    wanted: Iterator[Due]
    most: int | None = None
    _queue: deque[Due] = field(default_factory=deque)
    _open: tuple[Due, Iterator[Candidate]] | None = None
    _belonging: dict[bytes, tuple[Candidate, ...]] = field(default_factory=dict)
    _named: dict[bytes, Candidate] = field(default_factory=dict)

    def lots(self) -> Generator[Lot]:
        """Lot after lot; the files of one are gone when the next is asked for.  Raises `NoSpace`."""
        folder = self.workplace.work / f"lots-{chance.token(8)}"
        folder.mkdir()
        try:
            with ThreadPoolExecutor(1) as ahead:
                self._refill()
                coming = ahead.submit(self._next, folder)
                while (lot := coming.result()).is_any or not self._is_dry:
                    self._refill()
                    coming = ahead.submit(self._next, folder)
                    if lot.is_any:  # else it was full of files that the pathway is not for
                        yield lot
                    shutil.rmtree(lot.folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def _is_dry(self) -> bool:
        """Whether nothing more is to be brought."""
        return (self.most is not None and self.most <= 0) or not (self._open or self._queue)

    def _refill(self) -> None:
        """Have as many packages at hand as a lot has files: asking the books is for this thread alone."""
        while len(self._queue) < LOT_FILES and (due := next(self.wanted, None)) is not None:
            self._queue.append(due)

    def _next(self, folder: Path) -> Lot:
        lot = Lot(folder / chance.token(8))
        lot.folder.mkdir()
        while not self._is_full(lot) and (self._open or self._queue):
            if self._open is None:
                due = self._queue.popleft()
                self._open = (due, iter(()))
                self._attempt(due, lot, lambda due=due: self._begin(due))  # type: ignore[misc]
            else:
                self._attempt(self._open[0], lot, lambda: self._go_on(lot))
        if self.most is not None:
            self.most -= len(lot.files) + len(lot.refused)
        return lot

    def _attempt(self, due: Due, lot: Lot, step: Callable[[], None]) -> None:
        """What keeps one package from being brought keeps no other."""
        try:
            step()
        except NoSpace:
            raise
        except PreserveError as error:
            lot.failed.append((due, error))
            self._open = None
        except (ValueError, OSError) as error:  # its lists are not sound
            if isinstance(error, OSError):
                raise_if_full(error, self.workplace.work)
            lot.failed.append((due, unlistable(due.sources)))
            self._open = None

    def _begin(self, due: Due) -> None:
        members = due.sources.members_in_pieces()
        if members is None:
            raise unlistable(due.sources)
        endings = self.pathway.beside
        self._belonging = belonging(members, due.id, endings) if endings and not self.pathway.is_linked else {}
        self._named = by_name(members, due.id, endings) if self.pathway.is_linked else {}
        rows = rows_of(self.workplace, due.formats)
        self._open = (due, candidates(members, rows, due.id, self.puids, due.said, self._encodings(due.sources)))

    def _encodings(self, sources: Sources) -> dict[str, str]:
        """What the descriptions of records say of the encoding of their texts, where the pathway asks."""
        if not self.pathway.encodings or not sources.receipt.records:
            return {}
        bag = sources.bag()
        if bag is None:
            raise unlistable(sources)
        with bag:
            return encodings_of(records_of(bag, sources.package.id))

    def _go_on(self, lot: Lot) -> None:
        """Bring as many files of the package that is open as the lot has room for."""
        assert self._open is not None  # noqa: S101 - the caller looked
        due, found = self._open
        wanted: list[tuple[Candidate, Path]] = []
        is_ended = True
        for candidate in found:
            if not due.is_wanted(candidate.original.number):
                continue
            if candidate.refusal:
                lot.refused.append(candidate)
            else:
                wanted.append((candidate, lot.folder / chance.token(12)))
                lot.bytes += candidate.original.bytes
            if self._is_full(lot, len(wanted)):
                is_ended = False
                break
        Fetcher(due.sources).fetch(wanted)
        beside = self._brought_beside(due, lot, wanted)
        for candidate, path in wanted:
            if is_for(self.pathway, path, candidate.encoding):
                lot.files.append(self._laid_out(candidate, path, beside.get(candidate.original.number, ())))
            elif refusal := why_unfit(self.pathway, path, candidate.encoding):
                lot.refused.append(candidate._replace(refusal=refusal))
        if is_ended:
            lot.ended.append(due)
            self._open = None

    def _brought_beside(
        self, due: Due, lot: Lot, pages: Sequence[tuple[Candidate, Path]]
    ) -> dict[int, tuple[tuple[Path, str], ...]]:
        """Bring what belongs to files, by their numbers: without its memo file a table is not whole."""
        if self.pathway.is_linked:
            return self._brought_linked(due, lot, pages)
        found = [candidate for candidate, _ in pages]
        found_beside = {each.original.number: self._belonging.get(stem_of(each.original.path), ()) for each in found}
        paths = {one: lot.folder / chance.token(12) for several in found_beside.values() for one in several}
        Fetcher(due.sources).fetch(sorted(paths.items(), key=lambda each: each[0].offset))
        lot.bytes += sum(one.original.bytes for one in paths)
        return {
            number: tuple((paths[one], one.ending) for one in several)
            for number, several in found_beside.items()
            if several
        }

    def _brought_linked(
        self, due: Due, lot: Lot, found: Sequence[tuple[Candidate, Path]]
    ) -> dict[int, tuple[tuple[Path, str], ...]]:
        """Bring what pages name, packed for each of them; what is not in the package is missing there, too."""
        made: dict[int, tuple[tuple[Path, str], ...]] = {}
        for page, path in found:
            pack = lot.folder / chance.token(12)
            if pack_for(page, path, self._named, Fetcher(due.sources).fetch, pack):
                made[page.original.number] = ((pack, PACKED),)
                lot.bytes += pack.stat().st_size
        return made

    def _laid_out(self, candidate: Candidate, path: Path, beside: tuple[tuple[Path, str], ...]) -> OnBench:
        package, journal = candidate.original.package, self.journal
        into = journal.made_folder(package, candidate.original.number)
        seen = path.with_name(f"{path.name}.seen")
        seen.mkdir()
        return OnBench(candidate, path, into, seen, journal.pictures_folder(package), beside)

    def _is_full(self, lot: Lot, more: int = 0) -> bool:
        room = LOT_FILES if self.most is None else min(LOT_FILES, self.most)
        return len(lot.files) + len(lot.refused) + more >= room or lot.bytes >= LOT_BYTES
