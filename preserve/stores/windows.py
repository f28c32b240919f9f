"""A store whose link is up at certain hours: outside them it is asked for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from preserve.clock import Clock
from preserve.model.calendars import Hours
from preserve.model.keys import Key
from preserve.model.links import out_of_window
from preserve.ports import ErasableStore, Found, Locks, ObjectFacts, Upload
from preserve.stores.wrapping import T, WrappedStore, WrappedUpload


class WindowedStore(WrappedStore):
    """Any store, within its hours; outside them every method raises `Expected`, and nothing is sent.

    Asked before each object, and before each part of one: a long transfer stops at the end of the part that is under
    way when the window closes, and what was sent of it is taken up in the next one.
    """

    def __init__(self, inner: ErasableStore, hours: Hours, clock: Clock) -> None:
        super().__init__(inner)
        self._hours = hours
        self._clock = clock
        self._known_open: tuple[datetime, datetime] | None = None

    def require_open(self) -> None:
        """Raise `Expected` outside the hours.  When they end is reckoned once for each window."""
        now = self._clock.now()
        if self._known_open is not None and self._known_open[0] <= now < self._known_open[1]:
            return
        error = out_of_window(self.name, self._hours, now)
        if error is not None:
            raise error
        closes_at = self._hours.closes_at(now)
        self._known_open = None if closes_at is None else (now, closes_at)

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        self.require_open()
        return WindowedUpload(
            super().create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume), self
        )

    def read(self, key: Key, start: int, into: memoryview) -> int:
        self.require_open()
        return super().read(key, start, into)

    def stat(self, key: Key) -> ObjectFacts:
        self.require_open()
        return super().stat(key)

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        self.require_open()
        for facts in super().list(folder, after):
            yield facts
            self.require_open()

    def search(self, after: str = "") -> Iterator[Found]:
        self.require_open()
        for found in super().search(after):
            yield found
            self.require_open()

    def free_bytes(self) -> int | None:
        self.require_open()
        return super().free_bytes()

    def erase(self, key: Key) -> None:
        self.require_open()
        super().erase(key)

    def locks(self) -> Locks | None:
        self.require_open()
        return super().locks()

    def around(self, method: str, act: Callable[[], T]) -> T:
        self.require_open()
        return act()


class WindowedUpload(WrappedUpload):
    """Any upload, within the store's hours; it may be left at any time."""

    def __init__(self, inner: Upload, store: WindowedStore) -> None:
        super().__init__(inner)
        self._store = store

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        self._store.require_open()
        super().write(offset, data, sha256)

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        self._store.require_open()
        return super().take(offset, source, start, length)

    def commit(self) -> None:
        self._store.require_open()
        super().commit()
