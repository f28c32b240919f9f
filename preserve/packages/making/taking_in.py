"""Take a submission in that was looked through: gate it, name its packages in the books, deliver and book them.

All gates come first, before anything is written; then the packages are named in the books, so that a run that is
killed is taken up where it was; then one read of the source feeds everything; then the books say what is safe.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path

from preserve import chance
from preserve.bags.profiles import Profile, judge
from preserve.bags.submission import Submission
from preserve.clock import moment_of, stamp
from preserve.definitions.coverage import Coverage
from preserve.definitions.metadata import RecordsFile
from preserve.environment import processors
from preserve.errors import Away, NoSpace, PreserveError, Refused, Unavailable
from preserve.model import events
from preserve.model.complaints import Complaint, ComplaintList
from preserve.model.entries import AccessionEntry, AccessionState
from preserve.model.nouns import CopyState, Event, Receipt, Role
from preserve.model.on_the_way import OnTheWay, age_of, may_come, on_the_way, promise_of, put_together
from preserve.model.placing import Lack, copies_due, copies_lacking, stores_wanted
from preserve.model.policy import Policy
from preserve.model.sizes import Size
from preserve.packages.making.composing import Composed, checked_algorithms, compose
from preserve.packages.making.crew import Crew
from preserve.packages.making.delivery import Delivery, Sent, deliver
from preserve.packages.making.planning import SubmissionPlan, plan_submission
from preserve.packages.making.room import place, require_taker
from preserve.packages.timekeeping import doubted, judged, retain_until
from preserve.ports import Store
from preserve.workplace import Workplace

PACKERS = 2
"""Processes that fill blocks; fewer where the machine has fewer processors."""

SMALL_BYTES = 8 * 1024 * 1024
SMALL_FILES = 500
"""Below both, packing takes less time here than starting processes for it."""

TAR_TYPE = "application/x-tar"

MEMBER_BYTES = 512
"""Room to reckon with, in a store, for each entry beside the tar: members and block lists, generously."""


_NOT_THERE = (CopyState.DUE, CopyState.AWAY)

UNDESCRIBED = RecordsFile((), "utf-8", ())
"""No metadata file was given."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Under what a submission is taken in: `source` is what its accession is known by.

    `metadata` is the name and the SHA-256 (hex) of the file in which `described` stood.  `profile` is the BagIt profile
    that the policy names.  `again` makes new packages even of a submission that was taken in before and has not changed
    since.  `seen_at` is when its content was seen as it is taken, where that was not now.
    """

    source: str
    policy: Policy
    described: RecordsFile = UNDESCRIBED
    metadata: tuple[str, str] | None = None
    profile: Profile | None = None
    again: bool = False
    seen_at: str | None = None


@dataclass(frozen=True, slots=True)
class CopyMade:
    """The state of one copy after ingest, and why it is no better, where it is not `verified`."""

    store: str
    state: CopyState
    why: PreserveError | None = None


@dataclass(frozen=True, slots=True)
class PackageMade:
    """One package, its payload and its copies.

    So many copies are `owed`: policy wants them by now, and they are not verified.  For those `on_the_way` it allows
    time.
    """

    id: str
    files: int
    bytes: int
    copies: tuple[CopyMade, ...]
    owed: int
    on_the_way: tuple[OnTheWay, ...] = ()

    @property
    def is_safe(self) -> bool:
        """Whether at least one copy was read back and found equal."""
        return any(copy.state is CopyState.VERIFIED for copy in self.copies)

    @property
    def is_kept(self) -> bool:
        """Whether each copy that policy wants by now is verified, and time alone may bring the others."""
        failures = [copy.why for copy in self.copies if copy.state in _NOT_THERE and copy.why]
        return not self.owed and all(map(may_come, failures))


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What came of a submission.  `already`: the same submission was taken in before, and nothing was done now.

    `lacking` are copies that policy wants and that no store is registered for.
    """

    accession: str
    packages: tuple[PackageMade, ...]
    lacking: tuple[Lack, ...]
    notes: tuple[Complaint, ...] = ()
    already: bool = False
    pack_seconds: float = 0.0
    read_back_seconds: float = 0.0

    @property
    def on_the_way(self) -> tuple[OnTheWay, ...]:
        """Copies that are not verified yet, and for which policy allows time."""
        return put_together(each for package in self.packages for each in package.on_the_way)

    @property
    def is_kept(self) -> bool:
        """Whether each copy that policy wants by now is verified, it wants none that has no store, and nobody has to
        see to one that could not be made: `status` judges by the same rule.  A copy that lay frozen at once is not
        verified: it waits for its first audit."""
        return not self.lacking and all(package.is_kept for package in self.packages)

    @property
    def is_complete(self) -> bool:
        """Whether each copy that policy wants is verified, and none is on its way."""
        return self.is_kept and not self.on_the_way


def take_in(workplace: Workplace, intake: Intake, submission: Submission, work: Path) -> IngestReport:
    """Take a submission in; `work` is for scratch files.  The caller holds the claim on the source.

    Raises `Refused` with all that is wrong with the submission, `NoSpace` where a store has too little room for it, and
    `Unavailable` when no store took a sound copy; nothing half-done is visible then, and the same call goes on where it
    was.
    """
    with ExitStack() as resources:
        return _TakingIn(workplace, intake, submission, work, resources).run()


class _TakingIn:
    """One submission on its way in."""

    def __init__(
        self, workplace: Workplace, intake: Intake, submission: Submission, work: Path, resources: ExitStack
    ) -> None:
        self._workplace = workplace
        self._books = workplace.books
        self._intake = intake
        self._policy = intake.policy
        self._submission = submission
        self._described = intake.described
        self._work = work
        self._resources = resources
        self._source = intake.source
        self._metadata_sha256 = intake.metadata[1] if intake.metadata else None
        self._stores = self._wanted_stores()
        self._passed_over: tuple[Complaint, ...] = ()
        self._waiting: dict[str, NoSpace] = {}
        """Stores whose copy has to wait until there is room, and why."""
        self._advice = ComplaintList()
        self._outside_records = 0

    def run(self) -> IngestReport:
        """Plan, gate, name the packages in the books, deliver them."""
        retain_until(self._workplace, self._policy)  # refused before a byte is read, if it is to be
        with self._crew() as crew:  # its processes start while this one plans
            accession, planned = self._accession_and_plan()
            if accession.state is AccessionState.COMMITTED:
                return self._report_kept(accession)
            profile = self._intake.profile.identifier if self._intake.profile else None
            packages = compose(accession, self._policy, self._submission, self._described.records, planned, profile)
            self._require_profile(packages)
            self._require_space(packages)
            self._note_known_records(accession)
            self._note_doubted_clock()
            begun = self._books.open_accession(self._source)
            if begun is None or begun.id != accession.id:
                self._workplace.record(events.ingest_begun(self._workplace.act, self._workplace.now(), accession))
            made = [self._make(accession, package, crew) for package in packages]
        return IngestReport(
            accession.id,
            tuple(package for package, _ in made),
            copies_lacking(self._policy, self._books.stores()),
            self._notes,
            pack_seconds=sum(sent.pack_seconds for _, sent in made if sent),
            read_back_seconds=sum(sent.read_back_seconds for _, sent in made if sent),
        )

    @property
    def _notes(self) -> tuple[Complaint, ...]:
        return (
            *self._passed_over,
            *self._submission.notes,
            *self._described.notes,
            *self._advice.named,
            *self._further_advice(),
        )

    def _further_advice(self) -> Iterator[Complaint]:
        more = self._advice.count - len(self._advice.named)
        if more:
            yield Complaint("more", self._source, "{count} more notes of this kind are not listed", {"count": more})
        if self._outside_records and self._intake.metadata:
            template = (
                "{count} files are kept that belong to no record of {file}; nobody finds them by an archival code"
            )
            values = {"count": self._outside_records, "file": self._intake.metadata[0]}
            yield Complaint("outside-records", self._source, template, values)

    # Which accession this is

    def _accession_and_plan(self) -> tuple[AccessionEntry, SubmissionPlan]:
        """The accession that this submission continues, or repeats, or a new one; and its plan."""
        begun = self._books.open_accession(self._source)
        plan = self._plan(begun.packages if begun else ())
        if begun is not None:
            if self._is_same(begun, plan):
                return begun, plan
            why = "the submission, its metadata or its policy has changed since"
            self._workplace.record(events.ingest_abandoned(self._workplace.act, self._workplace.now(), begun.id, why))
            plan = self._plan(())
        kept = self._books.accession_like(self._source, plan.listing_sha256, self._metadata_sha256, self._policy.sha256)
        if kept is not None and not self._intake.again:
            return kept, plan
        new = AccessionEntry(
            id=f"A{next(self._fresh_ids())}",
            source=self._source,
            listing_sha256=plan.listing_sha256,
            metadata_sha256=self._metadata_sha256,
            policy_sha256=self._policy.sha256,
            packages=tuple(package.package_id for package in plan.packages),
            accession_at=self._intake.seen_at or self._workplace.now(),
        )
        return new, plan

    def _is_same(self, accession: AccessionEntry, plan: SubmissionPlan) -> bool:
        return (accession.listing_sha256, accession.metadata_sha256, accession.policy_sha256) == (
            plan.listing_sha256,
            self._metadata_sha256,
            self._policy.sha256,
        )

    def _plan(self, known_ids: Sequence[str]) -> SubmissionPlan:
        self._workplace.progress.begin("listing {source}", None, source=self._source)
        folder = self._work / chance.token(8)
        folder.mkdir()
        coverage = Coverage(self._described.records)
        plan = plan_submission(
            self._submission.batches(),
            chain(known_ids, self._fresh_ids()),
            self._policy.package_bytes,
            coverage.record_of if self._described.records else lambda path: None,
            folder,
        )
        self._resources.callback(plan.close)
        if self._intake.metadata is not None:
            coverage.check(self._intake.metadata[0])
            self._outside_records = plan.outside_records
        return plan

    def _fresh_ids(self) -> Iterator[str]:
        day = self._workplace.clock.now().strftime("%Y%m%d")
        while True:
            yield f"{day}-{chance.token(10)}"

    # Gates

    def _wanted_stores(self) -> dict[str, Store]:
        names = self._wanted()
        if not names:
            raise Refused(
                "no store is registered for any copy that policy {policy} wants; add one with `preserve store add`",
                policy=self._policy.name,
            )
        return {name: self._workplace.stores[name] for name in names}

    def _wanted(self, full: Collection[str] = ()) -> list[str]:
        return stores_wanted(self._policy, self._books.stores(), away=self._workplace.away, full=full)

    def _require_profile(self, packages: Sequence[Composed]) -> None:
        profile = self._intake.profile
        if profile is None:
            return
        complaints = ComplaintList()
        for package in packages:
            paths = package.payload_paths() if profile.asks_for_payload_paths else ()
            judgement = judge(profile, package.facts, serialized_as=TAR_TYPE, payload_paths=paths)
            complaints.take_all(judgement.breaches)
            self._advice.take_all(judgement.advice)
        complaints.raise_if_any(self._source)

    def _require_space(self, packages: Sequence[Composed]) -> None:
        """Have another store of its role take the place of one without room for the packages still to be made."""
        to_make = [one.plan for one in packages if not self._is_made(one)]
        needed = sum(plan.tar_bytes + plan.payload.totals.entries * MEMBER_BYTES for plan in to_make)
        placing = place(self._workplace, self._wanted, needed)
        roles = {name: self._books.store(name).role for name in placing.stores}
        for name in placing.without_room:
            free, role = Size(placing.full[name]), roles[name]
            # A full disk from the shelf keeps nothing waiting, as it would not if it lay there.
            if role is not Role.REMOTE_OFFLINE or len(placing.without_room) == len(placing.stores):
                raise NoSpace(
                    "store {store} has {free} left and the submission needs {needed}, and no other attached store of"
                    " role {role} has room; nothing was written. Free space there, or add a store of this role with"
                    " `preserve store add`; `preserve store retire` takes one that is worn out from use",
                    store=name,
                    free=free,
                    needed=Size(needed),
                    role=role,
                )
            self._waiting[name] = NoSpace(
                "store {store} has {free} left and the submission needs {needed}; attach another medium of role {role},"
                " and `preserve replicate` makes the copy there",
                store=name,
                free=free,
                needed=Size(needed),
                role=role,
            )
        self._stores = {
            name: self._workplace.stores[name] for name in placing.stores if name not in placing.without_room
        }
        self._passed_over = placing.passed_over()
        if to_make:
            require_taker(self._workplace, placing, self._stores, self._source)

    def _note_doubted_clock(self) -> None:
        """What is taken in bears its date for good.  A wrong clock keeps nobody from it, and an incident in the ledger
        says of the date what it is worth."""
        if doubted(self._workplace) is None:
            return
        state = judged(self._workplace)
        self._advice.add(
            "clock",
            self._source,
            "the packages bear for good a date from a clock that is not to be trusted ({why}); incident {incident} in"
            " the ledger says so to whoever reads it",
            why=state.why,
            incident=state.incident,
        )

    def _note_known_records(self, accession: AccessionEntry) -> None:
        """An archival code stands for one record: where it comes again, a person has to know, and it is no harm."""
        if self._intake.seen_at is not None:
            return  # of a source each harvest is another version of its records
        for holding in self._books.holdings_of(record.archival_code for record in self._described.records):
            if holding.accession != accession.id:
                self._advice.add(
                    "known-record",
                    holding.archival_code,
                    "record {record} is kept already, in package {package} since {moment}; both versions are kept from"
                    " now on, and `preserve restore` asks which one is meant",
                    record=holding.archival_code,
                    package=holding.package_id,
                    moment=f"{holding.packaged_at[:19]}Z",
                )

    # Making packages

    def _crew(self) -> Crew:
        totals = self._submission.totals
        is_small = totals.bytes < SMALL_BYTES and totals.files < SMALL_FILES
        algorithms = (*self._policy.digests, *checked_algorithms(self._submission, self._policy))
        return Crew(0 if is_small else min(PACKERS, processors()), [algorithm.value for algorithm in algorithms])

    def _make(self, accession: AccessionEntry, package: Composed, crew: Crew) -> tuple[PackageMade, Sent | None]:
        """Deliver one package and book it, unless an earlier run did."""
        if self._is_made(package):
            return made_before(self._workplace, self._policy, package.plan.package_id), None
        until = retain_until(self._workplace, self._policy)
        sent = deliver(package.plan, package.receipt, self._stores, crew, self._workplace.progress, until)
        if not any(delivery.is_sound for delivery in sent.deliveries):
            self._give_up(accession, sent)
        codes = [record.archival_code for record in package.records]
        self._workplace.record(*self._bookings(accession, sent, codes, until))
        shutil.rmtree(package.plan.folder, ignore_errors=True)
        copies = [_copy_made(delivery) for delivery in sent.deliveries]
        copies += [CopyMade(store, CopyState.DUE, why) for store, why in self._waiting.items()]
        return _made(self._workplace, self._policy, sent.package.receipt, copies), sent

    def _is_made(self, package: Composed) -> bool:
        """Whether an earlier run made it, and its files need not be read for what a submitted bag says of them."""
        return package.plan.judge is None and self._books.has_package(package.plan.package_id)

    def _give_up(self, accession: AccessionEntry, sent: Sent) -> None:
        """No store holds a sound copy.  Where one kept other bytes, the next run must begin under new names."""
        workplace = self._workplace
        if any(delivery.mismatch for delivery in sent.deliveries):
            why = "no store gave back what it was sent"
            workplace.record(events.ingest_abandoned(workplace.act, workplace.now(), accession.id, why))
        reasons = "; ".join(f"{delivery.store}: {_why(delivery)}" for delivery in sent.deliveries)
        raise Unavailable("no store took a sound copy of {source}: {reasons}", source=self._source, reasons=reasons)

    def _bookings(
        self, accession: AccessionEntry, sent: Sent, codes: Sequence[str], until: datetime | None
    ) -> Iterator[Event]:
        """The package, its sound copies, and what is wrong with the others: one transaction."""
        act, at, package = self._workplace.act, self._workplace.now(), sent.package
        receipt_sha256, receipt_bytes = package.receipt_sha256, package.receipt_bytes
        yield events.packaged(act, at, accession.id, package.receipt, receipt_sha256, receipt_bytes, codes)
        retained = stamp(until) if until else None
        for delivery in sent.deliveries:
            if delivery.is_sound:
                state, size = delivery.state, package.receipt.bag_bytes
            elif delivery.mismatch:
                state, size = CopyState.BAD, package.receipt.bag_bytes
                yield events.found(act, at, delivery.mismatch.finding(package.id, delivery.store))
            else:
                continue
            yield events.copied(act, at, package.id, delivery.store, state, size, retain_until=retained)

    # Reports

    def _report_kept(self, accession: AccessionEntry) -> IngestReport:
        packages = tuple(made_before(self._workplace, self._policy, each) for each in accession.packages)
        lacking = copies_lacking(self._policy, self._books.stores())
        return IngestReport(accession.id, packages, lacking, self._notes, already=True)


def made_before(workplace: Workplace, policy: Policy, package_id: str) -> PackageMade:
    """A package as the books have it; a copy that is still due is told too."""
    books = workplace.books
    booked = list(books.copies(package_id))
    copies = [CopyMade(copy.store, copy.state) for copy in booked]
    due = copies_due(policy, books.stores(), booked, workplace.away)
    copies += [CopyMade(name, CopyState.DUE) for name in due]
    return _made(workplace, policy, books.package(package_id).receipt, copies)


def _made(workplace: Workplace, policy: Policy, receipt: Receipt, copies: Sequence[CopyMade]) -> PackageMade:
    """A package that is booked, judged by the rule that `status` judges by."""
    books = workplace.books
    booked_at = moment_of(books.packaged_at(receipt.package_id))
    states = {copy.store: copy.state for copy in copies if copy.state not in _NOT_THERE}
    away = workplace.away | {copy.store for copy in copies if copy.state is CopyState.AWAY}
    retired = books.roles_of_retired(receipt.package_id)
    promise = promise_of(policy, books.stores(), states, away, retired=retired)
    age = age_of(booked_at, workplace.clock.now())
    return PackageMade(
        receipt.package_id,
        receipt.payload_files,
        receipt.payload_bytes,
        tuple(copies),
        promise.owed_at(age),
        tuple(on_the_way(policy, promise.coming_at(age), booked_at)),
    )


def _copy_made(delivery: Delivery) -> CopyMade:
    if delivery.is_sound:
        return CopyMade(delivery.store, delivery.state)
    if delivery.mismatch:
        return CopyMade(delivery.store, CopyState.BAD)
    state = CopyState.AWAY if isinstance(delivery.failure, Away) else CopyState.DUE
    return CopyMade(delivery.store, state, delivery.failure)


def _why(delivery: Delivery) -> str:
    if delivery.mismatch:
        return f"{delivery.mismatch.part} came back as other bytes than were sent"
    return str(delivery.failure)
