"""Work that rehearses: drills, as policies ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from preserve import compose
from preserve.daemon.works import Shift, Work
from preserve.errors import Refused
from preserve.model.drills_due import DrillDue, drills_due
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.nouns import StoreEntry
from preserve.model.sentences import sentence

if TYPE_CHECKING:
    from preserve.operations.drill import Rebuilt


def _wanted(shift: Shift) -> dict[str, DrillDue]:
    """For each store the drill that is due first; where several are due, one of everything stands for all."""
    books = shift.workplace.books
    stores = books.stores()
    since = books.held_since(store.name for store in stores)
    now = shift.now()
    due = drills_due(shift.policies.values(), stores, since, list(books.drills()), now)
    by_store = groupby(sorted(due, key=lambda each: each.store), key=lambda each: each.store)
    return {store: min(group, key=lambda each: _rank(each, now)) for store, group in by_store}


def _rank(due: DrillDue, now: datetime) -> tuple[bool, bool, bool, datetime]:
    is_due = due.is_due(now)
    return (not is_due, is_due and not due.is_whole, not due.without_catalog, due.due_at)


def _drills(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty for each store that policies want a drill from."""
    for store, due in _wanted(shift).items():
        why = sentence("policy {policy} wants a drill from store {store}", policy=due.policy, store=store)
        yield Duty(DutyKind.DRILL, store, due.due_at, why, due.late_at, copies=due.sample_packages or 0)


def _hold(shift: Shift, duty: Duty) -> Ended:
    """Hold the drill that is due from one store.  One that does not pass is an incident, and was held."""
    from preserve.operations.drill import DrillRequest, drill

    workplace = shift.workplace
    due = _wanted(shift).get(duty.subject)
    if due is None:  # the store was retired meanwhile
        raise Refused("no drill is wanted from store {store} any more", store=duty.subject)

    def rebuild(entry: StoreEntry, folder: Path) -> AbstractContextManager[Rebuilt]:
        return compose.rebuilt_alone(workplace, entry, folder)

    request = DrillRequest(
        duty.subject, shift.home.certificates, sample=due.sample_packages, without_catalog=due.without_catalog
    )
    held = drill(workplace, request, compose.policy_in_force(workplace.books), rebuild)
    if held.drill.has_passed:
        what = sentence("a drill from store {store} passed: {certificate}", store=duty.subject,
                        certificate=held.certificate.name)  # fmt: skip
    else:
        what = sentence("a drill from store {store} did NOT pass: {certificate}", store=duty.subject,
                        certificate=held.certificate.name)  # fmt: skip
    return Ended(Ending.DONE, what, held.drill.bytes)


DRILL = Work(DutyKind.DRILL, _drills, _hold)
