"""Stores for tests that need no disk: one that keeps bytes in memory, one that only counts and digests them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime

from preserve.errors import AlreadyThere, Away, NoSpace, NotThere, Refused, Unreadable, is_interruption
from preserve.model.digests import Algorithm, sha256, start
from preserve.model.digests import sha256 as digest_of
from preserve.model.keys import Key
from preserve.ports import Found, ObjectFacts
from preserve.stores.coverage import Coverage
from preserve.stores.leaving import LeavableUpload


class MemoryStore:
    """The `ErasableStore` contract over a dictionary, `objects`, which a test may read and damage at will.

    While `away` is true the store cannot be reached; `room_bytes` bounds what it keeps.
    """

    def __init__(self, name: str = "memory", room_bytes: int | None = None) -> None:
        self.name = name
        self.room_bytes = room_bytes
        self.away = False
        self.objects: dict[Key, bytes] = {}
        self.interrupted: dict[Key, MemoryUpload] = {}
        self.retained: dict[Key, datetime] = {}
        self.lock = threading.Lock()

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> MemoryUpload:
        self.require_presence()
        if key in self.objects:
            raise AlreadyThere("store {store} has {key} already", store=self.name, key=key)
        self.require_room(size)
        upload = MemoryUpload(self, key, size, part_bytes or max(size, 1), retain_until, resume)
        left = self.interrupted.pop(key, None)
        if left and resume:
            upload.take_over(left)
        return upload

    def read(self, key: Key, start: int, into: memoryview) -> int:
        piece = self.content(key)[start : start + len(into)]
        into[: len(piece)] = piece
        return len(piece)

    def stat(self, key: Key) -> ObjectFacts:
        content = self.content(key)
        return ObjectFacts(key, len(content), sha256(content), self.retained.get(key))

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        self.require_presence()
        prefix = f"{folder}/" if folder else ""
        for key in sorted(self.objects):
            if key.startswith(prefix) and key > after:
                yield ObjectFacts(key, len(self.objects[key]))

    def search(self, after: str = "") -> Iterator[Found]:
        return self.list("", after)

    def free_bytes(self) -> int | None:
        self.require_presence()
        return None if self.room_bytes is None else self.room_bytes - self._used()

    def erase(self, key: Key) -> None:
        self.require_presence()
        if key in self.retained:
            raise Refused("store {store} keeps {key} until {until}", store=self.name, key=key, until=self.retained[key])
        self.objects.pop(key, None)

    def content(self, key: Key) -> bytes:
        self.require_presence()
        try:
            return self.objects[key]
        except KeyError:
            raise NotThere("store {store} has no {key}", store=self.name, key=key) from None

    def require_presence(self) -> None:
        if self.away:
            raise Away("store {store} is away", store=self.name)

    def require_room(self, size: int) -> None:
        if self.room_bytes is not None and self._used() + size > self.room_bytes:
            raise NoSpace("store {store} is full", store=self.name)

    def _used(self) -> int:
        return sum(map(len, self.objects.values()))


class MemoryUpload(LeavableUpload):
    """`preserve.ports.Upload` into a `MemoryStore`."""

    def __init__(
        self,
        store: MemoryStore,
        key: Key,
        size: int,
        part_bytes: int,
        retain_until: datetime | None,
        resume: bool = False,
    ) -> None:
        super().__init__(store.name, key, size, part_bytes)
        self._memory = store
        self._content = bytearray(size)
        self._retain_until = retain_until
        self._resume = resume
        self._written: set[int] = set()
        self._held: frozenset[int] = frozenset()

    def take_over(self, left: MemoryUpload) -> None:
        """Go on with what an interrupted upload left, if it was cut alike."""
        if (len(left._content), left.part_bytes) != (len(self._content), self.part_bytes):
            return
        self._content = left._content
        self._written = set(left._written)
        self._held = frozenset(left._written)

    def holds(self, offset: int, sha256: bytes) -> bool:
        part = self._content[offset : offset + self.part_bytes]
        if offset not in self._held or digest_of(part) != sha256:
            return False
        self._covered.add(offset, len(part))
        return True

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        with self._at_work():
            self._memory.require_presence()
            self._covered.add(offset, len(data))
            self._content[offset : offset + len(data)] = data
            self._written.add(offset)

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        with self._at_work():
            piece = self._memory.content(source)[start : start + length]
            if len(piece) < length:
                raise Unreadable("{key} ends before byte {end}", key=source, end=start + length)
            self._covered.add(offset, length)
            self._content[offset : offset + length] = piece
            self._written.update(range(offset, offset + length, self.part_bytes))
            return 0

    def _make_visible(self) -> None:
        self._memory.require_presence()
        with self._memory.lock:
            if self._key in self._memory.objects:
                raise AlreadyThere("store {store} has {key} already", store=self._store, key=self._key)
            self._memory.require_room(len(self._content))
            self._memory.objects[self._key] = bytes(self._content)
            if self._retain_until:
                self._memory.retained[self._key] = self._retain_until

    def _interrupt(self) -> None:
        pass

    def _forget(self, error: BaseException | None) -> None:
        if self._resume and self._written and not self._committed and is_interruption(error):
            self._memory.interrupted[self._key] = self
        else:
            self._content = bytearray()
            self._written.clear()


class NullStore(MemoryStore):
    """Keeps small objects, and of larger ones only the digest of each part: for packages no test machine can hold."""

    def __init__(self, name: str = "null", kept_bytes: int = 1024 * 1024) -> None:
        super().__init__(name)
        self.kept_bytes = kept_bytes
        self.part_digests: dict[Key, dict[int, bytes]] = {}
        self.sizes: dict[Key, int] = {}

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> MemoryUpload:
        if size <= self.kept_bytes:
            return super().create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume)
        self.require_presence()
        if key in self.sizes:
            raise AlreadyThere("store {store} has {key} already", store=self.name, key=key)
        return DigestingUpload(self, key, size, part_bytes or size)

    def stat(self, key: Key) -> ObjectFacts:
        return ObjectFacts(key, self.sizes[key]) if key in self.sizes else super().stat(key)


class DigestingUpload(MemoryUpload):
    """Digests each part, and forgets it."""

    def __init__(self, store: NullStore, key: Key, size: int, part_bytes: int) -> None:
        super().__init__(store, key, 0, part_bytes, None)
        self._null = store
        self._size = size
        self._parts = Coverage(size, part_bytes)
        self._digests: dict[int, bytes] = {}

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        self._null.require_presence()
        self._parts.add(offset, len(data))
        digest = start(Algorithm.SHA256)
        digest.update(data)
        self._digests[offset] = digest.digest()

    def commit(self) -> None:
        self._null.require_presence()
        self._parts.require_whole()
        with self._null.lock:
            self._null.sizes[self._key] = self._size
            self._null.part_digests[self._key] = self._digests
