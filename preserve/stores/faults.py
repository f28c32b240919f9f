"""A store that goes wrong when told to: for drills and tests, over any real store.

    FaultyStore(store, [Fault(Harm.FLIP, "read", key_glob="*/bag.tar", calls=(3,))], clock, random.Random(1))

flips one bit of what the third read of a bag gives.  A fault may also strike by chance (`probability`), from the seeded
generator, and at most `times` times.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TypeVar

from preserve.clock import Clock
from preserve.errors import NoSpace, NotThere, Unavailable
from preserve.model.keys import Key, split_generation
from preserve.ports import ErasableStore, Found, Locks, ObjectFacts, Upload, position
from preserve.stores.wrapping import WrappedStore, WrappedUpload

F = TypeVar("F", bound=Found)


class Harm(StrEnum):
    """What goes wrong."""

    UNAVAILABLE = "unavailable"  # before the call has any effect
    LOST_REPLY = "lost reply"  # after it had
    NO_SPACE = "no space"
    STALL = "stall"  # it takes `Fault.seconds` longer
    FLIP = "flip"  # read: one bit is other than stored
    CUT = "cut"  # read: it ends short and does not say so
    GARBAGE = "garbage"  # read: as many bytes, all of them wrong
    ABSENT = "absent"  # read, stat, list: the object is not to be seen
    OLDER = "older"  # read, stat: the generation before this one is served
    LOSE = "lose"  # commit: acknowledged and not kept


_GARBLED = bytes(byte ^ 0xA5 for byte in range(256))


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of harm: to which method of which keys, and when.

    `calls` are the numbers, from 1, of the matching calls it strikes (empty: all of them); `probability` the chance
    that it strikes such a call; `times` how often it strikes at most.
    """

    harm: Harm
    method: str
    key_glob: str = "*"
    calls: tuple[int, ...] = ()
    probability: float = 1.0
    times: int | None = None
    seconds: float = 0.0


class FaultyStore(WrappedStore):
    """Any store, with faults; `struck` tells which faults struck which keys so far."""

    def __init__(self, inner: ErasableStore, faults: Sequence[Fault], clock: Clock, lots: random.Random) -> None:
        super().__init__(inner)
        self._faults = list(faults)
        self._clock = clock
        self._lots = lots
        self._lock = threading.Lock()
        self._calls = [0] * len(self._faults)
        self._strikes = [0] * len(self._faults)
        self._struck: list[tuple[Fault, str]] = []

    @property
    def struck(self) -> Sequence[tuple[Fault, str]]:
        with self._lock:
            return list(self._struck)

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        harms = self.suffer("create", key)
        upload = super().create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume)
        if Harm.LOST_REPLY in harms:
            lost = self.lost_reply("create", key)
            upload.leave(lost)
            raise lost
        return FaultyUpload(upload, self, key)

    def read(self, key: Key, start: int, into: memoryview) -> int:
        harms = self.suffer("read", key)
        self._hide(harms, key)
        count = super().read(_older(key) if Harm.OLDER in harms else key, start, into)
        if Harm.LOST_REPLY in harms:
            raise self.lost_reply("read", key)
        return self._spoil(harms, into[:count])

    def stat(self, key: Key) -> ObjectFacts:
        harms = self.suffer("stat", key)
        self._hide(harms, key)
        facts = super().stat(_older(key) if Harm.OLDER in harms else key)
        if Harm.LOST_REPLY in harms:
            raise self.lost_reply("stat", key)
        return ObjectFacts(key, facts.size, facts.attested_sha256, facts.retain_until)

    def list(self, folder: str, after: str = "") -> Iterator[ObjectFacts]:
        """Harm to a listing strikes object by object: `ABSENT` leaves it out, the others end the listing there."""
        return self._listed(super().list(folder, after))

    def search(self, after: str = "") -> Iterator[Found]:
        """Harmed like `list`."""
        return self._listed(super().search(after))

    def _listed(self, entries: Iterator[F]) -> Iterator[F]:
        for found in entries:
            place = position(found)
            harms = self.suffer("list", place)
            if Harm.LOST_REPLY in harms:
                raise self.lost_reply("list", place)
            if Harm.ABSENT not in harms:
                yield found

    def free_bytes(self) -> int | None:
        self.suffer("free_bytes", "")
        return super().free_bytes()

    def erase(self, key: Key) -> None:
        harms = self.suffer("erase", key)
        super().erase(key)
        if Harm.LOST_REPLY in harms:
            raise self.lost_reply("erase", key)

    def locks(self) -> Locks | None:
        inner = super().locks()
        return FaultyLocks(inner, self) if inner is not None else None

    def suffer(self, method: str, key: str) -> frozenset[Harm]:
        """The harms that strike this call; those that come before its effect are done (they raise, or wait)."""
        faults = self._striking(method, key)
        for fault in faults:
            if fault.harm is Harm.STALL:
                self._clock.sleep(fault.seconds)
            if fault.harm is Harm.UNAVAILABLE:
                raise Unavailable("store {store}: no answer to {method} {key}", store=self.name, method=method, key=key)
            if fault.harm is Harm.NO_SPACE:
                raise NoSpace("store {store}: no space left for {key}", store=self.name, key=key)
        return frozenset(fault.harm for fault in faults)

    def lost_reply(self, method: str, key: str) -> Unavailable:
        """What a caller sees of a call that had its effect."""
        return Unavailable(
            "store {store}: the answer to {method} {key} was lost", store=self.name, method=method, key=key
        )

    def _striking(self, method: str, key: str) -> Sequence[Fault]:
        striking = []
        with self._lock:
            for number, fault in enumerate(self._faults):
                if fault.method != method or not fnmatchcase(key, fault.key_glob):
                    continue
                self._calls[number] += 1
                if self._strikes_now(number, fault):
                    self._strikes[number] += 1
                    self._struck.append((fault, key))
                    striking.append(fault)
        return striking

    def _strikes_now(self, number: int, fault: Fault) -> bool:
        if fault.times is not None and self._strikes[number] >= fault.times:
            return False
        if fault.calls and self._calls[number] not in fault.calls:
            return False
        return fault.probability >= 1 or self._lots.random() < fault.probability

    def _hide(self, harms: frozenset[Harm], key: Key) -> None:
        if Harm.ABSENT in harms:
            raise NotThere("store {store} has no {key}", store=self.name, key=key)

    def _spoil(self, harms: frozenset[Harm], content: memoryview) -> int:
        """Do what the harms do to bytes just read; returns how many of them there are."""
        if content and Harm.FLIP in harms:
            content[self._lots.randrange(len(content))] ^= 1 << self._lots.randrange(8)
        if Harm.GARBAGE in harms:
            content[:] = bytes(content).translate(_GARBLED)
        if content and Harm.CUT in harms:
            return self._lots.randrange(len(content))
        return len(content)


class FaultyUpload(WrappedUpload):
    """An upload into a faulty store."""

    def __init__(self, inner: Upload, store: FaultyStore, key: Key) -> None:
        super().__init__(inner)
        self._store = store
        self._key = key

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        harms = self._store.suffer("write", self._key)
        super().write(offset, data, sha256)
        if Harm.LOST_REPLY in harms:
            raise self._store.lost_reply("write", self._key)

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        harms = self._store.suffer("take", self._key)
        travelled = super().take(offset, source, start, length)
        if Harm.LOST_REPLY in harms:
            raise self._store.lost_reply("take", self._key)
        return travelled

    def commit(self) -> None:
        harms = self._store.suffer("commit", self._key)
        super().commit()
        if Harm.LOSE in harms:
            self._store.inner.erase(self._key)
        if Harm.LOST_REPLY in harms:
            raise self._store.lost_reply("commit", self._key)


class FaultyLocks:
    """The locks of a faulty store; the method is called `extend`."""

    def __init__(self, inner: Locks, store: FaultyStore) -> None:
        self._inner = inner
        self._store = store

    def extend(self, key: Key, until: datetime) -> datetime:
        harms = self._store.suffer("extend", key)
        held = self._inner.extend(key, until)
        if Harm.LOST_REPLY in harms:
            raise self._store.lost_reply("extend", key)
        return held


def _older(key: Key) -> Key:
    """The generation before `key`; the first has none before it."""
    base, number = split_generation(key)
    return Key(base if number <= 2 else f"{base}.g{number - 1}")
