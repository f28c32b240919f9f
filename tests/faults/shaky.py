"""Services over stores that go wrong, wrapped as `compose` wraps them, on a clock on which nobody waits."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from preserve.clock import Clock
from preserve.model.blocks import BLOCK_BYTES
from preserve.model.keys import Key
from preserve.packages.identity import IDENTITY
from preserve.ports import ErasableStore
from preserve.stores.counting import CountingStore
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.folder import FolderStore
from preserve.stores.retry import RetryingStore
from preserve.stores.wrapping import WrappedStore
from preserve.workplace import Workplace
from tests.packages.building import Service, service
from tests.stores.clocks import SetClock

METHODS = ("create", "write", "take", "commit", "read", "stat", "list", "free_bytes")


@dataclass(frozen=True)
class Shaken:
    """A store that goes wrong: what was asked of it, and what of that reached it, tries included."""

    store: CountingStore
    tries: CountingStore
    faulty: FaultyStore

    @property
    def amplification(self) -> float:
        """How many requests were made for each that was asked for."""
        return _calls(self.tries) / _calls(self.store)


def _calls(store: CountingStore) -> int:
    return sum(count.calls for method, count in store.counts().items() if method in METHODS)


def shaken(inner: ErasableStore, faults: Sequence[Fault], clock: Clock, seed: int = 1) -> Shaken:
    """Faults over a store, patience over them, and counts at both ends."""
    faulty = FaultyStore(inner, faults, clock, random.Random(seed))
    tries = CountingStore(faulty)
    return Shaken(CountingStore(RetryingStore(tries, clock, random.Random(seed + 1))), tries, faulty)


def unreliable(share: float) -> list[Fault]:
    """`share` of all requests fail, half of them before and half of them after they had their effect."""
    harms = (Harm.UNAVAILABLE, Harm.LOST_REPLY)
    return [Fault(harm, method, probability=share / 2) for method in METHODS for harm in harms]


@dataclass
class ShakyService:
    """A service with two folder stores, `near` and `city`, and the wrappers around them."""

    plain: Service
    clock: SetClock
    workplace: Workplace
    shaken: dict[str, Shaken]

    def shake(self, name: str, faults: Sequence[Fault], seed: int = 1) -> Shaken:
        """Make one store go wrong from now on."""
        self.shaken[name] = shaken(self._folder(name), faults, self.clock, seed)
        self.use(name, self.shaken[name].store)
        return self.shaken[name]

    def use(self, name: str, store: ErasableStore) -> None:
        """Put another store in the place of one."""
        self.workplace = replace(self.workplace, stores={**self.workplace.stores, name: store})

    def calm(self) -> None:
        """All is well again."""
        self.workplace = replace(self.workplace, stores=self.plain.workplace.stores)

    def tear(self, name: str, harm: Harm) -> TornOnce:
        """The first body of each place of each object comes torn, whoever asks."""
        torn = TornOnce(self._folder(name), harm)
        self.use(name, torn)
        return torn

    def _folder(self, name: str) -> FolderStore:
        store = self.plain.workplace.stores[name]
        assert isinstance(store, FolderStore)
        return store


@contextmanager
def shaky_service(folder: Path) -> Iterator[ShakyService]:
    """A new service, all well yet."""
    with service(folder) as plain:
        clock = SetClock(datetime.now(UTC))
        yield ShakyService(plain, clock, replace(plain.workplace, clock=clock), {})


class TornOnce(WrappedStore):
    """Spoils the first answer for each block of each object: a line that garbles what comes for a while."""

    def __init__(self, inner: ErasableStore, harm: Harm) -> None:
        super().__init__(inner)
        self._harm = harm
        self._ended: set[tuple[Key, int]] = set()
        self._lock = threading.Lock()
        self.seen: set[tuple[Key, int]] = set()

    def read(self, key: Key, start: int, into: memoryview) -> int:
        count = super().read(key, start, into)
        place = (key, start // BLOCK_BYTES)
        with self._lock:
            if self._harm is Harm.CUT and (key, start) in self._ended:
                self._ended.remove((key, start))
                return 0  # whoever was cut short and asks for the rest is told that this was all
            if key == IDENTITY or place in self.seen or not count:
                return count
            self.seen.add(place)
            self._ended.add((key, start + count // 2))
        if self._harm is Harm.CUT:
            return count // 2
        into[:count] = bytes(byte ^ 0xA5 for byte in into[:count])
        return count


def write_submission(folder: Path, large_bytes: int = 0) -> Path:
    """Some small files, and a large one where asked for."""
    lots = random.Random(large_bytes + 1)
    (folder / "会议").mkdir(parents=True)
    for number in range(12):
        (folder / "会议" / f"纪要 {number}.txt").write_bytes(lots.randbytes(lots.randint(0, 20_000)))
    if large_bytes:
        (folder / "扫描.tif").write_bytes(lots.randbytes(large_bytes))
    return folder
