"""Incidents (事件): what should not have happened in the running of the service, kept until somebody answered for it.

A finding says that bytes in a store are wrong; an incident that a safeguard did not do its work, or did it and waits
for a person.  Both are opened by an entry of the ledger, closed with evidence, and never deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class IncidentKind(StrEnum):
    """What sort of thing happened."""

    MISSED_RUN = "missed run"  # work that was due was not done when policy wanted it
    FAILED_WORK = "failed work"  # work was tried as often as it may be, and did not come to its end
    BRAKE = "brake"  # a source changed as no source should: what came of it is held back
    SILENT_CHANGE = "silent change"  # files of a source hold other bytes, though nobody changed them
    RESTLESS = "never at rest"  # files of a source are being changed at every harvest, and never taken
    UNTAKEN = "untaken"  # what lies in a drop folder is refused, or is a marker without a submission
    DRILL_FAILED = "drill failed"  # a rehearsal did not give everything back, or not in time
    MEDIUM = "medium"  # a removable medium is not what, or where, it should be
    CREDENTIALS = "credentials"  # a key may do what it must not
    CLOCK = "clock"  # the clock is not to be trusted
    SILENCE = "silence"  # the runner on a machine gives no sign of life any more
    NOTIFIER = "notifier"  # nobody could be told


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident: `subject` names what it is about (a source, a store, a policy), `what` says it in a sentence.

    There is at most one open incident of a kind about a subject.  `id` is given by the books when it is opened.
    """

    kind: IncidentKind
    subject: str
    what: str
    id: str = ""
    opened_at: str = ""
    closed_at: str | None = None
    closed_with: str | None = None
