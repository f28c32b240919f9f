"""Are media looked at in their turn, carrier and data apart, and is what failed followed up?"""

from __future__ import annotations

import pytest

from preserve.cli.exits import Exit
from preserve.state.books import Books
from preserve.state.verification import verify_books
from tests.media.conftest import Shelf
from tests.packages.building import flip


def test_an_inspection_books_the_carrier_and_the_data_apart(shelf: Shelf) -> None:
    shelf.medium("0001")
    shelf.ingest()
    (good,) = shelf.ask("medium", "inspect", "0001", "--condition", "good")["inspected"]
    assert (good["passed"], good["data_readability"], good["fixity"], good["copies"]) == (True, "passed", "passed", 1)
    # 条例 §41: a scratched disc that still reads has one answer of each kind.
    (worn,) = shelf.ask("medium", "inspect", "0001", "--condition", "worn", code=Exit.FINDINGS)["inspected"]
    assert (worn["passed"], worn["carrier_condition"], worn["data_readability"]) == (False, "worn", "passed")
    shown = shelf.ask("medium", "show", "0001")
    assert [each["passed"] for each in shown["inspections"]] == [True, False]
    assert shown["inspection_passed"] is False


def test_rot_and_loss_are_told_apart(shelf: Shelf) -> None:
    place = shelf.medium("0001")
    package = shelf.ingest()
    bag = place / "packages" / package[-2:] / package / "bag.tar"
    flip(bag, 2000)
    (rotten,) = shelf.ask("medium", "inspect", "0001", code=Exit.FINDINGS)["inspected"]
    assert (rotten["data_readability"], rotten["fixity"], rotten["not_sound"]) == ("passed", "failed", 1)
    assert rotten["findings"][0]["condition"] == "damaged"
    shelf("repair")
    (mended,) = shelf.ask("medium", "inspect", "0001")["inspected"]
    assert mended["passed"]
    for part in bag.parent.iterdir():
        part.unlink()
    (gone,) = shelf.ask("medium", "inspect", "0001", code=Exit.FINDINGS)["inspected"]
    assert (gone["data_readability"], gone["fixity"]) == ("failed", "passed")


def test_a_full_inspection_ends_what_a_broken_seal_began(shelf: Shelf) -> None:
    shelf.medium("0001")
    package = shelf.ingest()
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    shelf("medium", "check-in", "0001", "--seal", "S-1", "--broken", code=Exit.FINDINGS)
    assert shelf.states("0001") == {package: "suspect"}
    shelf("medium", "inspect", "0001")
    assert shelf.states("0001") == {package: "verified"}
    assert shelf.incidents() == []


def test_only_what_is_at_hand_is_inspected_and_the_others_are_not_forgotten(shelf: Shelf) -> None:
    first, _ = shelf.medium("0001"), shelf.medium("0002")
    shelf.ingest()  # on the one that comes first
    shelf.unmount(first)
    shelf.ingest("more", "another record")
    said = shelf.ask("medium", "inspect", "0001", "0002", code=Exit.UNAVAILABLE)
    assert [each["medium"] for each in said["inspected"]] == ["0002"]
    assert [each["medium"] for each in said["not_looked_at"]] == ["0001"]
    assert shelf.ask("medium", "show", "0001")["inspections"] == []
    shelf("medium", "check-out", "0002", "--to", "张三", "--seal", "S-1")
    shelf.refuses("is not at hand", "medium", "inspect", "0002")
    shelf.refuses("name the media", "medium", "inspect", code=Exit.MISUSED)
    shelf.refuses("no medium 0009", "medium", "inspect", "0009")


@pytest.mark.parametrize("level", ["full", "sample"])
def test_where_nothing_was_read_nothing_has_passed(shelf: Shelf, level: str) -> None:
    shelf.medium("0001")
    inspect = ("medium", "inspect", "0001", "--level", level, "--condition")
    (empty,) = shelf.ask(*inspect, "good", code=Exit.UNAVAILABLE)["inspected"]
    assert (empty["passed"], empty["data_readability"], empty["fixity"]) == (False, "not checked", "not checked")
    assert shelf.ask("medium", "show", "0001")["inspection_passed"] is None
    assert "neither passed nor failed" in shelf(*inspect, "good", code=Exit.UNAVAILABLE)
    (worn,) = shelf.ask(*inspect, "worn", code=Exit.FINDINGS)["inspected"]
    assert (worn["data_readability"], worn["fixity"]) == ("not checked", "not checked")
    assert shelf.ask("medium", "show", "0001")["inspection_passed"] is False


def test_a_carrier_that_is_broken_and_cannot_be_mounted_is_booked_so(shelf: Shelf) -> None:
    shelf.unmount(shelf.medium("0001"))
    (broken,) = shelf.ask("medium", "inspect", "0001", "--condition", "broken", code=Exit.FINDINGS)["inspected"]
    assert (broken["data_readability"], broken["fixity"], broken["run"]) == ("not checked", "not checked", None)


def test_an_inspection_ended_by_its_budget_books_nothing_and_goes_on(shelf: Shelf) -> None:
    shelf.medium("0001")
    shelf.ingest()
    shelf.ingest("more", "another record")
    said = shelf.ask("medium", "inspect", "0001", "--budget", "1KiB", code=Exit.UNAVAILABLE)
    assert not said["inspected"][0]["booked"]
    assert shelf.ask("medium", "inspect", "0001")["inspected"][0]["passed"]


def test_what_was_read_before_a_medium_left_is_read_again_when_it_is_back(shelf: Shelf) -> None:
    shelf.medium("0001")
    packages = {shelf.ingest(), shelf.ingest("more", "another record")}
    shelf.ask("medium", "inspect", "0001", "--budget", "1KiB", code=Exit.UNAVAILABLE)
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    shelf("medium", "check-in", "0001", "--seal", "S-1", "--broken", code=Exit.FINDINGS)
    assert set(shelf.states("0001").values()) == {"suspect"}
    assert shelf.ask("medium", "inspect", "0001")["inspected"][0]["passed"]
    assert shelf.states("0001") == dict.fromkeys(packages, "verified")


def test_media_have_their_turn_and_one_that_fails_brings_its_batch(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {number: shelf.medium(number, "--batch", "2026-1") for number in ("0001", "0002", "0003", "0004")}
    package = shelf.ingest()
    assert shelf.ask("medium", "list", "--due")["due"] == []
    assert "No medium is due" in shelf("medium", "inspect", "--due")
    shelf.pass_days(monkeypatch, 740)
    due = shelf.ask("medium", "list", "--due", code=Exit.FINDINGS)["due"]
    inspections = [each for each in due if each["duty"] == "inspection"]
    assert [each["subject"] for each in inspections] == ["0001", "0002"]
    assert not any(each["verified"] for each in inspections)
    assert "[unverified]" in shelf("medium", "list", "--due", code=Exit.FINDINGS)
    flip(places["0001"] / "packages" / package[-2:] / package / "bag.tar", 2000)
    shelf.ask("medium", "inspect", "--due", code=Exit.FINDINGS)
    due = shelf.ask("medium", "list", "--due", code=Exit.FINDINGS)["due"]
    assert [each["subject"] for each in due if each["duty"] == "batch inspection"] == ["0003", "0004"]
    shelf.ask("medium", "watch")
    shelf.pass_days(monkeypatch, 31)
    late = shelf.ask("medium", "watch", code=Exit.FINDINGS)
    assert sorted(each["subject"] for each in late["incidents"]) == ["0003/due", "0004/due"]
    shelf.ask("medium", "inspect", "--due", code=Exit.UNAVAILABLE)  # they are empty: looked at, and nothing read
    assert shelf.ask("medium", "watch")["incidents"] == []
    assert shelf.incidents() == []


def test_a_medium_that_does_not_come_back_is_an_incident_until_it_does(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.medium("0001")
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    assert shelf.ask("medium", "watch")["incidents"] == []
    shelf.pass_days(monkeypatch, 8)
    (late,) = shelf.ask("medium", "watch", code=Exit.FINDINGS)["incidents"]
    assert "with 张三" in late["what"]
    assert shelf.ask("medium", "watch", code=Exit.FINDINGS)["incidents"] == [late]
    assert "with 张三" in shelf("status", code=Exit.FINDINGS)
    shelf("medium", "check-in", "0001", "--seal", "S-1")
    assert shelf.incidents() == []
    with Books.open(shelf.folder / "home") as books:
        assert verify_books(books).is_ok


def test_drives_are_tried_and_one_that_fails_does_not_count(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.medium("0001")
    shelf.pass_days(monkeypatch, 370)
    shelf("medium", "reader", "dock 1", "--kind", "hdd", "--fails")
    due = shelf.ask("medium", "list", "--due", code=Exit.FINDINGS)["due"]
    assert [each["subject"] for each in due if each["duty"] == "reader check"] == ["hdd"]
    shelf("medium", "reader", "dock 2", "--kind", "hdd", "--kind", "ssd")
    due = shelf.told("medium", "list", "--due")["due"]
    assert not [each for each in due if each["duty"] == "reader check"]


def test_a_hand_over_list_is_printed_and_says_what_was_not_read(shelf: Shelf) -> None:
    shelf.medium("0001", "--serial", "WD-1", "--copy-set", "C", "--keeper", "省档案馆 <A&B>")
    shelf.ingest()
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "封-0017", "--purpose", "inspect")
    page = shelf.folder / "list.html"
    short = shelf.ask("medium", "handover", "0001", "--to", page, code=Exit.FINDINGS)
    assert (short["inspected_well"], short["inspections_wanted"]) == (0, 1)
    text = page.read_text()
    assert all(wanted in text for wanted in ("电子档案备份数据清单", "封-0017", "WD-1", "写入后未检查", "移交人"))
    assert "http" not in text.replace("http://www.w3.org", "")
    shelf.refuses("is there already", "medium", "handover", "0001", "--to", page)
    shelf("medium", "check-in", "0001", "--seal", "封-0017")
    shelf("medium", "inspect", "0001", "--handover")
    enough = shelf.ask("medium", "handover", "0001", "--to", shelf.folder / "again.html")
    assert (enough["enough"], enough["packages"]) == (True, 1)
    assert "合格 passed" in (shelf.folder / "again.html").read_text()
