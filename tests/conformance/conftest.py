"""The stores over which the contract is tested; each test gets its own folder in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from preserve.chance import token
from preserve.model.keys import Key
from preserve.model.nouns import Role
from preserve.ports import ErasableStore
from preserve.stores.folder import FolderStore
from preserve.stores.identity import Identity, found
from tests.stores.memory import MemoryStore


def folder_store(root: Path) -> FolderStore:
    """A founded store in `root`."""
    identity = found(FolderStore("disk", root, None), Identity("disk-1", "disk", Role.PRIMARY, "2026-01-01T00:00:00Z"))
    return FolderStore("disk", root, identity.store_id)


STORES: dict[str, Callable[[pytest.FixtureRequest], ErasableStore]] = {
    "memory": lambda request: MemoryStore(),
    "folder": lambda request: folder_store(request.getfixturevalue("tmp_path")),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> ErasableStore:
    return STORES[request.param](request)


@pytest.fixture
def folder() -> Key:
    """A place of its own for each test, so that stores may be shared."""
    return Key(f"test/{token(10)}")
