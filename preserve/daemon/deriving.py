"""Deriving what is due: of each kind of work by itself, so that one that cannot be derived starves no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from preserve.clock import zone
from preserve.daemon import faults
from preserve.daemon.works import Shift, Work
from preserve.errors import PreserveError, Tampered, Unavailable
from preserve.model import links
from preserve.model.calendars import hours_of
from preserve.model.duties import Duty, DutyKind, WorkHours, in_order
from preserve.model.sentences import Sentence, sentence

BY_ANY_CLOCK = frozenset([DutyKind.REPAIR, DutyKind.PUBLICATION, DutyKind.NOTICE])
"""What is done also while the clock is not to be trusted: nothing of it locks anything, as a canary is locked."""


@dataclass(frozen=True, slots=True)
class Derived:
    """All duties, those to come included, in the order in which they are to be done; and of which kinds of work nobody
    can tell what is due, and why."""

    duties: Sequence[Duty]
    failing: Mapping[DutyKind, Sentence]


def by_clock(works: Sequence[Work], *, is_trusted: bool) -> list[Work]:
    """The works whose duties can be told by a clock, or need none."""
    return [work for work in works if is_trusted or work.kind in BY_ANY_CLOCK]


def duties_name(kind: DutyKind) -> str:
    """What is named where the duties of a kind cannot be told."""
    return f"{kind} duties"


def derived(works: Sequence[Work], shift: Shift, now: datetime) -> Derived:
    """Everything that is due at a moment, or will be.  Raises `Tampered`; `Unavailable` where the books are."""
    duties: list[Duty] = []
    failing: dict[DutyKind, Sentence] = {}
    for work in works:
        found = derived_of(work, shift, now)
        if isinstance(found, Sentence):
            failing[work.kind] = found
        else:
            duties += found
    hours = work_hours(shift)
    return Derived(in_order((hours.heeded(duty, now) for duty in duties), now), failing)


def work_hours(shift: Shift) -> WorkHours:
    """When work may go on: while the links of stores are up, and in the windows of policies."""
    stores = {entry.name: links.hours(entry, zone) for entry in shift.workplace.books.stores()}
    rules = {name: policy.backup for name, policy in shift.policies.items() if policy.backup is not None}
    policies = {
        name: hours_of([rule.window], zone(rule.timezone)) for name, rule in rules.items() if rule.window is not None
    }
    return WorkHours(stores, policies)


def derived_of(work: Work, shift: Shift, now: datetime) -> list[Duty] | Sentence:
    """The duties of one kind of work; or why nobody can tell them."""
    try:
        return list(work.derive(shift, now))
    except (Tampered, Unavailable):
        raise
    except PreserveError as error:
        return sentence("what of it is due cannot be told: {why}", why=str(error))
    except Exception as error:  # a fault of one work must not starve the others
        what = faults.written_down(shift.workplace, duties_name(work.kind), error)
        return sentence("what of it is due cannot be told: {why}", why=str(what))
