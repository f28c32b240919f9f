"""Can a disc that is written once be labelled before it is burned, and go out under that label?"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from preserve.cli.exits import Exit
from tests.media.conftest import Shelf


@pytest.fixture(autouse=True)
def program() -> None:
    if shutil.which("xorriso") is None:
        if os.environ.get("CI"):
            pytest.fail("xorriso is not there; Debian has it")
        pytest.skip("xorriso is not there; Debian has it")


def burned(shelf: Shelf, image: Path, place: Path) -> None:
    """Put what is in the image where the folder was, as a mounted disc: read by another program than made it, where
    there is one."""
    shelf.unmount(place)
    reader = shutil.which("7z")
    if reader is not None:
        done = subprocess.run([reader, "x", "-bd", f"-o{place}", str(image)], capture_output=True, check=False)
    else:
        asked = ["xorriso", "-osirrox", "on", "-indev", f"stdio:{image}", "-extract", "/", str(place)]
        done = subprocess.run(asked, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_disc_is_burned_with_label_list_and_kit_and_leaves_under_that_label(shelf: Shelf) -> None:
    place = shelf.medium("0007", "--capacity", "25GB", kind="bd_r")
    package = shelf.ingest()
    image = shelf.folder / "0007.iso"
    made = shelf.ask("medium", "image", "0007", "--to", image, "--burner", "李四")
    assert (made["label"], made["packages"], made["image_bytes"]) == (1, 1, image.stat().st_size)
    objects = shelf.objects(place)
    assert {"rescue.py", "medium/label-000001.txt", "medium/list-000001.sha256"} <= set(objects)
    assert shelf.ask("medium", "show", "0007")["held_by"] == "李四"
    assert shelf.states("0007") == {package: "written"}, "nobody has read the disc back"
    burned(shelf, image, place)
    assert shelf.objects(place) == objects, "what was published afterwards did not go into the folder"
    assert shelf.ask("medium", "check-in", "0007")["packages"] == 1
    assert shelf.ask("medium", "inspect", "0007", "--condition", "good")["inspected"][0]["passed"]
    assert shelf.states("0007") == {package: "verified"}
    out = shelf.ask("medium", "check-out", "0007", "--to", "张三", "--seal", "S-1")
    back = shelf.ask("medium", "check-in", "0007", "--seal", "S-1")
    assert (out["labelled"], back["accepted"], back["packages"]) == (False, True, 1)
    assert shelf.objects(place) == objects, "nothing is written to a disc that is burned"
    assert shelf.states("0007") == {package: "verified"}


def test_nothing_more_goes_to_a_burned_disc(shelf: Shelf) -> None:
    place = shelf.medium("0007", kind="bd_r")
    shelf.medium("0008")
    shelf.ingest()
    shelf("medium", "image", "0007", "--to", shelf.folder / "0007.iso", "--burner", "李四")
    assert "nothing more is written to it" in shelf("medium", "check-in", "0007")
    objects = shelf.objects(place)
    later = shelf.ingest("more", "another record")
    assert later in shelf.states("0008") and later not in shelf.states("0007")
    shelf.refuses("is burned", "medium", "label", "0007", code=Exit.UNAVAILABLE)
    assert shelf.objects(place) == objects


def test_an_image_that_cannot_be_is_refused_and_leaves_nothing(shelf: Shelf) -> None:
    place = shelf.medium("0007", "--capacity", "10kB", kind="bd_r")
    shelf.medium("0008")
    shelf.ingest()
    image = shelf.folder / "0007.iso"
    shelf.refuses("written once", "medium", "image", "0008", "--to", image, "--burner", "李四")
    shelf.refuses("keeps itself", "medium", "image", "0007", "--to", place / "a.iso", "--burner", "李四")
    shelf.refuses(
        "take a larger disc", "medium", "image", "0007", "--to", image, "--burner", "李四", code=Exit.UNAVAILABLE
    )
    assert not image.exists()
    image.write_bytes(b"somebody's")
    shelf.refuses("there already", "medium", "image", "0007", "--to", image, "--burner", "李四")
    assert image.read_bytes() == b"somebody's"


def test_an_image_that_does_not_give_back_what_it_was_made_of_is_no_image(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.medium("0007", kind="bd_r")
    shelf.ingest()
    from preserve.operations import image_medium

    listed = image_medium._listed

    def rotten(workplace: object, image: Path) -> object:
        found = listed(workplace, image)  # type: ignore[arg-type]
        offset = found["store.json"].extents[0][0]
        with image.open("r+b") as file:
            file.seek(offset)
            file.write(b"X")
        return found

    monkeypatch.setattr(image_medium, "_listed", rotten)
    image = shelf.folder / "0007.iso"
    shelf.refuses("does not give store.json back", "medium", "image", "0007", "--to", image, "--burner", "李四")
    assert not image.exists()


def test_what_is_written_into_the_folder_while_its_image_is_made_makes_it_no_image(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = shelf.medium("0007", kind="bd_r")
    package = shelf.ingest()
    from preserve.operations import image_medium

    compared = image_medium._compared

    def meanwhile(workplace: object, folder: Path, image: Path) -> int:
        count = compared(workplace, folder, image)  # type: ignore[arg-type]
        (folder / "packages" / "late.tar").write_bytes(b"another process's copy")
        return count

    monkeypatch.setattr(image_medium, "_compared", meanwhile)
    image = shelf.folder / "0007.iso"
    shelf.refuses("while its image was made", "medium", "image", "0007", "--to", image, "--burner", "李四")
    assert not image.exists() and (place / "packages" / "late.tar").exists()
    assert shelf.states("0007") == {package: "verified"}
