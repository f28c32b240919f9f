"""Is every byte that one copy has spoilt taken from another, and what nobody has named, and nothing else?"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from preserve.errors import Refused, Unavailable, Unreadable
from preserve.model import events
from preserve.model.digests import sha256
from preserve.model.keys import BAG, Key
from preserve.model.nouns import Condition, CopyState, Event
from preserve.operations.restore import RestoreReport, RestoreRequest, restore
from preserve.packages.members import MembersFile
from preserve.stores.folder import FolderStore
from tests.packages.building import Service, flip, service
from tests.restore import samples
from tests.restore.trees import differences

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Path, str]]:
    folder = tmp_path_factory.mktemp("damage")
    source = samples.plain(folder / "submission")
    with service(folder) as made:
        yield made, source, made.ingest(source).packages[0].id


@pytest.fixture
def harmed(original: tuple[Service, Path, str], tmp_path: Path) -> Iterator[tuple[Service, Path, str]]:
    """The same service, whose stores a test may damage: they are put back afterwards."""
    made, _, _ = original
    for name, place in made.places.items():
        shutil.copytree(place, tmp_path / name)
    yield original
    for name, place in made.places.items():
        if place.is_dir():
            shutil.rmtree(place)
        shutil.copytree(tmp_path / name, place)
    for copy in list(made.books.copies()):
        made.workplace.record(_verified(made, copy.package_id, copy.store))
    for finding in list(made.books.findings()):
        made.workplace.record(_closed(made, finding.id))


def _verified(made: Service, package: str, store: str) -> Event:
    return events.copied(made.workplace.act, made.workplace.now(), package, store, CopyState.VERIFIED, 1)


def _closed(made: Service, finding: str) -> Event:
    return events.closed(made.workplace.act, made.workplace.now(), finding, "put back by the test")


def restored(made: Service, package: str, to: Path, store: str | None = None) -> RestoreReport:
    return restore(made.workplace, RestoreRequest(package, to, store=store))


def place_of(made: Service, package: str, path: str) -> int:
    """Where a file's content begins in the bag."""
    with open(made.object("near", package, "members.parquet"), "rb") as file:
        return next(member.offset for member in MembersFile(file).all() if member.path == path)


def test_a_spoilt_small_file_comes_from_the_other_copy_and_the_harm_is_booked(
    harmed: tuple[Service, Path, str], tmp_path: Path
) -> None:
    made, source, package = harmed
    flip(made.object("near", package, "bag.tar"), place_of(made, package, "卷2/文件-11.txt") + 5)
    report = restored(made, package, tmp_path / "out")
    assert report.is_verified and differences(source, tmp_path / "out") == []
    assert report.sources["city"] == 7700 and report.sources["near"] > 36 * MIB
    (finding,) = report.damage
    assert (finding.store, finding.condition, finding.files) == ("near", Condition.DAMAGED, ("卷2/文件-11.txt",))
    assert len(finding.blocks) == 1 and finding.expected != finding.found
    assert [each.store for each in made.books.findings()] == ["near"]
    near = made.books.copy(package, "near")
    assert near is not None and near.state is CopyState.BAD


def test_a_large_file_spoilt_in_every_copy_at_different_places_is_put_together(
    harmed: tuple[Service, Path, str], tmp_path: Path
) -> None:
    made, source, package = harmed
    begin = place_of(made, package, "大文件.bin")
    flip(made.object("near", package, "bag.tar"), begin + 1 * MIB)
    flip(made.object("city", package, "bag.tar"), begin + 30 * MIB)
    report = restored(made, package, tmp_path / "out")
    assert report.is_verified and differences(source, tmp_path / "out") == []
    assert {finding.store for finding in report.damage} == {"near", "city"}


def test_a_file_spoilt_in_every_copy_at_different_places_of_one_block_is_put_together(
    harmed: tuple[Service, Path, str], tmp_path: Path
) -> None:
    made, source, package = harmed
    for path, first, second in (("卷1/文件-10.txt", 5, 90), ("大文件.bin", 1 * MIB, 1 * MIB + 7)):
        begin = place_of(made, package, path)
        flip(made.object("near", package, "bag.tar"), begin + first)
        flip(made.object("city", package, "bag.tar"), begin + second)
    report = restored(made, package, tmp_path / "out")
    assert report.is_verified and differences(source, tmp_path / "out") == []
    assert {finding.store for finding in report.damage} == {"near", "city"}
    assert set(report.sources) == {"near", "city"}


def test_lists_spoilt_in_every_copy_at_different_places_are_put_together(
    harmed: tuple[Service, Path, str], tmp_path: Path
) -> None:
    made, source, package = harmed
    for part in ("blocks.sha256", "members.parquet"):
        flip(made.object("near", package, part), 40)
        flip(made.object("city", package, part), 80)
    report = restored(made, package, tmp_path / "out")
    assert report.is_verified and differences(source, tmp_path / "out") == []
    assert not report.relisted


def test_what_no_copy_has_is_named_and_the_rest_comes(harmed: tuple[Service, Path, str], tmp_path: Path) -> None:
    made, source, package = harmed
    for store in made.places:
        flip(made.object(store, package, "bag.tar"), place_of(made, package, "卷1/文件-10.txt"))
    report = restored(made, package, tmp_path / "out")
    assert not report.is_verified and report.lost == 1
    assert [loss.path.decode() for loss in report.losses] == ["卷1/文件-10.txt"]
    missing = [line.split(":")[0] for line in differences(source, tmp_path / "out")]
    assert missing == [repr("卷1/文件-10.txt".encode())]
    assert report.unread == ()  # every copy was read: it is lost
    certificate = json.loads(report.certificate.read_bytes())
    assert certificate["verified"] is False and certificate["lost"] == 1
    assert "NOT COMPLETE" in report.certificate.with_suffix(".txt").read_text()


def test_from_one_store_alone_nothing_is_taken_from_another(harmed: tuple[Service, Path, str], tmp_path: Path) -> None:
    made, _, package = harmed
    flip(made.object("near", package, "bag.tar"), place_of(made, package, "卷2/文件-11.txt"))
    report = restored(made, package, tmp_path / "out", store="near")
    assert report.lost == 1 and set(report.sources) == {"near"}
    assert restored(made, package, tmp_path / "out2", store="city").is_verified


@pytest.mark.parametrize("part", ["blocks.sha256", "members.parquet"])
@pytest.mark.parametrize("harm", ["changed", "removed", "cut short", "replaced"])
def test_a_spoilt_small_object_of_one_copy_does_not_matter(
    harmed: tuple[Service, Path, str], tmp_path: Path, part: str, harm: str
) -> None:
    made, source, package = harmed
    spoil(made.object("near", package, part), harm)
    report = restored(made, package, tmp_path / "out")
    assert report.is_verified and differences(source, tmp_path / "out") == []
    if part == "members.parquet":
        assert [finding.where.rsplit("/", 1)[-1] for finding in report.damage] == [part]


@pytest.mark.parametrize("harm", ["removed", "cut short", "replaced", "changed"])
def test_a_spoilt_bag_of_one_copy_does_not_matter(harmed: tuple[Service, Path, str], tmp_path: Path, harm: str) -> None:
    made, source, package = harmed
    spoil(made.object("near", package, "bag.tar"), harm)
    report = restored(made, package, tmp_path / "out")
    assert report.is_verified and differences(source, tmp_path / "out") == []
    assert {finding.store for finding in report.damage} == {"near"}
    wanted = Condition.MISSING if harm == "removed" else Condition.DAMAGED
    assert {finding.condition for finding in report.damage} == {wanted}


REQUESTS: dict[str, Callable[[str, Path], RestoreRequest]] = {
    "whole": RestoreRequest,
    "by path": partial(RestoreRequest, path="卷1/*"),
    "as a bag": partial(RestoreRequest, as_bag=True),
}


@pytest.mark.parametrize("how", REQUESTS)
@pytest.mark.parametrize("in_pieces", [False, True])
def test_without_any_list_of_members_it_is_read_from_the_bag(
    harmed: tuple[Service, Path, str], tmp_path: Path, how: str, in_pieces: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _, package = harmed
    if in_pieces:
        monkeypatch.setattr("preserve.operations.restore.LARGEST_WHOLE_MEMBERS", 0)
    whole = restore(made.workplace, REQUESTS[how](package, tmp_path / "whole"))
    assert whole.is_verified and not whole.relisted
    for store in made.places:
        spoil(made.object(store, package, "members.parquet"), "replaced")
    report = restore(made.workplace, REQUESTS[how](package, tmp_path / "out"))
    assert report.is_verified and report.relisted == (package,)
    assert report.files == whole.files
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert {finding.where.rpartition("/")[2] for finding in report.damage} == {"members.parquet"}


def contents(folder: Path) -> dict[str, tuple[object, ...]]:
    """All below a folder, but for what a bag does not keep: parts of seconds, and when links were made; a folder on the
    way to what was asked for is new."""
    found: dict[str, tuple[object, ...]] = {}
    for path in folder.rglob("*"):
        facts = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        seconds = facts.st_mtime_ns // 10**9 if stat.S_ISREG(facts.st_mode) else None
        found[str(path.relative_to(folder))] = (facts.st_mode, seconds, content)
    return found


def test_hostile_names_links_and_records_are_read_from_the_bag_too(tmp_path: Path) -> None:
    source = samples.hostile(tmp_path / "submission")
    (source / "0001-WS·2024-永久-0001").mkdir()
    (source / "0001-WS·2024-永久-0001" / "正文.txt").write_text("text")
    metadata = tmp_path / "records.csv"
    metadata.write_text("archival_code,title,path\n0001-WS·2024-永久-0001,题名,0001-WS·2024-永久-0001\n")
    with service(tmp_path / "service") as made:
        package = made.ingest(source, metadata).packages[0].id
        for store in made.places:
            made.object(store, package, "members.parquet").unlink()
        report = restored(made, package, tmp_path / "out")
        assert report.is_verified and report.relisted
        assert contents(tmp_path / "out") == contents(source)
        code = restore(made.workplace, RestoreRequest("0001-WS·2024-永久-0001", tmp_path / "record"))
        assert (code.files, code.is_verified) == (1, True)


def test_without_any_list_of_members_nor_a_sound_bag_nothing_is_restored_and_it_is_said(
    harmed: tuple[Service, Path, str], tmp_path: Path
) -> None:
    made, _, package = harmed
    for store in made.places:
        spoil(made.object(store, package, "members.parquet"), "replaced")
        flip(made.object(store, package, "bag.tar"), 600)
    report = restored(made, package, tmp_path / "out")
    assert not report.is_verified and report.files == 0
    assert "rescue.py" in str(report.losses[0])
    files = made.books.package(package).receipt.payload_files
    assert (report.lost, report.is_lost_known) == (files, True)
    for request in (
        RestoreRequest(package, tmp_path / "out2", path="卷1/*"),
        RestoreRequest(package, tmp_path / "out3", as_bag=True),
    ):
        assert not restore(made.workplace, request).is_lost_known


def test_findings_are_told_as_they_are_booked(harmed: tuple[Service, Path, str], tmp_path: Path) -> None:
    made, _, package = harmed
    spoil(made.object("near", package, "bag.tar"), "removed")
    (first,) = restored(made, package, tmp_path / "out").damage
    assert [finding.id for finding in made.books.findings()] == [first.id] != [""]
    assert first.files_touched == made.books.package(package).receipt.payload_files
    (again,) = restored(made, package, tmp_path / "out2", store="near").damage
    assert again == first  # it was open already


def test_a_store_that_is_away_is_passed_over_and_named(harmed: tuple[Service, Path, str], tmp_path: Path) -> None:
    made, source, package = harmed
    shutil.rmtree(made.places["near"])
    report = restored(made, package, tmp_path / "out")
    assert report.is_verified and differences(source, tmp_path / "out") == []
    assert set(report.away) == {"near"} and set(report.sources) == {"city"}
    assert report.damage == ()  # away is not damaged
    shutil.rmtree(made.places["city"])
    with pytest.raises(Unavailable):
        restored(made, package, tmp_path / "out2")


def test_a_copy_that_may_not_be_read_is_told_of_once_and_may_hold_what_is_missing(
    harmed: tuple[Service, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, source, package = harmed
    flip(made.object("city", package, "bag.tar"), place_of(made, package, "卷1/文件-10.txt"))
    read = FolderStore.read

    def forbidden(store: FolderStore, key: Key, start: int, into: memoryview) -> int:
        if store.name == "near" and key.endswith(BAG):
            raise Unreadable("store {store}: {key} may not be read", store=store.name, key=key)
        return read(store, key, start, into)

    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "read", forbidden)
        report = restored(made, package, tmp_path / "out")
    assert (report.lost, report.unread) == (1, ("near",))
    assert sorted((finding.store, finding.condition) for finding in report.damage) == [
        ("city", Condition.DAMAGED),
        ("near", Condition.UNREADABLE),
    ]
    again = restored(made, package, tmp_path / "out")
    assert again.is_verified and differences(source, tmp_path / "out") == []


def test_a_store_without_a_copy_is_refused(harmed: tuple[Service, Path, str], tmp_path: Path) -> None:
    made, _, package = harmed
    with pytest.raises(Refused, match="there is no store nowhere"):
        restored(made, package, tmp_path / "out", store="nowhere")


def test_the_certificate_is_what_the_ledger_names(harmed: tuple[Service, Path, str], tmp_path: Path) -> None:
    made, _, package = harmed
    report = restored(made, package, tmp_path / "out")
    content = report.certificate.read_bytes()
    assert sha256(content).hex() == report.certificate_sha256
    event = json.loads(made.books.entry(made.books.size() - 1).content)
    assert event["detail"]["certificate_sha256"] == report.certificate_sha256
    assert event["type"] == "dissemination" and event["outcome"] == "success"
    certificate = json.loads(content)
    listed = report.certificate.with_suffix(".sha256").read_bytes()
    assert certificate["files_sha256"] == sha256(listed).hex()
    assert certificate["packages"][0]["receipt_sha256"] == made.books.package(package).receipt_sha256


def spoil(file: Path, harm: str) -> None:
    size = file.stat().st_size
    match harm:
        case "changed":
            flip(file, size // 2, 100)
        case "removed":
            file.unlink()
        case "cut short":
            os.truncate(file, size // 3)
        case "replaced":
            file.write_bytes(b"\0" * size)
