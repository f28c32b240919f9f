"""What does the probe say of honest stores, of real servers that differ, and of servers that lie?"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.sites import ceph, seaweed
from preserve import compose
from preserve.clock import SystemClock
from preserve.model.nouns import Role, StoreEntry
from preserve.ports import ErasableStore
from preserve.stores import conformance, s3_probe
from preserve.stores.conformance import Bench, probe
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.folder import FolderStore
from preserve.stores.probing import ProbeResult, Record, Severity
from preserve.stores.retry import RetryingStore
from preserve.stores.s3 import S3Store
from preserve.stores.s3_place import place_of
from tests.sites.lying import Lie, LyingServer, State
from tests.sites.moto import MotoSite
from tests.sites.rclone import RcloneSite
from tests.stores.clocks import SetClock
from tests.stores.memory import MemoryStore

Lying = Callable[[Lie | None, str], LyingServer]


def patient(inner: ErasableStore) -> ErasableStore:
    return RetryingStore(inner, SystemClock(), random.Random(1))


def probed(place: str, profile: str, many: int = 20) -> ProbeResult:
    store = S3Store("site", place_of(place), None, profile=profile)
    return s3_probe.probe(store, patient, SystemClock(), many=many, lock_seconds=3)


def complaints(result: ProbeResult, severity: Severity) -> set[str]:
    return {complaint.code for complaint in result.complaints if complaint.severity is severity}


def test_an_honest_store_passes_without_complaint() -> None:
    result = probe(MemoryStore(), many=50)
    assert result.ok
    assert result.complaints == ()
    assert result.capabilities == {
        "attests_sha256": True,
        "case_sensitive": True,
        "copies_within": True,
        "create_only_race": True,
        "erases": True,
    }


def test_a_folder_passes_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    result = probe(FolderStore("disk", tmp_path, None), many=50)
    assert result.ok
    assert result.complaints == ()
    assert [path.name for path in tmp_path.rglob("*")] == [".incoming"]


@pytest.mark.site
def test_seaweedfs_passes_with_more_objects_than_one_page_lists(weed: seaweed.Site) -> None:
    result = probed(f"s3://records/probed?endpoint={weed.endpoint}", "weed-writer", many=1_200)
    assert [str(complaint) for complaint in result.complaints] == []
    assert {name for name, honoured in result.capabilities.items() if not honoured} == {
        "listing_sorted",
        "object_lock",
        "versioning",
    }
    store = S3Store("site", place_of(f"s3://records/probed?endpoint={weed.endpoint}"), None, profile="weed-writer")
    assert list(store.list("")) == []


@pytest.mark.site
def test_seaweedfs_keeps_object_locks(weed: seaweed.Site) -> None:
    result = probed(f"s3://locked/probed?endpoint={weed.endpoint}", "weed-writer")
    assert result.ok
    assert result.capabilities["object_lock"]
    assert result.capabilities["object_lock_at_once"]
    assert complaints(result, Severity.LIMITS) == set()
    assert complaints(result, Severity.NOTE) == {"cleaning up"}  # the objects it locked


@pytest.mark.site
def test_rclone_honours_neither_conditions_nor_copies(rclone_site: RcloneSite) -> None:
    result = probed(f"s3://records/x?endpoint={rclone_site.endpoint}", "rclone")
    assert result.ok
    for capability in ("create_only", "create_only_multipart", "part_copy", "object_lock", "part_digest_sha256"):
        assert not result.capabilities[capability]
    assert "conditions" in complaints(result, Severity.LIMITS)
    assert not result.capabilities["attests_sha256"]  # it echoes the header it was sent, and checks nothing


@pytest.mark.site
def test_moto_accepts_wrong_digests_and_shortens_locks(moto_site: MotoSite) -> None:
    result = probed(f"s3://locked/x?endpoint={moto_site.endpoint}", "moto", many=3)
    assert result.ok
    assert complaints(result, Severity.LIMITS) == {"digests", "object lock"}
    assert not result.capabilities["part_digest_sha256"]
    assert not result.capabilities["object_lock"]


@pytest.mark.ceph
@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
def test_ceph_checks_the_signed_digest_and_ignores_conditions_on_parts(ceph_site: ceph.CephSite, tls: bool) -> None:
    endpoint = f"{ceph_site.tls_endpoint}&ca={ceph_site.ca}" if tls else ceph_site.endpoint
    result = probed(f"s3://records/{tls}?endpoint={endpoint}", "ceph")
    assert result.ok
    assert result.capabilities["part_digest_sha256"]  # though it knows no checksum header
    assert result.capabilities["create_only"]
    assert not result.capabilities["create_only_multipart"]
    assert complaints(result, Severity.LIMITS) == {"conditions"}


@pytest.mark.ceph
def test_ceph_does_not_take_the_lock_from_the_request_that_begins_a_multipart_upload(ceph_site: ceph.CephSite) -> None:
    result = probed(f"s3://locked/x?endpoint={ceph_site.endpoint}", "ceph")
    assert result.capabilities["object_lock"]
    assert not result.capabilities["object_lock_at_once"]
    assert not result.capabilities["create_only"]  # not heeded in a bucket with versions


def test_a_server_that_tells_the_truth_and_can_little_passes(lying: Lying) -> None:
    result = probed(f"s3://records/x?endpoint={lying(None, '').endpoint}", "lying")
    assert result.ok
    assert complaints(result, Severity.LIMITS) == {"digests"}


@pytest.mark.parametrize(
    ("lie", "check"),
    [
        (Lie.KEEPS_FRAMING, "byte exact"),
        (Lie.FLIPS_A_BIT, "byte exact"),
        (Lie.LOSES, "byte exact"),
        (Lie.OVERWRITES, "create only"),
        (Lie.DROPS_FROM_LISTINGS, "listing"),
        (Lie.IGNORES_RANGES, "ranges"),
    ],
)
def test_a_server_that_does_not_keep_what_it_is_given_is_refused(lying: Lying, lie: Lie, check: str) -> None:
    result = probed(f"s3://records/x?endpoint={lying(lie, '').endpoint}", "lying")
    assert not result.ok
    assert check in complaints(result, Severity.REFUSE)


def test_the_framing_is_called_by_its_name(lying: Lying) -> None:
    result = probed(f"s3://records/x?endpoint={lying(Lie.KEEPS_FRAMING, '').endpoint}", "lying")
    assert any("aws-chunked" in str(complaint) for complaint in result.complaints)


def test_what_a_write_once_store_does_not_suffer_from_is_no_reason_to_refuse(lying: Lying) -> None:
    for lie in (Lie.SERVES_THE_FIRST, Lie.LISTS_BY_RAW_PREFIX):
        assert probed(f"s3://records/x?endpoint={lying(lie, '').endpoint}", "lying").ok


@pytest.mark.parametrize(
    ("harm", "method", "check"),
    [
        (Harm.FLIP, "read", "byte exact"),
        (Harm.CUT, "read", "byte exact"),
        (Harm.GARBAGE, "read", "ranges"),
        (Harm.LOSE, "commit", "byte exact"),
        (Harm.ABSENT, "list", "listing"),
        (Harm.ABSENT, "stat", "byte exact"),
    ],
)
def test_harm_in_any_store_is_found(harm: Harm, method: str, check: str) -> None:
    store = FaultyStore(MemoryStore(), [Fault(harm, method)], SetClock(), random.Random(1))
    result = probe(store, many=20)
    assert not result.ok
    assert check in complaints(result, Severity.REFUSE)


def test_a_listing_that_ends_after_a_page_is_found_by_the_thorough_probe(
    lying: Lying, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert State().page < conformance.MANY_KEYS
    monkeypatch.setattr(conformance, "MANY_KEYS", 180)  # of a smaller page, which costs a tenth
    server = lying(Lie.FORGETS_THE_REST, "")
    server.state.page = 150
    url = f"s3://records/pages?endpoint={server.endpoint}"
    place = compose.place(StoreEntry("site", "", Role.PRIMARY, url, profile="lying"), SystemClock())
    assert place.probe(thorough=False).is_ok
    verdict = place.probe(thorough=True)
    assert not verdict.is_ok
    assert any("lists 150 objects where there are 18" in str(complaint) for complaint in verdict.complaints.named)


def test_what_a_probe_writes_is_new_each_time_and_no_store_makes_it_smaller() -> None:
    first, second = (Bench(MemoryStore("made"), Record("made")) for _ in range(2))
    written = [first.content(size) for size in (1_000, 1_000, 300_000, 300_000)]
    assert [len(content) for content in written] == [1_000, 1_000, 300_000, 300_000]
    assert all(len(zlib.compress(content)) > len(content) for content in written)
    blocks = [content[at : at + 16] for content in written for at in range(0, len(content), 16)]
    assert len(set(blocks)) == len(blocks)
    assert second.content(1_000) == written[0]
