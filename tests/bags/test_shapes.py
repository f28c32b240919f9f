"""Is a bag told from a folder, and a person asked where only a person can tell?"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from preserve.bags.shapes import TakenAs
from preserve.bags.submission import Shape, Submission, open_submission
from preserve.errors import Refused
from tests.bags.samples import lay_down, make_bag

GIB = 1 << 30
Handed = Callable[[Path], Path]


def as_folder(folder: Path) -> Path:
    return folder


def as_tar(folder: Path) -> Path:
    """The same in a tar with one top folder."""
    with tarfile.open(folder.with_suffix(".tar"), "w") as tar:
        tar.add(folder, arcname="top")
    return folder.with_suffix(".tar")


def as_flat_tar(folder: Path) -> Path:
    """The same at the top of a tar."""
    with tarfile.open(folder.with_suffix(".tar"), "w") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)
    return folder.with_suffix(".tar")


def opened(source: Path, taken_as: TakenAs | None = None) -> Submission:
    work = Path(tempfile.mkdtemp(dir=source.parent))
    return open_submission(source, work, keep_links=True, unpack_limit_bytes=GIB, taken_as=taken_as)


def paths(submission: Submission) -> list[bytes]:
    return [entry[1] for batch in submission.batches() for entry in batch]


every_way = pytest.mark.parametrize("handed", [as_folder, as_tar, as_flat_tar])


@every_way
def test_a_folder_in_which_a_file_is_named_bagit_txt_is_taken_when_a_person_says_so(
    handed: Handed, tmp_path: Path
) -> None:
    source = handed(lay_down(tmp_path / "in", {b"bagit.txt": b"how to use bagit", b"a.txt": b"a"}))
    with pytest.raises(Refused, match=r"contains bagit.txt and lacks data/, manifest-\*.txt.*--as folder"):
        opened(source)
    with opened(source, TakenAs.FOLDER) as submission:
        assert submission.shape in (Shape.FOLDER, Shape.TAR)
        assert [path.rpartition(b"/")[2] for path in paths(submission)][-2:] == [b"a.txt", b"bagit.txt"]


@every_way
def test_a_bag_without_its_bagit_txt_is_not_silently_a_folder(handed: Handed, tmp_path: Path) -> None:
    folder = make_bag(tmp_path / "in", {b"a.txt": b"a"})
    (folder / "bagit.txt").unlink()
    source = handed(folder)
    with pytest.raises(Refused, match=r"looks like a bag whose bagit.txt is missing"):
        opened(source)
    with pytest.raises(Refused, match=r"the bag has no bagit.txt"):
        opened(source, TakenAs.BAG)
    with opened(source, TakenAs.FOLDER) as submission:
        assert any(path.endswith(b"data/a.txt") for path in paths(submission))


@every_way
def test_a_bag_may_be_kept_as_the_folder_it_lies_in(handed: Handed, tmp_path: Path) -> None:
    source = handed(make_bag(tmp_path / "in", {b"a.txt": b"a"}))
    with opened(source) as submission:
        assert submission.shape in (Shape.BAG, Shape.BAG_IN_TAR) and paths(submission) == [b"a.txt"]
    with opened(source, TakenAs.FOLDER) as submission:
        names = paths(submission)
        assert submission.shape in (Shape.FOLDER, Shape.TAR) and submission.judge() is None
        assert any(name.endswith(b"bagit.txt") for name in names)
        assert any(name.endswith(b"data/a.txt") for name in names)


@every_way
def test_a_folder_is_no_bag_because_a_person_says_so(handed: Handed, tmp_path: Path) -> None:
    source = handed(lay_down(tmp_path / "in", {b"a.txt": b"a"}))
    with pytest.raises(Refused, match=r"the bag has no bagit.txt"):
        opened(source, TakenAs.BAG)


@pytest.mark.parametrize(
    "files",
    [
        {b"data/a.txt": b"a", b"b.txt": b"b"},
        {b"manifest-of-goods.txt": b"a", b"manifest-sha256.txt": b"a"},
        {b"x/bagit.txt": b"a", b"x/data/a": b"", b"y/manifest-md5.txt": b""},
    ],
)
def test_what_only_resembles_a_bag_is_a_folder(files: dict[bytes, bytes], tmp_path: Path) -> None:
    with opened(lay_down(tmp_path / "in", files)) as submission:
        assert submission.shape is Shape.FOLDER and submission.totals.files == len(files)
