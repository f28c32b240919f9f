"""Is it said what a disk is that somebody found in a drawer?"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from preserve.cli.exits import Exit
from preserve.errors import Away, Misused
from preserve.packages.carriers.mounts import folder_of, mounted_at
from tests.media.conftest import Shelf


def asked(shelf: Shelf, place: Path, code: Exit) -> Any:
    return shelf.ask("medium", "recognise", place, code=code)


def test_a_medium_in_its_place_is_ours_with_its_number(shelf: Shelf) -> None:
    place = shelf.medium("0001")
    shelf.ingest()
    found = asked(shelf, place, Exit.WELL)
    assert (found["nature"], found["medium"]["medium"], found["expected"]) == ("ours", "0001", "0001")
    assert found["free_bytes"] > 0 and not found["wrong"]


def test_mounted_elsewhere_it_is_ours_and_beside_itself_a_duplicate(shelf: Shelf) -> None:
    place = shelf.medium("0001")
    elsewhere = shelf.folder / "elsewhere"
    shutil.copytree(place, elsewhere)
    assert asked(shelf, elsewhere, Exit.FINDINGS)["nature"] == "duplicate"
    shelf.unmount(place)
    assert asked(shelf, elsewhere, Exit.WELL)["nature"] == "ours"


def test_an_older_copy_is_told_from_the_medium_itself(shelf: Shelf) -> None:
    place = shelf.medium("0001")
    shelf.ingest()
    clone = shelf.folder / "clone"
    shutil.copytree(place, clone)
    shelf.ingest("more", "another record")
    shelf("medium", "label", "0001")
    shelf.swap(place, clone)
    found = asked(shelf, place, Exit.FINDINGS)
    assert found["nature"] == "older copy" and "label 1 is not on it" in found["why"]


def test_a_store_that_lost_its_store_json_is_known_for_one_and_founded_anew_by_nobody(shelf: Shelf) -> None:
    """Whose it is its ledger tells, which one it is its label; a new store laid over it would take its packages."""
    place = shelf.medium("0001")
    shelf.ingest()
    found_elsewhere = shelf.folder / "found-in-a-drawer"
    shelf.unmount(place).rename(found_elsewhere)
    (found_elsewhere / "store.json").unlink()
    before = shelf.objects(found_elsewhere)
    found = asked(shelf, found_elsewhere, Exit.FINDINGS)
    assert (found["nature"], found["may_be"]) == ("nameless", ["0001"])
    said = shelf("medium", "recognise", found_elsewhere, code=Exit.FINDINGS)
    assert "store.json is lost" in said and "preserve store mend" in said
    add = ("store", "add", "new", "--role", "remote_offline", "--url", found_elsewhere.as_uri())
    shelf.refuses("is a store whose store.json is lost", *add)
    other = ("--home", str(shelf.folder / "other"))
    shelf(*other, "init")
    shelf.refuses("a store of another home .* whose store.json is lost", *other, *add)
    assert shelf.ask(*other, "medium", "recognise", found_elsewhere, code=Exit.FINDINGS)["nature"] == "another home's"
    new_home = ("--home", str(shelf.folder / "new"), "rebuild", "--from", found_elsewhere)
    shelf.refuses("has lost its store.json; give the name on its label .* 0001", *new_home)
    assert shelf.objects(found_elsewhere) == before, "nothing was written to it"
    found_elsewhere.rename(place)
    shelf("store", "mend", "0001")
    assert asked(shelf, place, Exit.WELL)["nature"] == "ours"


def test_a_store_whose_ledger_is_gone_too_is_known_by_its_packages(shelf: Shelf) -> None:
    place = shelf.medium("0001")
    shelf.ingest()
    found = shelf.unmount(place)
    (found / "store.json").unlink()
    shutil.rmtree(found / "ledger")
    assert asked(shelf, found, Exit.FINDINGS)["nature"] == "nameless"
    add = ("store", "add", "new", "--role", "remote_offline", "--url", found.as_uri())
    shelf.refuses("store.json is lost", *add)
    shutil.rmtree(found / "packages")
    assert asked(shelf, found, Exit.FINDINGS)["nature"] == "foreign"
    shelf(*add)


def test_what_the_books_say_of_seal_and_custody_is_said(shelf: Shelf) -> None:
    place = shelf.medium("0001", "--place", "县馆B 3号架")
    shelf("medium", "check-out", "0001", "--to", "张三", "--seal", "S-17")
    assert asked(shelf, place, Exit.FINDINGS)["medium"]["seal"] == "S-17"
    assert "out with 张三 under seal S-17" in shelf("medium", "recognise", place, code=Exit.FINDINGS)
    shelf("medium", "check-in", "0001", "--seal", "S-17", "--sealed")
    assert "县馆B 3号架 under seal S-17" in shelf("medium", "recognise", place, code=Exit.FINDINGS)


def test_the_wrong_medium_in_a_place_is_named_with_the_right_one(shelf: Shelf) -> None:
    first, second = shelf.medium("0001"), shelf.medium("0002")
    away = shelf.unmount(first)
    shelf.swap(second, away)
    shutil.rmtree(away)
    found = asked(shelf, second, Exit.FINDINGS)
    assert (found["wrong"], found["medium"]["medium"], found["expected"]) == (True, "0001", "0002")


def test_what_is_not_ours_is_told_apart(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    place = shelf.medium("0001")
    foreign, empty = shelf.folder / "foreign", shelf.folder / "empty"
    foreign.mkdir()
    empty.mkdir()
    (foreign / "holiday.jpg").write_bytes(b"jpg")
    assert asked(shelf, foreign, Exit.FINDINGS)["nature"] == "foreign"
    assert asked(shelf, empty, Exit.FINDINGS)["nature"] == "empty"
    (foreign / "store.json").write_bytes(b"{}")
    assert asked(shelf, foreign, Exit.FINDINGS)["nature"] == "foreign"
    monkeypatch.setenv("PRESERVE_HOME", str(shelf.folder / "other home"))
    shelf.ask("init")
    found = asked(shelf, place, Exit.FINDINGS)
    assert found["nature"] == "another home's" and found["store"] == "0001"


def test_what_was_replaced_is_told_with_its_successor(shelf: Shelf) -> None:
    old, _ = shelf.medium("0001"), shelf.medium("0002")
    shelf.ingest()
    persons = ("--approved-by", "a", "--actor", "b", "--checked-by", "c")
    shelf("medium", "refresh", "0001", "--to", "0002", "--basis", "plan", *persons)
    found = asked(shelf, old, Exit.FINDINGS)
    assert (found["nature"], found["medium"]["refreshed_into"]) == ("out of use", "0002")


def test_one_that_is_pulled_out_half_way_is_neither_empty_nor_foreign(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = shelf.medium("0001")
    scandir = os.scandir

    def failing(path: Any = ".") -> Any:
        if Path(os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ".") == place:
            raise OSError(5, "Input/output error")
        return scandir(path)

    monkeypatch.setattr("preserve.operations.recognise_medium.os.scandir", failing)
    found = asked(shelf, place, Exit.UNAVAILABLE)
    assert (found["nature"], found["expected"]) == ("unreadable", "0001")


def test_read_only_and_full_are_said(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        f_flag, f_bavail, f_frsize = os.ST_RDONLY, 1, 4096

    place = shelf.medium("0001")
    monkeypatch.setattr("preserve.operations.recognise_medium.os.statvfs", lambda path: Full)
    found = asked(shelf, place, Exit.WELL)
    assert found["read_only"] and found["full"]


def test_nothing_is_written_or_booked(shelf: Shelf) -> None:
    place = shelf.medium("0001")
    before, size = shelf.objects(place), shelf.told("ledger", "verify")["size"]
    asked(shelf, place, Exit.WELL)
    assert shelf.objects(place) == before and shelf.told("ledger", "verify")["size"] == size


def test_a_device_is_found_where_it_is_mounted(tmp_path: Path) -> None:
    listed = (
        "36 35 8:17 / /mnt/a\\040disk ro,noatime shared:1 - ext4 /dev/sdb1 ro\n"
        "37 35 8:17 /sub /mnt/part rw - ext4 /dev/sdb1 rw\n"
    )
    assert mounted_at("8:17", listed) == Path("/mnt/a disk")
    assert mounted_at("8:1", listed) is None
    (tmp_path / "file").touch()
    with pytest.raises(Misused, match="neither a folder nor a disk"):
        folder_of(tmp_path / "file")
    with pytest.raises(Away, match="plug it in"):
        folder_of(tmp_path / "sdz1")
