"""Does a restore give back exactly what was deposited, whatever stands in the target?"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import bagit
import pytest

from preserve.errors import Misused, NoSpace, Refused
from preserve.model.restore import OnConflict
from preserve.operations.restore import RestoreReport, RestoreRequest, restore
from tests.packages.building import Service, service
from tests.restore import samples
from tests.restore.trees import differences, tree


@pytest.fixture(scope="module")
def deposited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Path, str]]:
    """A service, the hostile submission it took in, and the package."""
    folder = tmp_path_factory.mktemp("round-trip")
    source = samples.hostile(folder / "submission")
    with service(folder) as kept:
        yield kept, source, kept.ingest(source).packages[0].id


def restored(kept: Service, name: str, to: Path, **more: object) -> RestoreReport:
    return restore(kept.workplace, RestoreRequest(name, to, **more))  # type: ignore[arg-type]


def test_hostile_names_trees_links_and_times_come_back_as_they_were(
    deposited: tuple[Service, Path, str], tmp_path: Path
) -> None:
    kept, source, package = deposited
    report = restored(kept, package, tmp_path / "out")
    assert differences(source, tmp_path / "out") == []
    assert report.is_verified and report.lost == report.left == 0
    assert report.files == sum(kind == "file" for kind, *_ in tree(source).values())


def test_without_nameless_files_the_same_comes_back(
    deposited: tuple[Service, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, source, package = deposited
    monkeypatch.setattr("preserve.packages.restoring.target._has_nameless_files", lambda target, hidden: False)
    restored(kept, package, tmp_path / "out")
    assert differences(source, tmp_path / "out") == []


def test_what_is_there_already_is_kept_and_what_is_missing_is_added(
    deposited: tuple[Service, Path, str], tmp_path: Path
) -> None:
    kept, source, package = deposited
    out = tmp_path / "out"
    restored(kept, package, out)
    shutil.rmtree(out / "names")
    os.utime(out / "no bytes", ns=(1, 1))
    os.chmod(out / "private", 0o644)
    inode = os.stat(out / "sparse").st_ino
    (out / "foreign").write_text("not from the archive")
    report = restored(kept, package, out)
    assert differences(source, out) == [line for line in differences(source, out) if line.startswith("b'foreign'")]
    assert (out / "foreign").read_text() == "not from the archive"
    assert os.stat(out / "sparse").st_ino == inode
    assert 0 < report.already_there < report.files


def test_a_differing_file_stops_the_restore_before_anything_is_written(
    deposited: tuple[Service, Path, str], tmp_path: Path
) -> None:
    kept, _, package = deposited
    out = tmp_path / "out"
    out.mkdir()
    (out / "linked").write_text("changed")
    (out / "empty").write_text("a file where a folder belongs")
    before = tree(out)
    with pytest.raises(Refused, match=r"2 files .*empty, linked"):
        restored(kept, package, out)
    assert tree(out) == before


def test_told_to_skip_differing_files_stay_and_the_others_come(
    deposited: tuple[Service, Path, str], tmp_path: Path
) -> None:
    kept, source, package = deposited
    out = tmp_path / "out"
    out.mkdir()
    (out / "linked").write_text("changed")
    report = restored(kept, package, out, on_conflict=OnConflict.SKIP)
    assert (out / "linked").read_text() == "changed"
    assert [line[:9] for line in differences(source, out)] == ["b'linked'"]
    assert report.left == 1 and not report.is_verified


def test_told_to_overwrite_differing_files_are_replaced(deposited: tuple[Service, Path, str], tmp_path: Path) -> None:
    kept, source, package = deposited
    out = tmp_path / "out"
    out.mkdir()
    (out / "linked").write_text("changed")
    (out / "soft").symlink_to("elsewhere")
    assert restored(kept, package, out, on_conflict=OnConflict.OVERWRITE).is_verified
    assert differences(source, out) == []


def test_a_folder_is_never_replaced_by_a_file(deposited: tuple[Service, Path, str], tmp_path: Path) -> None:
    kept, _, package = deposited
    out = tmp_path / "out"
    (out / "linked").mkdir(parents=True)
    with pytest.raises(Refused):
        restored(kept, package, out, on_conflict=OnConflict.OVERWRITE)
    assert (out / "linked").is_dir() and len(tree(out)) == 1


@pytest.mark.parametrize("rule", list(OnConflict))
def test_a_link_in_the_target_is_never_followed(
    deposited: tuple[Service, Path, str], tmp_path: Path, rule: OnConflict
) -> None:
    kept, _, package = deposited
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / "names").symlink_to(elsewhere)
    (elsewhere / "victim").write_text("mine")
    (out / "private").symlink_to(elsewhere / "victim")
    if rule is OnConflict.SKIP:
        assert restored(kept, package, out, on_conflict=rule).left > 20
    else:
        with pytest.raises(Refused):
            restored(kept, package, out, on_conflict=rule)
    assert {path.name for path in elsewhere.iterdir()} == {"victim"}
    assert (elsewhere / "victim").read_text() == "mine"


def test_the_whole_bag_is_what_tar_would_give(deposited: tuple[Service, Path, str], tmp_path: Path) -> None:
    kept, _, package = deposited
    (tmp_path / "tar").mkdir()
    with open(kept.object("near", package, "bag.tar"), "rb") as tar:
        subprocess.run(["tar", "xf", "-"], stdin=tar, cwd=tmp_path / "tar", check=True, stderr=subprocess.DEVNULL)
    assert restored(kept, package, tmp_path / "bag", as_bag=True).is_verified
    mine, tars = tree(tmp_path / "bag"), tree(tmp_path / "tar" / package)
    assert {path: (facts[0], facts[3]) for path, facts in mine.items()} == {
        path: (facts[0], facts[3]) for path, facts in tars.items()
    }


def test_the_whole_bag_is_valid_to_the_library_of_congress(tmp_path: Path) -> None:
    # Names that its reader gets wrong are in tests/bags/test_loc_reader_defects.py.
    source = samples.plain(tmp_path / "submission")
    with service(tmp_path) as kept:
        made = kept.ingest(source, package_bytes=20_000_000)
        assert len(made.packages) > 1
        assert restored(kept, made.accession, tmp_path / "bags", as_bag=True).is_verified
    for package in made.packages:
        assert bagit.Bag(str(tmp_path / "bags" / package.id)).validate()


def test_a_bag_is_restored_whole_or_not_at_all(deposited: tuple[Service, Path, str], tmp_path: Path) -> None:
    kept, _, package = deposited
    with pytest.raises(Misused):
        restored(kept, package, tmp_path / "bag", as_bag=True, path="names")
    assert not (tmp_path / "bag").exists()


def test_the_list_beside_the_certificate_satisfies_sha256sum(
    deposited: tuple[Service, Path, str], tmp_path: Path
) -> None:
    kept, _, package = deposited
    report = restored(kept, package, tmp_path / "out")
    listed = report.certificate.with_suffix(".sha256")
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", str(listed)], cwd=tmp_path / "out", capture_output=True
    )
    assert checked.returncode == 0, checked
    assert listed.read_bytes().count(b"\n") == report.files


def test_too_little_room_is_told_before_anything_is_written(
    deposited: tuple[Service, Path, str], tmp_path: Path
) -> None:
    kept, _, package = deposited
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this user may not mount a small file system")
    try:
        with pytest.raises(NoSpace, match=r"iB free, and .* are needed"):
            restored(kept, package, small / "out")
        assert tree(small / "out") == {}
    finally:
        subprocess.run(["umount", str(small)], check=True)
