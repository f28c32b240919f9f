"""Close an incident: a person looked into it and answers for that, with a reason that stands in the ledger."""

from __future__ import annotations

from preserve.errors import Refused
from preserve.model import events
from preserve.model.incidents import DUE, Incident, IncidentKind
from preserve.state.books import Books
from preserve.workplace import Workplace


def close_incident(workplace: Workplace, identifier: str) -> Incident:
    """Close one with the reason of the act as evidence.

    Raises `Refused` where it is not there, closed already, or ended by evidence alone, as long as there is anything
    left to look at.
    """
    books = workplace.books
    incident = books.incident(identifier)
    if incident.closed_at is not None:
        raise Refused("incident {incident} is closed already", incident=incident.id)
    if not incident.ending.by_word and _is_there(books, incident):
        raise Refused(
            "incident {incident} is not closed by word, for what it tells of can be looked at again: {what}",
            incident=incident.id,
            what=str(incident.remedy),
        )
    workplace.record(events.incident_closed(workplace.act, workplace.now(), incident.id, workplace.act.reason))
    return books.incident(identifier)


def _is_there(books: Books, incident: Incident) -> bool:
    """Whether what an incident is about is still in use: of a store that was retired nothing is tried any more."""
    stores = {entry.name for entry in books.stores()}
    match incident.kind:
        case IncidentKind.MEDIUM:
            number = incident.subject.removesuffix(DUE)
            return any(each.number == number and each.store in stores for each in books.media())
        case IncidentKind.BRAKE:
            return any(each.entry.name == incident.subject and not each.is_retired for each in books.sources())
        case IncidentKind.REOPENED:
            return any(each.claim == incident.subject and each.state.is_open for each in books.migrations())
        case _:
            return incident.subject in stores
