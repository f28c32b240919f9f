"""Give files back from packages into a folder: each from the best copy that has it soundly, verified before it gets
its name.

All that could make it fail for the person's own reasons (files in the way, no room) is found out before the first byte
is written.  Then whatever a copy does not give soundly is taken from another one; what no copy gives is named, and the
rest is given back.  A run that was killed is simply repeated.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain

from preserve import clock, environment
from preserve.bags.entries import FILE, FOLDER
from preserve.bags.names import shown
from preserve.durable import raise_if_full, sync_file_system
from preserve.errors import Frozen, PreserveError, Refused
from preserve.model import events
from preserve.model.certificates import CertifiedPackage, RestoreCertificate
from preserve.model.complaints import Complaint
from preserve.model.nouns import MOST_FILES_NAMED, Finding, Outcome, PackageEntry
from preserve.model.restore import OnConflict, Presence, best_first
from preserve.model.thawing import ThawPurpose
from preserve.packages.harm_seen import book_harm
from preserve.packages.held import HeldCopy, held_copy
from preserve.packages.restoring import certifying, target
from preserve.packages.restoring.certifying import Tally
from preserve.packages.restoring.landing import Landing
from preserve.packages.restoring.orders import Order, RestoreReport, Share
from preserve.packages.restoring.unpacking import Loss, Unpacker
from preserve.packages.restoring.unpacking_crew import UnpackingCrew
from preserve.packages.restoring.wanted import Wanted, WantedList
from preserve.packages.sources import Sources
from preserve.packages.thawing import ask_for
from preserve.workplace import Counted, Workplace

WRITERS = 2
"""Processes that write files; fewer where the machine has fewer processors."""

SMALL_FILES = 500
"""For fewer files, writing them takes less time here than starting processes for it."""

MOST_NAMED = 20
"""Files in the way that a refusal names."""

_NO_PACKAGE = "no-package"
"""In the name of the hidden folder, where folders and links alone are given back."""


def give_back(workplace: Workplace, order: Order) -> RestoreReport:
    """Carry out an order.  The caller holds the claim on the folder.

    Raises `Refused` (nothing was written) where files are in the way, `NoSpace`, and `Unavailable` where no store with
    a copy serves; `Frozen` where all that is needed lies in cold storage: then it was asked for, and the same order
    goes on when it is there.
    """
    packages = [share.package.id for share in order.shares]
    try:
        with ExitStack() as resources:
            report = _GivingBack(workplace, order, resources).run()
    except Frozen as error:
        raise ask_for(workplace, packages, ThawPurpose.RESTORE, order.store) from error
    if report.lost and any(isinstance(error, Frozen) for error in report.away.values()):
        return replace(report, waits_for=ask_for(workplace, packages, ThawPurpose.RESTORE, order.store))
    return report


@dataclass(slots=True)
class _Lot:
    """Wanted entries; `presences` has one byte for each, in order."""

    wanted: WantedList
    presences: bytearray = field(default_factory=bytearray)

    def entries(self) -> Iterator[tuple[Wanted, Presence]]:
        return ((entry, Presence(value)) for entry, value in zip(self.wanted, self.presences, strict=True))


@dataclass(slots=True)
class _Task:
    """What one package is to give."""

    sources: Sources
    lot: _Lot


class _GivingBack:
    """One restore under way."""

    def __init__(self, workplace: Workplace, order: Order, resources: ExitStack) -> None:
        self._place = workplace
        self._order = order
        self._packages = [share.package for share in order.shares]
        self._resources = resources
        self._to = order.to.absolute()
        self._begun_at, self._began = workplace.now(), clock.monotonic_seconds()
        self._tasks: list[_Task] = []
        self._frame = _Lot(self._list())
        self._losses: list[Loss] = []
        self._lost = 0
        self._is_lost_known = True

    def run(self) -> RestoreReport:
        self._tasks = [self._task(share) for share in self._order.shares]
        self._frame.wanted.extend(self._order.frame)
        if not self._lost and not any(lot.wanted.count for lot in self._lots):
            self._order.require_some()
        target.prepare(self._to)
        with Landing(os.fsencode(self._to), b"") as landing:
            self._survey(landing)
        entries = chain.from_iterable(lot.entries() for lot in self._lots)
        target.require_room(self._to, (entry.size for entry, there in entries if _is_to_be_written(entry, there)))
        try:
            self._write()
        except PreserveError:
            self._book(Tally(0, 0, 0, 0), None)
            raise
        return self._report()

    def _task(self, share: Share) -> _Task:
        """The copies of one package, and what is wanted of it."""
        sources = Sources(share.package, self._copies(share.package))
        wanted = self._wanted(share, sources)
        if wanted is None and sources.are_members_torn:  # seen in the middle of the list; the bag has it too
            wanted = self._wanted(share, sources)
        if wanted is None:
            self._lose_all(share)
        return _Task(sources, _Lot(wanted or self._list()))

    def _wanted(self, share: Share, sources: Sources) -> WantedList | None:
        wanted = self._list()
        try:
            wanted.extend(share.wanted(sources))
        except (ValueError, OSError) as error:
            if isinstance(error, OSError):
                raise_if_full(error, self._place.work)
            return None
        return wanted

    @property
    def _lots(self) -> list[_Lot]:
        return [*(task.lot for task in self._tasks), self._frame]

    def _list(self) -> WantedList:
        wanted = WantedList(self._place.work)
        self._resources.callback(wanted.close)
        return wanted

    def _lose_all(self, share: Share) -> None:
        """Nobody knows any more which files were meant; of a whole package the receipt tells how many."""
        self._lost += share.files
        self._is_lost_known &= share.is_exact
        why = (
            "no copy that can be read now has the list of its files sound, nor the bag from which it could be read;"
            " what is left of it, `rescue.py` gives back, which lies in every store"
        )
        self._losses.append(Loss(share.package.id.encode(), why))

    def _copies(self, package: PackageEntry) -> list[HeldCopy]:
        books, only = self._place.books, self._order.store
        if only is not None:
            books.store(only)
        stores = {store.name: store for store in books.stores()}
        copies = best_first(books.copies(package=package.id), stores)
        held = [
            held_copy(books, self._place.stores[copy.store], package, copy)
            for copy in copies
            if copy.store in self._place.stores and only in (None, copy.store)
        ]
        if not held:
            raise Refused(
                "the books know no copy of package {package} in {store}",
                package=package.id,
                store=f"store {only}" if only else "any store",
            )
        return held

    def _survey(self, landing: Landing) -> None:
        """Look at what stands in the target, all of it before anything is written."""
        empty = target.is_empty(self._to)
        in_the_way: list[bytes] = []
        count = 0
        for lot in self._lots:
            if empty:
                lot.presences = bytearray(lot.wanted.count)  # all `Presence.NOTHING`
                continue
            for entry in lot.wanted:
                there = self._presence(landing, entry)
                lot.presences.append(there)
                if self._forbids(there):
                    count += 1
                    in_the_way += [entry.path][: MOST_NAMED - len(in_the_way)]
        if count:
            raise Refused(
                "{count} files in {folder} differ from those to be restored, or stand in the way of them; nothing was"
                " written: {files}",
                count=count,
                folder=self._to,
                files=", ".join(map(shown, in_the_way)) + (" …" if count > len(in_the_way) else ""),
            )

    def _presence(self, landing: Landing, entry: Wanted) -> Presence:
        try:
            there = target.presence(landing, entry)
        except OSError as error:
            raise Refused(
                "{path} in {folder} cannot be looked at ({reason}); nothing was written",
                path=shown(entry.path),
                folder=self._to,
                reason=error.strerror,
            ) from error
        skips = self._order.on_conflict is OnConflict.SKIP
        return Presence.OBSTRUCTED if skips and there is Presence.DIFFERENT else there

    def _forbids(self, there: Presence) -> bool:
        match self._order.on_conflict:
            case OnConflict.REFUSE:
                return there in (Presence.DIFFERENT, Presence.OBSTRUCTED)
            case OnConflict.OVERWRITE:
                return there is Presence.OBSTRUCTED
            case OnConflict.SKIP:
                return False

    def _write(self) -> None:
        files = sum(task.lot.wanted.files for task in self._tasks)
        workers = 0 if files < SMALL_FILES else min(WRITERS, environment.processors())
        root = os.fsencode(self._to)
        with ExitStack() as open_now:
            staging = open_now.enter_context(
                target.staging(self._to, self._packages[0].id if self._packages else _NO_PACKAGE)
            )
            landing = open_now.enter_context(Landing(root, staging))
            crew = open_now.enter_context(UnpackingCrew(workers, root, staging))
            try:
                for task in self._tasks:
                    self._write_package(task, crew, landing)
                self._lay_frame(landing)
                landing.finish_rest()
                sync_file_system(self._to)
            except OSError as error:
                raise_if_full(error, self._to)
                raise Refused(
                    "{folder} cannot be written: {reason}; what is there is whole; the same command goes on",
                    folder=self._to,
                    reason=error,
                ) from error

    def _write_package(self, task: _Task, crew: UnpackingCrew, landing: Landing) -> None:
        """Folders, files, links, and then the modes and times of the folders."""
        lot, package = task.lot, task.sources.package
        self._place.progress.begin("restoring {package}", lot.wanted.total_bytes, package=package.id)
        unpacker = Unpacker(task.sources, crew, landing, self._place.progress)
        unpacker.unpack(lot.entries())
        for row in unpacker.lost_rows:
            lot.presences[row] = Presence.LOST
        self._losses += unpacker.losses
        self._lost += len(unpacker.lost_rows)
        self._finish(landing, lot)

    def _lay_frame(self, landing: Landing) -> None:
        for entry, there in self._frame.entries():
            if entry.kind == FOLDER and there is not Presence.OBSTRUCTED:
                landing.make_folders(entry.path)
        self._finish(landing, self._frame)

    def _finish(self, landing: Landing, lot: _Lot) -> None:
        for link, error in target.lay_links(landing, lot.entries()):
            if error is not None:
                self._lost += 1
                reason = error.strerror or str(error)
                self._losses.append(Loss(link.path, "the target does not take it: {reason}", {"reason": reason}))
        target.settle(landing, lot.entries())

    def _report(self) -> RestoreReport:
        seen = [finding for task in self._tasks for finding in task.sources.findings()]
        findings = book_harm(self._place, seen, "when it was restored")
        tally = certifying.tally_of(lot.entries() for lot in self._lots)
        entries = map(_Lot.entries, self._lots)
        certificate = self._certificate(findings, tally)
        written = certifying.write(certificate, self._to, entries, self._order.voices, self._told())
        seconds = clock.monotonic_seconds() - self._began
        self._book(tally, written.certificate_sha256)
        return RestoreReport(
            packages=tuple(package.id for package in self._packages),
            files=tally.files,
            bytes=tally.bytes,
            already_there=tally.already_there,
            left=tally.left,
            lost=self._lost,
            is_lost_known=self._is_lost_known,
            losses=tuple(self._losses[:MOST_FILES_NAMED]),
            relisted=tuple(task.sources.package.id for task in self._tasks if task.sources.are_members_relisted),
            bytes_read=self._bytes_read(),
            sources=self._sources(),
            away=self._away(),
            damage=findings,
            seconds=seconds,
            certificate=written.certificate,
            certificate_sha256=written.certificate_sha256,
            map=written.map,
        )

    def _told(self) -> Iterator[Sequence[str]] | None:
        """What the map says of the files that are in their place."""
        told = self._order.told
        if told is None:
            return None
        return (
            told(task.sources.package.id, entry)
            for task in self._tasks
            for entry, there in task.lot.entries()
            if certifying.is_in_place(entry, there)
        )

    def _certificate(self, findings: Sequence[Finding], tally: Tally) -> RestoreCertificate:
        place, books = self._place, self._place.books
        return RestoreCertificate(
            packages=tuple(
                CertifiedPackage(package.id, package.receipt_sha256, package.receipt.blocks_root)
                for package in self._packages
            ),
            selection=self._order.selection,
            as_bag=self._order.as_bag,
            to=shown(os.fsencode(self._to)),
            actor=place.act.actor,
            reason=place.act.reason,
            begun_at=self._begun_at,
            ended_at=place.now(),
            milliseconds=round((clock.monotonic_seconds() - self._began) * 1000),
            files=tally.files,
            bytes=tally.bytes,
            already_there=tally.already_there,
            left=tally.left,
            lost=self._lost,
            lost_files=tuple(
                Complaint("lost", shown(loss.path), loss.template, loss.values)
                for loss in self._losses[:MOST_FILES_NAMED]
            ),
            is_verified=not self._lost and not tally.left,
            sources=self._sources(),
            away=self._away(),
            damage=tuple(findings),
            files_sha256="",
            ledger_size=books.size(),
            ledger_root=books.root().hex(),
            written_by=events.TOOL,
        )

    def _sources(self) -> dict[str, int]:
        """Sound bytes by store."""
        given: dict[str, int] = {}
        for task in self._tasks:
            for standing in task.sources.standings:
                if standing.bytes_given or standing.files_given:
                    given[standing.store] = given.get(standing.store, 0) + standing.bytes_given
        return given

    def _away(self) -> dict[str, PreserveError]:
        standings = (standing for task in self._tasks for standing in task.sources.standings)
        return {standing.store: standing.away for standing in standings if standing.away is not None}

    def _bytes_read(self) -> dict[str, int]:
        """What was fetched from each store that is counted, from the list of blocks to the last range."""
        stores = [standing.held.store for task in self._tasks for standing in task.sources.standings]
        return {store.name: store.bytes_fetched for store in stores if isinstance(store, Counted)}

    def _book(self, tally: Tally, certificate_sha256: str | None) -> None:
        """The ledger says what was given back."""
        packages = [package.id for package in self._packages]
        event = events.restored(
            self._place.act,
            self._place.now(),
            packages,
            shown(os.fsencode(self._to)),
            sorted(self._sources()),
            tally.files,
            tally.bytes,
            certificate_sha256,
        )
        complete = certificate_sha256 is not None and not self._lost and not tally.left
        self._place.record(replace(event, outcome=Outcome.SUCCESS if complete else Outcome.FAILURE))


def _is_to_be_written(entry: Wanted, there: Presence) -> bool:
    return entry.kind == FILE and there in (Presence.NOTHING, Presence.DIFFERENT)
