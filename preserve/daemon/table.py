"""The table of works: the one place that names what the runner does."""

from __future__ import annotations

from preserve.daemon.caring import INSPECTION, REFRESHING
from preserve.daemon.drilling import DRILL
from preserve.daemon.harvesting import HARVEST
from preserve.daemon.identifying import IDENTIFICATION
from preserve.daemon.keeping import CANARY, LOCK_EXTENSION, canary_from_start
from preserve.daemon.looking import AUDIT, LISTING
from preserve.daemon.making import PARITY, REPLICATION
from preserve.daemon.mending import PUBLICATION, REPAIR
from preserve.daemon.migrating import MIGRATION
from preserve.daemon.migration_watching import MIGRATION_WATCH
from preserve.daemon.notices import Unbooked, notice_work
from preserve.daemon.rating import RISK_RECORD
from preserve.daemon.thawing import THAW
from preserve.daemon.works import Work

WORKS: tuple[Work, ...] = (
    CANARY,
    LOCK_EXTENSION,
    REPAIR,
    HARVEST,
    REPLICATION,
    PARITY,
    PUBLICATION,
    THAW,
    AUDIT,
    LISTING,
    DRILL,
    INSPECTION,
    REFRESHING,
    IDENTIFICATION,
    RISK_RECORD,
    MIGRATION_WATCH,
    MIGRATION,
)
"""One line for each kind of work; in which order duties are done, `preserve.model.duties.in_order` says."""


def works_from_start(unbooked: Unbooked) -> tuple[Work, ...]:
    """What a runner does that goes on, from its start: it tries the keys of every store anew, and tells people."""
    return canary_from_start(), *(each for each in WORKS if each is not CANARY), notice_work(WORKS, unbooked)
