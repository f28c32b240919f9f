"""What does an S3 store make of lost replies, cut lines, silence, refusals and wrong places?"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest

from ops.sites import seaweed
from ops.sites.site import Login, client
from preserve.clock import monotonic_seconds
from preserve.errors import (
    AlreadyThere,
    Away,
    Barred,
    Faltered,
    Frozen,
    Misused,
    NoSpace,
    NotThere,
    PreserveError,
    Refused,
    Unavailable,
    Unidentified,
    Unreadable,
)
from preserve.model.keys import Key
from preserve.packages.identity import IDENTITY
from preserve.stores.retry import RetryingStore
from preserve.stores.s3 import S3Store
from preserve.stores.s3_connection import Patience
from preserve.stores.s3_errors import failure
from preserve.stores.s3_place import S3Place, place_of
from tests.conftest import Logins
from tests.sites.lying import Lie, LyingServer
from tests.sites.proxy import Proxy, Trouble
from tests.stores.clocks import SetClock

MIB = 1024 * 1024
KEY = Key("packages/ab/one/bag.tar")
IMPATIENT = Patience(connect_seconds=1, read_seconds=0.5, write_seconds=2)
Lying = Callable[[Lie | None, str], LyingServer]


def at(
    endpoint: str,
    profile: str = "lying",
    capabilities: dict[str, bool] | None = None,
    patience: Patience = Patience(),  # noqa: B008 - a frozen value
) -> S3Store:
    place = place_of(f"s3://records/tests?endpoint={endpoint}")
    return S3Store("site", place, None, profile=profile, capabilities=capabilities, patience=patience)


def patient(store: S3Store) -> RetryingStore:
    return RetryingStore(store, SetClock(), random.Random(1))


def put(store: S3Store | RetryingStore, content: bytes, key: Key = KEY, part_bytes: int | None = None) -> None:
    with store.create(key, len(content), part_bytes=part_bytes) as upload:
        step = part_bytes or max(len(content), 1)
        for offset in range(0, len(content), step):
            upload.write(offset, memoryview(content)[offset : offset + step])
        upload.commit()


def whole(store: S3Store | RetryingStore, key: Key = KEY) -> bytes:
    room = bytearray(store.stat(key).size)
    assert store.read(key, 0, memoryview(room)) == len(room)
    return bytes(room)


@pytest.fixture
def proxy(weed: seaweed.Site) -> Iterator[Proxy]:
    proxy = Proxy(weed.endpoint)
    yield proxy
    proxy.stop()


@pytest.mark.parametrize("part_bytes", [None, 5 * MIB], ids=["single", "parts"])
def test_a_lost_reply_to_the_commit_is_not_a_failure(lying: Lying, part_bytes: int | None) -> None:
    content = random.Random(1).randbytes(6 * MIB)
    server = lying(Lie.LOSES_REPLIES, "bag.tar")
    put(patient(at(server.endpoint)), content, part_bytes=part_bytes)
    assert server.state.objects["records/tests/" + KEY].content == content


def test_a_lost_reply_is_told_from_a_rival_who_sent_the_same_bytes(lying: Lying) -> None:
    store = at(lying(None, "").endpoint)
    upload = store.create(KEY, 4)
    upload.write(0, memoryview(b"same"))
    put(store, b"same")
    with pytest.raises(AlreadyThere):
        upload.commit()


def test_an_error_inside_a_200_is_a_failure_and_nothing_shows(lying: Lying) -> None:
    server = lying(Lie.ERROR_INSIDE_200, "")
    store = at(server.endpoint)
    with pytest.raises(Unavailable):
        put(store, bytes(6 * MIB), part_bytes=5 * MIB)
    with pytest.raises(NotThere):
        store.stat(KEY)
    assert server.state.uploads == {}


def test_a_site_that_fails_a_third_of_all_requests_is_used_to_the_end(lying: Lying) -> None:
    server = lying(Lie.FAILS_A_THIRD, "")
    store = patient(at(server.endpoint, capabilities={"create_only": True, "listing_sorted": True}))
    contents = {Key(f"packages/ab/{n}/receipt.json"): bytes([n]) * 1_000 for n in range(40)}
    for key, content in contents.items():
        put(store, content, key)
    put(store, bytes(11 * MIB), part_bytes=5 * MIB)
    assert {key: whole(store, key) for key in contents} == contents
    assert [facts.key for facts in store.list("packages")] == sorted([*contents, KEY])
    asked = len(server.state.requests)
    server.state.lie = None
    put(store, bytes(11 * MIB), Key("packages/ab/two/bag.tar"), part_bytes=5 * MIB)
    for key, content in contents.items():
        put(store, content, Key(f"{key}.g2"))
        whole(store, key)
    list(store.list("packages"))
    assert asked <= 3 * (len(server.state.requests) - asked)


def test_an_object_that_never_comes_whole_is_unreadable_and_the_site_is_not_called_away(lying: Lying) -> None:
    server = lying(Lie.CUTS_SHORT, "bag.tar")
    store = at(server.endpoint)
    put(store, bytes(100_000))
    put(store, b"{}", IDENTITY)
    room = memoryview(bytearray(100_000))
    with pytest.raises(Faltered):
        store.read(KEY, 0, room)
    with pytest.raises(Unreadable):
        patient(store).read(KEY, 0, room)
    server.state.only = ""  # now all of them
    with pytest.raises(Unavailable):
        patient(store).read(KEY, 0, room)


def test_a_silent_site_is_waited_for_no_longer_than_told(lying: Lying) -> None:
    site = lying(Lie.STALLS, "")
    put(at(site.endpoint), b"x")
    began = monotonic_seconds()
    with pytest.raises(Faltered):
        at(site.endpoint, patience=IMPATIENT).read(KEY, 0, memoryview(bytearray(1)))
    assert monotonic_seconds() - began < Patience().read_seconds


def test_an_upload_cut_on_the_way_leaves_nothing_and_is_made_again(weed: seaweed.Site, proxy: Proxy) -> None:
    through, direct, key = at(proxy.endpoint, "weed-writer"), at(weed.endpoint, "weed-writer"), Key("cut/bag.tar")
    proxy.trouble = Trouble(cut_sent_after=3 * MIB)
    content = random.Random(2).randbytes(11 * MIB)
    with pytest.raises(Unavailable):
        put(through, content, key, 5 * MIB)
    with pytest.raises(NotThere):
        direct.stat(key)
    proxy.trouble = Trouble()
    put(through, content, key, 5 * MIB)
    assert whole(direct, key) == content
    open_uploads = client(weed.endpoint, weed.admin).list_multipart_uploads(Bucket="records", Prefix="tests/cut/")
    assert open_uploads.get("Uploads", []) == []


@pytest.mark.parametrize("trouble", [Trouble(cut_answered_after=MIB), Trouble(silent_after=MIB)], ids=["cut", "silent"])
def test_a_download_that_breaks_off_is_told_from_its_end(proxy: Proxy, trouble: Trouble) -> None:
    store, key = at(proxy.endpoint, "weed-writer", patience=IMPATIENT), Key(f"download/{trouble.silent_after}")
    put(store, random.Random(3).randbytes(3 * MIB), key)
    store.close()
    proxy.trouble = trouble
    with pytest.raises(Faltered):
        store.read(key, 0, memoryview(bytearray(3 * MIB)))
    proxy.trouble = Trouble()
    assert len(whole(store, key)) == 3 * MIB


def test_a_part_that_does_not_fit_its_digest_is_refused_by_the_site(weed: seaweed.Site) -> None:
    store = at(weed.endpoint, "weed-writer", {"part_digest_sha256": True})
    for size, part_bytes in ((1_000, None), (6 * MIB, 5 * MIB)):
        with (
            store.create(Key("wrong/digest"), size, part_bytes=part_bytes) as upload,
            pytest.raises(Unavailable, match="altered"),
        ):
            upload.write(0, memoryview(bytes(part_bytes or size)), b"\1" * 32)
            upload.commit()
    assert list(store.list("wrong")) == []


@pytest.mark.parametrize("part_bytes", [None, 5 * MIB], ids=["single", "parts"])
@pytest.mark.parametrize("name", ["bag.tar", "bag.tar.g2"])
def test_a_site_is_told_what_a_tar_is_and_spends_no_time_on_compressing_it(
    weed: seaweed.Site, part_bytes: int | None, name: str
) -> None:
    key = Key(f"typed/{part_bytes or 0}/{name}")
    put(at(weed.endpoint, "weed-writer"), b"compressible " * MIB, key, part_bytes)
    told = client(weed.endpoint, weed.admin).head_object(Bucket="records", Key=f"tests/{key}")
    assert told["ContentType"] == "application/x-tar"
    with urlopen(f"{weed.filer}/buckets/records/tests/{key}?metadata=true") as answer:  # noqa: S310 - our own server
        chunks = json.load(answer)["chunks"]
    assert chunks
    assert not any(chunk.get("is_compressed") for chunk in chunks)


def test_an_upload_left_open_by_a_dead_process_is_ended_when_the_next_begins(weed: seaweed.Site) -> None:
    s3, name = client(weed.endpoint, weed.admin), "tests/dead/bag.tar"
    for key in (name, f"{name}.g2"):
        s3.create_multipart_upload(Bucket="records", Key=key)
    put(at(weed.endpoint, "weed-writer"), bytes(6 * MIB), Key("dead/bag.tar"), 5 * MIB)
    left = s3.list_multipart_uploads(Bucket="records", Prefix="tests/dead/").get("Uploads", [])
    assert [upload["Key"] for upload in left] == [f"{name}.g2"]


def test_a_locked_object_tells_its_lock_and_is_not_erased(weed: seaweed.Site) -> None:
    place = place_of(f"s3://locked/tests?endpoint={weed.endpoint}")
    store = S3Store("site", place, None, profile="weed-writer")
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    for key, size, part_bytes in ((Key("lock/a"), 5, None), (Key("lock/b"), 5 * MIB + 1, 5 * MIB)):
        with store.create(key, size, part_bytes=part_bytes, retain_until=until) as upload:
            for offset in range(0, size, part_bytes or size):
                upload.write(offset, memoryview(bytes(min(part_bytes or size, size - offset))))
            upload.commit()
        assert store.stat(key).retain_until == until
        with pytest.raises(Refused, match="object lock until"):
            store.erase(key)
        assert store.stat(key).size == size


def test_a_bucket_without_locks_ignores_the_wish_for_one(weed: seaweed.Site) -> None:
    store = at(weed.endpoint, "weed-writer")
    with store.create(Key("unlocked"), 1, retain_until=datetime.now(UTC) + timedelta(days=1)) as upload:
        upload.write(0, memoryview(b"x"))
        upload.commit()
    assert store.stat(Key("unlocked")).retain_until is None


@pytest.mark.parametrize("act", ["stat", "read", "list", "create", "free_bytes"])
def test_a_missing_bucket_and_a_closed_port_are_never_an_empty_store(weed: seaweed.Site, act: str) -> None:
    acts: dict[str, Callable[[S3Store], object]] = {
        "stat": lambda store: store.stat(KEY),
        "read": lambda store: store.read(KEY, 0, memoryview(bytearray(1))),
        "list": lambda store: list(store.list("")),
        "create": lambda store: put(store, b"x"),
        "free_bytes": lambda store: store.free_bytes(),
    }
    for url in (f"s3://no-such-bucket?endpoint={weed.endpoint}", "s3://records?endpoint=http://127.0.0.1:9"):
        store = S3Store("site", place_of(url), None, profile="weed-writer")
        with pytest.raises(Unavailable):
            acts[act](store)


def test_wrong_credentials_are_the_persons_business_and_stay_out_of_the_message(
    weed: seaweed.Site, logins: Logins
) -> None:
    logins.add("wrong", Login("AKIDWRONG", "very-secret"))
    for profile in ("wrong", "no-such-profile"):
        store = at(weed.endpoint, profile)
        for act in (lambda store=store: put(store, b"x"), lambda store=store: store.stat(KEY)):
            with pytest.raises(Away) as caught:
                act()
            shown = f"{caught.value} {caught.value.values}"
            assert "very-secret" not in shown
            assert "AKIDWRONG" not in shown


def test_another_store_in_the_bucket_is_away(weed: seaweed.Site) -> None:
    url = f"s3://records/other?endpoint={weed.endpoint}"
    put(S3Store("site", place_of(url), None, profile="weed-writer"), b"not an identity", IDENTITY)
    with pytest.raises(Unidentified, match="not the identity"):
        S3Store("site", place_of(url), "my-id", profile="weed-writer").stat(KEY)
    with pytest.raises(Unidentified, match=r"no store\.json"):
        S3Store("site", place_of(f"s3://records/none?endpoint={weed.endpoint}"), "my-id", profile="weed-writer").stat(
            KEY
        )


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchKey", 404, NotThere),
        ("", 404, NotThere),
        ("NoSuchBucket", 404, Away),
        ("QuotaExceeded", 403, NoSpace),
        ("", 507, NoSpace),
        ("AccessDenied", 403, Barred),
        ("RequestTimeTooSkewed", 403, Barred),
        ("SlowDown", 503, Unavailable),
        ("InternalError", 500, Unavailable),
        ("BadDigest", 400, Unavailable),
        ("InvalidObjectState", 403, Frozen),
        ("InvalidArgument", 400, Away),
    ],
)
def test_every_answer_of_a_site_has_its_reaction(code: str, status: int, kind: type[PreserveError]) -> None:
    assert type(failure(code, status, "", store="site", act="read", name="x")) is kind


def test_a_url_names_a_place() -> None:
    assert place_of("s3://records") == S3Place("records")
    assert place_of("s3://records/a/b/?endpoint=https://h:1&region=cn-1&ca=/c.pem") == S3Place(
        "records", "a/b", "https://h:1", "cn-1", "/c.pem"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://records",
        "s3://",
        "s3://Records",
        "s3://records/a//b",
        "s3://records/../b",
        "s3://records?endpoint=host:1",
        "s3://records?endpoint=http://host/path",
        "s3://records?endpoint=http://user:secret@host",
        "s3://records?endpont=http://host",
    ],
)
def test_a_url_that_names_none_is_refused_without_showing_a_password(url: str) -> None:
    with pytest.raises(Misused) as caught:
        place_of(url)
    assert "secret" not in str(caught.value)


def test_clients_are_loaded_only_when_they_are_used() -> None:
    program = (
        "import sys; from preserve.stores.s3 import S3Store; from preserve.stores.s3_place import place_of;"
        "S3Store('a', place_of('s3://records'), 'id');"
        "from preserve.stores import folder, retry, throttle, counting, faults;"
        "print([name for name in ('boto3', 'botocore', 'minio', 'tenacity', 'urllib3') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_memory_does_not_grow_with_what_is_uploaded(weed: seaweed.Site) -> None:
    """24 parts of 16 MiB by two threads, in a process of its own: the buffers are the caller's, nothing piles up."""
    root = Path(__file__).parents[2]
    program = root / "tests" / "stores" / "upload_much.py"
    done = subprocess.run(
        [sys.executable, str(program), weed.endpoint], cwd=root, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 100 * MIB
