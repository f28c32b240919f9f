"""Are incidents shown where people look, and closed only by who says why?"""

from __future__ import annotations

from preserve.model import events
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.nouns import Act
from preserve.state.books import Books
from tests.cli.conftest import Service


def happen(service: Service) -> None:
    incident = Incident(IncidentKind.CREDENTIALS, "city", "the writer's key could delete the canary")
    with Books.open(service.home) as books:
        books.record(events.incident_opened(Act("daemon", "a test"), "2026-01-01T00:00:00.000000Z", incident))


def test_an_open_incident_is_shown_and_fails_status(service: Service) -> None:
    assert service.run("incident", "list").code == 0
    happen(service)
    listed = service.run("incident", "list")
    assert listed.code == 1
    assert "the writer's key could delete the canary" in listed.out
    ended = service.run("status")
    assert ended.code == 1
    assert "the writer's key could delete the canary" in ended.out
    assert "preserve incident close" in ended.out
    (told,) = service.run("status", "--json").document["incidents"]
    assert (told["kind"], told["subject"]) == ("credentials", "city")
    assert service.ask("incident", "show", told["id"]) == told


def test_only_a_reason_closes_an_incident(service: Service) -> None:
    happen(service)
    (told,) = service.run("incident", "list", "--json").document["incidents"]
    assert service.run("incident", "close", told["id"]).code == 2
    closed = service.ask("incident", "close", told["id"], "--reason", "the bucket's policy was put right")
    assert closed["closed_with"] == "the bucket's policy was put right"
    assert service.ask("incident", "list")["incidents"] == []
    assert service.run("incident", "close", told["id"], "--reason", "again").code == 3
    assert service.ask("incident", "list", "--all")["incidents"] == [closed]
