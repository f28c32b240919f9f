"""Is a small object fetched whole, whatever its store does with the buffer that it is given?"""

from __future__ import annotations

from preserve.model.digests import sha256
from preserve.model.entries import AuditResult
from preserve.model.keys import Key
from preserve.packages.putting import put
from preserve.packages.reading import fetch
from tests.stores.memory import MemoryStore

KEY = Key("store.json")
CONTENT = b"what is read"


class HoldingStore(MemoryStore):
    """Holds the buffers that it filled, as the traceback of a failed attempt does."""

    def __init__(self) -> None:
        super().__init__("holding")
        self.held: list[memoryview] = []

    def read(self, key: Key, start: int, into: memoryview) -> int:
        self.held.append(into)
        return super().read(key, start, into)


def test_a_buffer_that_somebody_still_holds_does_no_harm() -> None:
    store = HoldingStore()
    put(store, KEY, CONTENT)
    look = fetch(store, KEY, len(CONTENT), sha256(CONTENT).hex())
    assert (look.sight, look.content) == (AuditResult.SOUND, CONTENT)
