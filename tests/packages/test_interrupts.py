"""Does Ctrl-C end work that a slow store would take hours for?  Nothing is measured: what does not end hangs."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from preserve import interrupts
from preserve.clock import SystemClock
from preserve.model.blocks import BLOCK_BYTES
from preserve.model.keys import Key
from preserve.model.links import Pace
from preserve.operations.audit import AuditRequest, audit
from preserve.operations.ingest import IngestRequest, ingest
from preserve.operations.repair import RepairRequest, repair
from preserve.operations.replicate import ReplicateRequest, replicate
from preserve.packages.making.fan_out import FanOut
from preserve.ports import ErasableStore, Upload
from preserve.stores.folder import FolderStore
from preserve.stores.throttle import ThrottledStore, ThrottledUpload
from preserve.stores.wrapping import WrappedStore
from tests.packages.building import Service, flip, service
from tests.stores.memory import MemoryStore

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def _as_in_the_program() -> Iterator[None]:
    with interrupts.heeded():
        yield


class StoppingClock(SystemClock):
    """Somebody loses patience: as soon as a thread sleeps, Ctrl-C is pressed, once."""

    def __init__(self) -> None:
        self._is_pressed = threading.Lock()

    def sleep(self, seconds: float, unless: threading.Event | None = None) -> None:
        if self._is_pressed.acquire(blocking=False):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        super().sleep(seconds, unless)


class Sluggish(WrappedStore):
    """Reads at once, and takes a request in ten hours."""

    def __init__(self, inner: ErasableStore) -> None:
        super().__init__(inner)
        self._pace = ThrottledStore(inner, StoppingClock(), requests_at=Pace(1 / 36_000))

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        upload = super().create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume)
        return ThrottledUpload(upload, self._pace)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Service]:
    with service(tmp_path / "service") as one:
        yield one


@pytest.fixture
def request_of(made: Service, tmp_path: Path) -> IngestRequest:
    source = tmp_path / "source"
    source.mkdir()
    (source / "录像.bin").write_bytes(random.Random(8).randbytes(BLOCK_BYTES))
    return IngestRequest(source, made.policy)


def test_an_ingest(made: Service, request_of: IngestRequest) -> None:
    with pytest.raises(KeyboardInterrupt):
        ingest(made.with_stores({"city": Sluggish(MemoryStore("city"))}), request_of)
    assert list(made.books.packages()) == []
    (package,) = ingest(made.workplace, request_of).packages
    assert package.is_safe


def test_a_replication(made: Service, request_of: IngestRequest) -> None:
    away = MemoryStore("city")
    away.away = True
    ingest(made.with_stores({"city": away}), request_of)
    place = made.with_stores({"city": Sluggish(MemoryStore("city"))})
    with pytest.raises(KeyboardInterrupt):
        replicate(place, ReplicateRequest(lambda sha256: made.policy))
    (copy,) = replicate(made.workplace, ReplicateRequest(lambda sha256: made.policy)).made
    assert copy.store == "city"


def test_a_repair(made: Service, request_of: IngestRequest) -> None:
    (package,) = ingest(made.workplace, request_of).packages
    city = made.workplace.stores["city"]
    assert isinstance(city, FolderStore)
    flip(made.object("city", package.id, "bag.tar"), 100)
    audit(made.workplace, AuditRequest())
    with pytest.raises(KeyboardInterrupt):
        repair(made.with_stores({"city": Sluggish(city)}), RepairRequest())
    (done,) = repair(made.workplace, RepairRequest()).repaired
    assert (done.object, done.store) == ("bag.tar", "city")


def test_a_commit(tmp_path: Path) -> None:
    disk = FolderStore("disk", tmp_path, None)
    upload = disk.create(Key("object"), 7)
    upload.write(0, memoryview(b"content"))
    pace = ThrottledStore(disk, StoppingClock(), requests_at=Pace(1 / 36_000))
    with pytest.raises(KeyboardInterrupt), FanOut({"disk": ThrottledUpload(upload, pace)}) as sink:
        sink.commit()
    assert list(disk.list("")) == []
    assert list((tmp_path / ".incoming").iterdir()) == []


def test_nobody_reads_blocks_any_more_when_the_fan_is_closed(tmp_path: Path) -> None:
    """Whoever made the blocks takes their memory back then."""
    released: list[int] = []
    disk = FolderStore("disk", tmp_path, None)
    content = memoryview(bytearray(6 * BLOCK_BYTES))
    upload = disk.create(Key("object"), len(content), part_bytes=BLOCK_BYTES)
    with pytest.raises(KeyboardInterrupt), FanOut({"disk": upload}) as sink:
        for offset in range(0, len(content), BLOCK_BYTES):
            sink.write(offset, content[offset : offset + BLOCK_BYTES], b"", partial(released.append, offset))
        raise KeyboardInterrupt
    assert sorted(released) == list(range(0, len(content), BLOCK_BYTES))
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("to-disk")] == []


def test_a_wait_that_began_just_as_the_signal_came() -> None:
    """Another thread receives it here, so that the wait goes on as it does for who lay down a moment too late."""
    forever = threading.Event()
    main = Path(f"/proc/self/task/{threading.main_thread().native_id}/stat")

    def press() -> None:
        while main.read_text().rpartition(")")[2].split()[0] != "S":
            pass
        signal.raise_signal(signal.SIGINT)

    presser = threading.Thread(target=press)
    with pytest.raises(KeyboardInterrupt):
        presser.start()
        forever.wait()
    presser.join()
