"""What the books know of incidents."""

from __future__ import annotations

from collections.abc import Iterator

from preserve.errors import Refused
from preserve.model.incidents import Incident, IncidentKind
from preserve.state.database import Database, Row
from preserve.state.identifiers import incident_id, incident_number

_INCIDENT = "number, kind, subject, what, opened_at, closed_at, closed_with"
_SELECT_INCIDENT = f"SELECT {_INCIDENT} FROM incident"  # noqa: S608


class IncidentReading:
    """Questions about incidents."""

    _database: Database

    def incidents(self, open_only: bool = True) -> Iterator[Incident]:
        """Incidents in the order in which they were opened."""
        rows = self._database.pages(_INCIDENT, "incident", ("number",))
        return (incident for incident in map(_incident, rows) if incident.closed_at is None or not open_only)

    def incident(self, identifier: str) -> Incident:
        """One incident, open or closed.  Raises `Refused` where there is none with this id."""
        try:
            number = incident_number(identifier)
        except ValueError:
            number = -1
        row = self._database.row(_SELECT_INCIDENT + " WHERE number = ?", (number,))
        if row is None:
            raise Refused("there is no incident {incident} in the books", incident=identifier)
        return _incident(row)

    def open_incident(self, kind: IncidentKind, subject: str) -> Incident | None:
        """The open incident of this kind about this subject."""
        row = self._database.row(
            _SELECT_INCIDENT + " WHERE kind = ? AND subject = ? AND closed_at IS NULL", (kind.value, subject)
        )
        return _incident(row) if row else None


def _incident(row: Row) -> Incident:
    number, kind, subject, what, *dates = row
    return Incident(IncidentKind(kind), subject, what, incident_id(number), *dates)
