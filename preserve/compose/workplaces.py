"""The means of one command on a home, and of a rehearsal on books made again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from preserve.clock import Clock, SystemClock
from preserve.compose.rules import thaw_prices
from preserve.compose.stores import Stores, wrapped
from preserve.durable import raise_if_full
from preserve.errors import Unavailable
from preserve.model.nouns import Act, StoreEntry
from preserve.ports import ErasableStore, Progress, Store
from preserve.settings.home import Home, database, scratch
from preserve.state.books import Books
from preserve.workplace import Workplace

if TYPE_CHECKING:
    from preserve.operations.drill import Rebuilt


@contextmanager
def workplace(
    home: Home,
    act: Act,
    progress: Progress,
    *,
    patient: bool = True,
    to_read: bool = False,
    heeds_windows: bool = True,
    clock: Clock | None = None,
) -> Iterator[Workplace]:
    """The means of one command on `home`; a command that is not `patient` asks each store once and waits for none.

    One that is there `to_read` alone works also where it may not write, or the home's disk is full.  Raises `Refused`,
    `NoSpace`.  Stores are asked within their windows alone, unless it is not one that `heeds_windows`.
    """
    now = clock or SystemClock()

    def wrap(entry: StoreEntry, bare: ErasableStore) -> Store:
        return wrapped(entry, bare, now, progress.alert) if patient else bare

    with scratch(home, to_read=to_read) as work, Books.open(home.path, database(), to_read=to_read) as books:
        try:
            stores = Stores(books, wrap, now if heeds_windows else None)
            yield Workplace(books, stores, now, act, progress, work, thaw_prices=partial(thaw_prices, home))
        except OSError as error:
            # Stores and the target of a restore tell of themselves; what is left to be full is the home's disk.
            raise_if_full(error, home.work)
            raise


@contextmanager
def rebuilt_alone(workplace: Workplace, entry: StoreEntry, folder: Path) -> Iterator[Rebuilt]:
    """Books made again in `folder` from one store, as on the day when nothing else is left: no other store is asked.

    Raises what `rebuild` raises.  Nothing is published: a rehearsal must not shut out the home that lives.
    """
    from preserve.operations.drill import Rebuilt
    from preserve.operations.rebuild import RebuildRequest, rebuild

    def nobody_else(other: StoreEntry) -> Store:
        raise Unavailable("store {store} is not asked in a drill", store=other.name)

    found_there = replace(entry, attributes={}, capabilities={})
    request = RebuildRequest(folder, found_there)
    store = workplace.stores[entry.name]
    report = rebuild(request, store, workplace.act, workplace.clock, workplace.progress, nobody_else)
    with Books.open(folder) as books:
        yield Rebuilt(books, report.entries)
