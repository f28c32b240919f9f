"""A speed limit: so many bytes and so many requests a second, for all threads that use the store together.

The limit may be another one at some times of the day.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from preserve.clock import Clock
from preserve.model.keys import Key
from preserve.model.links import UNBOUNDED, Pace
from preserve.ports import ErasableStore, Found, ObjectFacts, Upload
from preserve.stores.wrapping import T, WrappedStore, WrappedUpload

BURST = timedelta(seconds=1)
"""How much of its pace a store has saved up after a pause."""


class TokenBucket:
    """Lets units pass at a pace, and as many at once after a pause as would have passed in the time of `burst`.

    Whoever takes more than there is waits until the debt is paid; a single taking may be larger than the bucket.  A
    pace that changes by the time of day holds from that moment on, also for those who wait.
    """

    def __init__(self, pace: Pace, clock: Clock, burst: timedelta = BURST) -> None:
        rates = [pace.usual, *(each.per_second for each in pace.at)]
        if any(rate is not None and rate <= 0 for rate in rates):
            raise ValueError(f"a bucket cannot fill at {rates} a second")
        self._pace = pace
        self._burst = burst
        self._clock = clock
        self._seen, self._counted = clock.now(), clock.counter_seconds()
        self._paid_until = self._seen - burst
        self._lock = threading.Lock()

    def take(self, units: float, unless: threading.Event | None = None) -> None:
        """Take `units`, after as long a wait as it needs; none are taken once `unless` is set."""
        with self._lock:
            now = self._now()
            begin = max(self._paid_until, now - self._burst)
            self._paid_until = self._pace.after(begin, units)
            price, wait = self._paid_until - begin, self._paid_until - now
        if wait > timedelta(0):
            self._clock.sleep(wait.total_seconds(), unless)
        if unless and unless.is_set():
            with self._lock:
                self._paid_until -= price

    def _now(self) -> datetime:
        """The current moment.  A clock that was set meanwhile moves the debt with it: nobody waits for a day that comes
        twice."""
        now, counted = self._clock.now(), self._clock.counter_seconds()
        jump = now - self._seen - timedelta(seconds=counted - self._counted)
        self._seen, self._counted = now, counted
        self._paid_until += min(jump, timedelta(0))
        return now


class ThrottledStore(WrappedStore):
    """Any store, at a bounded pace."""

    def __init__(
        self,
        inner: ErasableStore,
        clock: Clock,
        *,
        bytes_at: Pace = UNBOUNDED,
        requests_at: Pace = UNBOUNDED,
    ) -> None:
        super().__init__(inner)
        self._bytes = None if bytes_at == UNBOUNDED else TokenBucket(bytes_at, clock)
        self._requests = None if requests_at == UNBOUNDED else TokenBucket(requests_at, clock)

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        self.pay(0)
        return ThrottledUpload(
            super().create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume), self
        )

    def read(self, key: Key, start: int, into: memoryview) -> int:
        self.pay(len(into))
        return super().read(key, start, into)

    def stat(self, key: Key) -> ObjectFacts:
        self.pay(0)
        return super().stat(key)

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        self.pay(0)
        return super().list(folder, after)

    def search(self, after: str = "") -> Iterator[Found]:
        self.pay(0)
        return super().search(after)

    def erase(self, key: Key) -> None:
        self.pay(0)
        super().erase(key)

    def around(self, method: str, act: Callable[[], T]) -> T:
        self.pay(0)
        return act()

    def pay(self, byte_count: int, unless: threading.Event | None = None) -> None:
        """Wait until one request that moves `byte_count` bytes may be made, or `unless` is set."""
        if self._requests:
            self._requests.take(1, unless)
        if self._bytes and byte_count:
            self._bytes.take(byte_count, unless)


class ThrottledUpload(WrappedUpload):
    """Any upload, at the store's pace.  What the store copies within itself is not slowed down."""

    def __init__(self, inner: Upload, store: ThrottledStore) -> None:
        super().__init__(inner)
        self._store = store
        self._left = threading.Event()

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        self._store.pay(data.nbytes, self._left)
        super().write(offset, data, sha256)

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        self._store.pay(0, self._left)
        travelled = super().take(offset, source, start, length)
        if travelled:
            self._store.pay(travelled, self._left)
        return travelled

    def commit(self) -> None:
        self._store.pay(0, self._left)
        super().commit()

    def leave(self, error: BaseException | None) -> None:
        self._left.set()
        super().leave(error)
