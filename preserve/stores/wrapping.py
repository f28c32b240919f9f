"""A store around a store: passes everything on, so that each wrapper names only what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Self

from preserve.model.keys import Key
from preserve.ports import Cold, ErasableStore, Found, Locks, ObjectFacts, Upload, cold_of, locks_of


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
        return locks_of(self.inner)

    def cold(self) -> Cold | None:
        return cold_of(self.inner)


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
