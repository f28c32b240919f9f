"""Close an incident: a person looked into it and answers for that, with a reason that stands in the ledger."""

from __future__ import annotations

from preserve.errors import Refused
from preserve.model import events
from preserve.model.incidents import Incident
from preserve.workplace import Workplace


def close_incident(workplace: Workplace, identifier: str) -> Incident:
    """Close one with the reason of the act as evidence.  Raises `Refused` where it is not there, or closed already."""
    books = workplace.books
    incident = books.incident(identifier)
    if incident.closed_at is not None:
        raise Refused("incident {incident} is closed already", incident=incident.id)
    workplace.record(events.incident_closed(workplace.act, workplace.now(), incident.id, workplace.act.reason))
    return books.incident(identifier)
