"""A home that is opened by one command after another, each of which may be killed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from preserve.clock import SystemClock
from preserve.ports import NoProgress, Store
from preserve.state.books import Books
from preserve.stores.folder import FolderStore
from preserve.workplace import Workplace
from tests.crash.points import PointStore
from tests.packages.building import ACT


@contextmanager
def workplace(folder: Path) -> Iterator[Workplace]:
    """The home of a life, opened by a command of its own."""
    with Books.open(folder / "home") as books:
        stores: Mapping[str, Store] = {
            entry.name: PointStore(FolderStore(entry.name, folder / entry.name, entry.store_id))
            for entry in books.stores()
        }
        work = folder / "home" / "work" / f"command-{os.getpid()}"
        work.mkdir(exist_ok=True)
        yield Workplace(books, stores, SystemClock(), ACT, NoProgress(), work)
