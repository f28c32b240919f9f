"""Are incidents shown where people look, and closed only by who says why?"""

from __future__ import annotations

import pytest

from ops.messages import Found, Message
from preserve.model import events
from preserve.model.incidents import Incident, IncidentKind
from preserve.model.nouns import Act
from preserve.state.books import Books
from tests.cli.conftest import Service

CREDENTIALS = Incident(IncidentKind.CREDENTIALS, "city", "the writer's key could delete the canary")


def happen(service: Service, incident: Incident = CREDENTIALS) -> None:
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
    assert "preserve store canary city" in ended.out
    (told,) = service.run("status", "--json").document["incidents"]
    assert (told["kind"], told["subject"]) == ("credentials", "city")
    assert service.ask("incident", "show", told["id"]) == told


def test_only_a_reason_closes_an_incident(service: Service) -> None:
    happen(service, Incident(IncidentKind.CLOCK, "archive-1", "the clock went back by 3 days"))
    (told,) = service.run("incident", "list", "--json").document["incidents"]
    assert service.run("incident", "close", told["id"]).code == 2
    closed = service.ask("incident", "close", told["id"], "--reason", "the battery was changed")
    assert (closed["closed_with"], closed["remedy"]) == ("the battery was changed", None)
    assert service.ask("incident", "list")["incidents"] == []
    assert service.run("incident", "close", told["id"], "--reason", "again").code == 3
    assert service.ask("incident", "list", "--all")["incidents"] == [closed]


@pytest.mark.parametrize(
    ("kind", "subject", "command"),
    [
        (IncidentKind.CREDENTIALS, "city", "preserve store canary city"),
        (IncidentKind.DRILL_FAILED, "city", "preserve drill --from city"),
        (IncidentKind.MEDIUM, "HDD-1", "preserve medium inspect HDD-1"),
        (IncidentKind.MEDIUM, "HDD-1/due", "preserve medium inspect HDD-1"),
        (IncidentKind.BRAKE, "mail", "preserve source release mail"),
    ],
)
def test_what_a_command_can_look_at_again_is_closed_by_no_word(
    service: Service, kind: IncidentKind, subject: str, command: str
) -> None:
    """While what it is about is in use; nobody could ever close it by evidence when that is gone."""
    service.store("city", "same_city")
    service.ask("medium", "add", "HDD-1", "--store", "city", "--kind", "hdd")
    service.ask("source", "add", "mail", "--folder", service.submission())
    happen(service, Incident(kind, subject, "what happened"))
    (told,) = service.run("incident", "list", "--json").document["incidents"]
    refused = service.run("incident", "close", told["id"], "--reason", "it will be all right")
    assert refused.code == 3 and command in refused.err and command in told["remedy"]
    assert command in service.run("status").out
    if kind is IncidentKind.BRAKE:
        service.ask("source", "retire", "mail", "--reason", "the office was closed")
    else:
        service.ask("store", "retire", "city", "--reason", "worn out")
    assert service.ask("incident", "list")["incidents"] == []


def test_an_incident_about_what_is_gone_is_closed_by_word(service: Service) -> None:
    happen(service, Incident(IncidentKind.DRILL_FAILED, "a store retired long ago", "a drill did not pass"))
    (told,) = service.run("incident", "list", "--json").document["incidents"]
    service.ask("incident", "close", told["id"], "--reason", "the store was given up")


def test_harm_that_somebody_did_is_answered_for_by_a_person(service: Service) -> None:
    """No trial of keys can undo it, or show that it was undone."""
    service.store("city", "same_city")
    happen(service, Incident(IncidentKind.CREDENTIALS, "canary of city", "somebody changed the canary"))
    (told,) = service.run("incident", "list", "--json").document["incidents"]
    assert "preserve incident close" in told["remedy"]
    service.ask("incident", "close", told["id"], "--reason", "the keys were revoked, and the store was audited")


def test_what_ends_it_is_said_of_every_kind_of_incident(found: Found) -> None:
    for kind in IncidentKind:
        incident = Incident(kind, "it", "what happened", "I00000001-0123456789")
        assert ("incident close" in str(incident.remedy)) <= incident.ending.by_word
        assert Message(incident.remedy.template) in found.places
