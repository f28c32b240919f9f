"""Tell an object that does not come from a store that cannot be reached: only the latter stops the work on a store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from preserve.errors import Away, NotThere, Unavailable, Unreadable
from preserve.model.keys import Key
from preserve.ports import Found, ObjectFacts, Store, Upload

_IDENTITY = Key("store.json")


class Discerning:
    """Any store; when it cannot give an object, though it gives another, that object is `Unreadable`."""

    def __init__(self, store: Store) -> None:
        self.name = store.name
        self._store = store

    def read(self, key: Key, start: int, into: memoryview) -> int:
        """See `preserve.ports.Store.read`.  What raises `Away` is never asked again."""
        try:
            return self._store.read(key, start, into)
        except Away:
            raise
        except Unavailable as error:
            if not self._answers():
                raise
            why = "store {store} answers, and does not give {key}: {why}"
            raise Unreadable(why, store=self.name, key=key, why=error) from error

    def _answers(self) -> bool:
        """Whether the store gives the object that every store has, or says that it is not there."""
        try:
            self._store.read(_IDENTITY, 0, memoryview(bytearray(1)))
        except NotThere:
            return True
        except (Unavailable, Unreadable):
            return False
        return True

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        return self._store.create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume)

    def stat(self, key: Key) -> ObjectFacts:
        return self._store.stat(key)

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        return self._store.list(folder, after)

    def search(self, after: str = "") -> Iterator[Found]:
        return self._store.search(after)

    def free_bytes(self) -> int | None:
        return self._store.free_bytes()
