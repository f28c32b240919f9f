"""Is it known at any time who has a medium, and is what comes back looked at before it is relied on?"""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preserve.cli.exits import Exit
from preserve.state.books import Books
from preserve.state.verification import verify_books
from tests.media.conftest import Shelf


def test_a_medium_is_known_by_what_people_say_of_it(shelf: Shelf) -> None:
    shelf.medium("0001", "--serial", "WD-7", "--batch", "2026-1", "--capacity", "4TB", "--copy-set", "C")
    shown = shelf.ask("medium", "add", "0001", "--place", "兰州库 3-2-1", "--keeper", "省档案馆")
    assert (shown["serial"], shown["place"], shown["capacity_bytes"]) == ("WD-7", "兰州库 3-2-1", 4 * 10**12)
    (listed,) = shelf.ask("medium", "list")["media"]
    assert (listed["store"], listed["custody"], listed["copy_set"]) == ("0001", "at hand", "C")


def test_a_number_stands_for_one_store_and_a_store_for_one_number(shelf: Shelf) -> None:
    shelf.medium("0001")
    shelf.refuses("store 0001 is medium 0001 already", "medium", "add", "0002", "--kind", "hdd", "--store", "0001")
    shelf.refuses("0001 is registered already, as store 0001", "medium", "add", "0001", "--store", "near")
    shelf.refuses("no store 0009", "medium", "add", "0009", "--kind", "hdd")
    shelf.refuses("cannot be the number", "medium", "add", "a b", "--kind", "hdd", "--store", "near", code=Exit.MISUSED)
    shelf.refuses("no medium 0003", "medium", "show", "0003")


def test_the_label_is_checked_with_other_peoples_programs_alone(shelf: Shelf) -> None:
    place = shelf.medium("0001", "--copy-set", "C", "--keeper", "省档案馆")
    package = shelf.ingest()
    said = shelf("medium", "label", "0001")
    assert "套别 Copy set: C 异地保存 off-site" in said and "保管单位 Kept by: 省档案馆" in said
    listed = (place / "medium" / "list-000001.sha256").read_text()
    assert package in listed
    subprocess.run(["sha256sum", "--check", "--strict", "medium/list-000001.sha256"], cwd=place, check=True)
    (key,) = (place / "medium").glob("key-*.pem")
    label, signature = place / "medium" / "label-000001.txt", place / "medium" / "label-000001.sig"
    verify: list[str | Path] = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        key,
        "-rawin",
        "-in",
        label,
        "-sigfile",
        signature,
    ]
    assert subprocess.run(verify, check=False, capture_output=True).returncode == 0
    label.write_text(label.read_text().replace("0001", "0002", 1))
    assert subprocess.run(verify, check=False, capture_output=True).returncode != 0


def test_a_medium_that_nobody_inspected_since_it_was_written_leaves_with_a_warning(shelf: Shelf) -> None:
    def leaving(number: str) -> list[str]:
        reasons: list[str] = shelf.ask("medium", "check-out", number, "--to", "Li", "--seal", "S")["unlooked"]
        shelf.ask("medium", "check-in", number, "--seal", "S")
        return reasons

    place = shelf.medium("0001")
    assert leaving("0001") == [], "nothing is on it"
    shelf.ingest()
    (reason,) = leaving("0001")
    assert "nobody has inspected it since it was last written" in reason
    said = shelf("medium", "check-out", "0001", "--to", "Li", "--seal", "S")
    assert "warning: medium 0001 leaves, and should not be relied on yet: nobody has inspected it" in said
    assert "preserve medium inspect 0001" in said
    shelf("medium", "check-in", "0001", "--seal", "S")
    shelf("medium", "inspect", "0001", "--condition", "good")
    assert leaving("0001") == []
    shelf.ingest("more", "another record")
    assert leaving("0001"), "what was written after the inspection nobody has looked at"
    bag = next(place.glob("packages/*/*/bag.tar"))
    bag.write_bytes(bag.read_bytes()[:-1] + b"x")
    shelf("medium", "inspect", "0001", "--condition", "good", code=Exit.FINDINGS)
    assert any("its last inspection failed" in each for each in leaving("0001"))


def test_a_label_says_what_the_records_have_in_common(shelf: Shelf) -> None:
    shelf.medium("0001", "--copy-set", "A")
    source = shelf.folder / "dossier"
    source.mkdir()
    (source / "a.txt").write_text("a record")
    table = shelf.folder / "metadata.csv"
    table.write_text("档号,题名,全宗,门类,保管期限,密级,路径\n0001-WS·2024-永久-0001,请示,0001,WS,永久,内部,a.txt\n")
    shelf("ingest", source, "--metadata", table)
    said = shelf("medium", "label", "0001")
    for wanted in ("Fonds: 0001", "Category: WS", "Classification: 内部 internal", "Retention: 永久 permanent"):
        assert wanted in said
    assert "Archival codes: 0001-WS·2024-永久-0001 — 0001-WS·2024-永久-0001" in said
    shelf.ingest("bare")
    assert "Fonds: 0001, 多种或未著录 mixed, or not described" in shelf("medium", "label", "0001")


def test_what_an_interrupted_labelling_left_is_passed_over(shelf: Shelf) -> None:
    place = shelf.medium("0001")
    (place / "medium").mkdir()
    (place / "medium" / "label-000001.txt").write_text("half a label")
    assert shelf.ask("medium", "label", "0001")["label"] == 2
    assert (place / "medium" / "label-000001.txt").read_text() == "half a label"
    shelf("audit", "--store", "0001")


def test_an_audit_finds_a_label_that_was_altered_and_a_new_label_ends_that(shelf: Shelf) -> None:
    place = shelf.medium("0001")
    shelf.ingest()
    shelf("medium", "label", "0001")
    shelf("audit", "--store", "0001")
    for name, condition in (("label-000001.txt", "damaged"), ("list-000001.sha256", "damaged")):
        file = place / "medium" / name
        sound = file.read_bytes()
        file.write_bytes(sound[:-2] + b"x\n")
        found = shelf.ask("audit", "--store", "0001", code=Exit.FINDINGS)["findings"]
        assert [(each["where"], each["condition"]) for each in found] == [(f"medium/{name}", condition)]
        file.write_bytes(sound)
        shelf("audit", "--store", "0001")
    (place / "medium" / "label-000001.sig").write_bytes(bytes(64))
    assert "another signature" in shelf("audit", "--store", "0001", code=Exit.FINDINGS)
    assert "preserve medium label 0001" in shelf("repair", code=Exit.FINDINGS)
    shelf("medium", "label", "0001")
    shelf("audit", "--store", "0001")


def test_nothing_is_written_to_a_medium_that_is_out_though_it_is_still_mounted(shelf: Shelf) -> None:
    place = shelf.medium("0001")
    shelf.ingest()
    out = shelf.ask("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1", "--due-back", "2030-01-31")
    assert (out["custody"], out["held_by"], out["labelled"]) == ("out", "张三", True)
    before = shelf.objects(place)
    package = shelf.ingest("more", "another record")
    assert package not in shelf.states("0001")
    shelf.refuses("is out, with 张三", "store", "check", "0001", code=Exit.UNAVAILABLE)
    shelf.refuses("is out, with 张三", "medium", "label", "0001", code=Exit.UNAVAILABLE)
    said = shelf("replicate", "--store", "0001", code=Exit.UNAVAILABLE)
    assert "is out, with 张三" in said
    shelf("audit", "--store", "0001")  # reading is nobody's harm
    assert shelf.objects(place) == before


def test_no_two_media_are_under_seals_of_one_number(shelf: Shelf) -> None:
    for number in ("0001", "0002"):
        shelf.medium(number)
    out = ["medium", "check-out"]
    shelf(*out, "0001", "--to", "张三", "--seal", "S-1")
    shelf.refuses("seal S-1 is on medium 0001", *out, "0002", "--to", "李四", "--seal", "S-1")
    assert shelf.ask("medium", "show", "0002")["custody"] == "at hand"
    shelf("medium", "check-in", "0001", "--seal", "S-1")
    shelf("medium", "check-out", "0002", "--to", "李四", "--seal", "S-1")  # it was opened, and is on no medium


def test_a_medium_that_is_out_with_no_day_named_is_nothing_to_see_to_before_it_is_late(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.medium("0001")
    shelf.medium("0002")
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    (due,) = shelf.ask("medium", "list", "--due")["due"]
    assert (due["duty"], due["late"]) == ("return", False)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    shelf("medium", "check-out", "0002", "--to", "张三", "--seal", "S-2", "--due-back", tomorrow)
    shelf.ask("medium", "list", "--due")
    shelf.pass_days(monkeypatch, 3)
    shelf.ask("medium", "list", "--due", code=Exit.FINDINGS)  # the day that was named is over
    shelf("medium", "check-in", "0002", "--seal", "S-2")
    shelf.ask("medium", "list", "--due")
    shelf.pass_days(monkeypatch, 60)
    shelf.ask("medium", "list", "--due", code=Exit.FINDINGS)


def test_a_medium_that_was_given_up_is_not_listed_as_out(shelf: Shelf) -> None:
    place = shelf.medium("0001")
    shelf.ingest()
    shelf("medium", "inspect", "0001", "--condition", "good")
    shelf("medium", "check-out", "0001", "--to", "Zhang San", "--seal", "S-1")
    shelf.unmount(place)
    shelf.told("store", "retire", "0001", "--lost", "--reason", "fell into the river")
    (listed,) = shelf.ask("medium", "list")["media"]
    assert listed["is_lost"] and listed["retired_at"]
    assert "given up as lost" in shelf("medium", "list")
    shown = shelf("medium", "show", "0001")
    assert "given up as lost" in shown and "fell into the river" in shown


def test_what_is_new_goes_to_the_medium_at_hand(shelf: Shelf) -> None:
    shelf.medium("0001")
    shelf.medium("0002")
    shelf.ask("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    package = shelf.ingest()
    assert shelf.states("0002") == {package: "verified"}


def test_media_on_one_shelf_of_which_each_package_has_one_share_no_fate(shelf: Shelf) -> None:
    """Each pair of disks on a shelf was a warning for ever: 'one event can take both copies', where there is one."""
    for number in ("0001", "0002"):
        shelf.medium(number, "--place", "兰州库 3-2-1", "--city", "兰州")
    shelf.ingest()
    assert shelf.told("status")["shared"] == []
    shelf("store", "set", "near", "--site", "兰州库 3-2-1")
    assert len(shelf.told("status")["shared"]) == 2, "the site of the primary store is that of either medium"


def test_a_medium_goes_to_its_place_and_comes_back_under_the_same_seal(shelf: Shelf) -> None:
    place = shelf.medium("0001")
    shelf.ingest()
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    away = shelf.unmount(place)
    stored = shelf.ask("medium", "check-in", "0001", "--seal", "S-1", "--sealed", "--place", "兰州库")
    assert (stored["custody"], stored["place"], stored["packages"]) == ("sealed", "兰州库", None)
    shelf.refuses("under seal S-1, not S-2", "medium", "check-out", "0001", "--to", "李四", "--seal", "S-2")
    assert not shelf.ask("medium", "check-out", "0001", "--to", "李四", "--seal", "S-1")["labelled"]
    shelf.refuses("is the medium mounted", "medium", "check-in", "0001", "--seal", "S-1", code=Exit.UNAVAILABLE)
    away.rename(place)
    back = shelf.ask("medium", "check-in", "0001", "--seal", "S-1", "--condition", "good")
    assert (back["custody"], back["packages"], back["packages_expected"]) == ("at hand", 1, 1)
    record = shelf.ask("medium", "show", "0001")["custody_record"]
    assert [(each["act"], each.get("to"), each["seal"]) for each in record] == [
        ("out", "张三", "S-1"), ("in", None, "S-1"), ("out", "李四", "S-1"), ("in", None, "S-1"),
    ]  # fmt: skip
    with Books.open(shelf.folder / "home") as books:
        assert verify_books(books).is_ok


@pytest.mark.parametrize(
    "found", [["--seal", "S-2"], ["--seal", "S-1", "--broken"], []], ids=["other", "broken", "none"]
)
def test_a_seal_that_is_not_as_it_left_makes_its_copies_suspect(shelf: Shelf, found: list[str]) -> None:
    shelf.medium("0001")
    package = shelf.ingest()
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    back = shelf.ask("medium", "check-in", "0001", *found, code=Exit.FINDINGS)
    assert (back["accepted"], back["made_suspect"]) == (True, 1)
    assert shelf.states("0001") == {package: "suspect"}
    assert "suspect until" in shelf.incidents()[0]
    assert shelf.told("status")["safe"] == 0


def test_a_clone_made_before_it_left_is_told_from_it_and_not_written(shelf: Shelf) -> None:
    place = shelf.medium("0001")
    shelf.ingest()
    clone = shelf.folder / "clone"
    shutil.copytree(place, clone)
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    shelf.swap(place, clone)
    back = shelf.ask("medium", "check-in", "0001", "--seal", "S-1", code=Exit.FINDINGS)
    assert (back["accepted"], back["custody"]) == (False, "out")
    assert "is an older copy of it" in shelf.incidents()[0]
    assert shelf.objects(place) == shelf.objects(clone)
    assert shelf.ask("medium", "check-in", "0001", "--seal", "S-1", "--certain", code=Exit.FINDINGS)["accepted"]


def test_a_medium_with_another_serial_number_is_not_checked_in(shelf: Shelf) -> None:
    shelf.medium("0001", "--serial", "WD-1")
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    back = shelf.ask("medium", "check-in", "0001", "--seal", "S-1", "--serial", "WD-2", code=Exit.FINDINGS)
    assert not back["accepted"]
    assert shelf.ask("medium", "check-in", "0001", "--seal", "S-1", "--serial", "WD-1", code=Exit.FINDINGS)["accepted"]


def test_another_medium_in_its_place_is_named(shelf: Shelf) -> None:
    place, other = shelf.medium("0001"), shelf.medium("0002")
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    shelf.swap(place, other)
    before = shelf.objects(place)
    shelf.refuses("holds another store, 0002", "medium", "check-in", "0001", "--seal", "S-1", code=Exit.UNAVAILABLE)
    assert shelf.objects(place) == before


def test_a_medium_from_which_something_was_taken_is_counted(shelf: Shelf) -> None:
    place = shelf.medium("0001")
    package = shelf.ingest()
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    (place / "packages" / package[-2:] / package / "receipt.json").unlink()
    back = shelf.ask("medium", "check-in", "0001", "--seal", "S-1", code=Exit.FINDINGS)
    assert (back["accepted"], back["packages"], back["packages_expected"]) == (True, 0, 1)
    assert "holds receipts of 0 packages" in shelf.incidents()[0]


def test_sets_are_lent_as_their_letters_allow(shelf: Shelf) -> None:
    for number, letter in (("0001", "A"), ("0002", "B"), ("0003", "C")):
        shelf.medium(number, "--copy-set", letter)
    lend = ["--to", "读者", "--seal", "S-1", "--purpose", "lend"]
    shelf.refuses("lent only where somebody allows it", "medium", "check-out", "0001", *lend)
    shelf("medium", "check-out", "0001", *lend, "--approved-by", "馆长")
    shelf("medium", "check-out", "0002", *lend, "--seal", "S-2")
    shelf.refuses("is never lent", "medium", "check-out", "0003", *lend, "--approved-by", "馆长")


def test_what_does_not_follow_is_refused(shelf: Shelf) -> None:
    shelf.medium("0001")
    shelf.refuses("was not checked out", "medium", "check-in", "0001", "--seal", "S-1")
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-1")
    shelf.refuses("is out already, with 张三", "medium", "check-out", "0001", "--to", "李四", "--seal", "S-1")
    day = ["--due-back", "tomorrow"]
    shelf.refuses("is no day", "medium", "check-out", "0001", "--to", "李四", "--seal", "S-1", *day, code=Exit.MISUSED)


def test_a_record_of_custody_is_never_blank_and_no_day_in_it_contradicts_itself(shelf: Shelf) -> None:
    """A seal with the number ' ' was booked, a return by 2020, and a disk that never grew old as it was new in 2999."""
    shelf.medium("0001")
    out = ["medium", "check-out", "0001"]
    shelf.refuses("number of the seal", *out, "--to", "张三", "--seal", " ", code=Exit.MISUSED)
    shelf.refuses("say who takes", *out, "--to", " ", "--seal", "S-1", code=Exit.MISUSED)
    shelf.refuses("that day is over", *out, "--to", "张三", "--seal", "S-1", "--due-back", "2020-01-01")
    shelf.refuses("still to come", "medium", "add", "0001", "--since", "2999-01-01", code=Exit.MISUSED)
    (medium,) = shelf.ask("medium", "list")["media"]
    assert medium["custody"] == "at hand" and medium["label"] is None
