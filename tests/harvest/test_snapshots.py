"""Is each harvest a snapshot that comes back as it was, whatever happened before and after?"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from preserve.clock import SystemClock
from preserve.errors import Refused, Tampered, Unavailable
from preserve.operations.harvest import HarvestReport, HarvestRequest, harvest
from preserve.packages.harvesting import states_kept
from preserve.packages.harvesting.cargo import TAKEN, steps
from preserve.packages.harvesting.comparing import Plan
from preserve.packages.harvesting.last_state import NoState
from preserve.packages.harvesting.places import FolderCatchment
from preserve.ports import Store
from preserve.state.verification import verify_books
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.folder import FolderStore
from tests.harvest.harvesting import Harvesting, Tree, tree


def moment(report: HarvestReport) -> str:
    assert report.entry is not None
    return report.entry.at


def a_history(mail: Harvesting) -> dict[str, Tree]:
    """Days in the life of a folder: how it was at each harvest, by the moment."""
    folder, days = mail.folder, dict[str, Tree]()

    def evening() -> None:
        days[moment(mail.harvest())] = tree(folder)

    evening()
    (folder / "0" / "letter 3.txt").write_text("another letter")
    (folder / "empty").mkdir()
    evening()
    (folder / "1" / "letter 12.txt").unlink()
    (folder / "1" / "letter 13.txt").rename(folder / "thirteen.txt")
    evening()
    (folder / "2").rename(folder / "two")
    (folder / "two" / "link").symlink_to("letter 20.txt")
    evening()
    (folder / "two" / "letter 21.txt").unlink()
    (folder / "two" / "letter 21.txt").mkdir()
    (folder / "two" / "letter 21.txt" / "inside").write_text("a folder where a file was")
    (folder / "two" / "link").unlink()
    (folder / "two" / "link").write_text("a file where a link was")
    evening()
    (folder / "empty").rmdir()
    (folder / "1" / "letter 12.txt").write_text("it is back")
    os.chmod(folder / "0" / "letter 1.txt", 0o600)
    os.utime(folder / "0" / "letter 2.txt", ns=(1, 1_000_000_007))
    evening()
    return days


def test_a_source_comes_back_as_of_every_harvest(mail: Harvesting, tmp_path: Path) -> None:
    for number, (at, day) in enumerate(a_history(mail).items()):
        assert mail.restored(tmp_path / f"as-of-{number}", at) == day
    assert verify_books(mail.service.books).is_ok


def test_it_comes_back_from_one_store_alone_and_without_what_the_home_kept(mail: Harvesting, tmp_path: Path) -> None:
    days = list(a_history(mail).items())
    mail.forget_last_state()
    for number, (at, day) in enumerate((days[0], days[3], days[-1])):
        assert mail.restored(tmp_path / f"as-of-{number}", at, store="city") == day


def test_the_state_is_kept_whole_again_before_its_pieces_are_many(
    mail: Harvesting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states_kept, "LEAST_ROWS_FOR_BASE", 5)
    days = a_history(mail)
    bases = [each.is_base for each in mail.service.books.harvests("mail")]
    assert bases.count(True) > 1
    assert False in bases
    mail.forget_last_state()
    for number, (at, day) in enumerate(days.items()):
        assert mail.restored(tmp_path / f"as-of-{number}", at) == day


def test_nothing_new_makes_no_package_and_is_booked_all_the_same(mail: Harvesting) -> None:
    mail.harvest()
    before = mail.service.books.package_count()
    again = mail.harvest()
    assert again.entry is not None
    assert (again.entry.number, again.entry.state_package, again.packages) == (2, None, ())
    assert mail.service.books.package_count() == before


def test_what_is_known_is_not_taken_again(mail: Harvesting) -> None:
    first = mail.harvest()
    payload = mail.service.books.package(first.packages[0]).receipt
    assert payload.payload_files == 50
    (mail.folder / "0").rename(mail.folder / "zero")  # known by its inodes
    file = mail.folder / "1" / "letter 10.txt"
    file.rename(mail.folder / "ten.txt")  # known by its bytes
    os.utime(mail.folder / "1" / "letter 11.txt")  # touched
    os.chmod(mail.folder / "1" / "letter 12.txt", 0o600)
    second = mail.harvest()
    assert second.entry is not None
    assert (second.entry.counts.moved, second.entry.counts.new, second.entry.counts.changed) == (11, 0, 0)
    assert second.entry.accessions == ()
    (mail.folder / "new.txt").write_text("new")
    third = mail.harvest()
    assert mail.service.books.package(third.packages[0]).receipt.payload_files == 1


def test_files_of_one_content_that_move_together_have_not_vanished(mail: Harvesting) -> None:
    """Two that were one once: both are kept at the same place."""
    mail.harvest()
    one = mail.folder / "0" / "letter 1.txt"
    shutil.copy2(one, mail.folder / "copy.txt")
    one.rename(mail.folder / "moved.txt")
    assert mail.counts().moved == 2
    (mail.folder / "late").mkdir()
    for name in ("copy.txt", "moved.txt"):
        (mail.folder / name).rename(mail.folder / "late" / name)
    counts = mail.counts()
    assert (counts.moved, counts.new, counts.vanished) == (2, 0, 0)


@pytest.mark.parametrize("arrived", [[], [b"another"], [b"file", b"surplus"]])
def test_a_state_is_not_booked_of_other_content_than_was_brought(tmp_path: Path, arrived: list[bytes]) -> None:
    loaded = Plan(tmp_path)
    loaded.add((TAKEN, (0, b"file", 1, 1, 1, 1, 0o644, b"")))
    with pytest.raises(Tampered):
        list(steps(NoState(), loaded, [(path, ("package", 512, b"", 0)) for path in arrived]))
    loaded.close()


def test_a_part_of_it_comes_back_by_a_pattern(mail: Harvesting, tmp_path: Path) -> None:
    mail.harvest()
    assert set(mail.restored(tmp_path / "part", path="0/letter [12].txt")) == {
        "0",
        "0/letter 1.txt",
        "0/letter 2.txt",
    }
    with pytest.raises(Refused, match="nothing in mail fits"):
        mail.restore(tmp_path / "none", path="*.ofd")


def test_odd_names_and_empty_folders_come_back(mail: Harvesting, tmp_path: Path) -> None:
    texts = ["percent%0A", "line\nend", "dot.", "space ", "é", "e\u0301", "back\\slash"]
    names = [*(text.encode() for text in texts), "卷宗".encode("gbk")]
    top = os.fsencode(mail.folder)
    for name in names:
        with open(top + b"/" + name, "wb") as file:
            file.write(name)
        os.makedirs(top + b"/folders/" + name)
    mail.harvest()
    for name in names[:4]:
        os.rename(top + b"/" + name, top + b"/" + name + b"-moved")
    mail.harvest()
    assert mail.restored(tmp_path / "back") == tree(mail.folder)


def test_a_large_harvest_is_done_in_parts_that_are_each_booked(mail: Harvesting, tmp_path: Path) -> None:
    report = mail.harvest(part_bytes=2000)
    entries = list(mail.service.books.harvests("mail"))
    assert len(entries) > 3
    assert [each.is_partial for each in entries] == [True] * (len(entries) - 1) + [False]
    assert report.entry is not None
    assert report.entry.counts.new == 50
    assert mail.restored(tmp_path / "back") == tree(mail.folder)


def test_a_harvest_that_was_not_finished_is_the_state_of_no_day(mail: Harvesting, tmp_path: Path) -> None:
    mail.harvest()
    before = tree(mail.folder)
    for path in sorted(mail.folder.rglob("letter *.txt"))[:20]:
        path.write_text(f"another {path.name}" * 20)
    made = mail.service
    full = Fault(Harm.NO_SPACE, "create", "*/bag.tar", calls=tuple(range(3, 99)))
    stores: dict[str, Store] = {}
    for name, store in made.workplace.stores.items():
        assert isinstance(store, FolderStore)
        stores[name] = FaultyStore(store, [full], SystemClock(), Random(1))
    request = HarvestRequest(made.books.source("mail"), made.policy, FolderCatchment(mail.folder), part_bytes=2000)
    with pytest.raises(Unavailable):
        harvest(replace(made.workplace, stores=stores), request)
    part = made.books.last_harvest("mail")
    assert part is not None and part.is_partial
    given = mail.restore(tmp_path / "back")
    assert (given.unfinished, given.harvest.is_partial) == (part, False)
    assert tree(tmp_path / "back") == before
    mail.harvest()
    assert mail.restore(tmp_path / "whole").unfinished is None
    assert tree(tmp_path / "whole") == tree(mail.folder)


def test_before_the_first_harvest_there_is_nothing_to_restore(mail: Harvesting, tmp_path: Path) -> None:
    mail.harvest()
    with pytest.raises(Refused, match="was not harvested until then"):
        mail.restore(tmp_path / "back", "2020-01-01T00:00:00.000000Z")


def test_what_moved_a_short_while_ago_is_left_for_the_next_harvest(mail: Harvesting, tmp_path: Path) -> None:
    mail.set(settle_seconds=0)
    mail.harvest()
    before = tree(mail.folder)
    mail.set(settle_seconds=3600)
    (mail.folder / "0" / "letter 1.txt").write_text("being written")
    (mail.folder / "draft.txt").write_text("being written")
    counts = mail.counts()
    assert (counts.unsettled, counts.new, counts.changed, counts.files) == (2, 0, 0, 50)
    back = mail.restored(tmp_path / "back")
    assert back["0/letter 1.txt"] == before["0/letter 1.txt"]
    mail.set(settle_seconds=0)
    assert (mail.counts().unsettled, len(mail.restored(tmp_path / "all"))) == (0, len(tree(mail.folder)))


def test_a_source_that_is_away_has_lost_nothing(mail: Harvesting, tmp_path: Path) -> None:
    mail.harvest()
    before, size = tree(mail.folder), mail.service.books.size()
    mail.folder.rename(tmp_path / "unplugged")
    with pytest.raises(Unavailable):
        mail.harvest()
    assert mail.service.books.size() == size
    assert mail.restored(tmp_path / "back") == before
