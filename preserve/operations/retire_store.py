"""Retire a store: it is used no more, and its copies count for nothing, because it is lost, or worn out.

Nothing in it is erased.  What its copies were needed for shows at once: the packages of which no other store holds a
verified copy, and those of which policy wants more copies than are left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from preserve.errors import Barred, Refused, Unavailable
from preserve.model import events
from preserve.model.incidents import IncidentKind
from preserve.model.medium_register import overdue_subject
from preserve.model.nouns import CopyEntry, CopyState, Event, PackageEntry, Receipt, StoreEntry
from preserve.model.phrases import phrase
from preserve.model.placing import Lack, copies_kept, copies_lacking
from preserve.model.policy import Policy
from preserve.workplace import Workplace

MOST_NAMED = 1000
"""How many packages a list of the report names; all are counted."""


@dataclass(frozen=True, slots=True)
class RetireRequest:
    """Which store, and whether it is lost for good.

    `despite_last_copies`: also where a package has no verified copy elsewhere.  `policy_of` gives the policy under
    which a package is kept now.
    """

    store: str
    policy_of: Callable[[Receipt], Policy]
    is_lost: bool = False
    despite_last_copies: bool = False


@dataclass(frozen=True, slots=True)
class RetireReport:
    """A store that is out of use now, and the findings about it that are closed.

    Of the packages in it, `short` have fewer verified copies left than their policy wants, and `last` have none; each
    list names the first.  `lacking` are copies that policy wants and that no store is left for.
    """

    store: StoreEntry
    is_lost: bool
    copies: int
    findings_closed: int
    short_count: int
    short: tuple[str, ...]
    last_count: int
    last: tuple[str, ...]
    lacking: tuple[Lack, ...]


def retire_store(workplace: Workplace, request: RetireRequest) -> RetireReport:
    """Take a store out of use, for the reason that the act names.

    Raises `Refused` for a store that is unknown or retired already, for one that is said to be lost and answers, and
    where a package has its last verified copy in it.
    """
    entry = workplace.books.store(request.store)
    if request.is_lost:
        _refuse_if_there(workplace, entry)
    rest = [store for store in workplace.books.stores() if store.name != entry.name]
    tally = _Tally(request.policy_of, entry, rest)
    workplace.progress.begin("looking what else holds the packages in store {store}", None, store=entry.name)
    made = [state for state in CopyState if state is not CopyState.DUE]
    for copy in workplace.books.copies(store=entry.name, states=made):
        tally.add(workplace.books.package(copy.package_id), list(workplace.books.copies(package=copy.package_id)))
    if tally.last_count and not request.despite_last_copies:
        raise _holds_last_copies(entry, tally)
    findings = sum(1 for _ in workplace.books.findings(store=entry.name))
    evidence = phrase("store {store} was retired", store=entry.name)
    workplace.record(
        events.store_retired(workplace.act, workplace.now(), entry.name, request.is_lost, evidence),
        *_incidents_over(workplace, entry, evidence),
    )
    return RetireReport(
        store=entry,
        is_lost=request.is_lost,
        copies=tally.copies,
        findings_closed=findings,
        short_count=tally.short_count,
        short=tuple(tally.short),
        last_count=tally.last_count,
        last=tuple(tally.last),
        lacking=tuple(lack for _, policy in sorted(tally.policies.items()) for lack in copies_lacking(policy, rest)),
    )


def _incidents_over(workplace: Workplace, entry: StoreEntry, evidence: str) -> Iterator[Event]:
    """Incidents that only another look at the store would end."""
    numbers = [medium.number for medium in workplace.books.media() if medium.store == entry.name]
    subjects = {entry.name, *numbers, *map(overdue_subject, numbers)}
    for incident in workplace.books.incidents():
        if incident.subject in subjects and not incident.ending.by_word and incident.kind is not IncidentKind.BRAKE:
            yield events.incident_closed(workplace.act, workplace.now(), incident.id, evidence)


def _refuse_if_there(workplace: Workplace, entry: StoreEntry) -> None:
    try:
        workplace.stores[entry.name].free_bytes()
    except Barred as error:
        raise Refused(
            "store {store} is not shown to be lost ({why}); mend the credentials, or leave --lost out to retire it all"
            " the same",
            store=entry.name,
            why=error,
        ) from error
    except Unavailable:
        return
    raise Refused(
        "store {store} is not lost: it answers at {url}; leave --lost out to retire it all the same",
        store=entry.name,
        url=entry.url,
    )


def _holds_last_copies(entry: StoreEntry, tally: _Tally) -> Refused:
    return Refused(
        "store {store} was not retired: of {count} packages in it, such as {package}, no other store holds a verified"
        " copy; make one first with `preserve replicate`, if need be under a policy that wants a copy more, or look at"
        " the other copies with `preserve audit`; where all that is in vain, give --despite-last-copies",
        store=entry.name,
        count=tally.last_count,
        package=tally.last[0],
    )


@dataclass(slots=True)
class _Tally:
    """What is left of the packages in one store without it, in memory that does not grow with them."""

    policy_of: Callable[[Receipt], Policy]
    store: StoreEntry
    rest: Sequence[StoreEntry]
    copies: int = 0
    short_count: int = 0
    last_count: int = 0
    short: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    policies: dict[str, Policy] = field(default_factory=dict)

    def add(self, package: PackageEntry, copies: Sequence[CopyEntry]) -> None:
        policy = self.policy_of(package.receipt)
        self.policies[policy.name] = policy
        self.copies += 1
        left = [copy for copy in copies if copy.store != self.store.name]
        if copies_kept(policy, self.rest, left) < sum(rule.count for rule in policy.copies):
            self.short_count += 1
            self.short += [package.id][: MOST_NAMED - len(self.short)]
        if all(copy.state is not CopyState.VERIFIED for copy in left):
            self.last_count += 1
            self.last += [package.id][: MOST_NAMED - len(self.last)]
