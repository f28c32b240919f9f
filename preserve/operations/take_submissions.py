"""Take submissions from a drop folder: each that was declared complete, and has rested, becomes an accession.

    DROP/name             a folder, a tar or a bag
    DROP/name.complete    says that all of `name` is there; an empty file `complete` in a folder says the same
    DROP/name.metadata.csv, or .json        about its records
    DROP/taken/           where what was committed is moved to

What lies there and is neither waits, whatever its name is: somebody may have forgotten to declare it, or an upload may
have broken off.  What waits for too long is told; what nobody wants to hear of is left out by the source's patterns.

Nothing is moved before it is committed: a copy of each package was read back and found equal, and the books say so, the
history of the source too.  A run that was killed in between finds the same submission again, known, books what is not
in the history yet, and moves it; one that was killed while it moved is followed by one that moves the rest.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from preserve import chance
from preserve.bags.entries import Spool
from preserve.bags.names import known_as
from preserve.bags.profiles import Profile
from preserve.bags.submission import Shape, Submission, open_submission
from preserve.definitions.metadata import read_records
from preserve.durable import free_bytes, make_folders, move
from preserve.errors import PreserveError, Refused, Tampered, Unavailable
from preserve.model import source_events
from preserve.model.digests import sha256
from preserve.model.entries import AccessionState
from preserve.model.on_the_way import OnTheWay, put_together
from preserve.model.policy import Policy
from preserve.model.restless import is_moving, longest_wait
from preserve.model.sources import Counts, HarvestEntry, Registered
from preserve.packages.harvesting import telling
from preserve.packages.harvesting.sieve import Sieve
from preserve.packages.making.taking_in import UNDESCRIBED, IngestReport, Intake, take_in
from preserve.workplace import Workplace

TAKEN = "taken"
MARKER = "complete"
_ASIDE = (f".{MARKER}", ".metadata.csv", ".metadata.json")


@dataclass(frozen=True, slots=True)
class TakeRequest:
    """Which drop folder, and the policy in force for it with the BagIt profile that it names.

    What lies at its top and `sieve` leaves out is passed by.
    """

    source: Registered
    policy: Policy
    profile: Profile | None = None
    sieve: Sieve | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """One submission that was taken; `moved_to` None: it stayed where it is."""

    name: str
    report: IngestReport
    moved_to: Path | None


@dataclass(frozen=True, slots=True)
class TakeReport:
    """What came of a drop folder: submissions `taken`, those still `waiting` with the reason, those `refused`.

    `orphans` are markers and metadata beside which no submission lies: somebody believes to have handed one over.
    `forgotten` wait for longer than anybody can mean: they were not declared, or never come to rest.  So many names
    were `left_out` by patterns.  `entry` is None where nothing was taken.
    """

    source: str
    entry: HarvestEntry | None
    taken: tuple[Taken, ...]
    waiting: tuple[str, ...]
    refused: tuple[tuple[str, PreserveError], ...]
    orphans: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()
    left_out: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether nothing was refused, forgotten or is lacking, and every copy that policy wants by now of what was
        taken is there and verified."""
        is_all_told_of = not (self.refused or self.orphans or self.forgotten)
        return is_all_told_of and all(each.report.is_kept for each in self.taken)

    @property
    def on_the_way(self) -> tuple[OnTheWay, ...]:
        """Copies of what was taken for which policy allows time."""
        return put_together(coming for each in self.taken for coming in each.report.on_the_way)


def take_submissions(workplace: Workplace, request: TakeRequest) -> TakeReport:
    """Take what is ready.  What is refused stays where it is, and does not stop the others.

    An incident says what cannot be taken, as long as it lies there.

    Raises `Refused` where the source was retired, `Unavailable` where its folder, or every store, is away; `NoSpace`,
    `Tampered`.
    """
    source = request.source.entry
    if request.source.is_retired:
        raise Refused("source {source} was retired and is not harvested", source=source.name)
    with workplace.claim(source.accession_source):
        drop = _Drop(workplace, request)
        taken, refused = list[Taken](), list[tuple[str, PreserveError]]()
        look = drop.look()
        try:
            for path in look.ready:
                try:
                    taken.append(drop.take(path))
                except (Unavailable, Tampered):
                    raise
                except PreserveError as error:
                    refused.append((path.name, error))
        finally:  # what was taken before a store went away need not be taken again
            entry = drop.book(taken)
            moved = tuple(map(drop.moved, taken))
        untaken = [*(name for name, _ in refused), *look.orphans, *look.forgotten]
        told = list(telling.untaken(workplace, source.name, untaken))
        if told:
            workplace.record(*told)
        left_out = request.sieve.left_out if request.sieve else 0
        return TakeReport(
            source.name, entry, moved, look.waiting, tuple(refused), look.orphans, look.forgotten, left_out
        )


@dataclass(frozen=True, slots=True)
class _Look:
    """What lies in a drop folder: submissions that are ready, names of those that are not, of those that wait for too
    long, and what belongs to none."""

    ready: tuple[Path, ...]
    waiting: tuple[str, ...]
    orphans: tuple[str, ...]
    forgotten: tuple[str, ...]


class _Drop:
    """One look into a drop folder."""

    def __init__(self, workplace: Workplace, request: TakeRequest) -> None:
        self._workplace = workplace
        self._request = request
        self._source = request.source.entry
        self._folder = Path(self._source.place)
        self._seen_at = workplace.now()
        self._when_ready: dict[Path, tuple[int, int] | None] = {}
        now, entry = workplace.clock.now(), self._source
        self._now_ns = _nanoseconds(now)
        self._rested_ns = _nanoseconds(now - timedelta(seconds=entry.settle_seconds))
        self._long_ago_ns = _nanoseconds(now - longest_wait(entry.restless_days, entry.settle_seconds))

    def look(self) -> _Look:
        """What lies there, after what a run that was killed had begun to move was moved."""
        try:
            names = sorted(os.listdir(self._folder))
        except OSError as error:
            raise Unavailable("{source} cannot be read: {reason}", source=self._folder, reason=error) from error
        ready, waiting, orphans, forgotten = list[Path](), list[str](), list[str](), list[str]()
        for path in (self._folder / name for name in names if not self._is_passed_by(self._folder / name)):
            if path.name.endswith(_ASIDE) and path.name not in _ASIDE:
                if self._is_orphan(path) and not self._follows(path):
                    orphans.append(path.name)
            elif self._is_ready(path):
                self._when_ready[path] = _footprint(path)
                ready.append(path)
            elif self._is_forgotten(path):
                forgotten.append(path.name)
            else:
                waiting.append(path.name)
        return _Look(tuple(ready), tuple(waiting), tuple(orphans), tuple(forgotten))

    def _is_passed_by(self, path: Path) -> bool:
        """Whether it is our own folder, which nobody declared to be a submission, or left out by a pattern."""
        if path.name == TAKEN:
            return not _marks(path)
        sieve = self._request.sieve
        return sieve is not None and sieve.leaves_out(os.fsencode(path.name), _is_folder(path))

    def _is_orphan(self, path: Path) -> bool:
        """Whether nothing lies where this belongs to; what was laid there just now may come before its submission."""
        return not os.path.lexists(_submission_of(path)) and self._rests([path], self._rested_ns)

    def _follows(self, path: Path) -> bool:
        """Whether a run was killed after it had moved the submission that this lay beside; then it is moved now."""
        name = _submission_of(path).name
        moved = _last_taken(self._folder / TAKEN, name)
        if moved is None:
            return False
        final = moved.with_name(moved.name + path.name.removeprefix(name))
        if os.path.lexists(final) or path.lstat().st_ctime_ns > moved.lstat().st_ctime_ns:
            return False  # it came later: another submission is to follow
        move(path, final)
        return True

    def take(self, path: Path) -> Taken:
        """Take one submission in; it is not moved yet.

        A link is not followed: who may lay something into the folder could have anything read that this user may read.
        """
        if path.is_symlink():
            raise Refused(
                "{file} is a symbolic link, and none is followed out of a drop folder; lay the submission itself there",
                file=path.name,
            )
        if path.name == TAKEN:
            raise Refused(
                "{file} is where what was taken is moved to, and no submission; give it another name", file=path.name
            )
        metadata = next((beside for beside in _beside(path) if beside.suffix in (".csv", ".json")), None)
        return Taken(path.name, self._taken_in(path, metadata), None)

    def moved(self, taken: Taken) -> Taken:
        """Move what was taken, when it is committed.

        What came to it while it was taken in is not: it stays, and the next look takes it as it is then.
        """
        path = self._folder / taken.name
        is_committed = all(package.is_safe for package in taken.report.packages)
        before = self._when_ready[path]
        is_as_it_was = before is not None and _footprint(path) == before
        moves = is_committed and self._source.moves_taken and is_as_it_was
        return replace(taken, moved_to=self._moved(path)) if moves else taken

    def book(self, taken: list[Taken]) -> HarvestEntry | None:
        """One row for the look, where it found anything that is not in the history of the source yet.

        That may be what an earlier run took that was killed before it could book it.
        """
        books, name = self._workplace.books, self._source.name
        found = [kept for each in taken for kept in books.accessions_from(known_as(self._folder / each.name))]
        if not found:
            return None
        committed = [kept for kept in found if kept.state is AccessionState.COMMITTED]
        news = [kept for kept in committed if not books.is_harvested(name, kept.id)]
        if not news:
            return None
        receipts = [books.package(package).receipt for kept in news for package in kept.packages]
        files, size = sum(each.payload_files for each in receipts), sum(each.payload_bytes for each in receipts)
        counts = Counts(files=files, bytes=size, new=files)
        accessions = tuple(kept.id for kept in news)
        entry = HarvestEntry(name, self._seen_at, self._workplace.now(), counts, accessions)
        self._workplace.record(source_events.harvested(self._workplace.act, entry))
        return self._workplace.books.last_harvest(self._source.name)

    def _is_ready(self, path: Path) -> bool:
        """Whether it was declared complete, and nothing in or about it moved for the settle time."""
        return bool(_marks(path)) and self._rests([path, *_beside(path)], self._rested_ns)

    def _is_forgotten(self, path: Path) -> bool:
        """Whether what is not ready waits for too long: at rest and not declared, or declared and never at rest."""
        return self._rests(_marks(path) or [path, *_beside(path)], self._long_ago_ns)

    def _rests(self, paths: list[Path], since_ns: int) -> bool:
        try:
            return not any(is_moving(*times, since_ns, self._now_ns) for times in _times(paths))
        except OSError:  # something is just being moved
            return False

    def _taken_in(self, path: Path, metadata: Path | None) -> IngestReport:
        policy, workplace = self._request.policy, self._workplace
        if metadata is None and policy.required_metadata:
            raise Refused(
                "policy {policy} requires metadata ({elements}); lay {file}.metadata.csv beside {file}",
                policy=policy.name,
                elements=", ".join(policy.required_metadata),
                file=path.name,
            )
        described = UNDESCRIBED
        named = None
        if metadata is not None:
            described = read_records(
                metadata,
                required=policy.required_metadata,
                allowed=policy.classifications,
                wanted=policy.records,
            )
            named = (metadata.name, sha256(metadata.read_bytes()).hex())
        work = workplace.work / f"drop-{chance.token(8)}"
        (work / "submission").mkdir(parents=True)
        with workplace.claim(known_as(path)), ExitStack() as resources:
            resources.callback(shutil.rmtree, work, ignore_errors=True)
            submission = resources.enter_context(
                open_submission(
                    path, work / "submission", keep_links=policy.keeps_links, unpack_limit_bytes=free_bytes(work)
                )
            )
            if submission.shape is Shape.FOLDER and _is_marker(path / MARKER):
                submission = _without_marker(submission, work, resources)
            intake = Intake(known_as(path), policy, described, named, self._request.profile)
            return take_in(workplace, intake, submission, work)

    def _moved(self, path: Path) -> Path:
        """Move a submission, then what lies beside it: of a run that is killed in between, a later look moves that."""
        taken = self._folder / TAKEN
        make_folders(taken)
        final = _free(taken, path.name)
        beside = [(each, taken / (final.name + each.name.removeprefix(path.name))) for each in _beside(path)]
        move(path, final)
        for each, to in beside:
            move(each, to)
        return final


def _beside(path: Path) -> list[Path]:
    return [beside for ending in _ASIDE if _is_plain_file(beside := Path(f"{path}{ending}"))]


def _submission_of(beside: Path) -> Path:
    """The submission that a marker or metadata lie beside."""
    ending = next(ending for ending in _ASIDE if beside.name.endswith(ending))
    return beside.with_name(beside.name.removesuffix(ending))


def _marks(path: Path) -> list[Path]:
    """The markers by which a submission was declared complete."""
    return [mark for mark in (Path(f"{path}.{MARKER}"), path / MARKER) if _is_marker(mark)]


def _is_marker(path: Path) -> bool:
    """A marker is an empty file: a file of that name with something in it is a record."""
    return _is_plain_file(path) and path.lstat().st_size == 0


def _is_plain_file(path: Path) -> bool:
    return stat.S_ISREG(_mode(path))


def _is_folder(path: Path) -> bool:
    return stat.S_ISDIR(_mode(path))


def _mode(path: Path) -> int:
    """What it is, no link followed; 0 where nothing is there, or nobody lets us look."""
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def _times(paths: Iterable[Path]) -> Iterator[tuple[int, int]]:
    """(mtime, ctime) of all that lies there.  Who may not list a folder sees its own, and is told when it is taken."""
    for path in paths:
        facts = path.lstat()
        yield facts.st_mtime_ns, facts.st_ctime_ns
        if stat.S_ISDIR(facts.st_mode):
            with suppress(PermissionError):
                yield from _times(Path(entry.path) for entry in os.scandir(path))


def _footprint(path: Path) -> tuple[int, int] | None:
    """How many files and folders a submission has, with what lies beside it, and the sum of their `ctime`s: another one
    after anything in it changed, whatever the clocks say.  None where something is just being moved."""
    try:
        changed = [ctime_ns for _, ctime_ns in _times([path, *_beside(path)])]
    except OSError:
        return None
    return len(changed), sum(changed)


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000


def _without_marker(submission: Submission, work: Path, resources: ExitStack) -> Submission:
    """The same submission without the empty file that declared it complete."""
    spool = resources.enter_context(Spool(work))
    for batch in submission.batches():
        spool.add([entry for entry in batch if entry[1] != MARKER.encode()])
    totals = replace(submission.totals, files=submission.totals.files - 1)
    return replace(submission, payload=spool, totals=totals)


def _last_taken(folder: Path, name: str) -> Path | None:
    """Where the newest submission of this name that was taken lies."""
    free = _free(folder, name)
    if free.name == name:
        return None
    number = int(free.name.rpartition("~")[2]) - 1
    return folder / (name if number == 1 else f"{name}~{number}")


def _free(folder: Path, name: str) -> Path:
    """A name that nothing taken before has."""
    number, path = 1, folder / name
    while os.path.lexists(path):
        number += 1
        path = folder / f"{name}~{number}"
    return path
