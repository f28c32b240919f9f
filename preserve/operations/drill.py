"""Drill: rehearse a recovery from one store alone into an empty place, look at all that came back, and measure it.

Nothing but that store is read; where the catalog is given up for lost, the books are made again from it, in the empty
place, and the living home is not asked until the recovery has ended.  What was wrong with copies is booked as in any
other reading.  The recovery time runs from the disaster until all was looked at; what cold storage took before it could
be read is a step of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from preserve import chance, clock
from preserve.clock import moment_of, stamp
from preserve.durable import raise_if_full, sync_file_system
from preserve.errors import Frozen, Misused, PreserveError, Refused, Tampered
from preserve.model import events
from preserve.model.certificates import ENGLISH, Voice
from preserve.model.complaints import Complaint
from preserve.model.drill_certificates import DrillCertificate, Steps
from preserve.model.drill_samples import DEFAULT_SAMPLE
from preserve.model.drill_thaws import DrillThaw
from preserve.model.drills import DrillEntry, DrillFault, is_rto_open, limits, missed, rehearsed, trends
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.nouns import MOST_FILES_NAMED, Event, Finding, PackageEntry, StoreEntry
from preserve.model.phrases import phrase
from preserve.opening.examiner import Examiner
from preserve.packages import places
from preserve.packages.drilling import certifying
from preserve.packages.drilling.drawing import Lots, PolicyOf, draw
from preserve.packages.drilling.examining import Examined, Examining, examine
from preserve.packages.drilling.ground import ground
from preserve.packages.drilling.waiting import Waiting
from preserve.packages.harm_seen import book_harm
from preserve.packages.held import held_copy
from preserve.packages.restoring import target
from preserve.packages.restoring.bags import LaidBag, lay_bag
from preserve.packages.restoring.unpacking import Loss
from preserve.packages.sources import Sources
from preserve.state.books import Books
from preserve.state.notes import Signer
from preserve.workplace import Workplace

SEED_LENGTH = 12
_HOME, _BAGS, _WORK = "home", "bags", "work"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Books that were made again, and how many entries of the ledger the store gave for them."""

    books: Books
    entries: int


Rebuild = Callable[[StoreEntry, Path], AbstractContextManager[Rebuilt]]
"""Make the books again in a new folder from one store alone.  Raises what `rebuild` raises; nothing is published."""


@dataclass(frozen=True, slots=True)
class DrillRequest:
    """What to rehearse: `sample` packages of `store`, drawn by `seed` (empty: one is drawn), or everything (None).

    `within` is the folder in which the empty place is made; with `keeps` that stays.  Certificates are written into
    `certificates`, signed by `signer`, the ledger's key.
    """

    store: str
    certificates: Path
    signer: Signer
    sample: int | None = DEFAULT_SAMPLE
    without_catalog: bool = False
    within: Path | None = None
    keeps: bool = False
    seed: str = ""
    voices: Sequence[Voice] = (ENGLISH,)


@dataclass(frozen=True, slots=True)
class DrillReport:
    """What a drill came to.  `place` is where everything lies, if it was kept; `opened` and `closed` are incidents."""

    drill: DrillEntry
    details: DrillCertificate
    certificate: Path
    page: Path
    findings: tuple[Finding, ...]
    place: Path | None
    opened: Incident | None
    closed: Incident | None


def drill(workplace: Workplace, request: DrillRequest, policy_of: PolicyOf, rebuild: Rebuild) -> DrillReport:
    """Rehearse.  `policy_of` gives the policy under which a package is kept now.

    Raises `Refused` where the store holds nothing, `Misused`, `NoSpace` before anything is written, `Unavailable` where
    the store does not serve: that is no drill, and nothing is booked; `Tampered` after a drill that found the store's
    evidence to exclude itself was booked.  What lies in cold storage is asked for, and `Frozen`, which is
    `Unavailable`, raised until all that was drawn can be read: the same drill again goes on then.
    """
    if request.keeps and request.within is None:
        raise Misused("say with --to where what is kept shall lie")
    if request.sample is not None and request.sample < 1:
        raise Misused("a sample has one package at least")
    store = workplace.books.store(request.store)
    if request.within is not None:
        places.require_target_outside(workplace.books, workplace.home, request.within)
    workplace.stores[store.name].free_bytes()  # one that is away is told of before anything else
    notes = workplace.work.parent
    with (
        workplace.claim(f"drill {store.name}"),
        ground(notes, request.within, keeps=request.keeps) as place,
    ):
        return _Drill(workplace, request, store, place, policy_of, rebuild).run()


@dataclass(slots=True)
class _Restored:
    """What came back, and what did not."""

    packages: list[PackageEntry] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    lost: int = 0
    losses: list[Complaint] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    newest: str | None = None

    def take(self, package: PackageEntry, laid: LaidBag) -> None:
        """One package more, with what is lost of it."""
        self.packages.append(package)
        self.files += laid.files
        self.bytes += laid.bytes
        self.lost += laid.lost
        if not laid.lost:
            self.newest = max(self.newest or "", package.receipt.created_at)
        for loss in laid.losses:
            self.lose(package.id, loss)

    def lose(self, package: str, loss: Loss) -> None:
        if len(self.losses) < MOST_FILES_NAMED:
            where = f"{package}/{loss.path.decode('utf-8', 'backslashreplace')}"
            self.losses.append(Complaint("lost", where, loss.template, loss.values))


class _Drill:
    """One drill under way."""

    def __init__(
        self,
        workplace: Workplace,
        request: DrillRequest,
        store: StoreEntry,
        place: Path,
        policy_of: PolicyOf,
        rebuild: Rebuild,
    ) -> None:
        self._place = workplace
        self._request = request
        self._store = store
        self._ground = place
        self._policy_of = policy_of
        self._rebuild = rebuild
        self._restored = _Restored()
        self._examined = Examined()
        self._failure: PreserveError | None = None
        self._entries: int | None = None
        self._waiting = Waiting(workplace, store.name, request.sample)
        self._thaw: DrillThaw | None = None
        self._seed = request.seed or self._waiting.seed or chance.token(SEED_LENGTH)

    def run(self) -> DrillReport:
        lots = self._draw()
        known = [self._place.books.package(each) for each in lots.packages]
        target.require_room(self._ground, (package.receipt.bag_bytes for package in known))
        self._thaw = self._waiting.thawed(known, self._seed)
        begun_at, began = self._place.now(), clock.monotonic_seconds()
        with ExitStack() as opened:
            books = self._books(opened)
            rebuilt = clock.monotonic_seconds()
            if books is not None:
                self._restore_thawed(books, known)
            restored = clock.monotonic_seconds()
            self._examine()
            ended = clock.monotonic_seconds()
        steps = self._steps(rebuilt - began, restored - rebuilt, ended - restored)
        report = self._booked(lots, known, begun_at, steps)
        if isinstance(self._failure, Tampered):
            raise self._failure
        return report

    def _steps(self, *seconds: float) -> Steps:
        rebuilding, restoring, examining = (round(1000 * span) for span in seconds)
        if self._thaw is None:
            return Steps(rebuilding, restoring, examining)
        return Steps(rebuilding, restoring, examining, self._thaw.milliseconds, self._thaw.least or 0)

    def _draw(self) -> Lots:
        request = self._request
        lots = draw(
            self._place.books, self._store, request.sample, self._seed, self._policy_of, self._place.clock.now()
        )
        if not lots.packages:
            raise Refused("store {store} holds no package: there is nothing to rehearse with", store=self._store.name)
        return lots

    def _books(self, opened: ExitStack) -> Books | None:
        """The books that say what to restore; None where the store alone did not give them back."""
        if not self._request.without_catalog:
            return self._place.books
        try:
            rebuilt = opened.enter_context(self._rebuild(self._store, self._ground / _HOME))
        except (Refused, Tampered) as error:
            self._failure = error
            return None
        self._entries = rebuilt.entries
        return rebuilt.books

    # What comes back

    def _restore_thawed(self, books: Books, known: Sequence[PackageEntry]) -> None:
        """Restore, or ask again for all that was drawn, where some of it went away since it was looked at."""
        try:
            self._restore(books, known)
        except Frozen as error:
            raise self._waiting.asked(known, self._seed) from error
        self._waiting.forget()

    def _restore(self, books: Books, known: Sequence[PackageEntry]) -> None:
        work = self._ground / _WORK
        work.mkdir()
        for package in known:
            self._restore_one(books, package, work)
        try:
            sync_file_system(self._ground)
        except OSError as error:
            raise_if_full(error, self._ground)
            raise

    def _restore_one(self, books: Books, package: PackageEntry, work: Path) -> None:
        """Restore a package by what `books` say of it; without its copy in them, it is lost."""
        copy = books.copy(package.id, self._store.name) if books.has_package(package.id) else None
        if copy is None:
            self._restored.lost += max(package.receipt.payload_files, 1)
            self._restored.lose(package.id, Loss(b"", "the store alone does not tell of it"))
            return
        held = held_copy(books, self._place.stores[self._store.name], books.package(package.id), copy)
        sources = Sources(held.package, [held])
        self._place.progress.begin("restoring {package}", package.receipt.bag_bytes, package=package.id)
        laid = lay_bag(sources, self._ground / _BAGS / package.id, work, self._place.progress)
        self._restored.take(held.package, laid)
        self._restored.findings += sources.findings()

    def _examine(self) -> None:
        work = self._ground / _WORK
        with Examiner() as examiner:
            examining = Examining(examiner, work, self._place.books.acknowledgement, self._place.progress)
            for package in self._restored.packages:
                examine(self._ground / _BAGS / package.id, examining, self._examined)

    # What is said of it

    def _booked(self, lots: Lots, known: Sequence[PackageEntry], begun_at: str, steps: Steps) -> DrillReport:
        place, request = self._place, self._request
        name = certifying.free_name(request.certificates, self._store.name, begun_at)
        entry = self._entry(lots, known, begun_at, steps, name)
        findings = book_harm(self._place, self._restored.findings, "in a drill")
        certificate = self._certificate(entry, lots, known, steps, findings)
        written = certifying.write(certificate, request.certificates, name, request.voices, request.signer)
        entry = replace(entry, certificate_sha256=written.sha256)
        incident, answered = self._incident(entry), self._answered(entry)
        happened: list[Event] = [events.drilled(place.act, place.now(), entry)]
        if incident is not None:
            happened.append(events.incident_opened(place.act, place.now(), incident))
        if answered is not None:
            evidence = phrase(
                "a drill from store {store} passed: {certificate}", store=self._store.name, certificate=name
            )
            happened.append(events.incident_closed(place.act, place.now(), answered.id, evidence))
        place.record(*happened)
        books = place.books
        last = list(books.drills(self._store.name))[-1]
        return DrillReport(
            drill=last,
            details=certificate,
            certificate=written.certificate,
            page=written.page,
            findings=findings,
            place=self._ground if request.keeps else None,
            opened=books.open_incident(IncidentKind.DRILL_FAILED, self._store.name) if incident else None,
            closed=answered,
        )

    def _entry(
        self, lots: Lots, known: Sequence[PackageEntry], begun_at: str, steps: Steps, certificate: str
    ) -> DrillEntry:
        population, restored = lots.population, self._restored
        strict = limits(population.policies.values(), self._store.role)
        point = moment_of(begun_at)
        lost_seconds = population.lost_seconds(point)
        newest = restored.newest
        rpo = None if newest is None else max(round((point - moment_of(newest)).total_seconds()), 0)
        counts = Counter(self._policy_of(package.receipt).name for package in restored.packages)
        least, most = steps.least / 1000, None if steps.total is None else steps.total / 1000
        faults = [*self._faults(known), *missed(strict, lost_seconds, least)]
        return DrillEntry(
            store=self._store.name,
            begun_at=begun_at,
            sample=self._request.sample,
            seed=self._seed if self._request.sample is not None else "",
            without_catalog=self._request.without_catalog,
            faults=tuple(faults),
            packages=len(restored.packages),
            files=restored.files,
            bytes=restored.bytes,
            unopened=self._examined.unopened_count,
            unjudged=self._examined.unjudged_count,
            acknowledged=self._examined.acknowledged_count,
            unread_bags=len(self._examined.unread),
            rpo_seconds=rpo,
            lost_seconds=lost_seconds,
            rto_milliseconds=steps.total,
            policies=tuple(rehearsed(counts, population.held, population.policies)),
            certificate=certificate,
            certificate_sha256="",
            thaw=self._thaw,
            is_rto_unjudged=is_rto_open(strict, least, most),
        )

    def _faults(self, known: Sequence[PackageEntry]) -> Iterable[DrillFault]:
        """What came back otherwise than it should, or not at all."""
        restored, expected = self._restored, sum(package.receipt.payload_files for package in known)
        if self._failure is not None:
            yield DrillFault.CATALOG
        if len(restored.packages) < len(known):
            yield DrillFault.MISSING
        if restored.lost or (self._failure is None and restored.files != expected):
            yield DrillFault.BYTES
        if self._examined.rejected:
            yield DrillFault.STRUCTURE
        if self._examined.unopened_count:
            yield DrillFault.UNOPENED

    def _certificate(
        self,
        entry: DrillEntry,
        lots: Lots,
        known: Sequence[PackageEntry],
        steps: Steps,
        findings: Sequence[Finding],
    ) -> DrillCertificate:
        place, books, examined = self._place, self._place.books, self._examined
        alike = [each for each in books.drills(self._store.name) if each.is_whole == entry.is_whole]
        return DrillCertificate(
            drill=entry,
            role=self._store.role,
            site=self._store.attributes.get("site", ""),
            limits=limits(lots.population.policies.values(), self._store.role),
            steps=steps,
            packages=lots.packages,
            drawn_from=lots.population.held.total(),
            strata=None if lots.drawn is None else (lots.drawn.strata, lots.drawn.strata_drawn),
            entries_replayed=self._entries,
            expected_files=sum(package.receipt.payload_files for package in known),
            lost=tuple(self._restored.losses),
            rejected=tuple(examined.rejected),
            accepted=examined.accepted,
            misread=examined.misread,
            unread=tuple(examined.unread),
            opened=examined.opened,
            unopened=tuple(examined.unopened),
            unjudged=examined.reasons(),
            unjudged_named=tuple(examined.unjudged_named),
            acknowledged=tuple(examined.acknowledged),
            failure=None if self._failure is None else str(self._failure),
            damage=tuple(findings),
            lacking=lots.population.missing,
            trend=trends([*alike, entry])[0],
            actor=place.act.actor,
            reason=place.act.reason,
            ended_at=stamp(place.clock.now()),
            ledger_size=books.size(),
            ledger_root=books.root().hex(),
            written_by=events.TOOL,
        )

    def _incident(self, entry: DrillEntry) -> Incident | None:
        if entry.has_passed:
            return None
        missed_what = ", ".join(fault.value for fault in entry.faults)
        what = phrase(
            "a drill from store {store} did not pass ({faults}); the certificate is {certificate}",
            store=entry.store,
            faults=missed_what,
            certificate=entry.certificate,
        )
        return Incident(IncidentKind.DRILL_FAILED, entry.store, what)

    def _answered(self, entry: DrillEntry) -> Incident | None:
        """The open incident about drills from this store, where this one asked all that failed since, and passed."""
        incident = self._place.books.open_incident(IncidentKind.DRILL_FAILED, self._store.name)
        if incident is None or not entry.has_passed:
            return None
        failed = [each for each in self._place.books.drills(self._store.name) if not each.has_passed]
        unanswered = [each for each in _since_last_answer(failed, incident) if not entry.answers(each)]
        return None if unanswered else incident


def _since_last_answer(failed: Sequence[DrillEntry], incident: Incident) -> list[DrillEntry]:
    """The failed drills that an open incident stands for: the one that opened it ended in that moment, and later ones
    began after it."""
    later = [each for each in failed if each.begun_at > incident.opened_at]
    earlier = [each for each in failed if each.begun_at <= incident.opened_at]
    return [*earlier[-1:], *later]
