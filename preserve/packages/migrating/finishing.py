"""Bring a package to its end in a migration: seal what goes into the new version, take that in, and book it.

Each step may be the last of a killed run, and is taken up by the next: what was sealed is what is made, the intake
knows its accession, and the event is booked once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from preserve import durable
from preserve.bags.profiles import Profile
from preserve.errors import Refused
from preserve.model import migration_events
from preserve.model.formats.file_results import FileFate, FileResult
from preserve.model.formats.pathways import Pathway
from preserve.model.formats.risk_log import FILES, PICTURES, RISKS, Circumstances, JobType, Phase
from preserve.model.formats.tallies import tallied
from preserve.model.migrations import ApprovalEntry, Migration, MigrationPackage, PackageDone
from preserve.model.placing import stores_wanted
from preserve.model.policy import Policy
from preserve.packages.making.taking_in import PackageMade
from preserve.packages.migrating.bench import digest_of
from preserve.packages.migrating.evidence import Grounding, write_evidence
from preserve.packages.migrating.journal import Journal, Sealed
from preserve.packages.migrating.versions import VersionOrder, take_version_in, unsound_results
from preserve.packages.risk_logs import both_sha256, run_log
from preserve.packages.sources import Sources
from preserve.workplace import Workplace

Results = Callable[[], Iterator[FileResult]]


@dataclass(frozen=True, slots=True)
class Mandate:
    """Under what packages are converted: the migration, its approval, the pathway and its declaration as it stands in
    its file, who executes it, and the policies in force with the BagIt profiles that they name."""

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

        def results() -> Iterator[FileResult]:
            return self.journal.results(package)

        sealed = self.journal.sealed(package)
        if sealed is None:
            unsound = unsound_results(self.journal.folder_of(package), _converted(results))
            if unsound:
                self.journal.forget(package, unsound)
                return None
            sealed = self._seal(sources, results, {each.original.number for each in _converted(results)})
        return self._end(row, sources, results, sealed)

    def is_to_carry_out(self, package: str) -> bool:
        """Whether people accepted files of a booked package that are in no version yet."""
        return bool(self._accepted(package))

    def deciders(self, package: str) -> frozenset[str]:
        """Who accepted files of a booked package that no version was sealed of yet."""
        if self.journal.sealed(package) is not None:
            return frozenset()
        books, number, accepted = self.workplace.books, self.mandate.migration.number, self._accepted(package)
        paths = {each.original.path for each in self.journal.settled(package) if each.original.number in accepted}
        return frozenset(each.by for each in books.file_decisions(number, package) if each.path in paths)

    def carry_out(self, row: MigrationPackage, sources: Sources) -> PackageEnded:
        """A booked package of which people accepted files since: these go into a further version.  Where an earlier run
        had sealed one, it is that one, and what was accepted after that is left.

        Raises `Refused` where what was made of them is not in this home any more.
        """
        package = row.package
        sealed = self.journal.sealed(package)
        accepted = sealed.numbers if sealed is not None else self._accepted(package)

        def results() -> Iterator[FileResult]:
            for each in self.journal.settled(package):
                yield replace(each, fate=FileFate.CONVERTED) if each.original.number in accepted else each

        if sealed is None:
            waiting = [each for each in results() if each.original.number in accepted]
            if not waiting or unsound_results(self.journal.folder_of(package), waiting):
                raise Refused(
                    "what was made of the accepted files of package {package} is not in this home any more; plan"
                    " another migration of it, with --again",
                    package=package,
                )
            sealed = self._seal(sources, results, accepted)
        return self._end(row, sources, results, sealed)

    def _accepted(self, package: str) -> frozenset[int]:
        """The stopped files that somebody accepted."""
        books, number = self.workplace.books, self.mandate.migration.number
        accepted = {each.path for each in books.file_decisions(number, package) if each.is_accepted}
        return frozenset(
            each.original.number
            for each in self.journal.settled(package)
            if each.fate is FileFate.STOPPED and each.original.path in accepted
        )

    def _seal(self, sources: Sources, results: Results, numbers: Collection[int]) -> Sealed:
        package = sources.package.id
        draft = self.journal.draft(package)
        try:
            write_evidence(draft, self._grounding(sources), results)
            self._lay_pictures(package, draft, results())
        except OSError as error:
            durable.raise_if_full(error, draft)
            raise
        return self.journal.seal(package, numbers)

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
        migration, pathway = mandate.migration, mandate.pathway
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
            strategy=mandate.pathway_name,
            fixed_at=mandate.approval.at,
            source_carrier=", ".join(each.store for each in sources.standings if each.away is None),
            target_carrier=", ".join(stores_wanted(policy, books.stores(), away=self.workplace.away)),
            planner=migration.planned_by,
            approver=mandate.approval.by,
            executor=mandate.executor,
            auditor=mandate.auditor or None,
            originals_kept_until="always",
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
        log_sha256 = self._lay_log(row.package, sealed)
        before = row.done.into if row.done is not None else ()
        books = self.workplace.books
        decided = {each.path for each in books.file_decisions(row.migration, row.package)}
        undecided = sum(each.fate is FileFate.STOPPED and each.original.path not in decided for each in results())
        into = tuple(dict.fromkeys((*before, *(each.id for each in made))))
        done = PackageDone(row.migration, row.package, into, tallied(results()), undecided, log_sha256)
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
        )
        return take_version_in(self.workplace, order).packages

    def _lay_log(self, package: str, sealed: Sealed) -> str:
        """The log with all pictures, where reports look for it; its digest, as the ledger pins it."""
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
        return both_sha256(digest_of(log / FILES), digest_of(log / RISKS))


def _converted(results: Results) -> Iterator[FileResult]:
    return (each for each in results() if each.fate is FileFate.CONVERTED)


def _copy(file: Path, final: Path) -> None:
    """Copy a file, durably, in place of what was there."""
    beside = final.with_name(f".{final.name}.partial")
    shutil.copyfile(file, beside)
    with beside.open("rb") as copy:
        durable.sync_file(copy.fileno())
    durable.move(beside, final)
