"""Does a submission come in whole or not at all, once and only once, and is it reported safe only when it is?"""

from __future__ import annotations

import hashlib
import os
import random
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import bagit
import pytest

from preserve.clock import SystemClock
from preserve.definitions.registered import registered_policy
from preserve.errors import NoSpace, Refused, Unavailable
from preserve.model.digests import Algorithm
from preserve.model.entries import AccessionState
from preserve.model.nouns import Condition, CopyState
from preserve.model.policy import LinkRule
from preserve.operations.ingest import IngestRequest, ingest
from preserve.operations.replicate import ReplicateRequest, replicate
from preserve.ports import NoProgress
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.folder import FolderStore
from tests.packages.building import Service, service
from tests.stores.memory import MemoryStore

SAMPLES = {
    "公文/关于归档的通知.txt": "关于归档的通知".encode(),
    "minutes/2024 annual.txt": b"minutes" * 1000,
    "scan.tif": bytes(range(256)) * 4000,
    "empty.txt": b"",
}


@pytest.fixture
def near_and_city(tmp_path: Path) -> Iterator[Service]:
    with service(tmp_path) as one:
        yield one


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    for name, content in SAMPLES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "leer").mkdir()
    return folder


def stored(one: Service, store: str) -> list[str]:
    """The objects of packages in a store, without those of the store itself."""
    return [facts.key for facts in one.workplace.stores[store].list("packages")]


def test_every_wanted_store_gets_a_verified_copy(near_and_city: Service, source: Path) -> None:
    report = near_and_city.ingest(source)
    (package,) = report.packages
    assert report.is_complete and not report.already
    assert [(copy.store, copy.state) for copy in package.copies] == [
        ("city", CopyState.VERIFIED),
        ("near", CopyState.VERIFIED),
    ]
    assert package.files == len(SAMPLES)
    assert package.bytes == sum(map(len, SAMPLES.values()))
    for store in ("near", "city"):
        assert [key.rpartition("/")[2] for key in stored(near_and_city, store)] == [
            "bag.tar",
            "blocks.sha256",
            "members.parquet",
            "receipt.json",
        ]


def test_the_library_of_congress_reader_accepts_the_bag(near_and_city: Service, source: Path, tmp_path: Path) -> None:
    package = near_and_city.ingest(source).packages[0]
    with tarfile.open(near_and_city.object("near", package.id, "bag.tar")) as tar:
        tar.extractall(tmp_path / "out", filter="data")
    bag = bagit.Bag(str(tmp_path / "out" / package.id))
    bag.validate()
    assert bag.info["Payload-Oxum"] == f"{package.bytes}.{package.files}"
    assert (tmp_path / "out" / package.id / "data" / "leer").is_dir()


def test_the_same_submission_again_adds_nothing(near_and_city: Service, source: Path) -> None:
    first = near_and_city.ingest(source)
    before = stored(near_and_city, "near")
    again = near_and_city.ingest(source)
    assert again.already
    assert again.accession == first.accession
    assert [package.id for package in again.packages] == [package.id for package in first.packages]
    assert stored(near_and_city, "near") == before


def test_a_submission_that_changed_is_a_new_accession(near_and_city: Service, source: Path) -> None:
    first = near_and_city.ingest(source)
    (source / "scan.tif").write_bytes(b"another scan")
    second = near_and_city.ingest(source)
    assert not second.already
    assert second.packages[0].id != first.packages[0].id


def test_a_large_submission_becomes_linked_packages_cut_between_files(near_and_city: Service, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    for number in range(30):
        (folder / f"{number % 4}").mkdir(parents=True, exist_ok=True)
        (folder / f"{number % 4}" / f"{number}.bin").write_bytes(bytes([number]) * 50_000)
    (folder / "huge.bin").write_bytes(b"h" * 900_000)
    report = near_and_city.ingest(folder, package_bytes=400_000)
    receipts = [near_and_city.books.package(package.id).receipt for package in report.packages]
    assert len(receipts) > 3
    assert [receipt.part_of for receipt in receipts] == [
        (report.accession, number, len(receipts)) for number in range(1, len(receipts) + 1)
    ]
    assert sum(receipt.payload_files for receipt in receipts) == 31
    assert all(receipt.payload_bytes <= 400_000 or receipt.payload_files == 1 for receipt in receipts)
    names: set[str] = set()
    for package in report.packages:
        with tarfile.open(near_and_city.object("near", package.id, "bag.tar")) as tar:
            files = {
                member.name.split("/", 2)[2]
                for member in tar.getmembers()
                if member.isfile() and "/data/" in member.name
            }
            folders = {member.name for member in tar.getmembers() if member.isdir()}
            assert all(f"{package.id}/data/{name}".rpartition("/")[0] in folders for name in files)
            assert not files & names
            names |= files
    assert len(names) == 31


def test_a_store_that_is_away_does_not_stop_the_others_and_is_made_up_for(near_and_city: Service, source: Path) -> None:
    away = near_and_city.places["city"].rename(near_and_city.places["city"].with_name("unplugged"))
    report = near_and_city.ingest(source)
    states = {copy.store: copy.state for copy in report.packages[0].copies}
    assert states == {"near": CopyState.VERIFIED, "city": CopyState.AWAY}
    assert report.packages[0].is_safe and not report.is_complete
    assert near_and_city.books.copy(report.packages[0].id, "city") is None

    away.rename(near_and_city.places["city"])
    request = ReplicateRequest(lambda sha256: near_and_city.policy)
    made = replicate(near_and_city.workplace, request)
    assert made.is_complete
    assert [(copy.store, copy.state) for copy in made.made] == [("city", CopyState.VERIFIED)]
    for part in ("bag.tar", "blocks.sha256", "members.parquet", "receipt.json"):
        near, city = (near_and_city.object(store, report.packages[0].id, part) for store in ("near", "city"))
        assert near.read_bytes() == city.read_bytes()
    assert replicate(near_and_city.workplace, request).made == ()


def test_with_every_store_away_nothing_is_begun(near_and_city: Service, source: Path) -> None:
    size = near_and_city.books.size()
    for place in near_and_city.places.values():
        place.rename(place.with_name(place.name + "-unplugged"))
    with pytest.raises(Unavailable, match="nothing was begun"):
        near_and_city.ingest(source)
    assert (near_and_city.books.size(), near_and_city.books.package_count()) == (size, 0)
    for place in near_and_city.places.values():
        place.with_name(place.name + "-unplugged").rename(place)
    assert near_and_city.ingest(source).is_complete


def test_where_every_store_goes_away_meanwhile_nothing_is_booked_and_a_later_run_goes_on(
    near_and_city: Service, source: Path
) -> None:
    faults = [Fault(Harm.UNAVAILABLE, "create", "*/bag.tar")]
    stores = near_and_city.workplace.stores.items()
    folders = {name: store for name, store in stores if isinstance(store, FolderStore)}
    leaving = {name: FaultyStore(store, faults, SystemClock(), Random(1)) for name, store in folders.items()}
    request = IngestRequest(source, near_and_city.policy)
    with pytest.raises(Unavailable, match="no store took a sound copy"):
        ingest(near_and_city.with_stores(leaving), request)
    begun = near_and_city.books.open_accession(str(source))
    assert begun is not None
    assert near_and_city.books.package_count() == 0
    report = near_and_city.ingest(source)
    assert report.accession == begun.id
    assert tuple(package.id for package in report.packages) == begun.packages
    assert near_and_city.books.accession(begun.id).state is AccessionState.COMMITTED


@pytest.mark.parametrize("harm", [Harm.FLIP, Harm.CUT, Harm.ABSENT])
def test_a_store_that_does_not_give_back_what_it_was_sent_holds_no_copy(
    near_and_city: Service, source: Path, harm: Harm
) -> None:
    faults = [Fault(harm, "read", "*/bag.tar")]
    lying = FaultyStore(
        FolderStore("city", near_and_city.places["city"], None), faults, SystemClock(), random.Random(1)
    )
    workplace = near_and_city.with_stores({"city": lying})
    report = ingest(workplace, IngestRequest(source, near_and_city.policy))
    states = {copy.store: copy.state for copy in report.packages[0].copies}
    assert states == {"near": CopyState.VERIFIED, "city": CopyState.BAD}
    (finding,) = near_and_city.books.findings(open_only=True)
    assert finding.store == "city"
    assert finding.condition in (Condition.DAMAGED, Condition.MISSING)
    assert finding.where.endswith("/bag.tar")
    assert not any(key.endswith("receipt.json") for key in stored(near_and_city, "city"))


def test_when_the_only_store_keeps_other_bytes_the_next_run_begins_under_new_names(
    tmp_path: Path, source: Path
) -> None:
    with service(tmp_path / "one", ("near",)) as one:
        faults = [Fault(Harm.FLIP, "read", "*/bag.tar")]
        lying = FaultyStore(FolderStore("near", one.places["near"], None), faults, SystemClock(), random.Random(1))
        with pytest.raises(Unavailable, match="came back as other bytes"):
            ingest(one.with_stores({"near": lying}), IngestRequest(source, one.policy))
        assert one.books.open_accession(str(source)) is None
        report = one.ingest(source)
        assert report.is_complete


def test_too_little_space_is_refused_before_anything_is_written(near_and_city: Service, source: Path) -> None:
    small = MemoryStore("city", room_bytes=100_000)
    workplace = near_and_city.with_stores({"city": small})
    with pytest.raises(NoSpace, match=r"store city has 97.7 KiB left and the submission needs \d+"):
        ingest(workplace, IngestRequest(source, near_and_city.policy))
    assert stored(near_and_city, "near") == []
    assert near_and_city.books.open_accession(str(source)) is None


def test_a_submitted_bag_is_checked_against_its_own_manifests(near_and_city: Service, source: Path) -> None:
    bagit.make_bag(str(source), {"Source-Organization": "某局", "Contact-Name": "张三"}, checksums=["md5", "sha1"])
    report = near_and_city.ingest(source)
    assert report.is_complete
    package = report.packages[0]
    assert package.files == len(SAMPLES)
    with tarfile.open(near_and_city.object("near", package.id, "bag.tar")) as tar:
        names = tar.getnames()
        info = tar.extractfile(f"{package.id}/bag-info.txt").read().decode()  # type: ignore[union-attr]
    assert f"{package.id}/submission/manifest-md5.txt" in names
    assert f"{package.id}/data/scan.tif" in names
    assert "Source-Organization: 某局\n" in info
    assert "Contact-Name: 张三\n" in info


def test_a_submitted_bag_whose_payload_does_not_fit_is_refused_and_leaves_nothing(
    near_and_city: Service, source: Path
) -> None:
    bagit.make_bag(str(source), checksums=["md5"])
    scan = source / "data" / "scan.tif"
    scan.write_bytes(scan.read_bytes()[:-1] + b"!")
    with pytest.raises(Refused, match=r"scan\.tif.*md5"):
        near_and_city.ingest(source)
    assert stored(near_and_city, "near") == stored(near_and_city, "city") == []
    assert near_and_city.books.package_count() == 0


def test_a_tar_is_taken_in_like_the_folder_it_holds(near_and_city: Service, source: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "submission.tar", "w") as tar:
        for path in sorted(source.iterdir()):
            tar.add(path, path.name)
    report = near_and_city.ingest(tmp_path / "submission.tar")
    with tarfile.open(near_and_city.object("near", report.packages[0].id, "bag.tar")) as tar:
        for name, content in SAMPLES.items():
            assert tar.extractfile(f"{report.packages[0].id}/data/{name}").read() == content  # type: ignore[union-attr]


def test_digests_are_those_that_policy_asks_for(near_and_city: Service, source: Path) -> None:
    policy = replace(near_and_city.policy, digests=(Algorithm.SHA256, Algorithm.SHA512, Algorithm.SM3))
    report = ingest(near_and_city.workplace, IngestRequest(source, policy))
    with tarfile.open(near_and_city.object("near", report.packages[0].id, "bag.tar")) as tar:
        manifest = tar.extractfile(f"{report.packages[0].id}/manifest-sm3.txt").read().decode()  # type: ignore[union-attr]
    assert f"{hashlib.new('sm3', SAMPLES['scan.tif']).hexdigest()}  data/scan.tif\n" in manifest


def test_links_are_kept_or_refused_and_never_followed(near_and_city: Service, source: Path) -> None:
    (source / "link").symlink_to("/etc/hostname")
    policy = replace(near_and_city.policy, symlinks=LinkRule.REFUSE)
    with pytest.raises(Refused, match="link"):
        ingest(near_and_city.workplace, IngestRequest(source, policy))
    report = near_and_city.ingest(source)
    with tarfile.open(near_and_city.object("near", report.packages[0].id, "bag.tar")) as tar:
        names = tar.getnames()
        structure = tar.extractfile(f"{report.packages[0].id}/metadata/structure.jsonl").read()  # type: ignore[union-attr]
    assert f"{report.packages[0].id}/data/link" not in names
    assert b'"link_to": "%b"' % b"/etc/hostname".hex().encode() in structure


METADATA = "档号,题名,全宗,年度,保管期限,密级,路径\n"


def test_records_are_described_and_found_by_their_archival_code(
    near_and_city: Service, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "records.csv").write_text(
        METADATA + "X001-WS·2024-Y-0001,关于归档的通知,X001,2024,永久,公开,公文\n"
        "X001-WS·2024-D30-0002,年度会议,X001,2024,30年,内部,minutes/2024 annual.txt\n"
    )
    report = near_and_city.ingest(source, tmp_path / "records.csv")
    package = near_and_city.books.package(report.packages[0].id)
    assert package.receipt.records == 2
    assert dict(package.receipt.metadata) == {"fonds": "X001", "year": "2024"}
    (holding,) = near_and_city.books.holdings_of(["X001-WS·2024-Y-0001"])
    assert (holding.package_id, holding.accession) == (package.id, report.accession)


def test_a_state_secret_is_refused_and_no_byte_of_it_reaches_a_store(
    near_and_city: Service, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "records.csv").write_text(METADATA + "X001-WS·2024-Y-0001,甲,X001,2024,永久,机密,公文\n")
    with pytest.raises(Refused, match="state secret"):
        near_and_city.ingest(source, tmp_path / "records.csv")
    assert stored(near_and_city, "near") == stored(near_and_city, "city") == []


def test_what_a_registered_policy_says_is_what_the_strict_reader_said(near_and_city: Service) -> None:
    (entry,) = near_and_city.books.policies()
    assert registered_policy(entry) == near_and_city.policy


class Meddler(NoProgress):
    """Somebody who changes the source while it is packed."""

    def __init__(self, change: Callable[[], object]) -> None:
        self._change = change

    def begin(self, template: str, total_bytes: int | None, **values: object) -> None:
        if template.startswith("packing"):
            self._change()


def test_a_source_that_changes_meanwhile_is_not_committed(near_and_city: Service, source: Path) -> None:
    meddler = Meddler(lambda: (source / "scan.tif").write_bytes(b"changed"))
    workplace = replace(near_and_city.workplace, progress=meddler)
    with pytest.raises(Refused, match=r"changed while they were read.*scan\.tif"):
        ingest(workplace, IngestRequest(source, near_and_city.policy))
    assert stored(near_and_city, "near") == stored(near_and_city, "city") == []
    report = near_and_city.ingest(source)
    assert report.is_complete
    abandoned = list(near_and_city.books.accessions(AccessionState.ABANDONED))
    assert len(abandoned) == 1


@pytest.mark.parametrize("late", ["late.txt", "minutes/late.txt", "leer/late.txt", "leer/late/"])
def test_what_is_added_while_it_is_read_is_not_left_out_in_silence(
    near_and_city: Service, source: Path, late: str
) -> None:
    place = source / late
    meddler = Meddler(place.mkdir if late.endswith("/") else lambda: place.write_bytes(b"late") and None)
    workplace = replace(near_and_city.workplace, progress=meddler)
    with pytest.raises(Refused, match=rf"^these folders changed while they were read: {place.parent}; nothing"):
        ingest(workplace, IngestRequest(source, near_and_city.policy))
    assert stored(near_and_city, "near") == stored(near_and_city, "city") == []
    assert near_and_city.books.package_count() == 0
    report = near_and_city.ingest(source)
    assert report.is_complete
    assert report.packages[0].files == len(SAMPLES) + place.is_file()


@pytest.mark.parametrize("late", ["late.txt", "data/late.txt", "data/minutes/late.txt"])
def test_what_is_added_to_a_bag_while_it_is_read_is_not_left_out_in_silence(
    near_and_city: Service, source: Path, late: str
) -> None:
    bagit.make_bag(str(source), checksums=["sha256"])
    meddler = Meddler(lambda: (source / late).write_bytes(b"late") and None)
    workplace = replace(near_and_city.workplace, progress=meddler)
    with pytest.raises(Refused, match=rf"^these folders changed while they were read: {(source / late).parent}; "):
        ingest(workplace, IngestRequest(source, near_and_city.policy))
    assert stored(near_and_city, "near") == stored(near_and_city, "city") == []


def test_what_is_added_before_the_last_package_of_an_accession_is_read_is_noticed(
    near_and_city: Service, source: Path
) -> None:
    begun: list[int] = []

    def at_the_second() -> None:
        begun.append(1)
        if len(begun) == 2:
            (source / "late.txt").write_bytes(b"late")

    workplace = replace(near_and_city.workplace, progress=Meddler(at_the_second))
    policy = replace(near_and_city.policy, package_bytes=1_020_000)
    with pytest.raises(Refused, match="these folders changed while they were read"):
        ingest(workplace, IngestRequest(source, policy))
    assert len(begun) == 2


def test_reading_the_source_meanwhile_changes_nothing(near_and_city: Service, source: Path) -> None:
    def read_all() -> None:
        for path in source.rglob("*"):
            assert list(path.iterdir()) or path.name == "leer" if path.is_dir() else path.read_bytes() is not None

    workplace = replace(near_and_city.workplace, progress=Meddler(read_all))
    assert ingest(workplace, IngestRequest(source, near_and_city.policy)).is_complete


def test_nothing_is_left_in_the_work_folder(near_and_city: Service, source: Path) -> None:
    near_and_city.ingest(source)
    assert list(near_and_city.workplace.work.iterdir()) == []


def test_a_submission_whose_own_name_is_no_utf_8_is_taken_once(near_and_city: Service, source: Path) -> None:
    other = source.with_name(os.fsdecode("卷宗".encode("gbk")))
    source.rename(other)
    report = near_and_city.ingest(other)
    assert report.is_complete and near_and_city.ingest(other).already
    assert near_and_city.books.accession(report.accession).source.endswith(r"\xbe\xed\xd7\xda")
