"""A store around a store: passes everything on, so that each wrapper names only what it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self, TypeVar

from preserve.model.keys import Key
from preserve.ports import Asked, Cold, ErasableStore, Found, Frost, Locks, ObjectFacts, Upload, cold_of, locks_of

T = TypeVar("T")
"""What an act gives back."""


class WrappedStore:
    """The `ErasableStore` contract, kept by `inner`."""

    def __init__(self, inner: ErasableStore) -> None:
        self.inner = inner
        self.name = inner.name

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        return self.inner.create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume)

    def read(self, key: Key, start: int, into: memoryview) -> int:
        return self.inner.read(key, start, into)

    def stat(self, key: Key) -> ObjectFacts:
        return self.inner.stat(key)

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        return self.inner.list(folder, after)

    def search(self, after: str = "") -> Iterator[Found]:
        return self.inner.search(after)

    def free_bytes(self) -> int | None:
        return self.inner.free_bytes()

    def erase(self, key: Key) -> None:
        self.inner.erase(key)

    def locks(self) -> Locks | None:
        inner = locks_of(self.inner)
        return _WrappedLocks(inner, self.around) if inner is not None else None

    def cold(self) -> Cold | None:
        inner = cold_of(self.inner)  # asks nothing
        return _WrappedCold(inner, self.around) if inner is not None else None

    def around(self, method: str, act: Callable[[], T]) -> T:
        """Do `act`, which calls this `method` of the locks or the cold storage; wrappers say what they add to that."""
        return act()


class _Around(Protocol):
    def __call__(self, method: str, act: Callable[[], T]) -> T: ...


class _WrappedLocks:
    """Any locks, by way of their store."""

    def __init__(self, inner: Locks, around: _Around) -> None:
        self._inner = inner
        self._around = around

    def extend(self, key: Key, until: datetime) -> datetime:
        return self._around("extend", lambda: self._inner.extend(key, until))


class _WrappedCold:
    """Any cold storage, by way of its store."""

    def __init__(self, inner: Cold, around: _Around) -> None:
        self._inner = inner
        self._around = around

    def frost(self, key: Key) -> Frost | None:
        return self._around("frost", lambda: self._inner.frost(key))

    def ask(self, key: Key, days: int, tier: str) -> Asked:
        return self._around("ask", lambda: self._inner.ask(key, days, tier))


class WrappedUpload:
    """The `Upload` contract, kept by `inner`."""

    def __init__(self, inner: Upload) -> None:
        self.inner = inner
        self.part_bytes = inner.part_bytes

    def holds(self, offset: int, sha256: bytes) -> bool:
        return self.inner.holds(offset, sha256)

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        self.inner.write(offset, data, sha256)

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        return self.inner.take(offset, source, start, length)

    def commit(self) -> None:
        self.inner.commit()

    def abort(self) -> None:
        self.leave(None)

    def leave(self, error: BaseException | None) -> None:
        self.inner.leave(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave(error)
