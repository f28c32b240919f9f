"""Is each incident opened once, closed with a reason, and the same after a replay?"""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.errors import Refused
from preserve.model import events
from preserve.model.incidents import Incident, IncidentKind
from preserve.state.books import Books
from preserve.state.verification import verify_books
from tests.state import bookkeeping as made
from tests.state.bookkeeping import ACT, BRAKED, at, initialised

pytestmark = pytest.mark.usefixtures("kept_in")


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return made.create(tmp_path, initialised())


def test_an_incident_is_opened_once_and_closed_once(books: Books) -> None:
    books.record(events.incident_opened(ACT, at(1), BRAKED))
    size = books.size()
    books.record(events.incident_opened(ACT, at(2), BRAKED))
    assert books.size() == size
    (opened,) = books.incidents()
    assert (opened.kind, opened.subject, opened.what, opened.opened_at) == (*_said(BRAKED), at(1))
    assert books.incident(opened.id) == opened == books.open_incident(IncidentKind.BRAKE, "mail")

    books.record(events.incident_closed(ACT, at(3), opened.id, "a move of offices"))
    size = books.size()
    books.record(events.incident_closed(ACT, at(4), opened.id, "again"))
    assert books.size() == size
    assert list(books.incidents()) == []
    assert books.incident(opened.id).closed_with == "a move of offices"

    books.record(events.incident_opened(ACT, at(5), BRAKED))
    assert [each.opened_at for each in books.incidents(open_only=False)] == [at(1), at(5)]


def _said(incident: Incident) -> tuple[IncidentKind, str, str]:
    return incident.kind, incident.subject, incident.what


@pytest.mark.parametrize("identifier", ["I-999999", "F-000001", "nonsense"])
def test_an_incident_that_is_not_there_is_refused(books: Books, identifier: str) -> None:
    with pytest.raises(Refused, match="there is no incident"):
        books.incident(identifier)
    with pytest.raises(Refused, match="there is no incident"):
        books.record(events.incident_closed(ACT, at(1), identifier, "why"))


def test_a_replay_gives_the_same_incidents(books: Books, tmp_path: Path) -> None:
    books.record(events.incident_opened(ACT, at(1), BRAKED))
    books.record(events.incident_opened(ACT, at(2), Incident(IncidentKind.CLOCK, "home", "it went back a day")))
    books.record(events.incident_closed(ACT, at(3), next(books.incidents()).id, "looked into"))
    assert verify_books(books).is_ok
    (tmp_path / "again").mkdir()
    with made.rebuild(tmp_path / "again", (entry.content for entry in books.entries())) as again:
        assert list(again.incidents(open_only=False)) == list(books.incidents(open_only=False))
