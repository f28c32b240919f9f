"""Is it planned only what is endangered, along what fits, and with what it costs?"""

from __future__ import annotations

import pytest

from preserve.cli.exits import Exit
from preserve.model import identification_events, migration_events
from preserve.model.formats.settlements import Kind, Selection, Settlement, Word
from preserve.model.nouns import Act
from tests.governing.service import AT, SEEN, Service
from tests.state.bookkeeping import said_of


def test_what_should_be_migrated_is_proposed_with_its_losses_and_costs_and_nothing_is_booked(service: Service) -> None:
    told = service.ask("migrate", "plan")
    (proposal,) = told["proposals"]
    assert [each["puid"] for each in proposal["formats"]] == ["fmt/40", "fmt/609"]
    assert (proposal["packages"], proposal["files"], proposal["bytes"]) == (2, 6, 6000)
    assert [each["pathway"] for each in proposal["pathways"]] == ["doc-to-docx", "doc-to-pdfa2b"]
    pdf = proposal["pathways"][1]
    assert {each["id"] for each in pdf["losses"]} > {"fonts-substituted", "comments-dropped"}
    assert (pdf["growth_measured"], pdf["seconds"], pdf["price"]) == (False, None, None)
    assert pdf["room_bytes"] == {"main": 6000 * pdf["growth_percent"] // 100}
    assert service.ask("migrate", "list") == {"migrations": []}


def test_formats_that_no_pathway_converts_are_told_and_not_dropped(service: Service) -> None:
    told = service.ask("migrate", "plan", "--format", "fmt/40", "--format", "x-fmt/8", code=Exit.FINDINGS)
    assert [each["puid"] for each in told["unfit"]] == ["x-fmt/8"]
    said = service.program("migrate", "plan", "--format", "fmt/40", "--format", "x-fmt/8", code=Exit.FINDINGS)
    assert "No pathway converts these" in said
    assert "not known before the pilot" in said


def test_that_a_format_is_newer_is_no_ground(service: Service) -> None:
    told = service.ask("migrate", "plan", "--pathway", "text-gb18030-to-utf8", code=Exit.REFUSED)
    assert "no identified file" in told["error"]["message"]
    service.identified_again(2, {"fmt/353": 4})
    told = service.ask("migrate", "plan", "--format", "fmt/353", "--pathway", "tiff-to-jp2")
    assert (told["proposals"], [each["puid"] for each in told["groundless"]]) == ([], ["fmt/353"])
    told = service.ask("migrate", "plan", "--format", "fmt/353", "--pathway", "tiff-to-jp2", "--ground", "amount")
    assert told["proposals"][0]["grounds"] == ["amount"]
    refused = service.ask(
        "migrate", "plan", "--format", "fmt/353", "--pathway", "tiff-to-jp2", "--register", "--reason", "newer",
        code=Exit.REFUSED,
    )  # fmt: skip
    assert "nothing to register" in refused["error"]["message"]


def test_a_plan_is_registered_with_a_reason_and_once(service: Service) -> None:
    refused = service.ask("migrate", "plan", "--format", "fmt/40", "--register", code=Exit.MISUSED)
    assert "--reason" in refused["error"]["message"]
    assert service.planned()["registered"] == [1]
    (migration,) = service.ask("migrate", "list", code=Exit.FINDINGS)["migrations"]
    assert (migration["state"], migration["planned_by"], migration["packages"]) == ("planned", "甲", 2)
    assert [each["for"] for each in migration["waits"]] == ["a pilot"]
    again = service.ask("migrate", "plan", "--format", "fmt/40", "--register", "--reason", "again", code=Exit.REFUSED)
    assert "about some of the same files" in again["error"]["message"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--format", "word-95"), "neither a PUID"),
        (("--pathway", "doc-to-ofd"), "no pathway doc-to-ofd"),
        (("--policy", "other"), "no policy other"),
        (("--class", "WS"), "no policy is for records of the class WS"),
    ],
)
def test_names_that_nobody_knows_are_refused(service: Service, options: tuple[str, ...], says: str) -> None:
    assert says in service.ask("migrate", "plan", *options, code=Exit.MISUSED)["error"]["message"]


def test_formats_are_meant_by_their_risk_or_their_id_of_the_register_and_packages_narrow_them(
    service: Service,
) -> None:
    assert [each["title"] for each in service.ask("migrate", "plan", "--level", "high")["proposals"]]
    (proposal,) = service.ask("migrate", "plan", "--format", "word-97-2003", "--package", service.package(0))[
        "proposals"
    ]
    assert (proposal["scope"]["packages"], proposal["files"]) == ([service.package(0)], 3)
    assert [each["files"] for each in proposal["formats"]] == [3], "those of the package, not all that are held"


def test_a_ground_alone_says_not_what_is_to_be_converted(service: Service) -> None:
    service.identified_again(0, {"fmt/353": 1})
    service.identified_again(1, {"fmt/353": 1})
    said = service.ask("migrate", "plan", "--ground", "risk", code=Exit.REFUSED)["error"]["message"]
    assert said.startswith("--ground says why")


def test_room_and_time_follow_from_what_earlier_pilots_measured(service: Service) -> None:
    service.planned("--package", service.package(0))
    service.piloted()
    service.record(migration_events.migration_withdrawn(Act("x", "y"), AT, 1))
    pathways = service.ask("migrate", "plan", "--format", "fmt/40")["proposals"][0]["pathways"]
    assert [each["growth_percent"] for each in pathways] == [150, 150]
    assert [each["growth_measured"] for each in pathways] == [True, True]
    assert pathways[0]["room_bytes"] == {"main": 6000}
    assert [each["seconds"] for each in pathways] == [12, 12]
    assert pathways[0]["files_before"] == SEEN.files


def test_what_was_converted_is_not_planned_again_unless_it_is_asked_for(service: Service) -> None:
    service.planned()
    service.piloted()
    service.approved()
    service.ran()
    told = service.ask("migrate", "plan", "--format", "fmt/40")
    assert told["proposals"][0]["packages"] == 1
    assert service.ask("migrate", "plan", "--format", "fmt/40", "--again")["proposals"][0]["packages"] == 2


def test_a_plan_for_texts_says_who_told_the_encoding_of_which(service: Service) -> None:
    service.identified_again(0, {"x-fmt/111": 2})
    with service.books() as books:
        word = Word(frozenset(), None, "gb18030")
        kind = {Kind("x-fmt/111", ()): 2}
        said = Settlement("S-1", service.package(0), "", 2, Selection(None, None), kind, word)
        books.record(identification_events.formats_settled(Act("丁", "looked"), AT, said, said_of("x-fmt/111")))
    (proposal,) = service.ask("migrate", "plan", "--format", "x-fmt/111", "--ground", "risk")["proposals"]
    assert proposal["encodings_told"] == [{"encoding": "gb18030", "by": "丁", "packages": 1}]
    text = service.program("migrate", "plan", "--format", "x-fmt/111", "--ground", "risk")
    assert "as 丁 said of files of 1 package" in text
