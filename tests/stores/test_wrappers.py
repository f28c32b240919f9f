"""Do patience, speed limit, counts and faults do what they say, and nothing else?"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from preserve.errors import Away, Faltered, NoSpace, NotThere, Unavailable, Unreadable
from preserve.model.digests import sha256
from preserve.model.keys import Key
from preserve.model.links import Pace
from preserve.packages.identity import IDENTITY
from preserve.ports import ErasableStore, Upload
from preserve.stores.counting import Count, CountingStore
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.retry import Perseverance, RetryingStore
from preserve.stores.throttle import ThrottledStore, TokenBucket
from preserve.stores.wrapping import WrappedStore, WrappedUpload
from tests.stores.clocks import SetClock
from tests.stores.memory import MemoryStore, NullStore

KEY = Key("packages/ab/one/bag.tar")


def put(store: ErasableStore, content: bytes = b"content", key: Key = KEY) -> None:
    with store.create(key, len(content)) as upload:
        upload.write(0, memoryview(content))
        upload.commit()


def faulty(*faults: Fault, inner: MemoryStore | None = None) -> FaultyStore:
    return FaultyStore(inner or MemoryStore(), faults, SetClock(), random.Random(1))


class FalteringStore(MemoryStore):
    """Gives no object whose key contains `bad`; `reads` are counted."""

    def __init__(self, bad: str, seconds: float, clock: SetClock) -> None:
        super().__init__()
        self._bad, self._seconds, self._clock = bad, seconds, clock
        self.reads = 0

    def read(self, key: Key, start: int, into: memoryview) -> int:
        self.reads += 1
        if self._bad in key:
            self._clock.sleep(self._seconds)
            raise Faltered("{key} does not come", key=key)
        return super().read(key, start, into)


def test_patience_waits_longer_each_time_and_not_for_ever() -> None:
    clock = SetClock()
    inner = faulty(Fault(Harm.UNAVAILABLE, "stat"))
    with pytest.raises(Unavailable):
        RetryingStore(inner, clock, random.Random(1), Perseverance(5, 1.0, 30.0)).stat(KEY)
    assert len(inner.struck) == 5
    assert [bound / 2 <= wait <= bound for wait, bound in zip(clock.slept, (1, 2, 4, 8), strict=True)] == [True] * 4


def test_patience_ends_with_the_time_it_was_given() -> None:
    clock = SetClock()
    inner = faulty(Fault(Harm.UNAVAILABLE, "stat"))
    bounds = Perseverance(attempts=1_000, total_seconds=60)
    with pytest.raises(Unavailable):
        RetryingStore(inner, clock, random.Random(1), bounds).stat(KEY)
    assert 60 <= sum(clock.slept) <= 60 + bounds.longest_wait_seconds


def test_what_only_a_person_can_mend_is_not_tried_again() -> None:
    clock, inner = SetClock(), MemoryStore(room_bytes=3)
    counted = CountingStore(inner)
    store = RetryingStore(counted, clock, random.Random(1))
    with pytest.raises(NoSpace):
        put(store)
    inner.away = True
    with pytest.raises(Away):
        store.stat(KEY)
    with pytest.raises(Away):
        list(store.list(""))
    assert clock.slept == []
    assert counted.counts()["stat"].calls == 1


def test_a_listing_is_taken_up_where_it_broke_off() -> None:
    inner = MemoryStore()
    for number in range(200):
        put(inner, key=Key(f"list/{number:03}"))
    store = RetryingStore(
        faulty(Fault(Harm.UNAVAILABLE, "list", probability=0.3), inner=inner), SetClock(), random.Random(1)
    )
    assert [facts.key for facts in store.list("list")] == [f"list/{number:03}" for number in range(200)]


def test_one_object_that_never_comes_is_unreadable_within_its_own_time() -> None:
    clock = SetClock()
    inner = FalteringStore("bag.tar", 20, clock)
    put(inner)
    put(inner, b"{}", IDENTITY)
    began = clock.now()
    with pytest.raises(Unreadable, match="does not come"):
        RetryingStore(inner, clock, random.Random(1)).read(KEY, 0, memoryview(bytearray(1)))
    assert (clock.now() - began).total_seconds() < 90
    assert inner.reads == 4  # three times this one, then another


def test_where_no_object_comes_the_site_is_in_trouble_and_no_object_is_blamed() -> None:
    clock = SetClock()
    inner = FalteringStore("", 1, clock)
    put(inner)
    put(inner, b"{}", IDENTITY)
    for key in (KEY, IDENTITY):
        with pytest.raises(Faltered):
            RetryingStore(inner, clock, random.Random(1)).read(key, 0, memoryview(bytearray(1)))


def test_a_source_that_cannot_be_taken_over_is_unreadable_too() -> None:
    class FalteringUpload(WrappedUpload):
        def take(self, offset: int, source: Key, start: int, length: int) -> int:
            raise Faltered("{key} does not come", key=source)

    class FalteringCopies(WrappedStore):
        def create(
            self,
            key: Key,
            size: int,
            *,
            part_bytes: int | None = None,
            retain_until: datetime | None = None,
            resume: bool = False,
        ) -> Upload:
            return FalteringUpload(super().create(key, size, part_bytes=part_bytes))

    store = RetryingStore(FalteringCopies(MemoryStore()), SetClock(), random.Random(1))
    with store.create(Key("b"), 7) as upload, pytest.raises(Unreadable):
        upload.take(0, KEY, 0, 7)


def test_a_bucket_lets_pass_its_rate_and_no_more() -> None:
    clock = SetClock()
    began = clock.now()
    bucket = TokenBucket(Pace(100), clock, timedelta(seconds=0.5))
    for _ in range(20):
        bucket.take(50)
    assert (clock.now() - began).total_seconds() == pytest.approx(9.5)
    clock.sleep(60)
    waited = len(clock.slept)
    bucket.take(50)
    assert len(clock.slept) == waited  # after a pause it is full again, and not fuller


def test_bytes_and_requests_are_slowed_down_in_both_directions() -> None:
    clock = SetClock()
    store = ThrottledStore(MemoryStore(), clock, bytes_at=Pace(1_000), requests_at=Pace(10))
    began = clock.now()
    put(store, bytes(6_000))
    assert 4.5 <= (clock.now() - began).total_seconds() <= 6
    began = clock.now()
    store.read(KEY, 0, memoryview(bytearray(5_000)))
    assert 4.5 <= (clock.now() - began).total_seconds() <= 6
    began = clock.now()
    for _ in range(100):
        store.stat(KEY)
    assert 8.5 <= (clock.now() - began).total_seconds() <= 10.5


def test_an_unlimited_store_never_waits() -> None:
    clock = SetClock()
    store = ThrottledStore(MemoryStore(), clock)
    put(store, bytes(10_000))
    store.read(KEY, 0, memoryview(bytearray(10_000)))
    assert clock.slept == []


def test_calls_bytes_and_failures_are_counted_from_all_threads() -> None:
    store = CountingStore(MemoryStore())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: put(store, bytes(100), Key(f"k/{number}")), range(100)))
        list(pool.map(lambda number: store.read(Key(f"k/{number}"), 50, memoryview(bytearray(80))), range(100)))
    with pytest.raises(NotThere):
        store.stat(KEY)
    assert len(list(store.list("k"))) == 100
    counts = store.counts()
    assert counts["write"] == Count(100, 0, bytes_sent=10_000)
    assert counts["read"] == Count(100, 0, bytes_fetched=5_000)
    assert counts["stat"] == Count(1, 1)
    assert counts["list"] == Count(1)
    assert (store.bytes_sent, store.bytes_fetched) == (10_000, 5_000)


def test_faults_strike_when_and_where_they_are_told_to() -> None:
    store = faulty(Fault(Harm.FLIP, "read", key_glob="*/bag.tar", calls=(2,)))
    put(store, bytes(100))
    put(store, bytes(100), Key("other"))
    found = []
    for key in (KEY, Key("other"), KEY, KEY):
        room = bytearray(100)
        store.read(key, 0, memoryview(room))
        found.append(sum(byte.bit_count() for byte in room))
    assert found == [0, 0, 1, 0]
    assert [key for _, key in store.struck] == [KEY]


def test_the_same_seed_gives_the_same_faults() -> None:
    def strikes(seed: int) -> list[bool]:
        store = FaultyStore(
            MemoryStore(), [Fault(Harm.ABSENT, "stat", probability=0.5)], SetClock(), random.Random(seed)
        )
        put(store)
        before = []
        for _ in range(50):
            try:
                store.stat(KEY)
                before.append(False)
            except NotThere:
                before.append(True)
        return before

    assert strikes(1) == strikes(1) != strikes(2)
    assert 10 < sum(strikes(1)) < 40


def test_a_lost_reply_comes_after_the_effect_and_a_refusal_before_it() -> None:
    for harm, there in ((Harm.LOST_REPLY, True), (Harm.UNAVAILABLE, False)):
        inner = MemoryStore()
        with pytest.raises(Unavailable):
            put(faulty(Fault(harm, "commit"), inner=inner))
        assert (KEY in inner.objects) is there


def test_a_lost_object_was_acknowledged_and_an_older_generation_is_served() -> None:
    inner = MemoryStore()
    store = faulty(Fault(Harm.LOSE, "commit", times=1), Fault(Harm.OLDER, "read", key_glob="*.g2"), inner=inner)
    put(store)
    assert KEY not in inner.objects
    put(store, b"first")
    put(store, b"second", Key(f"{KEY}.g2"))
    room = bytearray(10)
    assert store.read(Key(f"{KEY}.g2"), 0, memoryview(room)) == 5
    assert room[:5] == b"first"


def test_a_stall_takes_time_and_a_full_store_takes_nothing() -> None:
    clock, inner = SetClock(), MemoryStore()
    faults = [Fault(Harm.STALL, "stat", seconds=30), Fault(Harm.NO_SPACE, "write")]
    store = FaultyStore(inner, faults, clock, random.Random(1))
    with pytest.raises(NoSpace):
        put(store)
    with pytest.raises(NotThere):
        store.stat(KEY)
    assert clock.slept == [30]
    assert inner.objects == {}


def test_a_store_that_keeps_only_digests_knows_each_part_and_every_hole() -> None:
    store = NullStore(kept_bytes=10)
    with store.create(KEY, 250, part_bytes=100) as upload:
        upload.write(200, memoryview(b"c" * 50))
        upload.write(0, memoryview(b"a" * 100))
        with pytest.raises(ValueError, match="never sent"):
            upload.commit()
        upload.write(100, memoryview(b"b" * 100))
        upload.commit()
    put(store, b"small", Key("small"))
    assert store.stat(KEY).size == 250
    assert store.part_digests[KEY][100] == sha256(b"b" * 100)
    assert store.objects == {"small": b"small"}
