"""Try a migration out: each pathway that it considers, on a sample of its files, judged, marked and ranked.

Nothing of it comes into force.  What was made stays in the home beside the risk log of the pilot, so that people can
look; the ledger keeps what was drawn, from what, and what became of it.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from preserve import chance, durable
from preserve.clock import monotonic_seconds
from preserve.errors import PreserveError, Refused
from preserve.model import migration_events
from preserve.model.formats.file_results import FileResult
from preserve.model.formats.governance import Criterion, Ranked, TurningPoint, ranking, sensitivity
from preserve.model.formats.marks import options
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.pilot_samples import DEFAULT_SAMPLE, PilotFile, PilotSample, drawn
from preserve.model.formats.risk_log import (
    PICTURES,
    Circumstances,
    JobType,
    LoggedFile,
    Phase,
    initiative_of,
    logged,
    requirement_of,
)
from preserve.model.formats.tallies import tallied
from preserve.model.lots import into_reservoir
from preserve.model.migrations import Basis, Piloted, PilotEntry, Tallied, claim_on
from preserve.packages.harm_seen import Reads
from preserve.packages.migrating.bench import Bench
from preserve.packages.migrating.candidates import candidates
from preserve.packages.migrating.feeding import Due, Feeder, Lot
from preserve.packages.migrating.journal import Journal, made_path
from preserve.packages.reaching import unlistable
from preserve.packages.risk_logs import pilot_log, write_risk_log
from preserve.packages.settled_files import identified, rows_of
from preserve.ports import Identifier
from preserve.workplace import Workplace
from preserve.workshop import Workshop

MOST_PACKAGES = 500
"""Files are drawn from so many packages at most, drawn themselves where there are more: the list of each is read."""
PACKAGES_A_FORMAT = 20
"""So many packages that hold each format are among them in any case."""
FIRST_TOLD = 3
"""Of a pathway that made nothing that passed, so many files are told with the reasons."""
MADE = "made"
"""Below the log of a pilot: what was made, by pathway and package."""


@dataclass(frozen=True, slots=True)
class PilotRequest:
    """What to try, and by which figures to compare.

    `seed` draws the sample of `sample` files; whoever has it draws the same.  `marks` gives the marks of a pathway by
    what was seen of it; `migrations` is where logs lie in the home.
    """

    migration: int
    pathways: Sequence[Pathway]
    seed: str
    marks: Callable[[Pathway, Tallied], Mapping[Criterion, int]]
    weights: Mapping[Criterion, int]
    basis: Basis
    migrations: Path
    sample: int = DEFAULT_SAMPLE


@dataclass(frozen=True, slots=True)
class NotTried:
    """A pathway that could not be tried here, or a package that files could not be drawn from, and why."""

    what: str
    why: PreserveError


@dataclass(frozen=True, slots=True)
class PilotReport:
    """What a pilot found.  `ranked` are the pathways, the best first, `turning` by which weights that would change;
    `log` is where the risk log lies.  `of_packages` says of how many packages files were drawn."""

    entry: PilotEntry
    sample: PilotSample
    of_packages: int
    ranked: tuple[Ranked, ...]
    turning: tuple[TurningPoint, ...]
    not_tried: tuple[NotTried, ...]
    log: Path
    seconds: float
    not_passed: Mapping[str, tuple[LoggedFile, ...]] = field(default_factory=dict)
    """Of each pathway that made nothing that passed, the first files and why."""


def pilot_migration(
    workplace: Workplace, request: PilotRequest, workshop: Workshop, identifier: Identifier
) -> PilotReport:
    """Try a migration out, and book what was found.

    Raises `Refused` where nothing is left to try, or none of its pathways can be tried here; `NoSpace`, `Unavailable`.
    """
    with workplace.claim(claim_on(request.migration)):
        return _Piloting(workplace, request, workshop, identifier).run()


class _Piloting:
    """One pilot."""

    def __init__(self, workplace: Workplace, request: PilotRequest, workshop: Workshop, identifier: Identifier) -> None:
        self._place = workplace
        self._request = request
        self._workshop = workshop
        self._identifier = identifier
        self._migration = workplace.books.migration(request.migration)
        self._number = len(workplace.books.pilots(request.migration)) + 1
        self._log = pilot_log(request.migrations, request.migration, self._number)
        self._not_tried: list[NotTried] = []
        self._reads = Reads(workplace, "when it was read for a pilot")
        self._began = monotonic_seconds()

    def run(self) -> PilotReport:
        if not self._migration.state.is_open:
            raise Refused(
                "migration {migration} is {state}; plan another one", migration=self._migration.number,
                state=self._migration.state,
            )  # fmt: skip
        packages = self._packages()
        sample = drawn(self._candidates(packages), self._request.sample, chance.repeatable(self._request.seed))
        if not sample.files:
            raise Refused(
                "no file of migration {migration} could be drawn: nothing is left to convert, or no list of its"
                " packages can be read",
                migration=self._migration.number,
            )
        self._begin_log()
        outcomes, results = [], []
        for pathway in self._request.pathways:
            found = self._tried(pathway, sample.files)
            if found is not None:
                outcomes.append(found[0])
                results += found[1]
        if not outcomes:
            raise self._not_tried[-1].why
        return self._booked(outcomes, results, sample, len(packages))

    def _begin_log(self) -> None:
        """A pilot that was killed left a log that nobody booked."""
        shutil.rmtree(self._log, ignore_errors=True)
        durable.make_folders(self._log / PICTURES)

    # The sample

    def _packages(self) -> list[str]:
        """Of which packages files are drawn: all, or as many as may be, among them some of each format."""
        books, lots = self._place.books, chance.repeatable(f"{self._request.seed} packages")
        kept: list[str] = []
        meant = set()
        for seen, row in enumerate(books.migration_packages(self._migration.number), 1):
            into_reservoir(kept, row.package, seen, MOST_PACKAGES, lots)
            meant.add(row.package)
        rare = (
            package
            for puid in self._migration.scope.puids
            for package, *_ in books.packages_in_format(puid, PACKAGES_A_FORMAT)
        )
        return sorted({*kept, *(package for package in rare if package in meant)})

    def _candidates(self, packages: Sequence[str]) -> Iterator[PilotFile]:
        self._place.progress.begin("drawing a sample from {count} packages", None, count=len(packages))
        for package in packages:
            try:
                yield from self._files_of(package)
            except PreserveError as error:
                self._not_tried.append(NotTried(package, error))

    def _files_of(self, package: str) -> Iterator[PilotFile]:
        books = self._place.books
        entry = identified(self._place, package)
        sources = self._reads.of(package)
        about = sources.receipt.metadata
        rows = rows_of(self._place, entry)
        try:
            members = sources.members_in_pieces()
            if members is None:
                raise unlistable(sources)
            for each in candidates(members, rows, package, self._migration.scope.puids, books.settlements(package)):
                original, odd = each.original, tuple(sorted(each.oddities))
                year, category = about.get("year", ""), about.get("category", "")
                yield PilotFile(package, original.number, original.puid, original.bytes, year, category, odd)
        except (ValueError, OSError) as error:
            raise unlistable(sources) from error
        finally:
            self._reads.book(package)

    # Trying

    def _tried(self, pathway: Pathway, files: Iterable[PilotFile]) -> tuple[Piloted, list[FileResult]] | None:
        """What one pathway makes of the files of the sample that it is for; None where it cannot be tried."""
        tools = self._workshop.tools(pathway)
        missing = [each for each in pathway.programs if each not in tools]
        if missing:
            why = Refused(
                "pathway {pathway} cannot be tried here: {programs} is not on this machine", pathway=pathway.name,
                programs=", ".join(missing),
            )  # fmt: skip
            self._not_tried.append(NotTried(pathway.name, why))
            return None
        results = self._converted(pathway, [each for each in files if each.puid in pathway.sources])
        seen = tallied(results)
        marks = self._request.marks(pathway, seen)
        return Piloted(pathway.name, pathway.version, pathway.sha256, dict(tools), seen, marks), results

    def _converted(self, pathway: Pathway, files: Sequence[PilotFile]) -> list[FileResult]:
        place = self._place
        place.progress.begin("trying pathway {pathway}", sum(each.bytes for each in files), pathway=pathway.name)
        journal = Journal(place.work / f"pilot-{pathway.name}")
        bench = Bench(pathway, self._workshop, self._identifier, place.clock, most_pictures=3, shows_alike=True)
        feeder = Feeder(place, pathway, self._migration.scope.puids, journal, self._due(files))
        results: list[FileResult] = []
        try:
            with closing(feeder.lots()) as lots:
                for lot in lots:
                    results += self._put_through(bench, lot)
        finally:
            self._reads.book_all()
        laid = [self._laid_out(journal, pathway, each) for each in results]
        return sorted(laid, key=lambda each: (each.original.package, each.original.number))

    def _put_through(self, bench: Bench, lot: Lot) -> list[FileResult]:
        results = [bench.refused(each) for each in lot.refused]

        def keep(group: list[FileResult]) -> None:
            results.extend(group)
            self._place.progress.advance(sum(each.original.bytes for each in group))

        bench.put_through(lot.files, keep)
        self._not_tried += [NotTried(due.id, error) for due, error in lot.failed]
        return results

    def _due(self, files: Iterable[PilotFile]) -> Iterator[Due]:
        numbers = defaultdict(set)
        for each in files:
            numbers[each.package].add(each.number)
        books = self._place.books
        for package, only in numbers.items():
            entry = identified(self._place, package)
            yield Due(self._reads.of(package), entry, frozenset(), books.settlements(package), frozenset(only))

    def _laid_out(self, journal: Journal, pathway: Pathway, result: FileResult) -> FileResult:
        """Lay what was made, and pages that differ, where people look at them, under names that people know."""
        package, number = result.original.package, result.original.number
        into = os.fsencode(self._log / MADE / pathway.name / package)
        pictures = []
        try:
            for place, made in enumerate(result.made):
                target = Path(os.fsdecode(into + b"/" + made.path))
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(made_path(journal.folder_of(package), number, place), target)
            for each in result.pictures:
                names = {name: f"{pathway.name}-{package}-{name}" for name in (each.before, each.after) if name}
                for name, kept in names.items():
                    shutil.move(journal.pictures_folder(package) / name, self._log / PICTURES / kept)
                pictures.append(replace(each, before=names.get(each.before, ""), after=names.get(each.after, "")))
        except OSError as error:
            durable.raise_if_full(error, self._log)
            raise
        return replace(result, pictures=tuple(pictures))

    # Booking

    def _booked(
        self, outcomes: Sequence[Piloted], results: Sequence[FileResult], sample: PilotSample, packages: int
    ) -> PilotReport:
        place, request = self._place, self._request
        about = {each.name: self._circumstances(each, sample) for each in request.pathways}
        written = write_risk_log(self._log, (logged(about[each.pathway], each, {}, None) for each in results))
        durable.sync_file_system(self._log)
        entry = PilotEntry(
            migration=request.migration,
            outcomes=tuple(outcomes),
            weights=request.weights,
            basis=request.basis,
            seed=request.seed,
            drawn=len(sample.files),
            strata=sample.sorts,
            data_sha256=written.sha256,
        )
        place.record(migration_events.migration_piloted(place.act, place.now(), entry))
        booked = place.books.last_pilot(request.migration) or entry
        compared = options(outcomes)
        return PilotReport(
            booked, sample, packages, ranking(compared, request.weights), sensitivity(compared, request.weights),
            tuple(self._not_tried), self._log, monotonic_seconds() - self._began,
            {each.pathway: tuple(_first_of(each.pathway, results, about)) for each in outcomes if not each.has_passed},
        )  # fmt: skip

    def _circumstances(self, pathway: Pathway, sample: PilotSample) -> Circumstances:
        migration = self._migration
        return Circumstances(
            migration=migration.number,
            title=migration.called,
            phase=Phase.PILOT,
            type=JobType.CONVERT,
            reason=migration.reason,
            grounds=pathway.grounds,
            basis=pathway.basis,
            trigger=initiative_of(migration.grounds),
            requirement=requirement_of(pathway),
            strategy=f"{pathway.name} {pathway.version}",
            fixed_at=migration.planned_at,
            planner=migration.planned_by,
            executor=self._place.act.actor,
            originals_kept_until="always",
            sample=len(sample.files),
        )


def _first_of(pathway: str, results: Iterable[FileResult], about: Mapping[str, Circumstances]) -> Iterator[LoggedFile]:
    of_it = (each for each in results if each.pathway == pathway)
    return (logged(about[pathway], each, {}, None) for each in islice(of_it, FIRST_TOLD))
