"""Release a source from the brake: a person has looked, and says that what moved in it is to be taken."""

from __future__ import annotations

from preserve.errors import Refused
from preserve.model import events, source_events
from preserve.model.incidents import IncidentKind
from preserve.model.nouns import Event
from preserve.model.sources import Registered
from preserve.workplace import Workplace


def release_source(workplace: Workplace, name: str) -> Registered:
    """Let the next harvest of a source take what the brake held back, or hardly more; what is more asks again.

    The incident is closed with the reason of the act.  Raises `Refused` where there is nothing to release.
    """
    source = workplace.books.source(name)
    act, now = workplace.act, workplace.now()
    incident = workplace.books.open_incident(IncidentKind.BRAKE, name)
    happened: list[Event] = []
    if source.held is not None:
        happened.append(source_events.source_released(act, now, name))
    if incident is not None:
        happened.append(events.incident_closed(act, now, incident.id, act.reason))
    if not happened:
        raise Refused("the brake does not hold source {source}; there is nothing to release", source=name)
    workplace.record(*happened)
    return workplace.books.source(name)
