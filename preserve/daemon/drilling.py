"""Work that rehearses: drills, as policies ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from preserve import compose
from preserve.daemon.works import Shift, Work
from preserve.errors import Refused
from preserve.model.drills import DrillVerdict
from preserve.model.drills_due import DrillDue, drills_due, drills_in_turn
from preserve.model.duties import Duty, DutyKind, Ended, Ending
from preserve.model.nouns import StoreEntry
from preserve.model.sentences import sentence

if TYPE_CHECKING:
    from preserve.operations.drill import Rebuilt


def _wanted(shift: Shift) -> dict[str, Sequence[DrillDue]]:
    """For each store the drills that policies want, the one to hold next first."""
    books = shift.workplace.books
    stores = books.stores()
    since = books.held_since(store.name for store in stores)
    now = shift.now()
    kept_under = {each.policy for each in books.standings()}
    in_use = [policy for name, policy in shift.policies.items() if name in kept_under]
    due = drills_due(in_use, stores, since, list(books.drills()), now)
    return drills_in_turn(due, now)


def _drills(shift: Shift, now: datetime) -> Iterator[Duty]:
    """One duty for each store that policies want a drill from."""
    for store, wanted in _wanted(shift).items():
        next_one = wanted[0]
        why = sentence("policy {policy} wants a drill from store {store}", policy=next_one.policy, store=store)
        late_at = min(each.late_at for each in wanted)  # the one to hold next stands for the others too
        yield Duty(
            DutyKind.DRILL, store, next_one.due_at, why, late_at, copies=next_one.sample_packages or 0,
            stores=(store,), policies=(next_one.policy,),
        )  # fmt: skip


def _hold(shift: Shift, duty: Duty) -> Ended:
    """Hold the drill that is due from one store.  One that does not pass is an incident, and was held."""
    from preserve.operations.drill import DrillRequest, drill

    workplace = shift.workplace
    wanted = _wanted(shift).get(duty.subject)
    if not wanted:  # the store was retired meanwhile
        raise Refused("no drill is wanted from store {store} any more", store=duty.subject)
    due = wanted[0]

    def rebuild(entry: StoreEntry, folder: Path) -> AbstractContextManager[Rebuilt]:
        return compose.rebuilt_alone(workplace, entry, folder)

    request = DrillRequest(
        duty.subject,
        shift.home.certificates,
        compose.signer(shift.home),
        sample=due.sample_packages,
        without_catalog=due.without_catalog,
        voices=shift.voices,
    )
    held = drill(workplace, request, compose.policy_in_force(workplace.books), rebuild)
    if held.drill.verdict is DrillVerdict.IN_PART:
        what = sentence("a drill from store {store} passed in part, for not everything could be judged: {certificate}",
                        store=duty.subject, certificate=held.certificate.name)  # fmt: skip
    elif held.drill.has_passed:
        what = sentence("a drill from store {store} passed: {certificate}", store=duty.subject,
                        certificate=held.certificate.name)  # fmt: skip
    else:
        what = sentence("a drill from store {store} did NOT pass: {certificate}", store=duty.subject,
                        certificate=held.certificate.name)  # fmt: skip
    return Ended(Ending.DONE, what, held.drill.bytes)


DRILL = Work(DutyKind.DRILL, _drills, _hold)
