"""Restore: records back from the best copies into a folder, each file verified before it gets its name.

All that could make a restore fail for the person's own reasons (nothing of that name, files in the way, no room) is
found out before the first byte is written.  Then whatever a copy does not give soundly is taken from another one; what
no copy gives is named, and the rest is restored.  A run that was killed is simply repeated.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from preserve import clock, environment
from preserve.bags.entries import FILE
from preserve.bags.names import shown
from preserve.durable import raise_if_full, sync_file_system
from preserve.errors import Misused, PreserveError, Refused
from preserve.model import events
from preserve.model.certificates import ENGLISH, CertifiedPackage, RestoreCertificate, Voice
from preserve.model.complaints import Complaint
from preserve.model.nouns import MOST_FILES_NAMED, Condition, CopyState, Finding, Outcome, PackageEntry
from preserve.model.restore import OnConflict, PathPattern, Presence, best_first
from preserve.packages import places
from preserve.packages.choosing import Chosen, chosen
from preserve.packages.held import HeldCopy
from preserve.packages.members import Member, MembersFile
from preserve.packages.restoring import certifying, target
from preserve.packages.restoring.landing import Landing
from preserve.packages.restoring.unpacking import Loss, Unpacker
from preserve.packages.restoring.unpacking_crew import UnpackingCrew
from preserve.packages.restoring.wanted import Wanted, WantedList, as_deposited, as_in_bag, tag_entries
from preserve.packages.sources import Sources
from preserve.workplace import Counted, Workplace

WRITERS = 2
"""Processes that write files; fewer where the machine has fewer processors."""

SMALL_FILES = 500
"""For fewer files, writing them takes less time here than starting processes for it."""

LARGEST_WHOLE_MEMBERS = 512 * 1024
"""Beyond this many bytes a list of members is read in pieces when only a part of the package is wanted."""

MOST_NAMED = 20
"""Files in the way that a refusal names."""


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What to restore: `name` is a package, the beginning of its id, an accession, or an archival code.

    `accession` says which one, where a record with that code was taken in more than once.  `store` alone is read if it
    is given.  `path` is a pattern (see `PathPattern`).  `as_bag` gives the whole bag: its folder is `to` itself, or
    `to/<package id>` where there are several packages.  The certificate for people is written by each of `voices`.
    """

    name: str
    to: Path
    store: str | None = None
    path: str | None = None
    as_bag: bool = False
    on_conflict: OnConflict = OnConflict.REFUSE
    voices: tuple[Voice, ...] = (ENGLISH,)
    accession: str | None = None


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What a restore did.  `files` and `bytes` are in their place and verified; `lost` are not, `left` stand there with
    other content because that was asked for; `damage` is what was wrong with copies, as it was booked.

    Where `is_lost_known` is false, more may be lost: no list of the files could be read.  `bytes_read` is what was
    fetched from each store, whatever it was needed for.
    """

    packages: tuple[str, ...]
    files: int
    bytes: int
    already_there: int
    left: int
    lost: int
    is_lost_known: bool
    losses: tuple[Loss, ...]
    bytes_read: Mapping[str, int]
    sources: Mapping[str, int]
    away: Mapping[str, PreserveError]
    damage: tuple[Finding, ...]
    seconds: float
    certificate: Path
    certificate_sha256: str

    @property
    def is_verified(self) -> bool:
        """Whether everything that was asked for is in its place, digested and equal to what was deposited."""
        return not self.lost and not self.left

    @property
    def unread(self) -> tuple[str, ...]:
        """The stores that were away, or have a copy that could not be read: they may hold what is missing."""
        unreadable = {finding.store for finding in self.damage if finding.condition is Condition.UNREADABLE}
        return tuple(sorted(unreadable.union(self.away)))


def restore(workplace: Workplace, request: RestoreRequest) -> RestoreReport:
    """Restore what `request` names.

    Raises `Refused` (nothing was written) where nothing fits the name or the pattern, or files are in the way;
    `Misused`; `NoSpace`; `Unavailable` where no store with a copy serves.
    """
    if request.as_bag and request.path is not None:
        raise Misused("a bag is restored whole: give either --as-bag or --path")
    places.require_target_outside(workplace.books, request.to)
    meant = chosen(workplace.books, request.name, request.accession, request.to)
    if request.as_bag and meant.record is not None:
        raise Misused("a bag is restored whole: name a package or an accession for --as-bag, not a record")
    with workplace.claim(f"restore {request.to.absolute()}"), ExitStack() as resources:
        return _Restore(workplace, request, meant, resources).run()


@dataclass(slots=True)
class _Task:
    """One package of a restore.  `presences` has one byte for each wanted entry, in order."""

    sources: Sources
    wanted: WantedList
    presences: bytearray = field(default_factory=bytearray)

    def entries(self) -> Iterator[tuple[Wanted, Presence]]:
        return ((entry, Presence(value)) for entry, value in zip(self.wanted, self.presences, strict=True))


class _Restore:
    """One restore under way."""

    def __init__(self, workplace: Workplace, request: RestoreRequest, meant: Chosen, resources: ExitStack) -> None:
        self._place = workplace
        self._request = request
        self._meant = meant
        self._resources = resources
        self._to = request.to.absolute()
        self._begun_at, self._began = workplace.now(), clock.monotonic_seconds()
        self._tasks: list[_Task] = []
        self._losses: list[Loss] = []
        self._lost = 0
        self._is_lost_known = True

    def run(self) -> RestoreReport:
        self._tasks = [self._task(package) for package in self._meant.packages]
        if not self._lost and not any(task.wanted.count for task in self._tasks):
            self._refuse_nothing()
        target.prepare(self._to)
        with Landing(os.fsencode(self._to), b"") as landing:
            self._survey(landing)
        entries = chain.from_iterable(task.entries() for task in self._tasks)
        target.require_room(self._to, (entry.size for entry, there in entries if _is_to_be_written(entry, there)))
        try:
            self._write()
        except PreserveError:
            self._book(_Tally(0, 0, 0, 0), None)
            raise
        return self._report()

    def _task(self, package: PackageEntry) -> _Task:
        """The copies of one package, and what is wanted of it."""
        sources = Sources(package, self._copies(package))
        wanted = WantedList(self._place.work)
        self._resources.callback(wanted.close)
        try:
            wanted.extend(self._wanted(sources))
        except (ValueError, OSError) as error:
            if isinstance(error, OSError):
                raise_if_full(error, self._place.work)
            wanted = WantedList(self._place.work)
            self._lose_all(package)
        return _Task(sources, wanted)

    def _lose_all(self, package: PackageEntry) -> None:
        """Nobody knows any more which files were meant; of a whole package the receipt tells how many."""
        is_whole = self._request.path is None and self._meant.record is None
        self._lost += package.receipt.payload_files if is_whole else 1
        self._is_lost_known &= is_whole and not self._request.as_bag
        why = "no copy that can be read now has the list of its files sound; run `preserve repair` first"
        self._losses.append(Loss(package.id.encode(), why))

    def _copies(self, package: PackageEntry) -> list[HeldCopy]:
        books, only = self._place.books, self._request.store
        if only is not None:
            books.store(only)
        stores = {store.name: store for store in books.stores()}
        copies = best_first(books.copies(package=package.id), stores)
        held = [
            HeldCopy(self._place.stores[copy.store], package, copy)
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

    def _wanted(self, sources: Sources) -> Iterator[Wanted]:
        """Raises ValueError or OSError where the list of members, or a part of it, is lost."""
        in_pieces = self._request.path is not None and sources.receipt.members.bytes > LARGEST_WHOLE_MEMBERS
        file = sources.members_in_pieces() if in_pieces else sources.members(self._place.work)
        if file is None:
            raise ValueError("no sound list of members")
        with file:
            members = MembersFile(file)
            if self._request.as_bag:
                yield from self._bag_entries(sources, members)
            else:
                yield from map(as_deposited, self._selected(members))
        if not in_pieces:
            Path(file.name).unlink()

    def _selected(self, members: MembersFile) -> Iterator[Member]:
        record = self._meant.record
        pattern = None if self._request.path is None else PathPattern(self._request.path)
        for member in members.all() if pattern is None else members.below(pattern.prefix):
            if record is not None and member.record != record:
                continue
            if pattern is None or pattern.takes(member.name):
                yield member

    def _bag_entries(self, sources: Sources, members: MembersFile) -> Iterator[Wanted]:
        bag = sources.bag()
        if bag is None:
            raise ValueError("no sound list of blocks")
        folder = f"{sources.package.id}/".encode() if len(self._meant.packages) > 1 else b""
        end = 0
        with bag:
            for entry in tag_entries(bag, sources.package.id, 0):
                yield entry._replace(path=folder + entry.path)
            for entry in as_in_bag(members.all()):
                if entry.kind == FILE:
                    end = entry.offset + entry.size + -entry.size % 512
                yield entry._replace(path=folder + entry.path)
            if end:
                for entry in tag_entries(bag, sources.package.id, end):
                    yield entry._replace(path=folder + entry.path)

    def _refuse_nothing(self) -> None:
        if self._request.path is not None:
            raise Refused(
                "nothing in {name} fits the pattern {pattern}", name=self._request.name, pattern=self._request.path
            )
        # An empty submission is a legal one: its restore is an empty folder.

    def _survey(self, landing: Landing) -> None:
        """Look at what stands in the target, all of it before anything is written."""
        empty = target.is_empty(self._to)
        in_the_way: list[bytes] = []
        count = 0
        for task in self._tasks:
            if empty:
                task.presences = bytearray(task.wanted.count)  # all `Presence.NOTHING`
                continue
            for entry in task.wanted:
                there = self._presence(landing, entry)
                task.presences.append(there)
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
        skips = self._request.on_conflict is OnConflict.SKIP
        return Presence.OBSTRUCTED if skips and there is Presence.DIFFERENT else there

    def _forbids(self, there: Presence) -> bool:
        match self._request.on_conflict:
            case OnConflict.REFUSE:
                return there in (Presence.DIFFERENT, Presence.OBSTRUCTED)
            case OnConflict.OVERWRITE:
                return there is Presence.OBSTRUCTED
            case OnConflict.SKIP:
                return False

    def _write(self) -> None:
        files = sum(task.wanted.files for task in self._tasks)
        workers = 0 if files < SMALL_FILES else min(WRITERS, environment.processors())
        root = os.fsencode(self._to)
        with ExitStack() as open_now:
            staging = open_now.enter_context(target.staging(self._to, self._tasks[0].sources.package.id))
            landing = open_now.enter_context(Landing(root, staging))
            crew = open_now.enter_context(UnpackingCrew(workers, root, staging))
            try:
                for task in self._tasks:
                    self._write_package(task, crew, landing)
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
        self._place.progress.begin("restoring {package}", task.wanted.total_bytes, package=task.sources.package.id)
        unpacker = Unpacker(task.sources, crew, landing, self._place.progress)
        unpacker.unpack(task.entries())
        for row in unpacker.lost_rows:
            task.presences[row] = Presence.LOST
        self._losses += unpacker.losses
        self._lost += len(unpacker.lost_rows)
        for link, error in target.lay_links(landing, task.entries()):
            if error is not None:
                self._lost += 1
                reason = error.strerror or str(error)
                self._losses.append(Loss(link.path, "the target does not take it: {reason}", {"reason": reason}))
        target.settle(landing, task.entries())

    def _report(self) -> RestoreReport:
        findings = self._booked([finding for task in self._tasks for finding in task.sources.findings()])
        tally = _tally(task.entries() for task in self._tasks)
        entries = map(_Task.entries, self._tasks)
        written = certifying.write(self._certificate(findings, tally), self._to, entries, self._request.voices)
        seconds = clock.monotonic_seconds() - self._began
        self._book(tally, written.certificate_sha256)
        return RestoreReport(
            packages=tuple(package.id for package in self._meant.packages),
            files=tally.files,
            bytes=tally.bytes,
            already_there=tally.already_there,
            left=tally.left,
            lost=self._lost,
            is_lost_known=self._is_lost_known,
            losses=tuple(self._losses[:MOST_FILES_NAMED]),
            bytes_read=self._bytes_read(),
            sources=self._sources(),
            away=self._away(),
            damage=findings,
            seconds=seconds,
            certificate=written.certificate,
            certificate_sha256=written.certificate_sha256,
        )

    def _certificate(self, findings: Sequence[Finding], tally: _Tally) -> RestoreCertificate:
        place, books = self._place, self._place.books
        return RestoreCertificate(
            packages=tuple(
                CertifiedPackage(package.id, package.receipt_sha256, package.receipt.blocks_root)
                for package in self._meant.packages
            ),
            selection=self._meant.record or self._request.path,
            as_bag=self._request.as_bag,
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

    def _booked(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Findings as the books have them: those that were opened now, and those that were open already."""
        act, now, books = self._place.act, self._place.now(), self._place.books
        happened = []
        for finding in findings:
            happened.append(events.found(act, now, finding))
            state = CopyState.SUSPECT if finding.condition is Condition.UNREADABLE else CopyState.BAD
            copy = books.copy(finding.package_id or "", finding.store)
            if copy is not None and copy.state not in (state, CopyState.BAD):
                why = f"{finding.where} was {finding.condition} when it was restored"
                happened.append(events.copy_moved(act, now, copy.package_id, copy.store, state, why))
        if happened:
            self._place.record(*happened)
        return tuple(dict.fromkeys(books.open_finding(finding) or finding for finding in findings))

    def _book(self, tally: _Tally, certificate_sha256: str | None) -> None:
        """The ledger says what was given back."""
        packages = [package.id for package in self._meant.packages]
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


@dataclass(frozen=True, slots=True)
class _Tally:
    """Files in their place and verified, those of them that stood there before, and entries left as they were."""

    files: int
    bytes: int
    already_there: int
    left: int


def _tally(tasks: Iterable[Iterator[tuple[Wanted, Presence]]]) -> _Tally:
    files = size = already = left = 0
    for entry, there in chain.from_iterable(tasks):
        left += there is Presence.OBSTRUCTED
        if entry.kind == FILE and there not in (Presence.OBSTRUCTED, Presence.LOST):
            files += 1
            size += entry.size
            already += there is Presence.SAME
    return _Tally(files, size, already, left)


def _is_to_be_written(entry: Wanted, there: Presence) -> bool:
    return entry.kind == FILE and there in (Presence.NOTHING, Presence.DIFFERENT)
