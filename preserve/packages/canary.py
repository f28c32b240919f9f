"""The canary of a store as an object: what it holds, how it is laid, and that audits look at it like at the kit."""

from __future__ import annotations

from datetime import datetime

from preserve.errors import Refused
from preserve.model.keys import Key, generation_key, split_generation
from preserve.model.nouns import StoreEntry
from preserve.packages.kit import ATTEMPTS, Kit, KitFile
from preserve.packages.putting import put
from preserve.ports import Store
from preserve.state.books import Books

KEY = Key("canary/canary.txt")

_CONTENT = """\
preserve-canary/1
{store_id}

Nobody may change or delete this object, the service that laid it included.  Keys that must not be able to are tried on
it; where it is changed or gone, somebody holds a key that can do the same to records.
任何人不得更改或删除本对象，写入它的服务也不例外。本应无权更改的密钥在此试验；一旦本对象被改动或消失，即有人持有能同样损害档案的密钥。
"""


def content(entry: StoreEntry) -> bytes:
    """What the canary of a store holds, for ever."""
    return _CONTENT.format(store_id=entry.store_id).encode()


def fitted(books: Books, store: str, kit: Kit) -> Kit:
    """What lies in a store beside its packages: the kit, and the canary once it was laid."""
    if books.canary(store) is None:
        return kit
    return {**kit, KEY: KitFile(content(books.store(store)))}


def lay(store: Store, entry: StoreEntry, retain_until: datetime | None, first: Key = KEY) -> Key:
    """Lay the canary, unless it is there, from generation `first` on; returns the key under which it is sound.

    Raises `Refused` where the store does not give back what was written, `Unavailable`.
    """
    base, number = split_generation(first)
    for generation in range(number, number + ATTEMPTS):
        key = generation_key(base, generation)
        if put(store, key, content(entry), retain_until).is_sound:
            return key
    raise Refused("store {store} does not give back {key} as it was written", store=store.name, key=key)
