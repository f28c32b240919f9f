"""The registered stores as operations are handed them, in their wrappers.

Every store is wrapped in one order: counting(throttle(retry(windowed(sealed(store))))).  What a seal keeps from being
written is asked of no store, and outside its window nothing is: whoever waited for the speed limit until the window
closed is told so.  Retries are within the rest, so that a request made three times pays and counts once; the count is
outermost, so that it says what the operation asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from preserve import chance
from preserve.clock import Clock, zone
from preserve.errors import Misused
from preserve.model import links
from preserve.model.calendars import ALWAYS
from preserve.model.nouns import StoreEntry
from preserve.model.store_changes import STORAGE_CLASS
from preserve.packages import places, sealing
from preserve.ports import ErasableStore, Store
from preserve.state.books import Books
from preserve.stores.counting import CountingStore
from preserve.stores.folder import FolderStore
from preserve.stores.retry import RetryingStore
from preserve.stores.sealed import SealedStore
from preserve.stores.telling import Alert
from preserve.stores.throttle import ThrottledStore
from preserve.stores.windows import WindowedStore
from preserve.workplace import Workplace

if TYPE_CHECKING:
    from preserve.operations.try_canaries import KeyTrial


class Stores(Mapping[str, Store]):
    """The registered stores by name, each made when it is first used: a store that is away fails nobody else.

    One that is a medium under seal or away (preserve/packages/sealing.py) is read only.  One that is out of its window
    raises `Expected`; `windows_by` is the clock that says so, None: a person decided that it is reached all the same.
    """

    def __init__(
        self, books: Books, wrap: Callable[[StoreEntry, ErasableStore], Store], windows_by: Clock | None
    ) -> None:
        self._books = books
        self._windows_by = windows_by
        self._entries = {entry.name: entry for entry in books.stores()}
        self._wrap = wrap
        self._bare: dict[str, ErasableStore] = {}
        self._made: dict[str, Store] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Store:
        bare = self.bare(name)
        with self._lock:
            if name not in self._made:
                self._made[name] = self._wrap(self._entries[name], bare)
            return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def knows(self, entry: StoreEntry) -> bool:
        """Whether this store, at this place, is among them."""
        return self._entries.get(entry.name) == entry

    def bare(self, name: str) -> ErasableStore:
        """The same store, over the same connections, asked once and without patience."""
        with self._lock:
            if name not in self._bare:
                entry = self._entries[name]
                sealed = SealedStore(bare_store(entry, entry.store_id), partial(sealing.sealed, self._books, name))
                self._bare[name] = self.within_hours(entry, sealed)
            return self._bare[name]

    def within_hours(self, entry: StoreEntry, inner: ErasableStore) -> ErasableStore:
        """A store that is asked within the hours of its link alone, where these are heeded."""
        hours = links.hours(entry, zone)
        if self._windows_by is None or hours == ALWAYS:
            return inner
        return WindowedStore(inner, hours, self._windows_by)

    def require_open(self, entry: StoreEntry) -> None:
        """Raise `Expected` where a store is out of its window, for what asks it by another way than this one."""
        if self._windows_by is not None:
            error = links.out_of_window(entry.name, links.hours(entry, zone), self._windows_by.now())
            if error is not None:
                raise error


def store(entry: StoreEntry, clock: Clock, alert: Alert) -> ErasableStore:
    """A registered store, wrapped.  Nothing is asked of it yet.  Raises `Misused` for a URL that names no place."""
    return wrapped(entry, bare_store(entry, entry.store_id), clock, alert)


def wrapped(entry: StoreEntry, bare: ErasableStore, clock: Clock, alert: Alert) -> ErasableStore:
    """A store with all that is wrapped around it, in the one order; `alert` tells when patience takes long."""
    patient = RetryingStore(bare, clock, chance.unpredictable(), alert=alert)
    return CountingStore(ThrottledStore(patient, clock, bytes_at=links.pace(entry, zone)))


def require_open(workplace: Workplace, entry: StoreEntry) -> None:
    """Raise `Expected` where a store is out of its window, before its place is asked by itself."""
    if isinstance(workplace.stores, Stores):
        workplace.stores.require_open(entry)


def glanced_at(entry: StoreEntry) -> ErasableStore:
    """A registered store, asked once and without patience."""
    return bare_store(entry, entry.store_id)


def bare_store(entry: StoreEntry, store_id: str | None) -> ErasableStore:
    """The store at `entry.url` as it is; `store_id` None: a place that is not founded yet.  Raises `Misused`."""
    scheme = urlsplit(entry.url).scheme
    if scheme == "file":
        mounted_at = entry.attributes.get(links.MOUNTED_AT)
        return FolderStore(entry.name, places.folder_of(entry.url), store_id, Path(mounted_at) if mounted_at else None)
    if scheme == "s3":
        from preserve.stores.s3 import S3Store
        from preserve.stores.s3_place import place_of

        return S3Store(
            entry.name,
            place_of(entry.url),
            store_id,
            profile=entry.profile,
            auditor_profile=entry.auditor_profile,
            disposer_profile=entry.disposer_profile,
            capabilities=entry.capabilities,
            storage_class=entry.attributes.get(STORAGE_CLASS),
        )
    raise Misused("{url} is no place this program knows; write file:///folder or s3://bucket?endpoint=…", url=entry.url)


def key_trial(entry: StoreEntry) -> KeyTrial | None:
    """The keys of a registered store, to be tried on its canary; None for a folder, which has none."""
    if not entry.is_networked:
        return None
    from preserve.stores.s3 import S3Store
    from preserve.stores.s3_canary import S3KeyTrial

    bare = glanced_at(entry)
    return S3KeyTrial(bare) if isinstance(bare, S3Store) else None
