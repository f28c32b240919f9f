"""Repair: make the bad objects of copies anew from sound blocks of any copy, read them back, close the findings.

What a store lacks beside the packages is made anew too: the kit from the program, the ledger from the books.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

from preserve import chance
from preserve.clock import monotonic_seconds
from preserve.errors import AlreadyThere, Frozen, PreserveError, Tampered, Unavailable, Unreadable
from preserve.model import events
from preserve.model.entries import Audited, AuditResult, AuditRun, state_after
from preserve.model.keys import generation_key
from preserve.model.nouns import HARMS, CopyState, Event, Finding, Level, PackageEntry
from preserve.model.phrases import phrase
from preserve.model.restore import best_first
from preserve.model.thawing import ThawPurpose
from preserve.packages.discerning import Discerning
from preserve.packages.held import HeldCopy, held_copy
from preserve.packages.judging import fittings, inspection
from preserve.packages.judging.accounts import findings_of, part_of
from preserve.packages.judging.inspection import Survey
from preserve.packages.judging.reports import MOST_FINDINGS_REPORTED
from preserve.packages.judging.strays import newer_generation
from preserve.packages.kit import Kit
from preserve.packages.parity.making import Means
from preserve.packages.repairing.refitting import Refitting
from preserve.packages.repairing.remaking import How, NotRepaired, Remaking, Repaired
from preserve.packages.repairing.wards import Ward
from preserve.packages.thawing import ask_for
from preserve.packages.timekeeping import lock_left
from preserve.state.books import Books
from preserve.state.notes import Signer
from preserve.workplace import Workplace

__all__ = ["How", "NotRepaired", "RepairReport", "RepairRequest", "Repaired", "repair"]


LOOKS_AT_FITTINGS = 3
"""How often what a store holds beside its packages is judged and mended: a bundle made anew may lack its checkpoint."""


@dataclass(frozen=True, slots=True)
class RepairRequest:
    """What to repair: all that is known to be bad, or of one package (an id, or how only one id begins), or what one
    finding is about; in one `store`, or in all.

    `kit` is what every store carries; `signer` signs a checkpoint that was lost and that the books do not keep.
    """

    package: str | None = None
    finding: str | None = None
    store: str | None = None
    kit: Kit = field(default_factory=dict)
    signer: Signer | None = None


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What was repaired and what was not.

    `sound_again` are (package, store) of copies in which nothing wrong was found any more; package None: of what the
    store holds beside them.  `right_again` are findings that were closed by looking alone: what they told of was right
    by then.  `left_alone` are open ones about what nobody expects in a store, at most `MOST_FINDINGS_REPORTED`: repair
    has nothing to do with them, and a person has.  `bytes_read` and `bytes_written` are what travelled from and to all
    stores to make objects anew; reading for judgement and reading back are not in it.
    """

    repaired: tuple[Repaired, ...]
    not_repaired: tuple[NotRepaired, ...]
    sound_again: tuple[tuple[str | None, str], ...]
    right_again: tuple[Finding, ...]
    left_alone: tuple[Finding, ...]
    bytes_read: int
    bytes_written: int
    seconds: float

    @property
    def bytes_transferred(self) -> int:
        """What travelled in either direction."""
        return self.bytes_read + self.bytes_written


def repair(workplace: Workplace, request: RepairRequest) -> RepairReport:
    """Repair every copy that is bad or suspect, or has an open finding of damage, and what is harmed beside them.

    Everything is read afresh first, so that stale findings mislead nobody and a second run does what is left.  A store
    that cannot be reached does not stop the others.  Raises `Refused` for an unknown package or finding.
    """
    began, work = monotonic_seconds(), _Outcome()
    if request.finding is not None:
        for finding in _wanted(workplace, request):
            if not _is_mendable(workplace, finding):
                work.not_repaired.append(_nothing_to_mend(finding))
    for package, stores in _copies_in_need(workplace, request).items():
        _PackageRepair(workplace, workplace.books.package(package), work).run(stores)
    work.not_repaired = _asked_for(workplace, work.not_repaired)
    for store in sorted({finding.store for finding in _wanted(workplace, request) if finding.spares_records}):
        _FittingsRepair(workplace, request, store, work).run()
    return RepairReport(
        tuple(work.repaired),
        tuple(work.not_repaired),
        tuple(work.sound_again),
        tuple(work.right_again),
        tuple(islice(_left_alone(workplace, request), MOST_FINDINGS_REPORTED)),
        bytes_read=sum(each.bytes_read for each in work.repaired),
        bytes_written=sum(each.bytes_written for each in work.repaired),
        seconds=monotonic_seconds() - began,
    )


def _asked_for(workplace: Workplace, not_repaired: Sequence[NotRepaired]) -> list[NotRepaired]:
    """Ask for what lies frozen of all that could not be repaired for that reason, and say so of each."""
    frozen = dict.fromkeys(each.package for each in not_repaired if each.package and isinstance(each.why, Frozen))
    if not frozen:
        return list(not_repaired)
    why = ask_for(workplace, frozen, ThawPurpose.REPAIR)
    return [replace(each, why=why) if isinstance(each.why, Frozen) else each for each in not_repaired]


def _wanted(workplace: Workplace, request: RepairRequest) -> Iterator[Finding]:
    """The open findings that are to be mended."""
    books = workplace.books
    if request.finding is not None:
        finding = books.finding(request.finding)
        return iter([] if finding.closed_at else [finding])
    only = None if request.package is None else books.package(request.package).id
    return books.findings(package=only, store=request.store)


def _copies_in_need(workplace: Workplace, request: RepairRequest) -> Mapping[str, Sequence[str]]:
    """Stores with a copy in need of repair, by package."""
    books = workplace.books
    found: set[tuple[str, str]] = set()
    if request.finding is None:
        only = None if request.package is None else books.package(request.package).id
        doubtful = books.copies(package=only, store=request.store, states=(CopyState.BAD, CopyState.SUSPECT))
        found = {(copy.package_id, copy.store) for copy in doubtful}
    for finding in _wanted(workplace, request):
        if finding.package_id is not None and _is_mendable(workplace, finding):
            found.add((finding.package_id, finding.store))
    needs: dict[str, list[str]] = {}
    for package, store in sorted(found):
        needs.setdefault(package, []).append(store)
    return needs


def _is_mendable(workplace: Workplace, finding: Finding) -> bool:
    """Whether repair has anything to do with what a finding is about."""
    if finding.condition in HARMS:
        return True
    copy = workplace.books.copy(finding.package_id, finding.store) if finding.package_id else None
    return copy is not None and newer_generation(finding, copy) is not None


def _left_alone(workplace: Workplace, request: RepairRequest) -> Iterator[Finding]:
    """The open findings that a person has to act on; the one that was asked for is told of as not repaired."""
    if request.finding is not None:
        return iter(())
    return (
        finding
        for finding in _wanted(workplace, request)
        if not (fittings.is_judged(finding) or _is_mendable(workplace, finding))
    )


def _nothing_to_mend(finding: Finding) -> NotRepaired:
    why = PreserveError(
        "repair changes nothing that is stored, and leaves {key} alone ({found}); once that is done, the next audit"
        " closes the finding",
        key=finding.where,
        found=finding.found,
    )
    return NotRepaired(finding.package_id, finding.store, finding.where, why)


@dataclass(slots=True)
class _Outcome:
    """Grows into the report."""

    repaired: list[Repaired] = field(default_factory=list)
    not_repaired: list[NotRepaired] = field(default_factory=list)
    sound_again: list[tuple[str | None, str]] = field(default_factory=list)
    right_again: list[Finding] = field(default_factory=list)

    def note_right_again(self, books: Books, known: Iterable[Finding]) -> None:
        """Of findings that were open, those that a look has closed, and none in favour of another."""
        closed = (books.finding(finding.id) for finding in known)
        self.right_again += (each for each in closed if each.closed_at and books.open_finding(each) is None)


class _PackageRepair:
    """The repair of all copies of one package."""

    def __init__(self, workplace: Workplace, package: PackageEntry, outcome: _Outcome) -> None:
        self._workplace = workplace
        self._package = package
        self._outcome = outcome
        self._run = f"R-{chance.token(10)}"
        registered = {store.name: store for store in workplace.books.stores()}
        copies = best_first(workplace.books.copies(package=package.id), registered)
        held = [
            held_copy(workplace.books, Discerning(workplace.stores[copy.store]), package, copy)
            for copy in copies
            if copy.store in workplace.stores
        ]
        self._ward = Ward(package, held)

    def run(self, stores: Sequence[str]) -> None:
        """Repair the copies in `stores`, and those that turn out to be bad when they are asked for blocks."""
        self._workplace.progress.begin("repairing package {package}", None, package=self._package.id)
        here = {held.store.name for held in self._ward.copies}
        waiting = [store for store in stores if store in here]
        done: set[str] = set()
        while waiting:
            store = waiting.pop(0)
            done.add(store)
            try:
                with self._workplace.claim(f"{self._package.id} {store}"):
                    self._treat(store)
            except (Unavailable, Unreadable, AlreadyThere) as error:
                self._outcome.not_repaired.append(NotRepaired(self._package.id, store, None, error))
            waiting += sorted(self._ward.liars - done - set(waiting))

    def _treat(self, store: str) -> None:
        """Read one copy, make anew what is bad in it, and audit it again."""
        known = self._workplace.books.copy(self._package.id, store)
        held = self._ward.copy(store) if known is None else self._ward.renew(known)
        survey = inspection.read(held, partial(self._ward.others, store))
        self._book_survey(held, survey)
        in_need = [part for part in held.parts if part in survey.unsound or self._ward.has_unbooked(store, part)]
        if not in_need:
            self._book_audit(held, survey.bytes_read, survey.blocks)
            self._outcome.sound_again.append((self._package.id, store))
            return
        means = Means(self._workplace.work, self._workplace.progress)
        # A repaired object is locked as long as the copy it belongs to.
        remaking = Remaking(self._ward, store, survey, lock_left(self._workplace, held.copy), means)
        bytes_read, left = survey.bytes_read, 0
        for part in in_need:
            made = remaking.make(part)
            if isinstance(made, Repaired):
                self._book_repair(made)
                bytes_read += held.size(part)
            else:
                self._outcome.not_repaired.append(made)
                left += part not in held.beside  # a copy without that is a whole copy
        if not left:
            self._book_audit(held, bytes_read, survey.blocks)

    # Booking

    def _book_survey(self, held: HeldCopy, survey: Survey) -> None:
        """New findings, and those that do not hold; the state of the copy as it was read."""
        workplace = self._workplace
        happened = findings_of(workplace.books, workplace.act, workplace.now(), self._run, held, survey)
        state = state_after(held.copy.state, survey.result, Level.FULL)
        if survey.result is not AuditResult.SOUND and state is not held.copy.state:
            why = f"repair {self._run} read it: {survey.result}"
            moved = events.copy_moved(workplace.act, workplace.now(), self._package.id, held.store.name, state, why)
            happened.append(moved)
        if happened:
            known = list(workplace.books.findings(package=self._package.id, store=held.store.name))
            workplace.record(*happened)
            self._outcome.note_right_again(workplace.books, known)

    def _book_repair(self, made: Repaired) -> None:
        """The new generation takes its place in the books, and the findings about the old one are closed."""
        workplace, act = self._workplace, self._workplace.act
        at = workplace.now()
        before = self._ward.copy(made.store).copy
        self._ward.made(made.store, made.object, made.generation)
        held = self._ward.copy(made.store)
        evidence = phrase("repair {run} made {key} and read it back whole", run=self._run, key=held.key(made.object))
        happened: list[Event] = [
            events.repaired(
                act,
                at,
                made.package,
                made.store,
                made.object,
                made.generation,
                made.blocks,
                made.sources,
                made.bytes_transferred,
            )
        ]
        for finding in workplace.books.findings(package=made.package, store=made.store):
            is_harm = finding.condition in HARMS and part_of(finding) == made.object
            # What was newer than the books knew is older now than what they know.
            if is_harm or newer_generation(finding, before) == made.object:
                happened.append(events.closed(act, at, finding.id, evidence))
        workplace.record(*happened)
        self._outcome.repaired.append(made)

    def _book_audit(self, held: HeldCopy, bytes_read: int, blocks: int) -> None:
        """Every object was read and is sound: those that were, before; those made anew, when they were read back."""
        workplace, package, store = self._workplace, self._package.id, held.store.name
        at = workplace.now()
        run = AuditRun(self._run + f"-{store}", Level.FULL, (store,), (package,), at)
        look = Audited(package, store, Level.FULL, AuditResult.SOUND, blocks, blocks, bytes_read)
        workplace.record(
            events.audit_begun(workplace.act, run),
            events.audited(workplace.act, at, run.id, look),
            events.audit_ended(workplace.act, at, run.id, {"sound": 1}),
        )


class _FittingsRepair:
    """The repair of what one store holds beside its packages."""

    def __init__(self, workplace: Workplace, request: RepairRequest, store: str, outcome: _Outcome) -> None:
        self._workplace = workplace
        self._kit = request.kit
        self._outcome = outcome
        self._name = store
        self._run = f"R-{chance.token(10)}"
        self._store = Discerning(workplace.stores[store])
        others = [other for name, other in workplace.stores.items() if name != store]
        self._refitting = Refitting(workplace.books, self._store, others, request.kit, request.signer)
        self._given_up: dict[tuple[str, object], NotRepaired] = {}

    def run(self) -> None:
        self._workplace.progress.begin("mending what lies beside the packages in store {store}", None, store=self._name)
        made_before = len(self._outcome.repaired)
        try:
            with self._workplace.claim(f"fittings {self._name}"):
                for _ in range(LOOKS_AT_FITTINGS):
                    if not self._mend(self._judged()):
                        break
        except (Unavailable, Tampered) as error:
            self._outcome.not_repaired.append(NotRepaired(None, self._name, None, error))
            return
        self._outcome.not_repaired += self._given_up.values()
        if not self._given_up and len(self._outcome.repaired) == made_before:
            self._outcome.sound_again.append((None, self._name))

    def _judged(self) -> list[Finding]:
        """What is wrong now, booked; what was wrong and no longer is, closed."""
        workplace = self._workplace
        harms = fittings.harms(workplace.books, self._store, self._kit, Level.FULL)
        what = phrase("repair {run}", run=self._run)
        happened = fittings.accounts(
            workplace.books, workplace.act, workplace.now(), self._name, Level.FULL, harms, what
        )
        if happened:
            known = list(fittings.known_harms(workplace.books, self._name))
            workplace.record(*happened)
            self._outcome.note_right_again(workplace.books, known)
        return [harm for harm in harms if harm.condition in HARMS]

    def _mend(self, harms: Sequence[Finding]) -> bool:
        """Make anew what was not given up before; returns whether there was any such thing."""
        fresh = [harm for harm in harms if (harm.where, harm.condition) not in self._given_up]
        for harm, made in self._refitting.make(fresh):
            if isinstance(made, NotRepaired):
                self._given_up[harm.where, harm.condition] = made
            else:
                self._book(harm, made)
        return bool(fresh)

    def _book(self, harm: Finding, made: Repaired) -> None:
        workplace, act = self._workplace, self._workplace.act
        at, key = workplace.now(), generation_key(made.object, made.generation)
        happened = [
            events.repaired(
                act, at, None, made.store, made.object, made.generation, (), made.sources, made.bytes_transferred
            )
        ]
        known = workplace.books.open_finding(harm)
        if known is not None:
            evidence = phrase("repair {run} made {key} and read it back whole", run=self._run, key=key)
            happened.append(events.closed(act, at, known.id, evidence))
        workplace.record(*happened)
        self._outcome.repaired.append(made)
