"""One glance at every store at once: does it answer, and what of the ledger does it list?"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from preserve.errors import PreserveError, Tampered, Unavailable, Unreadable
from preserve.ports import Store
from preserve.state import publishing
from preserve.state.books import Books

AT_ONCE = 8
"""Stores that are asked at a time."""
SECONDS = 10
"""How long they are waited for, all together."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What one store showed: `entries` of the ledger stand in it, as far as it lists them; or why it was not asked.

    `failure` is `Unavailable` or `Unreadable` where it did not serve, `Tampered` where it attests another ledger than
    the books, or more of it.
    """

    store: str
    entries: int | None = None
    failure: PreserveError | None = None

    @property
    def alarm(self) -> Tampered | None:
        """Why nothing may be booked while this store is in reach, if that is so."""
        return self.failure if isinstance(self.failure, Tampered) else None

    @property
    def away_because(self) -> PreserveError | None:
        """Why it did not serve, if that is so."""
        return None if self.failure is self.alarm else self.failure


def glance(books: Books, stores: Mapping[str, Store]) -> dict[str, Glance]:
    """Ask all stores at once, for at most `SECONDS`; one that does not answer by then counts as away."""
    if not stores:
        return {}
    pool = ThreadPoolExecutor(min(len(stores), AT_ONCE), "glance")
    try:
        asked = {name: pool.submit(publishing.require_abreast, books, store) for name, store in stores.items()}
        wait(asked.values(), SECONDS)
        seen = {}
        for name, answer in asked.items():
            try:
                seen[name] = Glance(name, answer.result(0))
            except (Tampered, Unavailable, Unreadable) as error:
                seen[name] = Glance(name, failure=error)
            except TimeoutError:
                seen[name] = Glance(name, failure=Unavailable("store {store} does not answer", store=name))
        return seen
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
