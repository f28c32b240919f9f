"""Is it told, before anybody runs it, that what a migration was approved on is not as it was?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from preserve import compose
from preserve.cli.exits import Exit
from preserve.cli.progress import told
from preserve.daemon.migration_watching import EVERY, MIGRATION_WATCH
from preserve.daemon.works import Shift
from preserve.model.duties import Ending
from preserve.model.nouns import Act
from preserve.settings.home import existing
from tests.governing.service import Service

WHY = ("--reason", "a new version is to be tried")


@pytest.fixture
def approved(service: Service) -> Service:
    service.planned()
    service.piloted()
    service.approved()
    return service


@pytest.fixture
def shift(approved: Service) -> Iterator[Shift]:
    """A turn of the runner, under nobody's policy."""
    home = existing(str(approved.program.folder / "home"))
    with told() as progress, compose.workplace(home, Act("runner", "its turn"), progress) as workplace:
        yield Shift(home, workplace, {})


def watch(shift: Shift) -> None:
    shift.workplace.books.clear_progress("migration watch")
    (duty,) = MIGRATION_WATCH.derive(shift, shift.now())
    assert duty.is_due(shift.now())
    assert MIGRATION_WATCH.do(shift, duty).ending is Ending.DONE


def change(alive: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    """Have programs of this machine come in other versions."""
    now = {**alive, **versions}
    monkeypatch.setattr(
        "preserve.formats.readers.readers_alive",
        lambda asked, work: {each.id: now[each.id] for each in asked if now.get(each.id)},
    )


def test_approvals_are_looked_at_each_day_and_nothing_is_told_while_they_hold(shift: Shift) -> None:
    watch(shift)
    assert list(shift.workplace.books.incidents()) == []
    (again,) = MIGRATION_WATCH.derive(shift, shift.now())
    assert not again.is_due(shift.now())
    assert again.is_due(shift.now() + EVERY)


def test_a_tool_that_vanished_is_an_incident_until_it_is_approved_again(
    shift: Shift, approved: Service, alive: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    change(alive, monkeypatch, libreoffice="")
    watch(shift)
    watch(shift)
    (incident,) = shift.workplace.books.incidents()
    assert incident.subject == "migration 1"
    assert "is not on this machine any more" in incident.what
    told = approved.ask("status", code=Exit.FINDINGS)
    assert [each["kind"] for each in told["incidents"]] == ["migration reopened"]
    assert [wait["for"] for each in told["migrations"] for wait in each["waits"]] == [
        "a new pilot, for something changed"
    ]
    refused = approved.ask("incident", "close", incident.id, *WHY, code=Exit.REFUSED)
    assert "migrate list" in refused["error"]["message"]
    change(alive, monkeypatch, libreoffice="99.1")
    approved.piloted(libreoffice="99.1")
    approved.approved()
    assert list(shift.workplace.books.incidents()) == []


def test_an_incident_is_over_when_all_is_as_it_was_or_the_migration_is_withdrawn(
    shift: Shift, approved: Service, alive: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    change(alive, monkeypatch, libreoffice="99.1")
    watch(shift)
    change(alive, monkeypatch)
    watch(shift)
    assert list(shift.workplace.books.incidents()) == []
    change(alive, monkeypatch, libreoffice="99.1")
    watch(shift)
    approved.ask("migrate", "withdraw", "1", *WHY)
    assert list(shift.workplace.books.incidents()) == []
    assert list(MIGRATION_WATCH.derive(shift, shift.now())) == [], "nothing is left to watch"


def test_status_and_packages_say_what_waits_and_what_was_converted(approved: Service) -> None:
    told = approved.ask("status", code=Exit.FINDINGS)
    assert [each["waits"][0]["for"] for each in told["migrations"]] == ["somebody who runs it"]
    assert "migration 1 waits for somebody who runs it" in approved.program("status", code=Exit.FINDINGS)
    approved.ran()
    original, result = approved.package(0), approved.package(2)
    shown = approved.ask("package", "show", original)
    assert shown["converted_into"] == [{"package": result, "migration": 1, "in_force": True}]
    assert approved.ask("package", "show", result)["converted_from"][0]["package"] == original
    assert f"converted from {original} by migration 1" in approved.program("package", "show", result)
    assert f"→ {result}" in approved.program("package", "list")
    approved.ask("migrate", "rollback", "1", *WHY)
    assert f"({result})" in approved.program("package", "list")
    assert "which was rolled back" in approved.program("package", "show", original)
