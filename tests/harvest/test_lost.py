"""Is what every store lost taken again from the source that still has it?"""

from __future__ import annotations

from pathlib import Path

from preserve.model.nouns import CopyState
from preserve.operations.audit import AuditRequest, audit
from tests.harvest.harvesting import Harvesting, tree
from tests.harvest.test_rot import RottenDisk
from tests.packages.building import flip


def spoil(mail: Harvesting, package: str) -> None:
    """Damage every copy of a package where its files lie, and find that."""
    for store in ("near", "city"):
        bag = mail.service.object(store, package, "bag.tar")
        flip(bag, 0, bag.stat().st_size)
    audit(mail.service.workplace, AuditRequest())
    assert {copy.state for copy in mail.service.books.copies(package)} == {CopyState.BAD}


def test_what_every_store_lost_is_taken_again_where_the_source_still_has_it(mail: Harvesting, tmp_path: Path) -> None:
    content, _ = mail.harvest().packages
    (mail.folder / "late.txt").write_text("came later")
    mail.harvest()
    before = tree(mail.folder)
    spoil(mail, content)
    report = mail.harvest()
    assert report.entry is not None
    counts = report.entry.counts
    assert (counts.new, counts.changed, counts.moved, counts.vanished) == (0, 0, 0, 0), "no change at the source"
    assert [note.values["count"] for note in report.notes] == [50]
    assert mail.restored(tmp_path / "back") == before
    assert mail.harvest().packages == (), "once is enough"


def test_what_is_lost_in_one_store_alone_is_left_to_repair(mail: Harvesting) -> None:
    content, _ = mail.harvest().packages
    flip(mail.service.object("near", content, "bag.tar"), 5000)
    audit(mail.service.workplace, AuditRequest())
    assert mail.harvest().packages == ()


def test_a_file_that_was_lost_and_then_touched_or_moved_is_taken_too(mail: Harvesting, tmp_path: Path) -> None:
    content, _ = mail.harvest().packages
    spoil(mail, content)
    (mail.folder / "0" / "letter 1.txt").touch()
    (mail.folder / "0" / "letter 2.txt").rename(mail.folder / "moved.txt")
    report = mail.harvest()
    assert report.entry is not None
    assert (report.entry.counts.changed, report.entry.counts.moved) == (0, 1)
    assert mail.restored(tmp_path / "back") == tree(mail.folder)


def test_what_is_lost_and_rotten_at_the_source_is_doubted_and_not_taken(mail: Harvesting) -> None:
    content, _ = mail.harvest().packages
    spoil(mail, content)
    report = mail.harvest(catchment=RottenDisk(mail.folder, "0/letter 1.txt"))
    assert report.entry is not None
    assert report.entry.counts.doubtful == 1
    assert [note.values["count"] for note in report.notes] == [49]


def test_large_lost_content_is_taken_again_in_parts(mail: Harvesting, tmp_path: Path) -> None:
    content, _ = mail.harvest().packages
    spoil(mail, content)
    report = mail.harvest(part_bytes=4000)
    assert report.entry is not None
    assert (report.entry.counts.new, report.entry.counts.changed) == (0, 0)
    assert mail.restored(tmp_path / "back") == tree(mail.folder)


def test_a_state_that_every_store_lost_is_written_anew(mail: Harvesting, tmp_path: Path) -> None:
    _, state = mail.harvest().packages
    spoil(mail, state)
    assert mail.harvest().packages != ()
    mail.forget_last_state()
    assert mail.restored(tmp_path / "back") == tree(mail.folder)
    assert mail.harvest().packages == ()
