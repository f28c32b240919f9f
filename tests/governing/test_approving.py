"""Does nothing run that a second person did not accept, loss by loss, for what was tried?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from preserve import compose
from preserve.cli.exits import Exit
from preserve.model.formats.file_results import FileFate
from preserve.state import notes
from tests.governing.service import LOSSES, PLANNER, SEEN, TRIER, Service
from tests.state.bookkeeping import edit

ACCEPTED = [option for loss in LOSSES for option in ("--accept", loss)]
WHY = ("--reason", "the originals are kept")


@pytest.fixture
def piloted(service: Service) -> Service:
    service.planned()
    service.piloted()
    return service


def refused(service: Service, *options: str, code: Exit = Exit.REFUSED) -> str:
    told = service.ask("migrate", "approve", "1", "--pathway", "doc-to-pdfa2b", *options, code=code)
    return str(told["error"]["message"])


def test_a_second_person_accepts_each_loss_by_name_and_it_is_signed(piloted: Service) -> None:
    told = piloted.ask(
        "migrate", "approve", "1", "--pathway", "doc-to-pdfa2b", *ACCEPTED[2:], "--accept",
        "fonts-substituted=the look may differ", "--actor", "丙", *WHY,
    )  # fmt: skip
    assert told["accepted"]["fonts-substituted"] == "the look may differ"
    assert told["accepted"]["comments-dropped"] == "the originals are kept"
    assert set(told["accepted"]) == set(LOSSES)
    assert [each["declared"] for each in told["seen"]["losses"]] == ["comments-dropped"]
    with piloted.books() as books:
        note = notes.parse(told["note"].encode())
        assert note.is_signed_by(notes.parse_verifier_key(books.verifier_keys()[-1].verifier_key))
    status = piloted.ask("migrate", "status", "1", code=Exit.FINDINGS)
    assert (status["state"], status["approval"]["approver"]) == ("approved", "丙")
    assert [each["for"] for each in status["waits"]] == ["somebody who runs it"]


def test_a_loss_that_is_not_accepted_or_not_declared_is_refused(piloted: Service) -> None:
    assert "not accepted are: fonts-substituted" in refused(piloted, *ACCEPTED[2:], "--actor", "丙", *WHY)
    assert "declares no loss invented" in refused(
        piloted, *ACCEPTED, "--accept", "invented", "--actor", "丙", *WHY, code=Exit.MISUSED
    )
    assert piloted.ask("migrate", "status", "1", code=Exit.FINDINGS)["approval"] is None


@pytest.mark.parametrize(
    ("person", "says"),
    [
        (PLANNER, "planned migration"),
        (f" {TRIER} ", "held the pilot"),
        (f"{PLANNER}\u200b", "planned migration"),
        (f"{TRIER}\u3000", "held the pilot"),
    ],
)
def test_who_planned_or_tried_it_cannot_approve_it(piloted: Service, person: str, says: str) -> None:
    assert says in refused(piloted, *ACCEPTED, "--actor", person, *WHY)


def test_who_ran_it_cannot_approve_it_when_it_was_tried_again(piloted: Service) -> None:
    piloted.approved()
    piloted.ran()
    piloted.piloted()
    assert "丁 ran migration 1" in refused(piloted, *ACCEPTED, "--actor", " 丁", *WHY)


def test_an_approval_wants_a_reason_and_a_pilot_of_that_pathway_in_which_something_passed(service: Service) -> None:
    assert "--reason" in refused(service, *ACCEPTED, "--actor", "丙", code=Exit.MISUSED)
    service.planned()
    assert "was not tried yet" in refused(service, *ACCEPTED, "--actor", "丙", *WHY)
    service.piloted(seen=replace(SEEN, fates={FileFate.STOPPED: 10}))
    assert "no file passed" in refused(service, *ACCEPTED, "--actor", "丙", *WHY)
    told = service.ask("migrate", "approve", "1", "--pathway", "tiff-to-png", "--actor", "丙", *WHY, code=Exit.REFUSED)
    assert "did not try the pathway tiff-to-png" in told["error"]["message"]


def test_what_changed_since_the_pilot_has_to_be_tried_again_first(service: Service) -> None:
    service.planned()
    service.piloted(libreoffice="1.0")
    assert "libreoffice was 1.0 then" in refused(service, *ACCEPTED, "--actor", "丙", *WHY)


def test_an_approval_that_was_edited_in_the_books_is_found_out(piloted: Service) -> None:
    piloted.approved()
    told = piloted.ask("migrate", "verify", "1")
    assert (told["ok"], told["approvals"][0]["in_force"]) == (True, True)
    assert "and in force" in piloted.program("migrate", "verify", "1")
    home = piloted.program.folder / "home"
    edit(home, "UPDATE migration_approval SET approved_by = ?", PLANNER)
    told = piloted.ask("migrate", "verify", "1", code=Exit.TAMPERED)
    assert "something else than the books" in told["error"]["message"]


def test_nothing_runs_under_an_approval_that_was_edited_in_the_books(piloted: Service) -> None:
    piloted.approved()
    edit(piloted.program.folder / "home", "UPDATE migration_approval SET approved_by = ?", "己")
    run = ("migrate", "run", "1", "--actor", "丙", "--auditor", "戊", *WHY)  # who approved it
    told = piloted.ask(*run, code=Exit.TAMPERED)
    assert "something else than the books" in told["error"]["message"]


def test_an_approval_that_no_key_of_the_ledger_signed_is_found_out(piloted: Service) -> None:
    told = piloted.approved()
    home = piloted.program.folder / "home"
    edit(home, "UPDATE migration_approval SET note = ?", told["note"].replace("丙", PLANNER))
    assert "no key of the ledger" in piloted.ask("migrate", "verify", "1", code=Exit.TAMPERED)["error"]["message"]


def test_a_later_pilot_takes_the_place_of_an_approval(piloted: Service) -> None:
    piloted.approved()
    piloted.piloted()
    status = piloted.ask("migrate", "status", "1", code=Exit.FINDINGS)
    assert (status["state"], status["approval"]) == ("piloted", None)
    assert piloted.ask("migrate", "verify", "1")["approvals"][0]["in_force"] is False


def test_a_tool_that_changes_makes_the_approval_void(piloted: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    piloted.approved()
    changed = {"libreoffice": "99.1"}
    monkeypatch.setattr("preserve.compose.migrations.programs_alive", lambda register, programs: changed)
    told = piloted.ask("migrate", "list", code=Exit.FINDINGS)["migrations"][0]
    assert {each["cause"] for each in told["void"]} >= {"a tool changed"}
    assert [each["for"] for each in told["waits"]] == ["a new pilot, for something changed"]
    said = piloted.program("migrate", "list", code=Exit.FINDINGS)
    assert "the approval is void: libreoffice was" in said


def test_what_a_pilot_saw_is_told_with_the_weights_that_would_turn_it(piloted: Service) -> None:
    pilot = piloted.ask("migrate", "status", "1", code=Exit.FINDINGS)["pilot"]
    assert [each["pathway"] for each in pilot["ranking"]] == ["doc-to-pdfa2b", "doc-to-docx"]
    said = piloted.program("migrate", "status", "1", code=Exit.FINDINGS)
    assert "not verified against a standard" in said
    assert "waits for the approval of somebody other than 甲 and than who tried it" in said


def test_versions_of_programs_are_those_of_this_machine(piloted: Service) -> None:
    told = piloted.approved()
    register = compose.format_register()
    assert told["tools"] == compose.programs_alive(register, told["tools"])
