"""Retire a source: it is harvested no more.  What came of it is kept, and can be restored as of any moment."""

from __future__ import annotations

from preserve.errors import Refused
from preserve.model import events, source_events
from preserve.model.incidents import IncidentKind
from preserve.model.phrases import phrase
from preserve.model.sources import Registered
from preserve.packages.harvesting import standing, telling
from preserve.workplace import Workplace

_OF_SOURCES = (IncidentKind.BRAKE, IncidentKind.SILENT_CHANGE, IncidentKind.RESTLESS, IncidentKind.UNTAKEN)


def retire_source(workplace: Workplace, name: str) -> Registered:
    """Take a source out of use, for the reason that the act names; incidents about it are over.

    Raises `Refused` where it is unknown or retired already, `Unavailable` while it is being harvested.
    """
    source = workplace.books.source(name)
    if source.is_retired:
        raise Refused("source {source} was retired on {day}", source=name, day=str(source.retired_at)[:10])
    with workplace.claim(source.entry.accession_source):
        act, now = workplace.act, workplace.now()
        found = (workplace.books.open_incident(kind, name) for kind in _OF_SOURCES)
        over = [
            events.incident_closed(act, now, incident.id, phrase("source {source} was retired", source=name))
            for incident in found
            if incident is not None
        ]
        unfinished = telling.left_unfinished(workplace, source.entry)
        workplace.record(source_events.source_retired(act, now, name), *over, *unfinished)
        standing.forget(workplace, name)
    return workplace.books.source(name)
