"""Audit: look at the copies most at risk, as deeply as asked, within a budget, and book each result as it comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import partial
from itertools import groupby, islice

from preserve import chance
from preserve.clock import moment_of, monotonic_seconds
from preserve.errors import Expected, Frozen, Tampered, Unavailable, Unidentified
from preserve.model import events
from preserve.model.audit import (
    AuditCounts,
    SampleStatement,
    age_limits,
    audit_claim,
    is_overdue,
    known_condition,
    may_go_on,
    most_at_risk,
    risk,
    stated,
)
from preserve.model.blocks import BLOCK_BYTES
from preserve.model.entries import Audited, AuditResult, AuditRun
from preserve.model.links import is_away_as_expected
from preserve.model.nouns import HARMS, Condition, CopyEntry, Level
from preserve.packages.at_once import in_order
from preserve.packages.booking import Booking
from preserve.packages.discerning import Discerning
from preserve.packages.held import HeldCopy, block_count, held_copy
from preserve.packages.judging import inspection, sampling
from preserve.packages.judging.accounts import account
from preserve.packages.judging.frozen import FrozenCopies
from preserve.packages.judging.inspection import NO_NOTES, Notes, Survey
from preserve.packages.judging.readings import Reading
from preserve.packages.judging.reports import MOST_FINDINGS_REPORTED, AuditReport, AuditRequest, NotLookedAt
from preserve.packages.judging.scope import Scope
from preserve.packages.judging.searching import Searching
from preserve.workplace import Workplace

__all__ = ["AuditReport", "AuditRequest", "NotLookedAt", "audit"]

COPIES_AT_ONCE = 4
"""Copies of which at most `SMALL_BYTES` are to be read, read at a time; a larger one is read alone, block by block."""

SMALL_BYTES = 2 * BLOCK_BYTES

RANKED_AT_ONCE = 50_000
"""Copies whose order of risk is held in memory; the books are asked again for the next."""


def audit(workplace: Workplace, request: AuditRequest) -> AuditReport:
    """Look at the copies in scope and book what was seen.

    A store that cannot be reached leaves its copies `not_checked`.  An interrupted audit goes on where it was when it
    is asked for again; one that was begun longer ago than `LONGEST_RUN` is begun anew.  Raises `Refused` for an unknown
    store or package, `Unavailable` where another process is at the same audit.
    """
    stores = sorted({workplace.books.store(name).name for name in request.stores}) or sorted(workplace.stores)
    packages: tuple[str, ...] | None = None
    if request.package is not None:
        packages = (workplace.books.package(request.package).id,)
    elif request.among is not None:
        packages = tuple(sorted(request.among))
    with workplace.claim(audit_claim(request.level, stores, packages)):
        return _Audit(workplace, request, tuple(stores), packages).run()


def ask_for_frozen(workplace: Workplace, report: AuditReport) -> AuditReport:
    """Ask for what an audit, or several in one report, found frozen without asking for it."""
    frozen = FrozenCopies(workplace, may_ask=True)
    frozen.add_all(report.frozen)
    frozen.ask()
    away = {**report.away, **{store: str(error) for store, error in frozen.failed.items()}}
    return replace(report, thaws=(*report.thaws, *frozen.thaws), away=away, frozen={})


@dataclass(frozen=True, slots=True)
class _Task:
    """One copy to be looked at; `numbers` are the blocks of its bag to be read, None: all."""

    held: HeldCopy
    numbers: tuple[int, ...] | None = None

    @property
    def bytes(self) -> int:
        """What of the bag is read; the last block counts as a whole one."""
        receipt = self.held.receipt
        return receipt.bag_bytes if self.numbers is None else len(self.numbers) * receipt.block_bytes

    @property
    def is_small(self) -> bool:
        return self.bytes <= SMALL_BYTES

    def outcome(self, survey: Survey) -> sampling.Outcome:
        """What a look at it comes to, in blocks; a bag that is not there has none that is sound, and of one that lies
        frozen none was read."""
        if survey.result is AuditResult.SOUND and not survey.level.is_reading:
            return sampling.Outcome()
        asked = survey.blocks if self.numbers is None else len(self.numbers)
        return sampling.Outcome(asked, min(asked, survey.blocks_sound))


def _reading_job(held: HeldCopy) -> str:
    """Under what it is noted how far the reading of a large bag is."""
    return f"audit-reading/{held.store.name}/{held.package.id}"


class _Audit:
    """The state of one audit while it runs."""

    def __init__(
        self, workplace: Workplace, request: AuditRequest, stores: tuple[str, ...], packages: tuple[str, ...] | None
    ) -> None:
        self._workplace = workplace
        self._books = workplace.books
        self._open = {name: Discerning(store) for name, store in workplace.stores.items()}
        self._entries = {store.name: store for store in self._books.stores()}
        self._request = request
        self._scope = Scope(workplace.books, stores, packages)
        self._began = monotonic_seconds()
        self._booking = Booking(workplace.books)
        self._run, self._is_resumed = self._begin()
        self._away: dict[str, Unavailable] = {}
        self._contradictions: dict[str, Tampered] = {}
        self._unattested: Counter[str] = Counter()
        self._searched: set[str] = set()
        self._samples: list[SampleStatement] = []
        self._left_waiting = 0
        self._is_cut_short = False
        self._leftovers = 0
        self._bytes_read = 0
        self._frozen = FrozenCopies(workplace, may_ask=request.asks_for_frozen)

    def run(self) -> AuditReport:
        self._begin_progress(self._scope.unseen_bytes(self._run.id) if self._run.level is Level.FULL else None)
        try:
            if self._run.level is Level.EXISTS:
                self._search_stores()
            if self._run.level is Level.SAMPLE and self._request.blocks_of_each is None:
                self._look_at_samples()
            else:
                self._look_at_copies()
            if self._run.level is not Level.EXISTS:
                self._search_stores()
        finally:
            self._booking.flush()
        return self._end()

    def _begin_progress(self, total_bytes: int | None) -> None:
        template = "auditing copies at level {level}"
        self._workplace.progress.begin(template, total_bytes, level=self._run.level.value)

    def _begin(self) -> tuple[AuditRun, bool]:
        level, packages = self._request.level, self._scope.packages
        if not self._request.afresh:
            begun = self._books.unfinished_audit(level, self._scope.stores, packages)
            if begun is not None and may_go_on(moment_of(begun.begun_at), self._workplace.clock.now()):
                return begun, True
        run = AuditRun(f"A-{chance.token(10)}", level, self._scope.stores, packages, self._workplace.now())
        self._workplace.record(events.audit_begun(self._workplace.act, run))
        return run, False

    def _end(self) -> AuditReport:
        self._frozen.ask()
        self._away |= self._frozen.failed
        counts = self._counts()
        if self._run.level is Level.SAMPLE and self._request.blocks_of_each is not None:
            looks = self._books.audited_in(self._run.id)
            self._samples = list(sampling.statements_of_each(looks, self._request.aim.confidence_percent))
        plain = {each.name: getattr(counts, each.name) for each in fields(counts)}
        self._workplace.record(events.audit_ended(self._workplace.act, self._workplace.now(), self._run.id, plain))
        unlisted = (
            ()
            if self._scope.packages is not None
            else tuple(name for name in self._scope.stores if name not in self._searched)
        )
        return AuditReport(
            run=self._run.id,
            level=self._run.level,
            is_resumed=self._is_resumed,
            begun_at=self._run.begun_at,
            counts=counts,
            findings=tuple(islice(self._scope.open_findings(), MOST_FINDINGS_REPORTED)),
            away={name: str(error) for name, error in self._away.items()},
            is_ended_by_budget=self._is_cut_short,
            waiting=self._left_waiting,
            unidentified=tuple(name for name, error in self._away.items() if isinstance(error, Unidentified)),
            unattested=dict(self._unattested - self._frozen.counts),
            not_looked_at=tuple(self._not_looked_at()),
            contradictions=dict(self._contradictions),
            unlisted=unlisted,
            leftovers=self._leftovers,
            bytes_read=self._bytes_read,
            seconds=monotonic_seconds() - self._began,
            samples=tuple(self._samples),
            thaws=self._frozen.thaws,
            frozen=self._frozen.unasked,
            unread=dict(self._frozen.counts),
        )

    def _counts(self) -> AuditCounts:
        counts: Counter[str] = Counter()
        now = self._workplace.clock.now()
        is_drawn = self._run.level is Level.SAMPLE and self._request.blocks_of_each is None
        for copy, look, known in self._scope.looked_at_and_known(self._run.id):
            counts[self._answer(look, known)] += 1
            if look is None and self._is_cut_short and not is_drawn and copy.store not in self._away:
                self._left_waiting += 1
            if look is not None and self._is_too_shallow(look):
                self._unattested[copy.store] += 1
            if self._request.policies and self._is_overdue(copy, now):
                counts["overdue"] += 1
        return AuditCounts(**counts)

    def _answer(self, look: Audited | None, known: Collection[Condition]) -> str:
        """What one copy counts as, of which open findings tell `known`: a look that does not refute them is no news.

        A look that was less deep than asked for says at most what is wrong.
        """
        if look is None or self._is_too_shallow(look):
            return "not_checked"
        return (known_condition(known) if look.result is AuditResult.SOUND else look.result).value

    def _is_too_shallow(self, look: Audited) -> bool:
        """Whether nothing is wrong with a copy whose store attests less than was asked."""
        return look.result is AuditResult.SOUND and look.level is not self._run.level

    def _is_overdue(self, copy: CopyEntry, now: datetime) -> bool:
        policy = self._request.policies.get(self._books.package(copy.package_id).receipt.policy)
        if policy is None:
            return False
        return is_overdue(copy, age_limits(policy.audit_on(self._entries[copy.store].role)), now)

    def _not_looked_at(self) -> Iterator[NotLookedAt]:
        now = self._workplace.clock.now()
        for name, error in self._away.items():
            copies = overdue = 0
            last_at = ""
            for copy in self._scope.copies([name]):
                copies += 1
                overdue += self._is_overdue(copy, now)
                last_at = max(last_at, copy.audited_at or copy.booked_at)
            is_expected = name not in self._request.stores and is_away_as_expected(self._entries[name], error)
            yield NotLookedAt(name, is_expected, copies, overdue, last_at or None, isinstance(error, Expected))

    # Which copies

    def _held(self, copy: CopyEntry) -> HeldCopy:
        return held_copy(self._books, self._open[copy.store], self._books.package(copy.package_id), copy)

    def _others(self, held: HeldCopy) -> list[HeldCopy]:
        """The other copies of the same package, wherever they are."""
        copies = self._books.copies(package=held.package.id)
        return [
            held_copy(self._books, self._open[copy.store], held.package, copy)
            for copy in copies
            if copy.store != held.store.name and copy.store in self._open
        ]

    # Looking

    def _look_at_copies(self) -> None:
        """All copies that this run has not seen yet, those most at risk first."""
        while not self._is_cut_short:
            self._booking.flush()
            here = [name for name in self._scope.stores if name not in self._away]
            unseen = (copy for copy, look in self._scope.looked_at(self._run.id, here) if look is None)
            batch = most_at_risk(unseen, RANKED_AT_ONCE, self._workplace.clock.now())
            if not batch:
                return
            self._carry_out(map(self._task, batch))

    def _task(self, copy: CopyEntry) -> _Task:
        held = self._held(copy)
        if self._run.level is not Level.SAMPLE:
            return _Task(held)
        blocks = block_count(held.receipt)
        drawn = chance.unpredictable().sample(range(blocks), min(blocks, self._request.blocks_of_each or 0))
        return _Task(held, tuple(sorted(drawn)))

    def _look_at_samples(self) -> None:
        for store in self._scope.stores:
            job = f"audit-sample/{self._run.id}/{store}"
            self._look_at_sample(store, job)
            self._booking.flush()
            self._books.clear_progress(job)

    def _look_at_sample(self, store: str, job: str) -> None:
        """Draw blocks of one store, read them, and say what that proves; what was not read proves nothing."""

        def population() -> Iterator[HeldCopy]:
            return map(self._held, self._scope.copies([store]))

        sample = sampling.sample(self._books, job, population, self._request.aim)
        seen = (
            {copy.package_id: look for copy, look in self._scope.looked_at(self._run.id, [store]) if look}
            if sample.is_resumed
            else {}
        )
        tasks, outcome = [], sampling.Outcome()
        for held, numbers in sampling.drawn_of_each(sample, population):
            look = seen.get(held.package.id)
            if look is None:
                tasks.append(_Task(held, numbers))
            elif look.result is not AuditResult.SOUND:
                outcome += sampling.Outcome(len(numbers))
            elif look.level.is_reading:
                outcome += sampling.Outcome(len(numbers), len(numbers))
        self._begin_progress(sum(task.bytes for task in tasks))
        now = self._workplace.clock.now()
        outcome += self._carry_out(sorted(tasks, key=lambda task: risk(task.held.copy, now)))
        drawn, not_sound = len(sample.numbers), outcome.read - outcome.sound
        confidence = self._request.aim.confidence_percent
        self._samples.append(stated(store, sample.blocks, drawn, outcome.read, not_sound, confidence))

    def _carry_out(self, tasks: Iterable[_Task]) -> sampling.Outcome:
        """Look at copies in this order, as far as budget and stores allow."""
        outcome = sampling.Outcome()
        for are_small, group in groupby(self._affordable(tasks), key=lambda task: task.is_small):
            for task, survey in self._attempts(group, are_small):
                if isinstance(survey, Unavailable):
                    self._away[task.held.store.name] = survey
                    continue
                self._take(task.held, survey)
                if survey.is_frozen:
                    is_sound = survey.result is AuditResult.SOUND
                    self._frozen.add(task.held.store.name, task.held.package.id, is_sound=is_sound)
                outcome += task.outcome(survey)
        return outcome

    def _attempts(self, tasks: Iterable[_Task], are_small: bool) -> Iterator[tuple[_Task, Survey | Unavailable]]:
        """Large copies are read in this very thread: Ctrl-C need not wait for the rest of one."""
        return in_order(self._attempt, tasks, COPIES_AT_ONCE) if are_small else map(self._attempt, tasks)

    def _affordable(self, tasks: Iterable[_Task]) -> Iterator[_Task]:
        for task in tasks:
            if self._is_budget_spent():
                self._is_cut_short = True
                return
            held = task.held
            copy = self._books.copy(held.package.id, held.store.name)  # as it is by now: a repair may have moved it on
            if copy is not None and copy.store not in self._away:
                yield replace(task, held=replace(held, copy=copy))

    def _is_budget_spent(self) -> bool:
        return self._request.budget.is_spent(monotonic_seconds() - self._began, self._bytes_read)

    def _attempt(self, task: _Task) -> tuple[_Task, Survey | Unavailable]:
        try:
            return task, self._survey(task)
        except Frozen:
            return self._attested_instead(task)
        except Unavailable as error:
            return task, error

    def _attested_instead(self, task: _Task) -> tuple[_Task, Survey | Unavailable]:
        """Of a bag that lies frozen, what its store itself says."""
        held = task.held
        try:
            survey = inspection.attested(held)
        except Unavailable as error:
            return task, error
        return task, replace(survey, is_frozen=True)

    def _survey(self, task: _Task) -> Survey:
        held = task.held
        if self._run.level is Level.EXISTS:
            return inspection.present(held)
        if self._run.level is Level.ATTESTED:
            return inspection.attested(held)
        notes = NO_NOTES if task.is_small else self._notes(held)
        return inspection.read(held, partial(self._others, held), task.numbers, notes)

    def _notes(self, held: HeldCopy) -> Notes:
        advance = self._workplace.progress.advance
        if self._run.level is not Level.FULL:  # blocks that were drawn are no reading that another goes on with
            return replace(NO_NOTES, advance=advance)
        job = _reading_job(held)
        if self._request.afresh:
            self._books.clear_progress(job)
        harms = self._books.findings(package=held.package.id, store=held.store.name)
        harmed_at = max((finding.opened_at for finding in harms if finding.condition in HARMS), default="")
        reading = Reading.of(held, self._books.progress(job), harmed_at, self._workplace.clock.now())
        return Notes(reading.so_far, lambda note: self._books.set_progress(job, reading.text(note)), advance)

    def _take(self, held: HeldCopy, survey: Survey) -> None:
        """Book what was seen of one copy; not what was seen of objects that were superseded meanwhile."""
        now = self._books.copy(held.package.id, held.store.name)
        if survey.findings and (now is None or now.generations != held.copy.generations):
            return
        workplace, is_small = self._workplace, _Task(held).is_small
        self._bytes_read += survey.bytes_read
        if is_small:
            workplace.progress.advance(min(survey.bytes_read, held.receipt.bag_bytes))
        self._booking.add(account(self._books, workplace.act, workplace.now(), self._run.id, held, survey))
        if survey.level is Level.FULL and not is_small:
            self._booking.flush()
            self._books.clear_progress(_reading_job(held))

    # What else lies there

    def _search_stores(self) -> None:
        """List every store in scope and find what nothing explains; not when only some packages were asked for."""
        if self._scope.packages is not None:
            return
        for name in self._scope.stores:
            if name in self._away:
                continue
            if self._is_budget_spent():
                self._is_cut_short = True
                continue
            try:
                self._search(name)
                self._searched.add(name)
            except Unavailable as error:
                self._away[name] = error
            except Tampered as error:  # the copies are as sound as they are; the alarm is given with the report
                self._contradictions[name] = error

    def _search(self, name: str) -> None:
        searching = Searching(self._workplace, self._open[name], self._run, self._booking)
        for folder in searching.folders():
            self._leftovers += folder.leftovers
            if self._run.level is Level.EXISTS and folder.copy is not None and folder.objects:
                held = self._held(folder.copy)
                self._take(held, inspection.listed(held, folder.objects))
        searching.judge_fittings(self._request.kit)
