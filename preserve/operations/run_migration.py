"""Run a migration that was approved: convert, judge, and make a new version of each package beside the old.

What is done is durable before it counts, so a run may be killed at any point and the next goes on there.  A package
that cannot be had is told and passed over; too many files that do not pass stop the job, and a person looks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from preserve.clock import monotonic_seconds
from preserve.errors import NoSpace, PreserveError, Refused, Unavailable
from preserve.model import migration_events
from preserve.model.complaints import Complaints
from preserve.model.formats.file_results import FileFate, FileResult
from preserve.model.formats.pathways import stops_job
from preserve.model.formats.watching import Circumstances
from preserve.model.migration_states import MigrationState, StopCause
from preserve.model.migrations import Migration, MigrationPackage, claim_on
from preserve.model.phrases import phrase
from preserve.packages.harm_seen import Reads
from preserve.packages.migrating.bench import Bench
from preserve.packages.migrating.clearing import clear_up
from preserve.packages.migrating.feeding import Due, Feeder, Lot
from preserve.packages.migrating.finishing import Finisher, Mandate, PackageEnded
from preserve.packages.migrating.journal import Journal, journal_folder
from preserve.packages.migrating.pace import day_of, note_judged
from preserve.packages.migrating.permission import in_short, objections_now, require_apart, require_approved
from preserve.packages.migrating.under_way import under_way
from preserve.ports import Identifier
from preserve.workplace import Workplace
from preserve.workshop import Workshop

_NOT_PASSED = (FileFate.STOPPED, FileFate.FAILED)
_LOOKED_AT = (MigrationState.STOPPED, MigrationState.APPROVED)
"""Who runs it out of these, or approved it anew, saw what had not passed so far."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Under what to run, and where risk logs lie in the home.  `now` is how things are on this machine.

    After `most` files, or `most_seconds`, nothing further is begun.
    """

    mandate: Mandate
    migrations: Path
    now: Circumstances
    most: int | None = None
    most_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A package that could not be done now, and why."""

    package: str
    why: PreserveError


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did.  `stopped` says why the migration does not go on, where it does not; `fates` counts the files
    that were judged now; of all of the migration, `waiting` stopped ones wait for a person, and `not_converted` are
    those that failed or were given to no tool."""

    migration: Migration
    ended: tuple[PackageEnded, ...]
    passed_over: tuple[PassedOver, ...]
    fates: Mapping[FileFate, int]
    stopped: str | None
    waiting: int
    not_converted: int
    seconds: float

    @property
    def is_finished(self) -> bool:
        return self.migration.state is MigrationState.FINISHED

    @property
    def is_only_away(self) -> bool:
        """Whether all that is left waits for what cannot be reached."""
        return bool(self.passed_over) and all(isinstance(each.why, Unavailable) for each in self.passed_over)

    @property
    def is_as_wanted(self) -> bool:
        """Whether nothing was stopped or passed over, nothing waits for a person, all was converted, and each copy is
        kept."""
        are_kept = all(made.is_kept for each in self.ended for made in each.made)
        return not (self.stopped or self.passed_over or self.waiting or self.not_converted) and are_kept


def run_migration(workplace: Workplace, request: RunRequest, workshop: Workshop, identifier: Identifier) -> RunReport:
    """Run a migration, or go on with it, until it is finished, stops, or so much is done as was asked for.

    Raises `Refused` with every objection where it may not run, `NoSpace`, `Unavailable` where another process is at it.
    """
    with workplace.claim(claim_on(request.mandate.migration.number)):
        report = _Running(workplace, request, workshop, identifier).run()
    clear_up(workplace, request.migrations)
    return report


class _Stops(Exception):  # noqa: N818 - no error: a person is to look
    """The job is not to go on."""

    def __init__(self, cause: StopCause, why: str) -> None:
        super().__init__(why)
        self.cause = cause
        self.why = why


class _Running:
    """One run."""

    def __init__(self, workplace: Workplace, request: RunRequest, workshop: Workshop, identifier: Identifier) -> None:
        self._place = workplace
        self._request = request
        self._mandate = request.mandate
        self._number = request.mandate.migration.number
        self._workshop = workshop
        self._journal = Journal(journal_folder(request.migrations, self._number))
        self._bench = Bench(self._mandate.pathway, workshop, identifier, workplace.clock)
        self._finisher = Finisher(workplace, self._mandate, self._journal, request.migrations)
        self._began = monotonic_seconds()
        self._ended: list[PackageEnded] = []
        self._passed_over: dict[str, PreserveError] = {}
        self._reads = Reads(workplace, "when it was read for a migration")
        self._fates = dict.fromkeys(FileFate, 0)
        self._before = (0, 0)
        self._judged = Counter[str]()
        self._is_leaving = False

    def run(self) -> RunReport:
        self._require_may_run()
        if self._is_over():
            return self._report(None)
        self._put_in_order()
        self._begin()
        stopped = None
        try:
            self._carry_out_decisions()
            self._convert()
            self._end()
        except _Stops as stop:
            stopped = stop.why
            self._record_stop(stop)
        finally:
            self._note_pace()
            self._reads.book_all()  # files that are done are not read again
        return self._report(stopped)

    # Whether it may

    def _require_may_run(self) -> None:
        books, mandate = self._place.books, self._mandate
        require_approved(books, mandate)
        why = self._objections()
        if not why.count:
            require_apart(books, mandate)
            return
        if self._migration().state is MigrationState.RUNNING:
            self._record_stop(_Stops(StopCause.APPROVAL_VOID, in_short(why)))
        raise Refused("migration {migration} may not run:\n{objections}", migration=self._number, objections=why)

    def _is_over(self) -> bool:
        """Whether it is finished, and nobody accepted files since."""
        is_finished = self._migration().state is MigrationState.FINISHED
        return is_finished and not self._place.books.to_migrate(self._number, most=1)

    def _objections(self) -> Complaints:
        tools = self._workshop.tools(self._mandate.pathway)
        return objections_now(self._place.books, self._mandate, tools, self._request.now)

    def _begin(self) -> None:
        """A new executor, or one who goes on after it stopped, stands in the ledger."""
        migration, mandate = self._migration(), self._mandate
        judged, not_passed = self._counted()
        if migration.state is not MigrationState.RUNNING:
            if migration.state in _LOOKED_AT:
                self._journal.note_look(judged, not_passed)
            self._record_begin()
        elif (migration.executor, migration.auditor) != (mandate.executor, mandate.auditor):
            self._record_begin()
        self._before = (judged, not_passed)

    def _record_begin(self) -> None:
        place, mandate = self._place, self._mandate
        place.record(
            migration_events.migration_begun(
                place.act, place.now(), self._number, mandate.approval.number, mandate.auditor
            )
        )

    def _counted(self) -> tuple[int, int]:
        """How many files were judged so far, and how many did not pass: of booked packages, and of those under way."""
        progress, here = self._migration().progress, self._under_way()
        judged = progress.files - progress.refused + here.total() - here[FileFate.REFUSED]
        return judged, progress.stopped + progress.failed + sum(here[fate] for fate in _NOT_PASSED)

    def _under_way(self) -> Counter[FileFate]:
        return under_way(self._place.books, self._request.migrations, self._number)

    # What is left of earlier runs

    def _put_in_order(self) -> None:
        """Before anything is counted: what was booked, or is done again, counts no more as under way."""
        for package in list(self._journal.packages()):
            self._attempt(package, partial(self._put_package_in_order, package))

    def _put_package_in_order(self, package: str) -> None:
        self._finisher.put_in_order(self._row(package))

    def _row(self, package: str) -> MigrationPackage:
        return self._place.books.migration_package(self._number, package)

    def _carry_out_decisions(self) -> None:
        """Of packages that the books name, and of those whose files lie here: what was accepted after a killed run had
        sealed a version is booked with that one, and is in none yet."""
        named = dict.fromkeys(self._place.books.to_carry_out(self._number))
        for package in dict.fromkeys((*named, *self._journal.packages())):
            if package not in self._passed_over:
                self._attempt(package, partial(self._carry_out, package, is_named=package in named))

    def _carry_out(self, package: str, *, is_named: bool) -> None:
        while is_named or self._finisher.is_to_carry_out(self._row(package)):
            self._ended.append(self._finisher.carry_out(self._row(package), self._reads.of(package)))
            is_named = False

    # Converting

    def _convert(self) -> None:
        """Three things go on at once: one lot is brought, one is converted, and packages of the one before are made
        and booked, which is for this thread alone."""
        self._place.progress.begin(
            "converting the files of migration {migration}",
            self._place.books.bytes_to_convert(self._number),
            migration=self._number,
        )
        pathway, scope = self._mandate.pathway, self._mandate.migration.scope
        puids = [puid for puid in pathway.sources if puid in scope.puids]
        feeder = Feeder(self._place, pathway, puids, self._journal, self._due(), self._request.most)
        with closing(feeder.lots()) as lots, ThreadPoolExecutor(1) as bench:
            try:
                self._convert_lots(lots, bench)
            except BaseException:
                self._is_leaving = True  # the bench ends with the files that it keeps next
                raise

    def _convert_lots(self, lots: Iterable[Lot], bench: Executor) -> None:
        worked_on: Lot | None = None
        for lot in lots:
            working = bench.submit(self._work_on, lot)
            self._end_packages(worked_on)
            working.result()
            self._note_pace()
            worked_on = lot
            if self._is_enough():
                break
            self._require_goes_on()
        self._end_packages(worked_on)

    def _end_packages(self, lot: Lot | None) -> None:
        if lot is None:
            return
        for due in lot.ended:
            self._attempt(due.id, partial(self._finish, due))
        for due, error in lot.failed:
            self._passed_over[due.id] = error
            self._reads.book(due.id)

    def _due(self) -> Iterator[Due]:
        """The packages that are to be converted, asked of the books as they are needed."""
        books = self._place.books
        for row in self._rows():
            if row.done is not None or row.package in self._passed_over:
                continue
            entry = books.identified(row.package)
            if entry is None:
                self._passed_over[row.package] = Refused(
                    "nobody told the formats of package {package} yet; `preserve format identify --package {package}`"
                    " does",
                    package=row.package,
                )
                continue
            try:
                sources = self._reads.of(row.package)
            except PreserveError as error:
                self._passed_over[row.package] = error
                continue
            yield Due(sources, entry, self._journal.done(row.package), books.settlements(row.package))

    def _rows(self) -> Iterator[MigrationPackage]:
        after = ""
        while rows := self._place.books.to_migrate(self._number, after):
            yield from rows
            after = rows[-1].package

    def _work_on(self, lot: Lot) -> None:
        """Convert and judge a lot; each group of results is durable before the next."""
        self._keep([self._bench.refused(each) for each in lot.refused])
        self._bench.put_through(lot.files, self._keep)

    def _keep(self, results: list[FileResult]) -> None:
        self._journal.keep([replace(each, executor=self._mandate.executor) for each in results])
        for each in results:
            self._judged[each.original.package] += 1
            self._fates[each.fate] += 1
            self._place.progress.advance(each.original.bytes)
        self._require_few_stopped()
        if self._is_leaving:
            raise _Stops(StopCause.PAUSED, "")

    def _note_pace(self) -> None:
        """What was judged counts towards the pace of its policy; a kill hides at most a lot of it."""
        judged, self._judged = self._judged, Counter()
        by_policy = Counter[str]()
        for package, files in judged.items():
            by_policy[self._row(package).policy] += files
        for name, files in by_policy.items():
            policy = self._mandate.policies.get(name)
            day = day_of(None if policy is None else policy.migration, self._place.clock.now())
            note_judged(self._place.books, self._number, name, day, files)

    def _finish(self, due: Due) -> None:
        ended = self._finisher.finish(self._row(due.id), due.sources)
        if ended is None:
            raise Unavailable(
                "what was made of files of package {package} was not in this home as it was made; it is made again",
                package=due.id,
            )
        self._ended.append(ended)

    def _attempt(self, package: str, step: Callable[[], None]) -> None:
        """What keeps one package from its end keeps no other."""
        try:
            step()
        except NoSpace:
            raise
        except PreserveError as error:
            self._passed_over[package] = error
        self._reads.book(package)

    # Whether it goes on

    def _require_few_stopped(self) -> None:
        known_judged, known_stopped = self._journal.looked()
        judged = self._before[0] + sum(self._fates.values()) - self._fates[FileFate.REFUSED] - known_judged
        stopped = self._before[1] + sum(self._fates[fate] for fate in _NOT_PASSED) - known_stopped
        if stops_job(self._mandate.pathway.stop, judged, stopped):
            why = phrase("{stopped} of {judged} files did not pass", stopped=stopped, judged=judged)
            raise _Stops(StopCause.TOO_MANY_STOPPED, why)

    def _require_goes_on(self) -> None:
        """Between lots: nobody paused it, and its tools are those that were approved."""
        why = self._objections()
        if why.count:
            raise _Stops(StopCause.APPROVAL_VOID, in_short(why))

    def _is_enough(self) -> bool:
        most, seconds = self._request.most, self._request.most_seconds
        is_much = most is not None and sum(self._fates.values()) >= most
        return is_much or (seconds is not None and monotonic_seconds() - self._began >= seconds)

    def _end(self) -> None:
        if not self._passed_over and not self._place.books.to_migrate(self._number, most=1):
            place = self._place
            place.record(migration_events.migration_ended(place.act, place.now(), self._number))

    def _record_stop(self, stop: _Stops) -> None:
        place = self._place
        place.record(migration_events.migration_stopped(place.act, place.now(), self._number, stop.cause, stop.why))

    def _migration(self) -> Migration:
        return self._place.books.migration(self._number)

    def _report(self, stopped: str | None) -> RunReport:
        migration = self._migration()
        return RunReport(
            migration,
            tuple(self._ended),
            tuple(PassedOver(*each) for each in self._passed_over.items()),
            self._fates,
            stopped,
            migration.progress.undecided,
            self._not_converted(migration),
            monotonic_seconds() - self._began,
        )

    def _not_converted(self, migration: Migration) -> int:
        """Of booked packages, and of those under way."""
        here = self._under_way()
        return migration.progress.failed + migration.progress.refused + here[FileFate.FAILED] + here[FileFate.REFUSED]
