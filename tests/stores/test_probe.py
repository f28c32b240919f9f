"""What does the probe say of honest stores, and of stores that lie?"""

from __future__ import annotations

from pathlib import Path

from ops.sites import seaweed
from preserve.clock import SystemClock
from preserve.stores import s3_probe
from preserve.stores.conformance import probe
from preserve.stores.folder import FolderStore
from preserve.stores.probing import ProbeResult
from preserve.stores.s3 import S3Store
from preserve.stores.s3_place import place_of
from tests.stores.memory import MemoryStore


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


def probed(place: str, profile: str) -> ProbeResult:
    store = S3Store("site", place_of(place), None, profile=profile)
    return s3_probe.probe(store, lambda inner: inner, SystemClock(), many=40, lock_seconds=3)


def test_seaweedfs_passes(weed: seaweed.Site) -> None:
    result = probed(f"s3://records/probed?endpoint={weed.endpoint}", "weed-writer")
    assert [str(complaint) for complaint in result.complaints] == []
    assert result.ok


def test_seaweedfs_with_object_locks_passes(weed: seaweed.Site) -> None:
    result = probed(f"s3://locked/probed?endpoint={weed.endpoint}", "weed-writer")
    assert result.ok
