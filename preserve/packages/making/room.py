"""Which stores have no room for what is to be sent, so that another of their role takes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from preserve.errors import Unavailable
from preserve.model.complaints import Complaint
from preserve.model.sizes import Size
from preserve.ports import Store
from preserve.workplace import Workplace

Choice = Callable[[Collection[str]], list[str]]
"""Which stores shall take it, by name, when those given are known to be full."""


@dataclass(frozen=True, slots=True)
class Placing:
    """The stores that shall take something of `needed_bytes`, and what the full ones among all that were asked have
    left, in bytes.  A full store is among `stores` where no other of its role has room."""

    stores: tuple[str, ...]
    full: Mapping[str, int]
    needed_bytes: int

    @property
    def without_room(self) -> tuple[str, ...]:
        """The chosen stores that are full."""
        return tuple(name for name in self.stores if name in self.full)

    def passed_over(self) -> tuple[Complaint, ...]:
        """A sentence for each full store that another stands in for."""
        return tuple(
            Complaint(
                "passed-over",
                store,
                "store {store} has {free} left where {needed} are needed; it was passed over for another of its role",
                {"store": store, "free": Size(free), "needed": Size(self.needed_bytes)},
            )
            for store, free in sorted(self.full.items())
            if store not in self.stores
        )


def place(workplace: Workplace, choose: Choice, needed_bytes: int) -> Placing:
    """Choose again, until every store that is chosen has room or there is no other.

    A store that cannot be reached is not called full: it is told as away when it is its turn.  One that does not know
    its room has enough.
    """
    full: dict[str, int] = {}
    asked: set[str] = set()
    while unasked := [name for name in choose(full) if name not in asked]:
        for name in unasked:
            free = None if name in workplace.away else _free_bytes(workplace.stores[name])
            if free is not None and free < needed_bytes:
                full[name] = free
        asked.update(unasked)
    return Placing(tuple(choose(full)), full, needed_bytes)


def _free_bytes(store: Store) -> int | None:
    try:
        return store.free_bytes()
    except Unavailable:
        return None
