"""Are bytes that change silently at a source found, and never taken for what somebody wrote?"""

from __future__ import annotations

from pathlib import Path

from preserve.errors import Restless
from preserve.model.incidents import IncidentKind
from preserve.packages.harvesting.comparing import share_of
from preserve.packages.harvesting.places import FolderCatchment
from preserve.packages.harvesting.rows import PATH, Seen
from tests.harvest.harvesting import Harvesting, tree


class RottenDisk(FolderCatchment):
    """A folder on a disk that gives other bytes of some files, under the sizes and times that they always had."""

    def __init__(self, folder: Path, *rotten: str) -> None:
        super().__init__(folder)
        self._rotten = [path.encode() for path in rotten]

    def sha256(self, seen: Seen) -> bytes:
        return bytes(32) if seen[PATH] in self._rotten else super().sha256(seen)


class BusyDisk(FolderCatchment):
    """A folder in which a file is changed whenever it is read."""

    def sha256(self, seen: Seen) -> bytes:
        raise Restless("{file} changed", file=seen[PATH])


def test_rot_is_found_told_and_not_taken(mail: Harvesting, tmp_path: Path) -> None:
    mail.set(reread_percent=100)
    mail.harvest()
    books, before = mail.service.books, tree(mail.folder)
    packages = books.package_count()
    report = mail.harvest(catchment=RottenDisk(mail.folder, "0/letter 1.txt", "4/letter 44.txt"))
    assert report.entry is not None
    assert (report.entry.counts.doubtful, report.entry.counts.changed) == (2, 0)
    assert report.doubtful == (b"0/letter 1.txt", b"4/letter 44.txt")
    assert books.package_count() == packages + 1, "the state, which says so, and no content"
    incident = books.open_incident(IncidentKind.SILENT_CHANGE, "mail")
    assert incident is not None
    assert "0/letter 1.txt" in incident.what
    assert mail.restored(tmp_path / "what was taken") == before


def test_what_is_doubted_is_read_at_each_harvest_until_it_is_right(mail: Harvesting) -> None:
    mail.set(reread_percent=100)
    mail.harvest()
    mail.harvest(catchment=RottenDisk(mail.folder, "0/letter 1.txt", "4/letter 44.txt"))
    mail.set(reread_percent=0)
    books = mail.service.books
    again = mail.harvest(catchment=RottenDisk(mail.folder, "0/letter 1.txt", "4/letter 44.txt"))
    assert again.entry is not None
    assert (again.entry.counts.doubtful, again.entry.counts.reread, again.packages) == (2, 2, ())
    (mail.folder / "4" / "letter 44.txt").write_text("somebody put it right")
    mail.harvest(catchment=RottenDisk(mail.folder, "0/letter 1.txt"))
    assert books.open_incident(IncidentKind.SILENT_CHANGE, "mail") is not None
    assert mail.counts().doubtful == 0
    assert books.open_incident(IncidentKind.SILENT_CHANGE, "mail") is None


def test_what_is_doubted_stays_so_where_its_folder_is_renamed(mail: Harvesting) -> None:
    mail.set(reread_percent=100)
    mail.harvest()
    mail.harvest(catchment=RottenDisk(mail.folder, "4/letter 44.txt"))
    mail.set(reread_percent=0)
    (mail.folder / "4").rename(mail.folder / "5")
    moved = mail.harvest(catchment=RottenDisk(mail.folder, "5/letter 44.txt"))
    assert moved.entry is not None
    assert (moved.entry.counts.moved, moved.entry.counts.doubtful) == (10, 1)
    assert moved.doubtful == (b"5/letter 44.txt",)
    assert mail.service.books.open_incident(IncidentKind.SILENT_CHANGE, "mail") is not None
    assert mail.counts().doubtful == 0, "read again, and sound"


def test_a_file_that_is_being_changed_is_not_called_rotten(mail: Harvesting) -> None:
    mail.set(reread_percent=100)
    mail.harvest()
    entry = mail.harvest(catchment=BusyDisk(mail.folder)).entry
    assert entry is not None
    assert (entry.counts.doubtful, entry.counts.reread) == (0, 0)


def test_every_file_has_its_turn() -> None:
    paths = [f"{number}".encode() for number in range(3000)]
    for percent in (1, 7, 50, 100):
        seen: set[bytes] = set()
        for number in range(-(-100 // percent) + 1):
            is_picked = share_of(number, percent)
            assert is_picked is not None
            turn = {path for path in paths if is_picked(path)}
            assert len(turn) <= len(paths) * percent * 3 / 100
            seen |= turn
        assert seen == set(paths)
    assert share_of(1, 0) is None
