"""How often a store was asked what, and how many bytes went in and came out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from preserve.model.keys import Key
from preserve.ports import ErasableStore, Found, ObjectFacts, Upload
from preserve.stores.wrapping import T, WrappedStore, WrappedUpload


@dataclass(frozen=True, slots=True)
class Count:
    """Calls of one method: how many, how many of them raised, and the bytes sent to and fetched from the store."""

    calls: int = 0
    failures: int = 0
    bytes_sent: int = 0
    bytes_fetched: int = 0


class Counter:
    """Counts by method name; may be used from several threads."""

    def __init__(self) -> None:
        self._counts: dict[str, Count] = {}
        self._lock = threading.Lock()

    @contextmanager
    def call(self, method: str) -> Iterator[None]:
        """Count one call of `method`."""
        self.add(method, calls=1)
        try:
            yield
        except BaseException:
            self.add(method, failures=1)
            raise

    def add(self, method: str, *, calls: int = 0, failures: int = 0, sent: int = 0, fetched: int = 0) -> None:
        """Add to the counts of `method`."""
        with self._lock:
            count = self._counts.get(method, Count())
            self._counts[method] = replace(
                count,
                calls=count.calls + calls,
                failures=count.failures + failures,
                bytes_sent=count.bytes_sent + sent,
                bytes_fetched=count.bytes_fetched + fetched,
            )

    def counts(self) -> Mapping[str, Count]:
        """The counts so far."""
        with self._lock:
            return dict(self._counts)


class CountingStore(WrappedStore):
    """Any store, counted."""

    def __init__(self, inner: ErasableStore) -> None:
        super().__init__(inner)
        self._counter = Counter()

    def counts(self) -> Mapping[str, Count]:
        """Counts by method: `create write take commit abort read stat list free_bytes erase extend frost ask`."""
        return self._counter.counts()

    @property
    def bytes_sent(self) -> int:
        """All bytes sent to the store."""
        return sum(count.bytes_sent for count in self.counts().values())

    @property
    def bytes_fetched(self) -> int:
        """All bytes fetched from the store."""
        return sum(count.bytes_fetched for count in self.counts().values())

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        with self._counter.call("create"):
            upload = super().create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume)
        return CountingUpload(upload, self._counter)

    def read(self, key: Key, start: int, into: memoryview) -> int:
        with self._counter.call("read"):
            fetched = super().read(key, start, into)
        self._counter.add("read", fetched=fetched)
        return fetched

    def stat(self, key: Key) -> ObjectFacts:
        with self._counter.call("stat"):
            return super().stat(key)

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        with self._counter.call("list"):
            yield from super().list(folder, after)

    def search(self, after: str = "") -> Iterator[Found]:
        with self._counter.call("list"):
            yield from super().search(after)

    def free_bytes(self) -> int | None:
        with self._counter.call("free_bytes"):
            return super().free_bytes()

    def erase(self, key: Key) -> None:
        with self._counter.call("erase"):
            super().erase(key)

    def around(self, method: str, act: Callable[[], T]) -> T:
        with self._counter.call(method):
            return act()


class CountingUpload(WrappedUpload):
    """Any upload, counted.  What `take` moves is counted half as fetched, half as sent."""

    def __init__(self, inner: Upload, counter: Counter) -> None:
        super().__init__(inner)
        self._counter = counter

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        with self._counter.call("write"):
            super().write(offset, data, sha256)
        self._counter.add("write", sent=data.nbytes)

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        with self._counter.call("take"):
            travelled = super().take(offset, source, start, length)
        self._counter.add("take", sent=travelled // 2, fetched=travelled - travelled // 2)
        return travelled

    def commit(self) -> None:
        with self._counter.call("commit"):
            super().commit()

    def abort(self) -> None:
        with self._counter.call("abort"):
            super().abort()
