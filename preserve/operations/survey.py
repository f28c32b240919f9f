"""Survey what is kept for those who watch: how old audits are, how the holdings grew, what audits found.

It reads the books alone, and what is counted in them; copies are counted one by one only where a policy asks for looks
at two levels.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from preserve.clock import moment_of, stamp
from preserve.model.audit import CLOCKS_DIFFER, age_limits
from preserve.model.audit_ages import PlaceAges, StoreAges, ages_by_store, steps
from preserve.model.drills import DrillEntry
from preserve.model.growth import Grown
from preserve.model.nouns import Level, StoreEntry
from preserve.model.policy import Policy
from preserve.state.books import Books
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
    first = books.first_packaged_on()
    by_day = first is None or now.date() - date.fromisoformat(first) < timedelta(days=MOST_DAYS_BY_DAY)
    return SurveyReport(
        ages=tuple(ages_by_store(_ages(books, policies, entries, now))),
        grown=tuple(books.grown(by_day=by_day)),
        by_day=by_day,
        audits=tuple(books.audits_ended(stamp(now - timedelta(days=AUDITS_SHOWN_DAYS)))),
        drills=tuple(deque(books.drills(), MOST_DRILLS)),
        lock_ends=books.lock_ends(entry.name for entry in entries),
        stores=tuple(entries),
    )


def _ages(
    books: Books, policies: Mapping[str, Policy], entries: Iterable[StoreEntry], now: datetime
) -> Iterator[PlaceAges]:
    """How old the last looks at the copies in each store under each policy are."""
    ahead = stamp(now + CLOCKS_DIFFER)
    for entry in entries:
        for name, policy in policies.items():
            limits = age_limits(policy.audit_on(entry.role))
            moments = {level: stamp(now - limit) for level, limit in limits.items()}
            days = [{level: day.isoformat() for level, day in each.items()} for each in steps(limits, now.date())]
            late, *older = books.older_counts(entry.name, name, [moments, *days])
            postdated = books.postdated_count(entry.name, name, moments, ahead)
            looks = books.looks(entry.name, name, Level.SAMPLE, "~")
            oldest = moment_of(looks.oldest).date() if looks.oldest else None
            yield PlaceAges(entry.name, limits, looks.copies, late + postdated, postdated, older, oldest)
