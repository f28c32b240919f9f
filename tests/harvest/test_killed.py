"""Killed at any point, is a harvest simply done again; and is everything there from one store alone?"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from preserve.clock import SystemClock
from preserve.definitions.policies import read_policy
from preserve.operations.harvest import HarvestRequest, harvest
from preserve.operations.restore_source import SourceRestoreRequest, restore_source
from preserve.packages.harvesting.places import FolderCatchment
from preserve.ports import NoProgress
from preserve.state.books import Books
from preserve.state.verification import verify_books
from preserve.workplace import Workplace
from tests.crash.points import was_killed_at
from tests.harvest.harvesting import Harvesting, harvesting, tree
from tests.harvest.lives import workplace
from tests.packages.building import ACT, POLICY_TEXT

POLICY = read_policy(POLICY_TEXT, "default.toml")
EVERY = 9
"""Points are many and alike: one in so many is tried, another one of them in each life."""


def take(folder: Path) -> None:
    with workplace(folder) as place:
        harvest(place, HarvestRequest(place.books.source("mail"), POLICY, FolderCatchment(folder / "mail")))


def test_a_harvest_killed_at_any_point_is_done_again_and_takes_nothing_twice(memory_path: Path) -> None:
    with harvesting(memory_path / "life") as made:
        made.harvest()
        (made.folder / "0" / "letter 1.txt").write_text("changed")
        (made.folder / "1").rename(made.folder / "one")
        (made.folder / "new.txt").write_text("new")
    nth, killed = 1, True
    while killed:
        life = memory_path / f"life {nth}"
        shutil.copytree(memory_path / "life", life, symlinks=True)
        with workplace(life) as place:  # its folder is another one, with other inodes: harvested as it is
            at = place.books.last_harvest("mail")
        killed = was_killed_at(nth, lambda life=life: take(life))  # type: ignore[misc]
        with workplace(life) as place:
            assert verify_books(place.books).is_ok
        take(life)
        with workplace(life) as place:
            last = place.books.last_harvest("mail")
            assert last is not None and at is not None and last.number > at.number
            contents = [each for each in place.books.accessions() if each.source == "source mail"]
            whole = [each for each in contents if all(map(place.books.has_package, each.packages))]
            assert len(whole) == 2, "the first harvest's, and one of this"
            restore_source(place, SourceRestoreRequest("mail", life / "back"))
        assert tree(life / "back") == tree(life / "mail")
        shutil.rmtree(life)
        nth += EVERY
    assert nth > 4 * EVERY


def test_a_new_home_made_from_one_store_knows_every_harvest(mail: Harvesting, tmp_path: Path) -> None:
    mail.harvest()
    (mail.folder / "new.txt").write_text("new")
    mail.harvest()
    books = mail.service.books
    with Books.rebuild(_empty(tmp_path / "again"), (entry.content for entry in books.entries())) as again:
        assert list(again.harvests("mail")) == list(books.harvests("mail"))
        work = tmp_path / "again" / "work" / "command"
        work.mkdir(parents=True)
        stores = {"city": mail.service.workplace.stores["city"]}
        place = Workplace(again, stores, SystemClock(), ACT, NoProgress(), work)
        restore_source(place, SourceRestoreRequest("mail", tmp_path / "back", store="city"))
        assert tree(tmp_path / "back") == tree(mail.folder)
        report = harvest(place, HarvestRequest(again.source("mail"), POLICY, FolderCatchment(mail.folder)))
        assert report.packages == (), "the state came from the store, and nothing is new"


@pytest.mark.parametrize("harm", ["lost", "torn", "another"])
def test_what_the_home_keeps_of_the_last_harvest_may_be_lost(mail: Harvesting, harm: str, tmp_path: Path) -> None:
    mail.harvest()
    [kept] = (mail.service.home / "work" / "states").iterdir()
    content = kept.read_bytes()
    if harm == "lost":
        kept.unlink()
    else:
        kept.write_bytes(content[: len(content) // 2] if harm == "torn" else content[:-9] + bytes(9))
    (mail.folder / "new.txt").write_text("new")
    counts = mail.counts()
    assert (counts.new, counts.changed, counts.vanished) == (1, 0, 0)
    assert mail.restored(tmp_path / "back") == tree(mail.folder)


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder
