"""Repair: make the bad objects of copies anew from sound blocks of any copy, read them back, close the findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from preserve import chance
from preserve.clock import moment_of, monotonic_seconds
from preserve.errors import AlreadyThere, Unavailable
from preserve.model import events
from preserve.model.entries import Audited, AuditResult, AuditRun, state_after
from preserve.model.keys import PARTS_BEFORE_RECEIPT, RECEIPT
from preserve.model.nouns import CopyState, Event, Level, PackageEntry
from preserve.model.phrases import phrase
from preserve.model.restore import best_first
from preserve.packages.discerning import Discerning
from preserve.packages.held import HeldCopy, size_of
from preserve.packages.judging import inspection
from preserve.packages.judging.accounts import HARMS, findings_of, part_of
from preserve.packages.judging.inspection import Survey
from preserve.packages.repairing.remaking import How, NotRepaired, Remaking, Repaired
from preserve.packages.repairing.wards import Ward
from preserve.workplace import Workplace

__all__ = ["How", "NotRepaired", "RepairReport", "RepairRequest", "Repaired", "repair"]


@dataclass(frozen=True, slots=True)
class RepairRequest:
    """Which copies to repair: of one package (an id, or how only one id begins), or all that are known to be bad."""

    package: str | None = None


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What was repaired and what was not.

    `sound_again` are (package, store) of copies in which nothing wrong was found any more.  `bytes_transferred` is what
    travelled between us and all stores to make objects anew; reading for judgement and reading back are not in it.
    """

    repaired: tuple[Repaired, ...]
    not_repaired: tuple[NotRepaired, ...]
    sound_again: tuple[tuple[str, str], ...]
    bytes_transferred: int
    seconds: float


def repair(workplace: Workplace, request: RepairRequest) -> RepairReport:
    """Repair every copy that is bad or suspect, or has an open finding of damage.

    Each copy is read afresh first, so that stale findings mislead nobody and a second run does what is left.  A store
    that cannot be reached does not stop the others.  Raises `Refused` for an unknown package.
    """
    began, work = monotonic_seconds(), _Outcome()
    only = None if request.package is None else workplace.books.package(request.package).id
    for package, stores in _in_need(workplace, only).items():
        _PackageRepair(workplace, workplace.books.package(package), work).run(stores)
    moved = sum(each.bytes_transferred for each in work.repaired)
    return RepairReport(
        tuple(work.repaired), tuple(work.not_repaired), tuple(work.sound_again), moved, monotonic_seconds() - began
    )


def _in_need(workplace: Workplace, only: str | None) -> dict[str, list[str]]:
    """Stores with a copy in need of repair, by package."""
    doubtful = workplace.books.copies(package=only, states=(CopyState.BAD, CopyState.SUSPECT))
    found = {(copy.package_id, copy.store) for copy in doubtful}
    for finding in workplace.books.findings(package=only):
        if finding.condition in HARMS and finding.package_id is not None:
            found.add((finding.package_id, finding.store))
    needs: dict[str, list[str]] = {}
    for package, store in sorted(found):
        needs.setdefault(package, []).append(store)
    return needs


@dataclass(slots=True)
class _Outcome:
    """Grows into the report."""

    repaired: list[Repaired] = field(default_factory=list)
    not_repaired: list[NotRepaired] = field(default_factory=list)
    sound_again: list[tuple[str, str]] = field(default_factory=list)


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
            HeldCopy(Discerning(workplace.stores[copy.store]), package, copy)
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
            except (Unavailable, AlreadyThere) as error:
                self._outcome.not_repaired.append(NotRepaired(self._package.id, store, None, error))
            waiting += sorted(self._ward.liars - done - set(waiting))

    def _treat(self, store: str) -> None:
        """Read one copy, make anew what is bad in it, and audit it again."""
        known = self._workplace.books.copy(self._package.id, store)
        held = self._ward.copy(store) if known is None else self._ward.renew(known)
        survey = inspection.read(held, partial(self._ward.others, store))
        self._book_survey(held, survey)
        if survey.result is AuditResult.SOUND:
            self._book_audit(held, survey.bytes_read, survey.blocks)
            self._outcome.sound_again.append((self._package.id, store))
            return
        remaking = Remaking(self._ward, store, survey, self._retain_until(held))
        bytes_read, left = survey.bytes_read, 0
        for part in (*PARTS_BEFORE_RECEIPT, RECEIPT):
            if part not in survey.unsound:
                continue
            made = remaking.make(part)
            if isinstance(made, Repaired):
                self._book_repair(made)
                bytes_read += size_of(self._package, part)
            else:
                self._outcome.not_repaired.append(made)
                left += 1
        if not left:
            self._book_audit(held, bytes_read, survey.blocks)

    def _retain_until(self, held: HeldCopy) -> datetime | None:
        """A repaired object is locked as long as the copy it belongs to."""
        until = held.copy.retain_until
        return None if until is None or until <= self._workplace.now() else moment_of(until)

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
            workplace.record(*happened)

    def _book_repair(self, made: Repaired) -> None:
        """The new generation takes its place in the books, and the findings about the old one are closed."""
        workplace, act = self._workplace, self._workplace.act
        at = workplace.now()
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
            if finding.condition in HARMS and part_of(finding) == made.object:
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
