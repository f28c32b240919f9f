"""Bring a package to its end in a migration: seal what goes into the new version, take that in, and book it.

Each step may be the last of a killed run, and is taken up by the next: what was sealed is what is made, as long as it
is as it was sealed; the ledger knows whether it was; and the event is booked once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from preserve import durable
from preserve.bags.profiles import Profile
from preserve.errors import Refused
from preserve.model import migration_events
from preserve.model.formats.file_results import FileFate, FileResult
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.risk_log import (
    FILES,
    PICTURES,
    RISKS,
    Circumstances,
    JobType,
    Phase,
    initiative_of,
    requirement_of,
)
from preserve.model.formats.tallies import tallied
from preserve.model.migrations import ApprovalEntry, Migration, MigrationPackage, PackageDone, PackageState
from preserve.model.persons import is_one_person
from preserve.model.placing import stores_wanted
from preserve.model.policy import Policy
from preserve.packages.making.taking_in import PackageMade
from preserve.packages.migrating.evidence import Grounding, write_evidence
from preserve.packages.migrating.journal import Journal, Sealed
from preserve.packages.migrating.versions import VersionOrder, take_version_in, taken_in, unsound_results
from preserve.packages.risk_log_finding import is_as_pinned
from preserve.packages.risk_logs import run_log
from preserve.packages.sources import Sources
from preserve.workplace import Workplace

Results = Callable[[], Iterator[FileResult]]


@dataclass(frozen=True, slots=True)
class Mandate:
    """Under what packages are converted: the migration, its approval, the pathway and its declaration as it was
    read, who executes it, and the policies in force with the BagIt profiles that they name."""

    migration: Migration
    approval: ApprovalEntry
    pathway: Pathway
    declaration: bytes
    executor: str
    auditor: str
    policies: Mapping[str, Policy]
    profile_of: Callable[[Policy], Profile | None]

    @property
    def pathway_name(self) -> str:
        return f"{self.pathway.name} {self.pathway.version}"


@dataclass(frozen=True, slots=True)
class PackageEnded:
    """An original package that came to its end: what was booked, and the new packages with their copies."""

    done: PackageDone
    made: tuple[PackageMade, ...]


@dataclass(frozen=True, slots=True)
class Finisher:
    """Brings packages to their end."""

    workplace: Workplace
    mandate: Mandate
    journal: Journal
    migrations: Path
    """Where risk logs lie in the home."""

    def finish(self, row: MigrationPackage, sources: Sources) -> PackageEnded | None:
        """A package of which all files are done.  None where something that was made of them is not as it was: then
        these files are converted again.

        Raises what the intake raises.
        """
        package = row.package
        results = partial(self.journal.results, package)
        sealed = self._sealed_before(package, results)
        if sealed is None:
            unsound = unsound_results(self.journal.folder_of(package), _converted(results))
            if unsound:
                self.journal.forget(package, unsound)
                return None
            sealed = self._seal(row, sources, results, {each.original.number for each in _converted(results)})
        return self._end(row, sources, results, sealed)

    def put_in_order(self, row: MigrationPackage) -> None:
        """See to what an earlier run left of a package: what rotted, or was made under another approval, is done again,
        and what was booked cleared up.

        Raises `Refused` where what rotted is needed for a version that was made, or waits for review.
        """
        self._see_to_rot(row)
        if row.done is not None:
            self._settle_booked(row)
        self._forget_other_approvals(row.package)

    def _see_to_rot(self, row: MigrationPackage) -> None:
        """A seal is given up that says what is not so any more, or cannot be read; of a version that was made it says
        what is in that, and nothing else does."""
        package, after = row.package, () if row.done is None else row.done.into
        is_rotten = self.journal.drop_rotten(package)
        try:
            if self.journal.sealed(package) is None or not is_rotten:
                return
        except Refused:
            if self._is_made(package, after):
                raise
        if not self._is_made(package, after):
            self.journal.unseal(package)

    def _settle_booked(self, row: MigrationPackage) -> None:
        package, sealed = row.package, self.journal.sealed(row.package)
        if self.journal.is_under_way(package):
            self.journal.settle(package, partial(self.journal.results, package))
        elif sealed is None:
            return
        elif row.done is not None and row.done.into != sealed.after:
            self.journal.settle(package, partial(self._carried_out, package, sealed.numbers))
        elif not self._is_made(package, sealed.after) and sealed.numbers - self._accepted(package):
            self.journal.unseal(package)  # somebody decided otherwise before it was made

    def _forget_other_approvals(self, package: str) -> None:
        """Where another declaration was approved meanwhile, or other versions of its programs, what was made of a
        package under way under the earlier approval is made anew: a version rests on one approval, which lies in it.
        So is what the approver converted: nobody approves his own work.  One that was sealed under the earlier is
        whole, and stays so."""
        if self.journal.sealed(package) is None:
            results = self.journal.results(package)
            others = {each.original.number for each in results if not self._is_of_this_approval(each)}
            if others:
                self.journal.forget(package, others)

    def _is_of_this_approval(self, result: FileResult) -> bool:
        approval, tool = self.mandate.approval, self.mandate.pathway.tool.program
        ran = [] if result.run is None else [(tool, result.run.version)]
        ran += [(each.program, each.version) for each in result.validated]
        is_as_tried = all(approval.tools.get(program, "") == version for program, version in ran)
        is_own_work = bool(result.executor) and is_one_person(result.executor, approval.by)
        return result.pathway_sha256 == approval.sha256 and is_as_tried and not is_own_work

    def is_to_carry_out(self, row: MigrationPackage) -> bool:
        """Whether people accepted files of a booked package that are in no version yet, or a version with them is
        there and not booked."""
        if row.done is None or row.state is PackageState.ROLLED_BACK:
            return False
        return bool(self._accepted(row.package)) or self.journal.sealed(row.package) is not None

    def carry_out(self, row: MigrationPackage, sources: Sources) -> PackageEnded:
        """A booked package of which people accepted files since: these go into a further version.  Where an earlier run
        had sealed one, it is that one, and what was accepted after that is left.

        Raises `Refused` where what was made of them is not in this home any more.
        """
        package = row.package
        sealed = self.journal.sealed(package)
        if sealed is not None:
            sealed = self._sealed_before(package, partial(self._carried_out, package, sealed.numbers))
        accepted = sealed.numbers if sealed is not None else self._accepted(package)
        results = partial(self._carried_out, package, accepted)
        if sealed is None:
            waiting = (each for each in results() if each.original.number in accepted)
            if not accepted or unsound_results(self.journal.folder_of(package), waiting):
                raise Refused(
                    "what was made of the accepted files of package {package} is not in this home any more; plan"
                    " another migration of it, with --again",
                    package=package,
                )
            sealed = self._seal(row, sources, results, accepted)
        return self._end(row, sources, results, sealed)

    def _carried_out(self, package: str, numbers: Collection[int]) -> Iterator[FileResult]:
        """What became of the files of a booked package when those with these numbers go into a version."""
        for each in self.journal.settled(package):
            yield replace(each, fate=FileFate.CONVERTED) if each.original.number in numbers else each

    def _sealed_before(self, package: str, results: Results) -> Sealed | None:
        """The version that an earlier run was about to make.  Where it was taken in it is that one for good; else it is
        given up where what would go into it is not as it was when it was sealed."""
        sealed = self.journal.sealed(package)
        if sealed is None or self._is_made(package, sealed.after):
            return sealed
        going_in = (each for each in results() if each.original.number in sealed.numbers)
        if is_as_pinned(sealed.evidence, sealed.log_sha256) and not unsound_results(
            self.journal.folder_of(package), going_in
        ):
            return sealed
        self.journal.unseal(package)
        return None

    def _is_made(self, package: str, after: Collection[str]) -> bool:
        """Whether the version that comes after those packages was taken in."""
        return taken_in(self.workplace, self.mandate.migration.number, package, after) is not None

    def _accepted(self, package: str) -> frozenset[int]:
        """The stopped files that somebody accepted."""
        books, number = self.workplace.books, self.mandate.migration.number
        accepted = {each.path for each in books.file_decisions(number, package) if each.is_accepted}
        if not accepted:  # what waits for review may be long, and lie in every package
            return frozenset()
        return frozenset(
            each.original.number
            for each in self.journal.settled(package)
            if each.fate is FileFate.STOPPED and each.original.path in accepted
        )

    def _seal(self, row: MigrationPackage, sources: Sources, results: Results, numbers: Collection[int]) -> Sealed:
        package = row.package
        draft = self.journal.draft(package)
        try:
            written = write_evidence(draft, self._grounding(sources), results)
            self._lay_pictures(package, draft, results())
        except OSError as error:
            durable.raise_if_full(error, draft)
            raise
        return self.journal.seal(package, numbers, () if row.done is None else row.done.into, written.sha256)

    def _lay_pictures(self, package: str, evidence: Path, results: Iterator[FileResult]) -> None:
        """Pages that look otherwise belong to the evidence; those of files that are equal do not."""
        names = {name for each in results if each.risks for one in each.pictures for name in (one.before, one.after)}
        names.discard("")
        if names:
            (evidence / PICTURES).mkdir()
        for name in sorted(names):
            shutil.copyfile(self.journal.pictures_folder(package) / name, evidence / PICTURES / name)

    def _grounding(self, sources: Sources) -> Grounding:
        mandate, receipt, books = self.mandate, sources.receipt, self.workplace.books
        policy = self._policy(sources)
        migration, pathway = books.migration(mandate.migration.number), mandate.pathway
        pilot = books.last_pilot(migration.number)
        about = Circumstances(
            migration=migration.number,
            title=migration.called,
            phase=Phase.RUN,
            type=JobType.CONVERT,
            reason=migration.reason,
            grounds=pathway.grounds,
            basis=pathway.basis,
            policy=receipt.policy,
            record_class=receipt.metadata.get("category"),
            trigger=initiative_of(migration.grounds),
            requirement=requirement_of(pathway),
            strategy=mandate.pathway_name,
            fixed_at=mandate.approval.at,
            source_carrier=", ".join(each.store for each in sources.standings if each.away is None),
            target_carrier=", ".join(stores_wanted(policy, books.stores(), away=self.workplace.away)),
            planner=migration.planned_by,
            approver=mandate.approval.by,
            executor=mandate.executor,
            auditor=mandate.auditor or None,
            originals_kept_until="always",
            rollback_tested=migration.is_rollback_tested,
            viewed=None if pilot is None else books.viewed(migration.number, pilot.number).files,
            sample=None if pilot is None else pilot.drawn,
        )
        decisions = {each.path: each for each in books.file_decisions(migration.number, receipt.package_id)}
        return Grounding(about, mandate.approval, mandate.declaration, decisions)

    def _policy(self, sources: Sources) -> Policy:
        name = sources.receipt.policy
        if name not in self.mandate.policies:
            raise Refused(
                "package {package} was taken in under policy {policy}, which is not in force; register it again",
                package=sources.package.id,
                policy=name,
            )
        return self.mandate.policies[name]

    def _end(self, row: MigrationPackage, sources: Sources, results: Results, sealed: Sealed) -> PackageEnded:
        """Take the version in, lay the log into the home, book."""
        made = self._made(sources, results, sealed) if sealed.numbers else ()
        self._lay_log(row.package, sealed)
        books = self.workplace.books
        decided = {each.path for each in books.file_decisions(row.migration, row.package)}
        undecided = sum(each.fate is FileFate.STOPPED and each.original.path not in decided for each in results())
        into = (*sealed.after, *(each.id for each in made))
        done = PackageDone(row.migration, row.package, into, tallied(results()), undecided, sealed.log_sha256)
        self.workplace.record(migration_events.migrated(self.workplace.act, self.workplace.now(), done))
        self.journal.settle(row.package, results)
        return PackageEnded(done, made)

    def _made(self, sources: Sources, results: Results, sealed: Sealed) -> tuple[PackageMade, ...]:
        policy = self._policy(sources)
        order = VersionOrder(
            sources=sources,
            migration=self.mandate.migration.number,
            pathway=self.mandate.pathway_name,
            policy=policy,
            folder=self.journal.folder_of(sources.package.id),
            evidence=sealed.evidence,
            results=lambda: (each for each in results() if each.original.number in sealed.numbers),
            profile=self.mandate.profile_of(policy),
            after=sealed.after,
        )
        return take_version_in(self.workplace, order)

    def _lay_log(self, package: str, sealed: Sealed) -> None:
        """The log with all pictures, where reports look for it."""
        log = run_log(self.migrations, self.mandate.migration.number, package)
        try:
            durable.make_folders(log)
            for name in (FILES, RISKS):
                _copy(sealed.evidence / name, log / name)
            pictures = self.journal.pictures_folder(package)
            shutil.copytree(pictures, log / PICTURES, dirs_exist_ok=True)
        except OSError as error:
            durable.raise_if_full(error, log)
            raise


def _converted(results: Results) -> Iterator[FileResult]:
    return (each for each in results() if each.fate is FileFate.CONVERTED)


def _copy(file: Path, final: Path) -> None:
    """Copy a file, durably, in place of what was there."""
    beside = final.with_name(f".{final.name}.partial")
    shutil.copyfile(file, beside)
    with beside.open("rb") as copy:
        durable.sync_file(copy.fileno())
    durable.move(beside, final)
