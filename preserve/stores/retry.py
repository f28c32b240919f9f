"""Trying again: what a moment's patience may mend, for a bounded time, and with a verdict at the end.

Only what may pass is tried again: `Unavailable`, but neither `NoSpace` nor `Away`, which need a person.  An object that
does not come whole (`Faltered`) is read again; if it never does, and the store gives another object meanwhile, it is
`Unreadable`: the site is well, this object may not be.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Generic, TypeVar

from preserve.clock import Clock
from preserve.errors import Away, Faltered, NoSpace, NotThere, Unavailable, Unreadable
from preserve.model.keys import Key
from preserve.packages.identity import IDENTITY
from preserve.ports import ErasableStore, Found, Locks, ObjectFacts, Upload, position
from preserve.stores.telling import Alert, Teller
from preserve.stores.wrapping import T, WrappedStore, WrappedUpload

F = TypeVar("F", bound=Found)


@dataclass(frozen=True, slots=True)
class Perseverance:
    """How often and for how long to try; waits double from `first_wait_seconds` and are cut by up to half, by lot, so
    that many clients do not come back all at once.

    Half a minute in all outlasts the restart of a server, and twelve attempts a site that fails every third request;
    one that is gone for longer is told as away, and made up for later.  `one_object_seconds` bounds the attempts at
    one object that does not come whole: a rotten chunk keeps SeaweedFS busy for half a minute at each of them.
    """

    attempts: int = 12
    first_wait_seconds: float = 0.25
    longest_wait_seconds: float = 4.0
    total_seconds: float = 60.0
    one_object_seconds: float = 45.0


def may_pass(error: BaseException) -> bool:
    """Whether waiting a moment may mend it."""
    return isinstance(error, Unavailable) and not isinstance(error, NoSpace | Away)


class Repeater:
    """Does an act again while its failure may pass."""

    def __init__(self, clock: Clock, lots: random.Random, perseverance: Perseverance, teller: Teller) -> None:
        self._clock = clock
        self._lots = lots
        self._perseverance = perseverance
        self._teller = teller

    def __call__(self, act: Callable[[], T], unless: Event | None = None) -> T:
        """What `act` returns, at the first attempt that succeeds; otherwise raises what the last one raised.

        Once `unless` is set there is no waiting between attempts: the next one tells that it is not wanted any more.
        """
        began = self._clock.now()
        try:
            return act()
        except Unavailable as error:
            if not may_pass(error) or self._is_over(error, 1, began):
                raise
            self._tell(error, 1, began)
        self._clock.sleep(self._wait_seconds(1), unless)
        return self._again(act, began, unless)

    def _again(self, act: Callable[[], T], began: datetime, unless: Event | None) -> T:
        import tenacity  # only once something failed: start-up counts

        def tell(state: tenacity.RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            if error is not None:
                self._tell(error, state.attempt_number + 1, began)

        def is_over(state: tenacity.RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            return self._is_over(error, state.attempt_number + 1, began)

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(may_pass),
            stop=is_over,
            wait=lambda state: self._wait_seconds(state.attempt_number + 1),
            sleep=lambda seconds: self._clock.sleep(seconds, unless),
            before_sleep=tell,
            reraise=True,
        )
        return retrying(act)

    def _is_over(self, error: BaseException | None, attempts: int, began: datetime) -> bool:
        bounds = self._perseverance
        return attempts >= bounds.attempts or self._clock.now() >= self._until(error, began)

    def _until(self, error: BaseException | None, began: datetime) -> datetime:
        bounds = self._perseverance
        seconds = bounds.one_object_seconds if isinstance(error, Faltered) else bounds.total_seconds
        return began + timedelta(seconds=seconds)

    def _tell(self, error: BaseException, attempt: int, began: datetime) -> None:
        self._teller.failed(error, attempt, self._perseverance.attempts, began, self._until(error, began))

    def _wait_seconds(self, attempt: int) -> float:
        bounds = self._perseverance
        longest = min(bounds.longest_wait_seconds, bounds.first_wait_seconds * 2.0 ** (attempt - 1))
        return longest * self._lots.uniform(0.5, 1.0)


class RetryingStore(WrappedStore):
    """Any store, with patience; `alert` is told when it takes long."""

    def __init__(
        self,
        inner: ErasableStore,
        clock: Clock,
        lots: random.Random,
        perseverance: Perseverance | None = None,
        alert: Alert | None = None,
    ) -> None:
        super().__init__(inner)
        self._repeat = Repeater(clock, lots, perseverance or Perseverance(), Teller(clock, alert))

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        upload = self._repeat(
            lambda: self.inner.create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume)
        )
        return RetryingUpload(upload, self._repeat, self)

    def read(self, key: Key, start: int, into: memoryview) -> int:
        try:
            return self._repeat(lambda: self.inner.read(key, start, into))
        except Faltered as error:
            raise self.verdict(key, error) from error

    def stat(self, key: Key) -> ObjectFacts:
        return self._repeat(lambda: self.inner.stat(key))

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        return self._listed(_Listing(lambda last: self.inner.list(folder, last), after))

    def search(self, after: str = "") -> Iterator[Found]:
        return self._listed(_Listing(self.inner.search, after))

    def _listed(self, listing: _Listing[F]) -> Iterator[F]:
        while (found := self._repeat(listing.next)) is not None:
            yield found

    def free_bytes(self) -> int | None:
        return self._repeat(self.inner.free_bytes)

    def erase(self, key: Key) -> None:
        self._repeat(lambda: self.inner.erase(key))

    def locks(self) -> Locks | None:
        return self._repeat(super().locks)

    def around(self, method: str, act: Callable[[], T]) -> T:
        return self._repeat(act)

    def verdict(self, key: Key, error: Faltered) -> Unreadable | Faltered:
        """What to make of an object that did not come however often it was asked for."""
        if not self._gives_another(key):
            return error
        return Unreadable(
            "store {store} gives other objects, and again and again not {key}: {why}",
            store=self.name,
            key=key,
            why=error,
        )

    def _gives_another(self, key: Key) -> bool:
        """Whether the store answers for an object that every store has."""
        if key == IDENTITY:
            return False
        try:
            self.inner.read(IDENTITY, 0, memoryview(bytearray(1)))
        except NotThere:
            return True
        except Unavailable:
            return False
        return True


class RetryingUpload(WrappedUpload):
    """Any upload, with patience.  A commit whose reply was lost is committed again: see `preserve.ports.Upload`."""

    def __init__(self, inner: Upload, repeat: Repeater, store: RetryingStore) -> None:
        super().__init__(inner)
        self._repeat = repeat
        self._store = store
        self._left = Event()

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        self._repeat(lambda: self.inner.write(offset, data, sha256), self._left)

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        try:
            return self._repeat(lambda: self.inner.take(offset, source, start, length), self._left)
        except Faltered as error:
            raise self._store.verdict(source, error) from error

    def commit(self) -> None:
        self._repeat(self.inner.commit, self._left)

    def leave(self, error: BaseException | None) -> None:
        self._left.set()
        super().leave(error)


class _Listing(Generic[F]):
    """A listing that can be taken up again behind the last thing it gave."""

    def __init__(self, begin: Callable[[str], Iterator[F]], after: str) -> None:
        self._begin = begin
        self._entries: Iterator[F] | None = None
        self._last = after

    def next(self) -> F | None:
        """The next thing, or None at the end."""
        if self._entries is None:
            self._entries = self._begin(self._last)
        try:
            for found in self._entries:
                self._last = position(found)
                return found
        except Unavailable:
            self._entries = None
            raise
        return None
