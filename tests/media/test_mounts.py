"""Media that are read-only, full, or pulled out while they are written or read: real file systems, mounted by root.

Skipped where this user may not mount.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preserve.cli.exits import Exit
from preserve.operations import refresh_medium
from preserve.packages.judging import inspection
from tests.media.conftest import Shelf
from tests.media.test_refreshing import PERSONS

MIB = 1024 * 1024
ROOM_FOR_A_STORE = 112 * MIB
"""What the probe of a new store needs."""


class Disk:
    """A disk of a few megabytes (ext4 in a file) that is mounted and pulled out."""

    def __init__(self, image: Path, place: Path, size: int) -> None:
        self.place = place
        self._image = image
        self.mounted = False
        with image.open("wb") as file:
            file.truncate(size)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)

    def plug_in(self, *options: str) -> None:
        self.place.mkdir(exist_ok=True)
        command = ["mount", "-o", ",".join(["loop", *options]), str(self._image), str(self.place)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("this user may not mount a disk")
        self.mounted = True

    def pull(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.place)], check=True)
        self.mounted = False

    def fill(self, leaving_bytes: int) -> None:
        facts = os.statvfs(self.place)
        with (self.place / "ballast").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, facts.f_bavail * facts.f_frsize - leaving_bytes)


@pytest.fixture
def disk(shelf: Shelf) -> Iterator[Callable[..., Disk]]:
    disks: list[Disk] = []

    def make(number: str, size: int = ROOM_FOR_A_STORE) -> Disk:
        made = Disk(shelf.folder / f"{number}.img", shelf.folder / f"mnt-{number}", size)
        disks.append(made)
        made.plug_in()
        shelf.medium(number)
        return made

    yield make
    for each in disks:
        if each.mounted:
            each.pull()


def test_a_read_only_medium_is_read_and_said_to_be_read_only(shelf: Shelf, disk: Callable[..., Disk]) -> None:
    medium = disk("0001")
    shelf.ingest()
    medium.pull()
    medium.plug_in("ro")
    shelf.refuses("Read-only file system", "medium", "label", "0001", code=Exit.UNAVAILABLE)
    assert shelf.ask("medium", "inspect", "0001")["inspected"][0]["passed"]
    package = shelf.ingest("more", "another record")
    assert package not in shelf.states("0001")


def test_a_medium_that_is_too_small_is_refused_before_anything_is_written(
    shelf: Shelf, disk: Callable[..., Disk]
) -> None:
    shelf.medium("old")
    shelf.ingest("big", "x" * 2 * MIB)
    small = disk("new")
    small.fill(leaving_bytes=MIB)
    (small.place / "packages").mkdir()
    before = sorted(shelf.objects(small.place))
    shelf.refuses("take a larger one", "medium", "refresh", "old", "--to", "new", *PERSONS, code=Exit.UNAVAILABLE)
    assert sorted(name for name in shelf.objects(small.place) if not name.startswith("ledger/")) == sorted(
        name for name in before if not name.startswith("ledger/")
    )
    assert shelf.ask("medium", "show", "old")["refreshes"] == []


def test_what_is_new_goes_to_the_next_medium_when_one_is_full(shelf: Shelf, disk: Callable[..., Disk]) -> None:
    full = disk("0001")
    shelf.medium("0002")
    full.fill(leaving_bytes=MIB)
    package = shelf.ingest("big", "x" * 2 * MIB)
    assert shelf.states("0001") == {}
    assert shelf.states("0002") == {package: "verified"}


def test_a_medium_pulled_out_while_it_is_written_is_named_and_taken_up_again(
    shelf: Shelf, disk: Callable[..., Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.medium("old")
    shelf.ingest()
    shelf.ingest("more", "another record")
    new = disk("new")
    copy = refresh_medium._copy

    def copy_and_pull(*arguments: object) -> object:
        made = copy(*arguments)  # type: ignore[arg-type]
        if new.mounted:
            new.pull()
        return made

    with monkeypatch.context() as patch:
        patch.setattr(refresh_medium, "_copy", copy_and_pull)
        refresh = ["medium", "refresh", "old", "--to", "new", *PERSONS]
        shelf.refuses("no store.json in .*mnt-new; is the medium mounted", *refresh, code=Exit.UNAVAILABLE)
    assert list(new.place.iterdir()) == []  # nothing was written into the empty mount point
    assert len(shelf.states("new")) == 1
    new.plug_in()
    done = shelf.ask(*refresh)
    assert (done["complete"], done["copied"], done["sound_on_new"]) == (True, 1, 2)


def test_a_medium_pulled_out_while_it_is_read_has_not_failed_its_inspection(
    shelf: Shelf, disk: Callable[..., Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    medium = disk("0001")
    package = shelf.ingest()
    read = inspection.read

    def pull_and_read(*arguments: object) -> object:
        if medium.mounted:
            medium.pull()
        return read(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(inspection, "read", pull_and_read)
        said = shelf.ask("medium", "inspect", "0001", code=Exit.UNAVAILABLE)
    assert "was taken away while it was read" in said["not_looked_at"][0]["why"]
    assert shelf.states("0001") == {package: "verified"}
    assert shelf.ask("medium", "show", "0001")["inspections"] == []
    medium.plug_in()
    assert shelf.ask("medium", "inspect", "0001")["inspected"][0]["passed"]
