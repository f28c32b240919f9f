"""The incidents of a harvest: what a person has to look at, and when it is over."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta

from preserve.bags.names import shown
from preserve.model import brake, events
from preserve.model import restless as restlessness
from preserve.model.brake import Alarm, Upheaval
from preserve.model.complaints import ComplaintList
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.nouns import Event
from preserve.model.phrases import phrase
from preserve.model.restless import Moving
from preserve.model.sources import SourceEntry
from preserve.packages.harvesting.comparing import Census
from preserve.packages.harvesting.resolving import MOST_PATHS_NAMED, Tally
from preserve.workplace import Workplace

_RESTLESS = "restless files of source "
"""What the note of files that are being changed begins with."""


def brake_set(workplace: Workplace, source: str, upheaval: Upheaval, alarms: Sequence[Alarm]) -> Event:
    """The incident of a source that the brake holds."""
    incident = Incident(IncidentKind.BRAKE, source, str(brake.what_moved(upheaval, alarms)))
    return events.incident_opened(workplace.act, workplace.now(), incident)


def left_unfinished(workplace: Workplace, source: SourceEntry) -> Iterator[Event]:
    """The end of what a harvest that was cut off had begun, asked when a later one is through, or none is to come.

    What it had begun is in this one, or is gone from the source: nobody would ever go on with it.
    """
    act, now = workplace.act, workplace.now()
    for name in (source.accession_source, source.state_source):
        accession = workplace.books.open_accession(name)
        if accession is not None:
            why = "the harvest was cut off; a later one took what is there, or the source was retired"
            yield events.ingest_abandoned(act, now, accession.id, why)


def silent_changes(workplace: Workplace, source: str, tally: Tally) -> Iterator[Event]:
    """The incident while any file is doubted; it is over when all that were have been read again and are sound."""
    act, now = workplace.act, workplace.now()
    if tally.doubtful:
        what = phrase(
            "{count} files hold other bytes than were taken, though nobody changed them: {files}",
            count=tally.doubtful,
            files=", ".join(map(shown, tally.doubtful_paths)),
        )
        yield events.incident_opened(act, now, Incident(IncidentKind.SILENT_CHANGE, source, what))
        return
    incident = workplace.books.open_incident(IncidentKind.SILENT_CHANGE, source)
    if incident is not None:
        yield events.incident_closed(act, now, incident.id, phrase("each of them was read again, or changed"))


def untaken(workplace: Workplace, source: str, names: Sequence[str]) -> Iterator[Event]:
    """The incident while anything in a drop folder cannot be taken; another one where that is something else by now."""
    what = phrase(
        "in drop folder {source} lies what is refused, belongs to no submission, or waits for too long: {names}"
        " ({count} in all); `preserve source harvest {source}` says why",
        source=source,
        names=", ".join(shown(os.fsencode(name)) for name in sorted(names)[:MOST_PATHS_NAMED]),
        count=len(names),
    )
    return _untaken(workplace, source, what if names else None)


def passed_over(workplace: Workplace, source: str, complaints: ComplaintList) -> Iterator[Event]:
    """The incident while a harvest passes anything over; another one where that is something else by now."""
    named = sorted(complaint.where for complaint in complaints.named)[:MOST_PATHS_NAMED]
    what = phrase(
        "harvests of source {source} pass over what they cannot take or read: {names} ({count} in all); `preserve"
        " source harvest {source}` says why",
        source=source,
        names=", ".join(named),
        count=complaints.count,
    )
    return _untaken(workplace, source, what if named else None)


def _untaken(workplace: Workplace, source: str, what: str | None) -> Iterator[Event]:
    act, now = workplace.act, workplace.now()
    incident = workplace.books.open_incident(IncidentKind.UNTAKEN, source)
    if incident is not None and incident.what != what:
        evidence = phrase("looked at again, it is something else, or gone")
        yield events.incident_closed(act, now, incident.id, evidence)
    if what is not None and (incident is None or incident.what != what):
        yield events.incident_opened(act, now, Incident(IncidentKind.UNTAKEN, source, what))


def never_at_rest(workplace: Workplace, source: SourceEntry, census: Census) -> tuple[Moving, ...]:
    """The files that each harvest for long found being changed.

    What is noted of them may be lost: then it counts from now on.
    """
    job, now = f"{_RESTLESS}{source.name}", workplace.clock.now()
    known = restlessness.moving_from(workplace.books.progress(job))
    moving = restlessness.looked_at(known, census.restless, now)
    if moving or known:
        workplace.books.set_progress(job, restlessness.moving_text(moving))
    return restlessness.never_at_rest(moving, timedelta(days=source.restless_days), now)


def restless(workplace: Workplace, source: str, stuck: Sequence[Moving]) -> Iterator[Event]:
    """The incident while any file never comes to rest."""
    act, now = workplace.act, workplace.now()
    incident = workplace.books.open_incident(IncidentKind.RESTLESS, source)
    if stuck and incident is None:
        what = phrase(
            "{count} files were being changed at every harvest since {since}, and what they hold now is in none:"
            " {files}",
            count=len(stuck),
            since=min(each.since for each in stuck).date().isoformat(),
            files=", ".join(shown(each.path) for each in stuck[:MOST_PATHS_NAMED]),
        )
        yield events.incident_opened(act, now, Incident(IncidentKind.RESTLESS, source, what))
    elif incident is not None and not stuck:
        yield events.incident_closed(act, now, incident.id, phrase("each of them came to rest, or is gone"))
