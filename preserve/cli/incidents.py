"""Incidents as the commands show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preserve.cli.answers import moment_shown
from preserve.cli.messages import _, resaid, said, word
from preserve.cli.tables import bounded, pairs
from preserve.model.incidents import Incident


def incident_document(incident: Incident) -> dict[str, object]:
    """An incident as `--json` gives it."""
    return {
        "id": incident.id,
        "kind": incident.kind.value,
        "subject": incident.subject,
        "what": incident.what,
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "closed_with": incident.closed_with,
    }


def incident_lines(incidents: Sequence[Incident]) -> Iterator[str]:
    """Open incidents, a line each, and what to do about them."""
    if not incidents:
        return
    yield ""
    yield from bounded(
        said(
            "incident {id}, {kind}, since {moment}: {what}",
            id=incident.id,
            kind=incident.kind,
            moment=moment_shown(incident.opened_at),
            what=resaid(incident.what),
        )
        for incident in incidents
    )
    yield _(
        "what is over closes by itself; what a person looked into, `preserve incident close ID --reason TEXT` closes"
    )


def incident_details(incident: Incident) -> Iterator[str]:
    """All that is known of one incident."""
    yield from pairs(
        [
            (_("incident"), incident.id),
            (_("kind"), word(incident.kind)),
            (_("subject"), incident.subject),
            (_("what"), resaid(incident.what)),
            (_("opened"), moment_shown(incident.opened_at)),
            (_("closed"), moment_shown(incident.closed_at)),
            (_("closed with"), resaid(incident.closed_with) if incident.closed_with else "-"),
        ]
    )
