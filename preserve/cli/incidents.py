"""Incidents as the commands show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preserve.cli.answers import moment_shown
from preserve.cli.messages import _, resaid, said, sentence_said, subject_said, word
from preserve.cli.tables import bounded, pairs
from preserve.model.incidents import Incident


def incident_document(incident: Incident) -> dict[str, object]:
    """An incident as `--json` gives it."""
    return {
        "id": incident.id,
        "kind": incident.kind.value,
        "subject": incident.subject,
        "what": incident.what,
        "remedy": None if incident.closed_at else sentence_said(incident.remedy),
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "closed_with": incident.closed_with,
    }


def incident_lines(incidents: Sequence[Incident]) -> Iterator[str]:
    """Open incidents, a line each, and what to do about them."""
    if not incidents:
        return
    yield ""
    yield from bounded(f"{_line(incident)}\n  {sentence_said(incident.remedy)}" for incident in incidents)


def _line(incident: Incident) -> str:
    return said(
        "incident {id}, {kind}, since {moment}: {what}",
        id=incident.id,
        kind=incident.kind,
        moment=moment_shown(incident.opened_at),
        what=resaid(incident.what),
    )


def incident_details(incident: Incident) -> Iterator[str]:
    """All that is known of one incident."""
    yield from pairs(
        [
            (_("incident"), incident.id),
            (_("kind"), word(incident.kind)),
            (_("about"), subject_said(incident.subject)),
            (_("what"), resaid(incident.what)),
            *([] if incident.closed_at else [(_("what to do"), sentence_said(incident.remedy))]),
            (_("opened"), moment_shown(incident.opened_at)),
            (_("closed"), moment_shown(incident.closed_at)),
            (_("closed with"), resaid(incident.closed_with) if incident.closed_with else "-"),
        ]
    )
