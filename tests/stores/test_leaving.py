"""Does leaving an upload end what is under way, whatever it waits for?

Every wait here would take hours by itself, so that nothing is measured: what is not ended does not end.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from ops.sites import seaweed
from ops.sites.site import client
from preserve.chance import token
from preserve.clock import SystemClock
from preserve.errors import GivenUp, NotThere, Refused, Unavailable
from preserve.model.keys import Key
from preserve.model.links import Pace
from preserve.ports import Store
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.folder import FolderStore
from preserve.stores.retry import Perseverance, RetryingStore
from preserve.stores.s3 import S3Store
from preserve.stores.s3_connection import Patience
from preserve.stores.s3_place import place_of
from preserve.stores.throttle import ThrottledStore, ThrottledUpload
from tests.sites.certificates import certificate
from tests.sites.proxy import Proxy, Trouble
from tests.stores.memory import MemoryStore

PART = 5 * 1024 * 1024
CONTENT = random.Random(3).randbytes(2 * PART)
FIRST, SECOND = memoryview(CONTENT)[:PART], memoryview(CONTENT)[PART:]
HOURS = 36_000
PATIENT = Patience(connect_seconds=HOURS, read_seconds=HOURS, write_seconds=HOURS)
UNTIL_IT_HANGS_SECONDS = 60

THE_SECOND_PART = re.compile(rb"PUT \S*partNumber=2\b")


def begun(act: Callable[[], object]) -> Future[object]:
    """`act`, in a thread that does not keep a failing test from ending."""
    future: Future[object] = Future()

    def run() -> None:
        try:
            future.set_result(act())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def require_given_up(work: Future[object]) -> None:
    with pytest.raises(GivenUp):
        work.result(UNTIL_IT_HANGS_SECONDS)


class Line:
    """A store at the shared site, behind a proxy."""

    def __init__(self, site: seaweed.Site, folder: Path, *, tls: bool) -> None:
        context, trusted = certificate(folder) if tls else (None, None)
        self.site = site
        self.proxy = Proxy(site.endpoint, context)
        self.prefix = token(10)
        place = f"s3://records/{self.prefix}?endpoint={self.proxy.endpoint}" + (f"&ca={trusted}" if trusted else "")
        self.store = S3Store("site", place_of(place), None, profile="weed-writer", patience=PATIENT)

    def parts(self) -> list[int]:
        """The numbers of the parts that lie at the site, of uploads not completed."""
        s3 = client(self.site.endpoint, self.site.writer)
        uploads = s3.list_multipart_uploads(Bucket="records", Prefix=self.prefix).get("Uploads", [])
        return [
            part["PartNumber"]
            for upload in uploads
            for part in s3.list_parts(Bucket="records", Key=upload["Key"], UploadId=upload["UploadId"]).get("Parts", [])
        ]


@pytest.fixture(params=[False, True], ids=["http", "tls"])
def line(request: pytest.FixtureRequest, weed: seaweed.Site, tmp_path: Path) -> Line:
    made = Line(weed, tmp_path, tls=request.param)
    request.addfinalizer(made.proxy.stop)
    return made


@pytest.mark.site
def test_a_part_on_a_line_that_takes_no_more_is_given_up_and_what_was_sent_stays(line: Line) -> None:
    upload = line.store.create(Key("bag"), len(CONTENT), part_bytes=PART, resume=True)
    upload.write(0, FIRST)
    line.proxy.trouble = Trouble(held=THE_SECOND_PART)
    writing = begun(lambda: upload.write(PART, SECOND))
    assert line.proxy.holds.wait(UNTIL_IT_HANGS_SECONDS)
    upload.leave(KeyboardInterrupt())
    require_given_up(writing)
    assert line.parts() == [1]


@pytest.mark.site
def test_a_part_whose_answer_does_not_come_is_given_up_and_the_upload_forgotten_after_a_refusal(line: Line) -> None:
    upload = line.store.create(Key("bag"), len(CONTENT), part_bytes=PART, resume=True)
    line.proxy.trouble = Trouble(silent_after=0)
    writing = begun(lambda: upload.write(0, FIRST))
    assert line.proxy.holds.wait(UNTIL_IT_HANGS_SECONDS)
    line.proxy.trouble = Trouble()
    upload.leave(Refused("the source changed"))
    require_given_up(writing)
    assert line.parts() == []


@pytest.mark.site
@pytest.mark.parametrize("held", [rb"PUT ", rb"POST "], ids=["sent at once", "completed"])
def test_a_commit_that_is_not_answered_is_given_up(line: Line, held: bytes) -> None:
    size = len(CONTENT) if held == b"POST " else 1000
    upload = line.store.create(Key("bag"), size, part_bytes=min(size, PART), resume=True)
    for offset in range(0, size, PART):
        upload.write(offset, memoryview(CONTENT)[offset : min(offset + PART, size)])
    line.proxy.trouble = Trouble(held=re.compile(held))
    committing = begun(upload.commit)
    assert line.proxy.holds.wait(UNTIL_IT_HANGS_SECONDS)
    upload.leave(KeyboardInterrupt())
    require_given_up(committing)
    line.proxy.trouble = Trouble()
    with pytest.raises(NotThere):
        line.store.stat(Key("bag"))


@pytest.mark.site
def test_bytes_that_are_taken_from_another_object_are_given_up(line: Line) -> None:
    with line.store.create(Key("old"), PART) as upload:
        upload.write(0, FIRST)
        upload.commit()
    upload = line.store.create(Key("new"), PART)
    line.proxy.trouble = Trouble(held=re.compile(rb"GET "))
    taking = begun(lambda: upload.take(0, Key("old"), 0, PART))
    assert line.proxy.holds.wait(UNTIL_IT_HANGS_SECONDS)
    upload.leave(KeyboardInterrupt())
    require_given_up(taking)


@pytest.mark.site
def test_other_work_of_the_same_store_goes_on(line: Line) -> None:
    """Its connections are its own: what is left hangs up on nobody else."""
    left, kept = (line.store.create(Key(name), PART, part_bytes=PART) for name in ("left", "kept"))
    line.proxy.trouble = Trouble(held=re.compile(rb"PUT \S*/left"))
    for upload in (left, kept):
        upload.write(0, FIRST)
    committing = begun(left.commit)
    assert line.proxy.holds.wait(UNTIL_IT_HANGS_SECONDS)
    left.leave(None)
    kept.commit()
    require_given_up(committing)
    assert line.store.stat(Key("kept")).size == PART


@pytest.mark.parametrize("act", ["write", "take", "commit"])
def test_a_speed_limit_is_waited_for_no_longer(act: str) -> None:
    inner = MemoryStore()
    upload = ThrottledUpload(
        inner.create(Key("new"), 10), ThrottledStore(inner, SystemClock(), requests_at=Pace(1 / HOURS))
    )
    acts: dict[str, Callable[[], object]] = {
        "write": lambda: upload.write(0, memoryview(b"0123456789")),
        "take": lambda: upload.take(0, Key("old"), 0, 10),
        "commit": upload.commit,
    }
    work = begun(acts[act])
    upload.leave(KeyboardInterrupt())
    require_given_up(work)


def test_what_was_given_up_is_not_paid_for() -> None:
    store = ThrottledStore(MemoryStore(), SystemClock(), bytes_at=Pace(1000))
    upload = store.create(Key("large"), 1000 * HOURS, part_bytes=1000 * HOURS)
    writing = begun(lambda: upload.write(0, memoryview(bytearray(1000 * HOURS))))
    upload.leave(KeyboardInterrupt())
    require_given_up(writing)
    with store.create(Key("small"), 10) as upload:
        begun(lambda: upload.write(0, memoryview(b"0123456789"))).result(UNTIL_IT_HANGS_SECONDS)


@pytest.mark.parametrize("attempts", [1, 2], ids=["after the first attempt", "after the second"])
def test_patience_ends(attempts: int) -> None:
    struck = threading.Semaphore(0)

    class Struck(FaultyStore):
        def suffer(self, method: str, key: str) -> frozenset[Harm]:
            try:
                return super().suffer(method, key)
            finally:
                struck.release()

    inner = Struck(MemoryStore(), [Fault(Harm.UNAVAILABLE, "write")], SystemClock(), random.Random(1))
    waits = Perseverance(first_wait_seconds=HOURS if attempts == 1 else 0.001, longest_wait_seconds=HOURS)
    upload = RetryingStore(inner, SystemClock(), random.Random(1), waits).create(Key("a"), 10)
    writing = begun(lambda: upload.write(0, memoryview(b"0123456789")))
    for _ in range(attempts + 1):
        assert struck.acquire(timeout=UNTIL_IT_HANGS_SECONDS)
    upload.leave(KeyboardInterrupt())
    with pytest.raises((GivenUp, Unavailable)):
        writing.result(UNTIL_IT_HANGS_SECONDS)


def test_leaving_waits_for_those_at_work(tmp_path: Path) -> None:
    """What they use, a descriptor, a buffer, is theirs until they are done."""
    place = tmp_path / "store"
    place.mkdir()
    store: Store = FolderStore("disk", place, None)
    for _ in range(20):
        upload = store.create(Key("object"), 64 * PART, part_bytes=PART)
        with ThreadPoolExecutor(2) as pool:
            writing = [pool.submit(upload.write, number * PART, FIRST) for number in range(16)]
            upload.leave(KeyboardInterrupt())
            assert all(future.exception() is None or isinstance(future.exception(), GivenUp) for future in writing)
    assert list((place / ".incoming").iterdir()) == []
