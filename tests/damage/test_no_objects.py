"""What lies in a store and can be no object: found by every audit, never opened or followed, got past by repair."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ops.sites import seaweed
from preserve.model.audit import AuditCounts
from preserve.model.keys import BAG, BLOCKS, MEMBERS, RECEIPT, key, object_key
from preserve.model.nouns import Condition, Level, Role
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.repair import RepairRequest, repair
from preserve.packages.identity import Identity, found
from preserve.packages.putting import put
from preserve.packages.repairing.remaking import How
from preserve.ports import NoObject, NoObjectKind, position
from preserve.state.books import Books
from preserve.stores.folder import FolderStore
from preserve.stores.s3 import S3Store
from preserve.stores.s3_place import S3Place
from tests.packages.archives import NOW, Archive, archive, built
from tests.rights import as_nobody

LEVELS = pytest.mark.parametrize("level", list(Level))


def pipe(place: Path) -> None:
    os.mkfifo(place)


def link(place: Path) -> None:
    place.symlink_to("/etc/hostname")


def dangling_link(place: Path) -> None:
    place.symlink_to("nowhere")


def link_to_a_folder(place: Path) -> None:
    place.symlink_to(place.parent)


def listening(place: Path) -> None:
    here = os.open(place.parent, os.O_RDONLY)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{here}/{place.name}")
    os.close(here)


def device(place: Path) -> None:
    try:
        os.mknod(place, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root may make a device")


THINGS: dict[str, Callable[[Path], None]] = {
    each.__name__: each for each in (pipe, link, dangling_link, link_to_a_folder, listening, device)
}
NAMES = {
    b"\xce\xc4\xb5\xb5": "\\xce\u0135\\xb5",
    b"a\nb\x1b[2J": "a\\nb\\x1b[2J",
    "会议 纪要".encode(): "会议 纪要",
    b"a\\nb": "a\\\\nb",
    b".hidden": ".hidden",
    b"n" * 220: "n" * 220,
}


@LEVELS
@pytest.mark.parametrize("thing", THINGS)
def test_a_thing_that_is_no_file_is_named_and_left_alone(tmp_path: Path, level: Level, thing: str) -> None:
    held = archive(tmp_path, [built(0)])
    place = tmp_path / "near" / "packages" / "thing"
    THINGS[thing](place)
    report = audit(held.place, AuditRequest(level))
    (finding,) = report.findings
    assert (finding.where, finding.condition, finding.store) == ("packages/thing", Condition.UNEXPECTED, "near")
    assert "move it out" in finding.found
    assert audit(held.place, AuditRequest(level)).findings == (finding,)
    place.unlink()
    assert audit(held.place, AuditRequest(level)).findings == ()


@pytest.mark.parametrize("name", NAMES, ids=NAMES.values())
@pytest.mark.parametrize("is_folder", [False, True])
def test_a_name_that_is_no_key_is_written_so_that_it_can_be_told(tmp_path: Path, name: bytes, is_folder: bool) -> None:
    held = archive(tmp_path, [built(0)])
    place = os.fsencode(tmp_path / "near" / "packages") + b"/" + name
    if is_folder:
        os.mkdir(place)
        Path(os.fsdecode(place), "within").touch()
    else:
        Path(os.fsdecode(place)).touch()
    (finding,) = audit(held.place, AuditRequest(Level.EXISTS)).findings
    assert finding.where == f"packages/{NAMES[name]}" + ("/" if is_folder else "")
    assert audit(held.place, AuditRequest(Level.EXISTS)).findings == (finding,)
    shutil.rmtree(place) if is_folder else os.unlink(place)
    assert audit(held.place, AuditRequest(Level.EXISTS)).findings == ()


def test_different_names_are_written_differently() -> None:
    names = ["a\udcff", "a\\xff", "a\xff", "a\n", "a\\n", "a\x80"]
    assert len({NoObject(name, NoObjectKind.NAME).name for name in names}) == len(names)
    assert all(NoObject(name, NoObjectKind.NAME).name.isprintable() for name in names)


def test_empty_folders_uploads_under_way_and_what_the_file_system_keeps_are_no_strays(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    for name in ("empty", "packages/empty", "lost+found", ".incoming"):
        (tmp_path / "near" / name).mkdir(exist_ok=True)
    (tmp_path / "near" / "lost+found" / "#12").touch()
    assert audit(held.place, AuditRequest(Level.EXISTS)).findings == ()


def test_a_search_can_be_taken_up_again_behind_anything(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)], ["near"])
    for number, name in enumerate((b"a\xff", b"z z", b"p")):
        path = os.fsencode(tmp_path / "near" / "packages") + b"/" + name
        Path(os.fsdecode(path)).write_bytes(bytes(number))
    os.mkfifo(tmp_path / "near" / "packages" / "b")
    store = held.stores["near"]
    everything = list(store.search())
    assert [position(each) for each in everything] == sorted(position(each) for each in everything)
    assert len(everything) == 4 + 1 + 4
    for number, each in enumerate(everything):
        assert list(store.search(position(each))) == everything[number + 1 :]


# In the place of an object of ours


@pytest.mark.parametrize("part", [BAG, BLOCKS, MEMBERS, RECEIPT])
@pytest.mark.parametrize("thing", ["folder", "full folder", *THINGS])
def test_repair_gets_past_what_stands_in_the_place_of_an_object(tmp_path: Path, part: str, thing: str) -> None:
    held = archive(tmp_path, [built(0)])
    file = held.file("near", built(0), part)
    file.unlink()
    if thing in THINGS:
        THINGS[thing](file)
    else:
        file.mkdir()
    if thing == "full folder":
        (file / "within").touch()
    report = audit(held.place, AuditRequest(Level.EXISTS))
    where = str(object_key(built(0).id, part))
    named = {finding.where for finding in report.findings if finding.condition is Condition.UNEXPECTED}
    assert named == {{"folder": f"{where}/", "full folder": f"{where}/within"}.get(thing, where)}
    assert {finding.where for finding in report.findings if finding.condition is Condition.MISSING} == {where}
    repaired = repair(held.place, RepairRequest())
    assert [(each.object, each.generation) for each in repaired.repaired] == [(part, 2)]
    assert repaired.not_repaired == ()
    shutil.rmtree(file) if file.is_dir() and not file.is_symlink() else file.unlink()
    assert audit(held.place, AuditRequest()).is_all_well
    assert held.object("near", built(0), part) == built(0).objects[part]


@pytest.mark.parametrize("obstacle", ["link", "file"])
def test_a_package_folder_that_is_none_is_said_to_be_in_the_way(tmp_path: Path, obstacle: str) -> None:
    held = archive(tmp_path, [built(0)])
    folder = held.file("near", built(0), BAG).parent
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved") if obstacle == "link" else folder.touch()
    assert audit(held.place, AuditRequest(Level.EXISTS)).counts == AuditCounts(sound=1, missing=1)
    (left,) = repair(held.place, RepairRequest()).not_repaired
    assert str(folder) in str(left.why)
    folder.unlink()
    assert len(repair(held.place, RepairRequest()).repaired) == 4
    assert audit(held.place, AuditRequest()).is_all_well


# Generations that nobody booked


@pytest.mark.parametrize("part", [BAG, BLOCKS, MEMBERS, RECEIPT])
@pytest.mark.parametrize("is_sound", [True, False])
def test_a_generation_left_behind_comes_to_an_end(tmp_path: Path, part: str, is_sound: bool) -> None:
    held = archive(tmp_path, [built(0)])
    content = built(0).objects[part]
    put(held.stores["near"], object_key(built(0).id, part, 2), content if is_sound else content[::-1])
    (stray,) = audit(held.place, AuditRequest()).findings
    assert stray.condition is Condition.UNEXPECTED
    report = repair(held.place, RepairRequest(finding=stray.id))
    expected = (part, 2, How.ADOPTED) if is_sound else (part, 3)
    (made,) = report.repaired
    assert (made.object, made.generation, made.how)[: len(expected)] == expected
    assert held.books.finding(stray.id).closed_at
    assert audit(held.place, AuditRequest()).is_all_well
    assert held.object("near", built(0), part) == content


# Folders that may not be listed


@pytest.fixture
def reachable() -> Iterator[Archive]:
    """An archive of two packages that nobody in particular owns."""
    with tempfile.TemporaryDirectory() as place:
        archive(Path(place), [built(0), built(1)]).books.close()
        if os.geteuid() == 0:
            for path in (Path(place), *Path(place).rglob("*")):
                os.chown(path, 65534, 65534)
        with as_nobody():
            stores = {name: FolderStore(name, Path(place) / name, f"id-{name}") for name in ("near", "far")}
            yield Archive(Books.open(Path(place) / "home"), stores, Path(place))


@LEVELS
@pytest.mark.parametrize("mode", [0o000, 0o400, 0o100], ids=oct)
def test_a_folder_that_may_not_be_listed_hides_nothing_else(reachable: Archive, level: Level, mode: int) -> None:
    folder = reachable.file("near", built(0), BAG).parent
    folder.chmod(mode)
    report = audit(reachable.place, AuditRequest(level))
    folder.chmod(0o700)
    assert (report.away, report.unlisted) == ({}, ())
    assert (report.counts.damaged, report.counts.missing) == (0, 0)
    assert report.counts.unreadable == 1
    closed = f"{folder.relative_to(reachable.root / 'near')}/"
    strays = [each for each in report.findings if each.condition is Condition.UNEXPECTED]
    assert [(each.where, each.package_id) for each in strays] == [(closed, built(0).id)]
    assert {each.package_id for each in report.findings} == {built(0).id}
    assert audit(reachable.place, AuditRequest()).is_all_well


def test_a_closed_ledger_is_a_finding_and_the_copies_are_judged(reachable: Archive) -> None:
    ledger = reachable.root / "near" / "ledger"
    ledger.mkdir(mode=0)
    report = audit(reachable.place, AuditRequest())
    assert report.counts == AuditCounts(sound=4)
    assert {(each.where, each.condition) for each in report.findings} == {
        ("ledger", Condition.UNREADABLE), ("ledger/", Condition.UNEXPECTED)
    }  # fmt: skip
    (left,) = repair(reachable.place, RepairRequest()).not_repaired
    assert "may not be listed" in str(left.why)
    ledger.chmod(0o700)
    assert audit(reachable.place, AuditRequest()).is_all_well


# On a site


@pytest.mark.site
def test_objects_that_no_key_names_are_found_on_a_site_too(tmp_path: Path, weed: seaweed.Site) -> None:
    held = archive(tmp_path, [built(0)], ["near"])
    place = S3Place("records", f"odd-{tmp_path.name.lower().replace('_', '-')}", weed.endpoint)
    found(S3Store("near", place, None, profile="weed-writer"), Identity("id-near", "near", Role.PRIMARY, NOW))
    store = S3Store("near", place, "id-near", profile="weed-writer")
    held.write(built(0), store)
    for name in ("会议纪要", "packages/a b", "packages/00/x~1"):
        store.writer().put_object(Bucket=place.bucket, Key=place.name_of(name), Body=b"odd")
    put(store, key("packages/stray"), b"x")
    held.place = replace(held.place, stores={"near": store})
    report = audit(held.place, AuditRequest(Level.EXISTS))
    assert report.counts == AuditCounts(sound=1)
    assert {each.where for each in report.findings} == {
        "会议纪要", "packages/a b", "packages/00/x~1", "packages/stray"
    }  # fmt: skip
    assert [each.key for each in store.list("packages/00") if "~" in each.key] == []


def test_repair_says_of_what_is_none_of_ours_that_a_person_has_to_move_it(tmp_path: Path) -> None:
    held = archive(tmp_path, [built(0)])
    put(held.stores["near"], key("stray"), b"x")
    (stray,) = audit(held.place, AuditRequest()).findings
    (left,) = repair(held.place, RepairRequest(finding=stray.id)).not_repaired
    assert (left.object, "move it out" in str(left.why)) == ("stray", True)
    report = repair(held.place, RepairRequest())
    assert (report.not_repaired, report.left_alone) == ((), (stray,))
