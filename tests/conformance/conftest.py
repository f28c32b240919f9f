"""The stores over which the contract is tested; each test gets its own folder in them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from ops.sites import seaweed
from preserve.chance import token
from preserve.model.calendars import hours_of
from preserve.model.keys import Key
from preserve.model.links import Pace
from preserve.model.nouns import Role
from preserve.packages.identity import Identity, found
from preserve.ports import ErasableStore
from preserve.stores.counting import CountingStore
from preserve.stores.faults import Fault, FaultyStore, Harm
from preserve.stores.folder import FolderStore
from preserve.stores.retry import RetryingStore
from preserve.stores.s3 import S3Store
from preserve.stores.s3_place import place_of
from preserve.stores.throttle import ThrottledStore
from preserve.stores.windows import WindowedStore
from tests.stores.clocks import SetClock
from tests.stores.memory import MemoryStore

UNAVAILABLE, LOST_REPLY = Harm.UNAVAILABLE, Harm.LOST_REPLY
HONOURED = {
    "create_only": True,
    "create_only_multipart": True,
    "part_digest_sha256": True,
    "part_copy": True,
    "object_lock": False,
}
"""What SeaweedFS honours in a bucket without locks."""


def folder_store(root: Path) -> FolderStore:
    """A founded store in `root`."""
    identity = found(FolderStore("disk", root, None), Identity("disk-1", "disk", Role.PRIMARY, "2026-01-01T00:00:00Z"))
    return FolderStore("disk", root, identity.store_id)


def seaweed_store(site: seaweed.Site, capabilities: dict[str, bool], bucket: str = "records") -> S3Store:
    """A founded store in a bucket of the shared site."""
    place = place_of(f"s3://{bucket}/stores/a?endpoint={site.endpoint}")
    identity = found(
        S3Store("site", place, None, profile="weed-writer"),
        Identity("site-1", "site", Role.SAME_CITY, "2026-01-01T00:00:00Z"),
    )
    return S3Store("site", place, identity.store_id, profile="weed-writer", capabilities=capabilities)


STORES: dict[str, Callable[[pytest.FixtureRequest], ErasableStore]] = {
    "memory": lambda request: MemoryStore(),
    "folder": lambda request: folder_store(request.getfixturevalue("tmp_path")),
    "s3": lambda request: seaweed_store(request.getfixturevalue("weed"), HONOURED),
    "s3 of which nothing is known": lambda request: seaweed_store(request.getfixturevalue("weed"), {}),
    "s3 with versions and locks": lambda request: seaweed_store(request.getfixturevalue("weed"), HONOURED, "locked"),
}

WRAPPERS: dict[str, Callable[[ErasableStore], ErasableStore]] = {
    "retrying": lambda inner: RetryingStore(inner, SetClock(), random.Random(1)),
    "windowed": lambda inner: WindowedStore(inner, hours_of(["00:00-24:00"], UTC), SetClock()),
    "throttled": lambda inner: ThrottledStore(inner, SetClock(), bytes_at=Pace(1e6), requests_at=Pace(100)),
    "counting": CountingStore,
    "faulty without faults": lambda inner: FaultyStore(inner, [], SetClock(), random.Random(1)),
    "faulty, and patient": lambda inner: RetryingStore(failing(inner), SetClock(), random.Random(1)),
}


def failing(inner: ErasableStore) -> FaultyStore:
    """A store of whose calls a third fail: half of those after they had their effect."""
    methods = ("create", "write", "take", "commit", "read", "stat", "erase")
    faults = [Fault(harm, method, probability=1 / 6) for method in methods for harm in (UNAVAILABLE, LOST_REPLY)]
    return FaultyStore(inner, [*faults, Fault(UNAVAILABLE, "list", probability=0.03)], SetClock(), random.Random(7))


def wrapped(name: str, wrapper: str) -> Callable[[pytest.FixtureRequest], ErasableStore]:
    return lambda request: WRAPPERS[wrapper](STORES[name](request))


WRAPPED = {f"{wrapper} {name}": wrapped(name, wrapper) for wrapper in WRAPPERS for name in ("memory", "folder")}
WRAPPED["faulty, and patient s3"] = wrapped("s3", "faulty, and patient")


@pytest.fixture(params=STORES | WRAPPED)
def store(request: pytest.FixtureRequest) -> ErasableStore:
    return (STORES | WRAPPED)[request.param](request)


@pytest.fixture
def folder() -> Key:
    """A place of its own for each test, so that stores may be shared."""
    return Key(f"test/{token(10)}")
