"""Survey what is kept for those who watch: how old audits are, how the holdings grew, what audits found.

It reads the books alone, and takes longer than a status: each copy is counted once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from preserve.clock import stamp
from preserve.model.audit import CLOCKS_DIFFER, age_limits
from preserve.model.audit_ages import LookedAlike, StoreAges, ages_by_store
from preserve.model.drills import DrillEntry
from preserve.model.growth import Grown
from preserve.model.nouns import StoreEntry
from preserve.model.policy import Policy
from preserve.state.surveys import AuditEnded
from preserve.workplace import Workplace

MOST_DAYS_BY_DAY = 92
"""A service no older than this is drawn day by day, an older one month by month."""
MOST_DRILLS = 200
"""The newest drills, which charts and percentiles are made of."""
AUDITS_SHOWN_DAYS = 3 * 366
"""How far back audits are drawn."""


@dataclass(frozen=True, slots=True)
class SurveyReport:
    """What those who watch are shown beside the status.

    `by_day`: `grown` is told by days, not by months.  `drills` are the newest.
    `lock_ends` says when the first object lock in each store ends.
    """

    ages: tuple[StoreAges, ...]
    grown: tuple[Grown, ...]
    by_day: bool
    audits: tuple[AuditEnded, ...]
    drills: tuple[DrillEntry, ...]
    lock_ends: Mapping[str, str]
    stores: tuple[StoreEntry, ...]


def survey(workplace: Workplace, policies: Mapping[str, Policy]) -> SurveyReport:
    """Look through the books; `policies` are those in force, by name."""
    books, now = workplace.books, workplace.clock.now()
    entries = books.stores()
    limits = {
        (name, entry.name): age_limits(policy.audit_on(entry.role))
        for name, policy in policies.items()
        for entry in entries
    }
    ahead = stamp(now + CLOCKS_DIFFER)
    looks: list[LookedAlike] = []
    for (policy, store), allowed in limits.items():
        since = {level: stamp(now - age) for level, age in allowed.items()}
        looks += books.looked_alike(store, policy, since, ahead)
    first = books.first_packaged_at()
    by_day = first is None or now - datetime.fromisoformat(first) < timedelta(days=MOST_DAYS_BY_DAY)
    return SurveyReport(
        ages=tuple(ages_by_store(looks, limits, now.date())),
        grown=tuple(books.grown(by_day=by_day)),
        by_day=by_day,
        audits=tuple(books.audits_ended(stamp(now - timedelta(days=AUDITS_SHOWN_DAYS)))),
        drills=tuple(deque(books.drills(), MOST_DRILLS)),
        lock_ends=books.lock_ends(),
        stores=tuple(entries),
    )
