"""Who carries heavy work out: this process alone, or many processes, on this machine or on those of a cluster.

An order names packages and what to do with them.  Whoever carries it out opens the home on *his* machine, moves the
bytes between his machine and the stores, and books what he saw: only the order and the report travel.  An order whose
worker dies is given to another, who goes on from what the dead one booked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from preserve import compose
from preserve.daemon.pulse import PULSE_SECONDS, Pulse
from preserve.errors import PreserveError, Unavailable
from preserve.model.audit import AuditCounts, Budget
from preserve.model.digests import sha256
from preserve.model.nouns import Act
from preserve.model.on_the_way import put_together
from preserve.ports import NoProgress
from preserve.settings.home import Home, here
from preserve.workplace import Workplace

if TYPE_CHECKING:
    from preserve.operations.audit import AuditReport, AuditRequest
    from preserve.operations.replicate import ReplicateReport, ReplicateRequest

MOST_PACKAGES = 20
"""Packages of one order: what has to be looked at again, at worst, where its worker dies."""
ORDERS_EACH = 2
"""Orders for each worker, about: one who is done early takes another's share."""

CLAIM_TRIES = 5
BETWEEN_TRIES_SECONDS = 1.0

_Report = TypeVar("_Report", "AuditReport", "ReplicateReport", covariant=True)


class Crew(Protocol):
    """Who audits and replicates; reports and errors are those of the operations."""

    def audit(self, workplace: Workplace, request: AuditRequest) -> AuditReport:
        """Look at copies."""

    def replicate(self, workplace: Workplace, request: ReplicateRequest) -> ReplicateReport:
        """Make copies."""


class Alone:
    """This process, with the threads that the operations start."""

    def audit(self, workplace: Workplace, request: AuditRequest) -> AuditReport:
        from preserve.operations.audit import audit

        return audit(workplace, request)

    def replicate(self, workplace: Workplace, request: ReplicateRequest) -> ReplicateReport:
        from preserve.operations.replicate import replicate

        return replicate(workplace, request)


ALONE = Alone()


@dataclass(frozen=True, slots=True)
class _Ordered:
    """What all orders say: where the home lies unless the worker's machine has another, by whose order, and which
    stores were away when it was given."""

    home: Path
    act: Act
    away: frozenset[str]


class Order(Protocol, Generic[_Report]):
    """Something that a worker can be told to do; it can be pickled."""

    @property
    def given(self) -> _Ordered:
        """By whom, for which home."""

    @property
    def subject(self) -> str:
        """What nobody else is to work on meanwhile."""

    def carry_out(self, workplace: Workplace) -> _Report:
        """Do it with the means of the worker's machine."""


@dataclass(frozen=True, slots=True)
class AuditOrder:
    """Look at the copies of some packages."""

    given: _Ordered
    request: AuditRequest

    @property
    def subject(self) -> str:
        return f"audit {' '.join(self.request.stores)} {' '.join(self.request.among or ())}"

    def carry_out(self, workplace: Workplace) -> AuditReport:
        from preserve.operations.audit import audit

        return audit(workplace, replace(self.request, policies=compose.policies(workplace.books)))


@dataclass(frozen=True, slots=True)
class ReplicateOrder:
    """Make copies of some packages; what the policies want is asked where it is carried out."""

    given: _Ordered
    stores: tuple[str, ...]
    packages: tuple[str, ...]
    until: datetime | None = None

    @property
    def subject(self) -> str:
        return f"replicate {' '.join(self.stores)} {' '.join(self.packages)}"

    def carry_out(self, workplace: Workplace) -> ReplicateReport:
        from preserve.operations.replicate import ReplicateRequest, replicate

        wanted = ReplicateRequest(
            compose.policy_in_force(workplace.books),
            self.stores,
            among=self.packages,
            until=self.until,
            asks_for_frozen=False,
        )
        return replicate(workplace, wanted)


def carried_out(order: Order[_Report]) -> _Report:
    """Carry an order out in this process, on the home that this machine has.

    Raises `Unavailable` where another is at it, and as the operations do.
    """
    given = order.given
    with (
        compose.workplace(here(given.home), given.act, NoProgress()) as workplace,
        _claimed(workplace, order.subject),
    ):
        pulse = Pulse(NoProgress(), lambda: workplace.books.set_progress(_sign_of(order), workplace.now()))
        return order.carry_out(replace(workplace, away=given.away, progress=pulse))


def _sign_of(order: Order[_Report]) -> str:
    """Under what the sign of life of an order is noted."""
    return f"order {sha256(order.subject.encode()).hex()}"


@contextmanager
def _claimed(workplace: Workplace, subject: str) -> Iterator[None]:
    """The claim on an order; one who died over it a moment ago may seem to hold it still."""
    with ExitStack() as stack:
        for left in reversed(range(CLAIM_TRIES)):
            try:
                stack.enter_context(workplace.claim(subject))
                break
            except Unavailable:
                if not left:
                    raise
                workplace.clock.sleep(BETWEEN_TRIES_SECONDS)
        yield


class Spread:
    """Many processes, told by an executor: a local pool's, or a Dask cluster's.  What names no packages, and so is no
    work that can be shared, is done alone."""

    def __init__(self, home: Home, pool: Executor, workers: int) -> None:
        self._home = home
        self._pool = pool
        self.workers = workers

    def audit(self, workplace: Workplace, request: AuditRequest) -> AuditReport:
        if not request.among:
            return ALONE.audit(workplace, request)
        # What somebody who died began is gone on with as it is; in other portions it would begin anew.
        begun = workplace.books.unfinished_audit(request.level, request.stores, request.among)
        parts = shares(request.among, self.workers) if begun is None else [tuple(request.among)]
        # What lies frozen is asked for once, of all shares: they would wait for each other, or fail over it.
        share = replace(request, budget=_share(request.budget, len(parts)), policies={}, asks_for_frozen=False)
        orders = [AuditOrder(self._given(workplace), replace(share, among=part)) for part in parts]
        from preserve.operations.audit import ask_for_frozen

        return ask_for_frozen(workplace, _audited(self._reports(workplace, orders)))

    def replicate(self, workplace: Workplace, request: ReplicateRequest) -> ReplicateReport:
        if not request.among:
            return ALONE.replicate(workplace, request)
        parts = shares(request.among, self.workers)
        orders = [ReplicateOrder(self._given(workplace), request.stores, part, request.until) for part in parts]
        from preserve.operations.replicate import ask_for_frozen

        return ask_for_frozen(workplace, _replicated(self._reports(workplace, orders)))

    def _given(self, workplace: Workplace) -> _Ordered:
        return _Ordered(self._home.path, workplace.act, workplace.away)

    def _reports(self, workplace: Workplace, orders: Sequence[Order[_Report]]) -> list[_Report]:
        """All reports.  What fails an order is raised when the others came to their end: they book all the same."""
        futures = [self._pool.submit(carried_out, order) for order in orders]
        _wait(workplace, [_sign_of(order) for order in orders], futures)
        reports: list[_Report] = []
        failure: PreserveError | None = None
        for future in futures:
            try:
                reports.append(_answer(future))
            except PreserveError as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return reports


def _wait(workplace: Workplace, signs: Sequence[str], futures: Sequence[Future[_Report]]) -> None:
    """Wait for all, and give a pulse as long as an order ends or a worker moves bytes: one who hangs gives none."""
    waiting, noted = set(futures), dict.fromkeys(signs, "")
    while waiting:
        done, waiting = wait(waiting, PULSE_SECONDS, FIRST_COMPLETED)
        seen = noted
        with suppress(Unavailable):  # the books are in use: the next look tells
            seen = {sign: workplace.books.progress(sign) or "" for sign in signs}
        if done or seen != noted:
            workplace.progress.advance(0)
        noted = seen
    with suppress(Unavailable):
        for sign in filter(noted.get, signs):
            workplace.books.clear_progress(sign)


def shares(packages: Sequence[str], workers: int) -> list[tuple[str, ...]]:
    """Packages in portions that keep so many workers busy to the end."""
    size = max(1, min(MOST_PACKAGES, ceil(len(packages) / (workers * ORDERS_EACH))))
    return [tuple(packages[at : at + size]) for at in range(0, len(packages), size)]


def _share(budget: Budget, parts: int) -> Budget:
    return budget if budget.bytes is None else replace(budget, bytes=max(1, budget.bytes // parts))


def _answer(future: Future[_Report]) -> _Report:
    try:
        return future.result()
    except BrokenExecutor as error:  # a Dask cluster's is made one by preserve.daemon.cluster
        raise Unavailable("the workers died over this, or cannot be reached ({error})", error=str(error)) from error


def _audited(reports: Sequence[AuditReport]) -> AuditReport:
    """Reports about different packages as one."""
    first = reports[0]
    counts = AuditCounts(
        **{each.name: sum(getattr(report.counts, each.name) for report in reports) for each in fields(AuditCounts)}
    )
    return replace(
        first,
        is_resumed=any(report.is_resumed for report in reports),
        counts=counts,
        findings=tuple(_all(report.findings for report in reports)),
        away={store: why for report in reports for store, why in report.away.items()},
        is_ended_by_budget=any(report.is_ended_by_budget for report in reports),
        waiting=sum(report.waiting for report in reports),
        unidentified=tuple(sorted({*_all(report.unidentified for report in reports)})),
        unattested=_summed(report.unattested for report in reports),
        contradictions={store: error for report in reports for store, error in report.contradictions.items()},
        frozen=_frozen(reports),
        unread=_summed(report.unread for report in reports),
        leftovers=sum(report.leftovers for report in reports),
        bytes_read=sum(report.bytes_read for report in reports),
        seconds=max(report.seconds for report in reports),
    )


def _summed(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for each in several:
        counts.update(each)
    return dict(counts)


def _frozen(reports: Sequence[AuditReport]) -> dict[str, tuple[str, ...]]:
    frozen: dict[str, tuple[str, ...]] = {}
    for report in reports:
        for store, packages in report.frozen.items():
            frozen[store] = (*frozen.get(store, ()), *packages)
    return frozen


def _replicated(reports: Sequence[ReplicateReport]) -> ReplicateReport:
    from preserve.operations.replicate import ReplicateReport

    return ReplicateReport(
        made=tuple(_all(report.made for report in reports)),
        not_made=tuple(_all(report.not_made for report in reports)),
        lacking=tuple(dict.fromkeys(_all(report.lacking for report in reports))),
        lacking_count=sum(report.lacking_count for report in reports),
        seconds=max(report.seconds for report in reports),
        passed_over=tuple(dict.fromkeys(_all(report.passed_over for report in reports))),
        on_the_way=put_together(_all(report.on_the_way for report in reports)),
    )


_Each = TypeVar("_Each")


def _all(parts: Iterator[Sequence[_Each]]) -> Iterator[_Each]:
    for part in parts:
        yield from part
