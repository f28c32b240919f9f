"""Does every store that has object locks extend them, and shorten none; and does every other say that it has none?"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.sites import seaweed
from ops.sites.site import client
from preserve.errors import Away, NotThere, Refused, Unavailable
from preserve.model.keys import Key
from preserve.ports import ErasableStore, Locks, locks_of
from preserve.stores.counting import CountingStore
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.retry import RetryingStore
from preserve.stores.s3 import S3Store
from preserve.stores.s3_place import place_of
from tests.conformance.conftest import HONOURED, WRAPPERS, folder_store, seaweed_store
from tests.stores.clocks import SetClock
from tests.stores.memory import MemoryStore

pytestmark = pytest.mark.site
AS_IT_IS = "as it is"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(params=[AS_IT_IS, *WRAPPERS])
def locking(request: pytest.FixtureRequest, weed: seaweed.Site) -> ErasableStore:
    store = seaweed_store(weed, {}, "locked")
    return store if request.param == AS_IT_IS else WRAPPERS[request.param](store)


def put(store: ErasableStore, key: Key, until: datetime | None = None) -> None:
    with store.create(key, 1, retain_until=until) as upload:
        upload.write(0, memoryview(b"x"))
        upload.commit()


def locks(store: ErasableStore) -> Locks:
    found = locks_of(store)
    assert found is not None
    return found


def test_a_lock_is_extended_and_holds(locking: ErasableStore, folder: Key) -> None:
    moment = now()
    key = Key(f"{folder}/a")
    put(locking, key, moment + timedelta(seconds=20))
    until = moment + timedelta(seconds=100)
    assert until <= locks(locking).extend(key, until) <= until + timedelta(seconds=1)
    told = locking.stat(key).retain_until
    assert told is not None and told >= until
    with pytest.raises(Refused, match="object lock"):
        locking.erase(key)


def test_a_lock_is_never_shortened(locking: ErasableStore, folder: Key) -> None:
    moment = now()
    key = Key(f"{folder}/a")
    put(locking, key, moment + timedelta(seconds=100))
    assert locks(locking).extend(key, moment + timedelta(seconds=20)) >= moment + timedelta(seconds=99)
    told = locking.stat(key).retain_until
    assert told is not None and told >= moment + timedelta(seconds=99)


def test_an_object_that_was_not_locked_is_locked(locking: ErasableStore, folder: Key) -> None:
    moment = now()
    key = Key(f"{folder}/a")
    put(locking, key)
    assert locks(locking).extend(key, moment + timedelta(seconds=60)) >= moment + timedelta(seconds=60)


def test_what_is_not_there_cannot_be_locked(locking: ErasableStore, folder: Key) -> None:
    with pytest.raises(NotThere):
        locks(locking).extend(Key(f"{folder}/a"), now() + timedelta(seconds=60))


@pytest.mark.parametrize("wrapper", [AS_IT_IS, *WRAPPERS])
def test_a_store_without_locks_says_so(wrapper: str, weed: seaweed.Site, tmp_path: Path) -> None:
    for store in (MemoryStore(), folder_store(tmp_path), seaweed_store(weed, {}), seaweed_store(weed, HONOURED)):
        assert locks_of(store if wrapper == AS_IT_IS else WRAPPERS[wrapper](store)) is None


def test_patience_repeats_counts_count_and_faults_strike(weed: seaweed.Site, folder: Key) -> None:
    moment = now()
    key = Key(f"{folder}/a")
    store = seaweed_store(weed, {}, "locked")
    put(store, key)
    faults = [Fault(Harm.UNAVAILABLE, "extend", calls=(1,)), Fault(Harm.LOST_REPLY, "extend", calls=(2,))]
    faulty = FaultyStore(store, faults, SetClock(), random.Random(1))
    with pytest.raises(Unavailable):
        locks(faulty).extend(key, moment + timedelta(seconds=60))
    counted = CountingStore(RetryingStore(faulty, SetClock(), random.Random(1)))
    assert locks(counted).extend(key, moment + timedelta(seconds=60)) >= moment + timedelta(seconds=60)
    assert counted.counts()["extend"].calls == 1
    assert len(faulty.struck) == 2


def test_a_key_that_may_only_read_extends_nothing(weed: seaweed.Site, folder: Key) -> None:
    key = Key(f"{folder}/a")
    put(seaweed_store(weed, {}, "locked"), key)
    place = place_of(f"s3://locked/stores/a?endpoint={weed.endpoint}")
    auditing = S3Store("site", place, None, profile="weed-auditor", capabilities={"object_lock": True})
    with pytest.raises(Away, match="does not let us"):
        locks(auditing).extend(key, now() + timedelta(seconds=60))


def test_the_mode_of_a_lock_stays_what_it_is(weed: seaweed.Site, folder: Key) -> None:
    moment = now()
    key = Key(f"{folder}/a")
    store = seaweed_store(weed, {}, "locked")
    put(store, key)
    s3 = client(weed.endpoint, weed.admin)
    there = {"Bucket": "locked", "Key": store.place.name_of(key)}
    until = moment + timedelta(seconds=20)
    s3.put_object_retention(**there, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until})
    locks(store).extend(key, moment + timedelta(seconds=60))
    assert s3.get_object_retention(**there)["Retention"]["Mode"] == "GOVERNANCE"
