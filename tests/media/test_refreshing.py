"""Is everything on the new medium, read twice, before the old one is out of use; and is nothing lost when it is not?"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from preserve.cli.exits import Exit
from preserve.state.books import Books
from preserve.state.verification import verify_books
from tests.media.conftest import Shelf
from tests.packages.building import flip

PERSONS = ["--basis", "DA/T 75-2019", "--approved-by", "甲", "--actor", "乙", "--checked-by", "丙"]


@pytest.fixture
def aged(shelf: Shelf) -> Shelf:
    """An old medium with two packages, and a new one."""
    shelf.medium("old")
    shelf.ingest()
    shelf.ingest("more", "another record")
    shelf.medium("new")
    return shelf


def bag(shelf: Shelf, number: str, package: str) -> Path:
    return shelf.folder / f"mnt-{number}" / "packages" / package[-2:] / package / "bag.tar"


def test_everything_goes_to_the_new_medium_and_the_old_one_is_kept_as_it_is(aged: Shelf) -> None:
    before = aged.states("old")
    held = aged.objects(aged.folder / "mnt-old")
    done = aged.ask("medium", "refresh", "old", "--to", "new", *PERSONS)
    assert (done["complete"], done["copied"], done["sound_on_old"], done["sound_on_new"]) == (True, 2, 2, 2)
    assert set(done["from"]) == {"old"}
    aged.refuses("was replaced by new already", "medium", "refresh", "old", "--to", "new", *PERSONS)
    assert aged.states("new") == before
    for package in before:
        assert bag(aged, "new", package).read_bytes() == bag(aged, "old", package).read_bytes()
    shown = aged.ask("medium", "show", "old")
    assert shown["refreshed_into"] == "new"
    (log,) = shown["refreshes"]
    assert (log["approver"], log["executor"], log["auditor"], log["active"]) == ("甲", "乙", "丙", True)
    assert log["ended_at"] and log["basis"] == "DA/T 75-2019"
    assert aged.told("status")["safe"] == 2
    after = aged.objects(aged.folder / "mnt-old")
    assert {key: after[key] for key in held} == held
    aged.refuses("no store old|was retired", "medium", "label", "old")
    aged.ask("medium", "check-out", "old", "--to", "库房", "--seal", "S-9")
    with Books.open(aged.folder / "home") as books:
        assert verify_books(books).is_ok


def test_what_was_open_about_a_medium_ends_when_it_is_refreshed_out_of_use(aged: Shelf) -> None:
    aged("medium", "check-out", "old", "--to", "张三", "--seal", "S-1")
    aged("medium", "check-in", "old", "--seal", "S-1", "--broken", code=Exit.FINDINGS)
    assert [each["subject"] for each in aged.told("status")["incidents"]] == ["old"]
    assert aged.ask("medium", "refresh", "old", "--to", "new", *PERSONS)["complete"]
    assert aged.told("status")["incidents"] == []
    with Books.open(aged.folder / "home") as books:
        assert verify_books(books).is_ok


def test_what_the_old_medium_no_longer_gives_soundly_comes_from_elsewhere(aged: Shelf) -> None:
    package = next(iter(aged.states("old")))
    sound = bag(aged, "old", package).read_bytes()
    flip(bag(aged, "old", package), 3000)
    done = aged.ask("medium", "refresh", "old", "--to", "new", "--trigger", "damage", *PERSONS)
    assert (done["complete"], done["sound_on_old"], done["sound_on_new"]) == (True, 1, 2)
    assert done["from"]["near"] > 0
    assert bag(aged, "new", package).read_bytes() == sound


def test_where_nobody_has_it_soundly_the_old_medium_stays_in_use(aged: Shelf) -> None:
    package = next(iter(aged.states("old")))
    shutil.rmtree(aged.folder / "near")
    flip(bag(aged, "old", package), 3000)
    refresh = ["medium", "refresh", "old", "--to", "new", *PERSONS]
    aged.refuses("these could not be asked: near", *refresh, code=Exit.UNAVAILABLE)
    assert aged.ask("medium", "show", "old")["refreshed_into"] is None
    assert set(aged.states("old")) >= set(aged.states("new"))


def test_rot_that_comes_after_the_copying_is_found_by_the_second_reading(
    aged: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    from preserve.operations import refresh_medium

    package = next(iter(aged.states("old")))
    copy_all = refresh_medium._copy_all

    def copy_and_rot(*arguments: object) -> object:
        taken = copy_all(*arguments)  # type: ignore[arg-type]
        flip(bag(aged, "new", package), 3000)
        return taken

    with monkeypatch.context() as patch:
        patch.setattr(refresh_medium, "_copy_all", copy_and_rot)
        failed = aged.ask("medium", "refresh", "old", "--to", "new", *PERSONS, code=Exit.FINDINGS)
    assert (failed["complete"], failed["sound_on_new"], failed["hold_until"]) == (False, 1, None)
    assert failed["findings"][0]["store"] == "new"
    assert aged.ask("medium", "show", "old")["refreshed_into"] is None
    aged("repair")
    assert aged.ask("medium", "refresh", "old", "--to", "new", *PERSONS)["complete"]


def test_a_refresh_that_was_interrupted_goes_on_by_its_plan(aged: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    from preserve.operations import refresh_medium

    copy = refresh_medium._copy
    calls: list[object] = []

    def one_only(*arguments: object) -> object:
        if calls:
            raise KeyboardInterrupt
        calls.append(arguments)
        return copy(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(refresh_medium, "_copy", one_only)
        aged("medium", "refresh", "old", "--to", "new", *PERSONS, code=Exit.INTERRUPTED)
    assert len(aged.states("new")) == 1
    aged.medium("third")
    aged.refuses("of medium old into medium new is under way", "medium", "refresh", "old", "--to", "third", *PERSONS)
    other = ["--basis", "another", *PERSONS[2:]]
    done = aged.ask("medium", "refresh", "old", "--to", "new", *other)
    assert (done["copied"], done["sound_on_new"]) == (1, 2)
    (log,) = aged.ask("medium", "show", "new")["refreshes"]
    assert log["basis"] == "DA/T 75-2019"


def test_a_refresh_takes_two_media_and_three_persons(aged: Shelf) -> None:
    refresh = ["medium", "refresh", "old", "--to"]
    same = ["--basis", "x", "--approved-by", "甲", "--actor", "甲", "--checked-by", "丙"]
    aged.refuses("are not three", *refresh, "new", *same)
    aged.refuses("into itself", *refresh, "old", *PERSONS)
    aged.medium("other", "--role", "same_city")
    aged.refuses("one of the same role", *refresh, "other", *PERSONS)
    aged("medium", "check-out", "new", "--to", "张三", "--seal", "S-1")
    aged.refuses("new is not at hand", *refresh, "new", *PERSONS)
    aged("medium", "check-in", "new", "--seal", "S-1")
    aged.unmount(aged.folder / "mnt-new")
    aged.refuses("is the medium mounted", *refresh, "new", *PERSONS, code=Exit.UNAVAILABLE)
