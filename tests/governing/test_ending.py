"""Can what a migration made be taken back and put in force again, without anything being deleted?"""

from __future__ import annotations

from typing import Any

import pytest

from preserve.cli.exits import Exit
from preserve.model import migration_events
from preserve.model.migrations import PackageDone
from preserve.model.nouns import Act
from tests.governing.service import AT, SEEN, Service

WHY = ("--reason", "the court wants the original")


@pytest.fixture
def ran(service: Service) -> Service:
    """The first package is converted into the last; the second is due."""
    service.planned()
    service.piloted()
    service.approved()
    service.ran(undecided=1)
    return service


def in_force(service: Service) -> bool:
    with service.books() as books:
        (version,) = books.migrated(service.package(0)).into
        return version.is_in_force


def test_what_is_rolled_back_is_not_in_force_and_nothing_is_deleted(ran: Service) -> None:
    told = ran.ask("migrate", "rollback", "1", "--package", ran.package(0), *WHY)
    assert (told["state"], in_force(ran)) == ("running", False)
    said = ran.program("migrate", "reinstate", "1", "--package", ran.package(0), *WHY)
    assert f"about package {ran.package(0)} alone" in said
    assert in_force(ran)
    said = ran.program("migrate", "rollback", "1", *WHY)
    assert "Nothing was deleted" in said
    assert not in_force(ran)
    with ran.books() as books:
        assert books.has_package(ran.package(0))
        assert books.has_package(ran.package(2))
    assert ran.ask("migrate", "reinstate", "1", *WHY)["state"] == "paused"
    assert in_force(ran)


def test_formats_of_which_all_have_a_version_in_force_ask_for_nothing_more(ran: Service) -> None:
    def word() -> Any:
        return next(
            each for each in ran.ask("format", "risk", code=Exit.FINDINGS)["formats"] if each["puid"] == "fmt/40"
        )

    assert (word()["files"], word()["files_converted"]) == (4, 3)
    assert "migration 1 of such files is running" in word()["what_to_do"]
    act = Act("丁", "the rest")
    done = PackageDone(1, ran.package(1), (ran.package(2),), SEEN, 0, "7" * 64)
    ran.record(migration_events.migrated(act, AT, done))
    assert word()["files_converted"] == 4
    assert "nothing more" in word()["what_to_do"]
    ran.ask("migrate", "rollback", "1", *WHY)
    assert "plan a migration" in word()["what_to_do"]


def test_withdrawing_ends_it_and_what_it_made_stays_in_force(ran: Service) -> None:
    said = ran.program("migrate", "withdraw", "1", *WHY)
    assert "preserve migrate rollback 1" in said
    assert in_force(ran)
    told = ran.ask("migrate", "withdraw", "1", *WHY, code=Exit.REFUSED)
    assert "migration 1 is withdrawn" in told["error"]["message"]
    assert ran.ask("migrate", "list")["migrations"][0]["state"] == "withdrawn"
    assert ran.ask("migrate", "verify", "1")["approvals"][0]["in_force"] is False
    assert "the migration is withdrawn, and nothing runs under it" in ran.program("migrate", "verify", "1")


def test_stopped_files_wait_for_a_person_until_somebody_decides(ran: Service) -> None:
    told = ran.ask("migrate", "list", code=Exit.FINDINGS)["migrations"][0]
    assert told["waits"] == [{"for": "decisions about stopped files", "count": 1}]


@pytest.mark.parametrize("verb", ["withdraw", "rollback", "reinstate"])
def test_each_of_them_wants_a_reason_and_a_migration(ran: Service, verb: str) -> None:
    assert "--reason" in ran.ask("migrate", verb, "1", code=Exit.MISUSED)["error"]["message"]
    assert "no migration 2" in ran.ask("migrate", verb, "2", *WHY, code=Exit.REFUSED)["error"]["message"]


def test_nothing_is_rolled_back_of_which_nothing_was_made(ran: Service) -> None:
    told = ran.ask("migrate", "rollback", "1", "--package", ran.package(1), *WHY, code=Exit.REFUSED)
    assert "nothing was made of package" in told["error"]["message"]
