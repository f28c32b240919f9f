"""The table of works: the one place that names what the runner does."""

from __future__ import annotations

from preserve.daemon.caring import INSPECTION, REFRESHING
from preserve.daemon.drilling import DRILL
from preserve.daemon.harvesting import HARVEST
from preserve.daemon.identifying import IDENTIFICATION
from preserve.daemon.keeping import CANARY, LOCK_EXTENSION
from preserve.daemon.looking import AUDIT, LISTING
from preserve.daemon.making import PARITY, REPLICATION
from preserve.daemon.mending import PUBLICATION, REPAIR
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
)
"""One line for each kind of work; in which order duties are done, `preserve.model.duties.in_order` says."""
