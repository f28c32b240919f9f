"""The registered stores as operations are handed them, in their wrappers.

Every store is wrapped in one order: counting(throttle(retry(sealed(store)))).  What a seal keeps from being written is
asked of no store.  Retries are within the rest, so that a request made three times pays and counts once; the count is
outermost, so that it says what the operation asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from preserve import chance
from preserve.clock import Clock
from preserve.errors import Misused
from preserve.model.nouns import StoreEntry
from preserve.model.store_changes import SPEED_LIMIT
from preserve.packages import places, sealing
from preserve.ports import ErasableStore, Store
from preserve.state.books import Books
from preserve.stores.counting import CountingStore
from preserve.stores.folder import FolderStore
from preserve.stores.retry import RetryingStore
from preserve.stores.sealed import SealedStore
from preserve.stores.telling import Alert
from preserve.stores.throttle import ThrottledStore

if TYPE_CHECKING:
    from preserve.operations.try_canaries import KeyTrial


class Stores(Mapping[str, Store]):
    """The registered stores by name, each made when it is first used: a store that is away fails nobody else.

    One that is a medium under seal or away (preserve/packages/sealing.py) is read only.
    """

    def __init__(self, books: Books, wrap: Callable[[StoreEntry, ErasableStore], Store]) -> None:
        self._books = books
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
                bare = bare_store(entry, entry.store_id)
                self._bare[name] = SealedStore(bare, partial(sealing.sealed, self._books, name))
            return self._bare[name]


def store(entry: StoreEntry, clock: Clock, alert: Alert) -> ErasableStore:
    """A registered store, wrapped.  Nothing is asked of it yet.  Raises `Misused` for a URL that names no place."""
    return wrapped(entry, bare_store(entry, entry.store_id), clock, alert)


def wrapped(entry: StoreEntry, bare: ErasableStore, clock: Clock, alert: Alert) -> ErasableStore:
    """A store with all that is wrapped around it, in the one order; `alert` tells when patience takes long."""
    limit = entry.attributes.get(SPEED_LIMIT)
    return CountingStore(
        ThrottledStore(
            RetryingStore(bare, clock, chance.unpredictable(), alert=alert),
            clock,
            bytes_per_second=int(limit) if limit else None,
        )
    )


def glanced_at(entry: StoreEntry) -> ErasableStore:
    """A registered store, asked once and without patience."""
    return bare_store(entry, entry.store_id)


def bare_store(entry: StoreEntry, store_id: str | None) -> ErasableStore:
    """The store at `entry.url` as it is; `store_id` None: a place that is not founded yet.  Raises `Misused`."""
    scheme = urlsplit(entry.url).scheme
    if scheme == "file":
        return FolderStore(entry.name, places.folder_of(entry.url), store_id)
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
