"""What does an S3 store make of the parts that an interrupted upload left: wrong ones, locked ones, many of them?"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ops.sites import seaweed
from ops.sites.ceph import CephSite
from ops.sites.site import client
from preserve.chance import token
from preserve.clock import Clock, SystemClock
from preserve.errors import Unavailable
from preserve.model.digests import sha256
from preserve.model.keys import Key
from preserve.stores import s3_leftovers, s3_probe
from preserve.stores.s3 import S3Store
from preserve.stores.s3_leftovers import HeldPart, Leftover
from preserve.stores.s3_place import place_of
from tests.sites.proxy import Proxy, Trouble
from tests.stores.clocks import SetClock

PART = 5 * 1024 * 1024
CONTENT = random.Random(1).randbytes(3 * PART + 11)
OTHER = random.Random(2).randbytes(3 * PART + 11)
OFFSETS = list(range(0, len(CONTENT), PART))
KNOWN = {"create_only": True, "create_only_multipart": True, "part_digest_sha256": True, "object_lock_at_once": True}

pytestmark = pytest.mark.site


@pytest.fixture
def store(weed: seaweed.Site) -> Callable[..., S3Store]:
    def at(bucket: str = "records", endpoint: str = weed.endpoint) -> S3Store:
        place = place_of(f"s3://{bucket}/resuming?endpoint={endpoint}")
        return S3Store("site", place, None, profile="weed-writer", capabilities=KNOWN)

    return at


def part(content: bytes, offset: int) -> memoryview:
    return memoryview(content)[offset : offset + PART]


def interrupt(store: S3Store, key: Key, parts: list[int], until: datetime | None = None) -> None:
    """Leave these parts of `CONTENT`."""
    with (
        pytest.raises(KeyboardInterrupt),
        store.create(key, len(CONTENT), part_bytes=PART, retain_until=until, resume=True) as upload,
    ):
        for number in parts:
            upload.write(OFFSETS[number], part(CONTENT, OFFSETS[number]))
        raise KeyboardInterrupt


def resume(store: S3Store, key: Key, content: bytes = CONTENT, until: datetime | None = None) -> int:
    """Make the object; returns how many parts were sent."""
    sent = 0
    with store.create(key, len(content), part_bytes=PART, retain_until=until, resume=True) as upload:
        for offset in OFFSETS:
            if not upload.holds(offset, sha256(part(content, offset))):
                upload.write(offset, part(content, offset))
                sent += 1
        upload.commit()
    return sent


def whole(store: S3Store, key: Key) -> bytes:
    room = bytearray(store.stat(key).size)
    return bytes(room[: store.read(key, 0, memoryview(room))])


def test_a_site_that_checks_digests_finds_a_left_part_that_is_another_one(store: Callable[..., S3Store]) -> None:
    key = Key(token(10))
    interrupt(store(), key, [0, 2])
    with pytest.raises(Unavailable):
        resume(store(), key, OTHER)
    assert resume(store(), key, OTHER) == len(OFFSETS), "what did not fit is gone, and in nobody's way"
    assert whole(store(), key) == OTHER


def test_the_lock_of_a_resumed_object_is_the_later_one(store: Callable[..., S3Store]) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    key = Key(token(10))
    interrupt(store("locked"), key, [1], now + timedelta(minutes=1))
    assert resume(store("locked"), key, until=now + timedelta(minutes=2)) == len(OFFSETS) - 1
    assert store("locked").stat(key).retain_until == now + timedelta(minutes=2)


def test_an_object_that_is_resumed_with_a_lock_and_was_begun_without_is_locked(store: Callable[..., S3Store]) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=2)
    key = Key(token(10))
    interrupt(store("locked"), key, [1])
    assert resume(store("locked"), key, until=until) == len(OFFSETS) - 1
    assert store("locked").stat(key).retain_until == until


def test_a_resumed_upload_knows_its_own_object_when_the_reply_is_lost(
    store: Callable[..., S3Store], weed: seaweed.Site
) -> None:
    key = Key(token(10))
    interrupt(store(), key, [0, 1, 2])
    proxy = Proxy(weed.endpoint)
    with store(endpoint=proxy.endpoint).create(key, len(CONTENT), part_bytes=PART, resume=True) as upload:
        for offset in OFFSETS:
            if not upload.holds(offset, sha256(part(CONTENT, offset))):
                upload.write(offset, part(CONTENT, offset))
        proxy.trouble = Trouble(cut_answered_after=0)
        with pytest.raises(Unavailable):
            upload.commit()
        proxy.trouble = Trouble()
        upload.commit()
    proxy.stop()
    assert whole(store(), key) == CONTENT


def test_of_several_interrupted_uploads_the_fullest_is_used_and_the_others_end(
    store: Callable[..., S3Store], weed: seaweed.Site
) -> None:
    key = Key(token(10))
    interrupt(store(), key, [0, 1])
    s3, name = client(weed.endpoint, weed.admin), f"resuming/{key}"
    s3.create_multipart_upload(Bucket="records", Key=name)
    s3.create_multipart_upload(Bucket="records", Key=f"{name}.g2")
    assert resume(store(), key) == len(OFFSETS) - 2
    left = s3.list_multipart_uploads(Bucket="records", Prefix=name).get("Uploads", [])
    assert [upload["Key"] for upload in left] == [f"{name}.g2"]


def test_more_parts_than_one_page_lists_are_found(
    store: Callable[..., S3Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = Key(token(10))
    interrupt(store(), key, [0, 1, 3])
    writer = store().writer()
    list_parts = writer.list_parts
    monkeypatch.setattr(writer, "list_parts", lambda **request: list_parts(**request, MaxParts=1))
    leftovers = s3_leftovers.Leftovers(writer, "site", store().place, f"resuming/{key}")
    taken = leftovers.take_over(len(CONTENT), PART)
    assert taken is not None
    assert sorted(taken.parts) == [1, 2, 4]


@pytest.mark.parametrize(
    ("sizes", "fits"),
    [
        ({1: 10}, True),
        ({3: 5}, True),
        ({1: 10, 2: 10, 3: 5}, True),
        ({}, False),
        ({1: 5}, False),
        ({3: 10}, False),
        ({4: 10}, False),
        ({4: 0}, False),
        ({1: 10, 2: 9}, False),
    ],
)
def test_parts_fit_when_each_has_the_length_of_its_place(sizes: dict[int, int], fits: bool) -> None:
    left = Leftover("id", {number: HeldPart(size, "etag", None) for number, size in sizes.items()})
    assert left.fits(25, 10) is fits


def test_uploads_that_nobody_came_back_to_are_told_of(weed: seaweed.Site) -> None:
    place, key = place_of(f"s3://records/{token(10)}?endpoint={weed.endpoint}"), Key("packages/ab/one/bag.tar")
    store = S3Store("site", place, None, profile="weed-writer", capabilities=KNOWN)
    interrupt(store, key, [0])
    assert "leftovers" not in complaints(store, SystemClock())
    later = SetClock(datetime.now(UTC) + timedelta(days=8))
    assert str(key) in complaints(store, later)["leftovers"]


def complaints(store: S3Store, clock: Clock) -> dict[str, str]:
    """What the probe complains about, by check."""
    result = s3_probe.probe(store, lambda inner: inner, clock, many=1, lock_seconds=1)
    return {complaint.code: str(complaint) for complaint in result.complaints}


@pytest.mark.ceph
def test_ceph_resumes_too(ceph_site: CephSite) -> None:
    url = f"s3://locked/resuming?endpoint={ceph_site.endpoint}"
    store = S3Store("ceph", place_of(url), None, profile="ceph")
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=2)
    key = Key(token(10))
    interrupt(store, key, [0, 2], until - timedelta(minutes=1))
    assert resume(store, key, until=until) == len(OFFSETS) - 2
    assert whole(store, key) == CONTENT
    lock = store.stat(key).retain_until
    assert lock is not None
    assert lock >= until
