"""Which stores have no room for what is to be sent, so that another of their role takes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

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
    left, in bytes.  A full store is among `stores` where no other of its role has room.  `unreached` are those that
    were asked and did not answer, and why."""

    stores: tuple[str, ...]
    full: Mapping[str, int]
    needed_bytes: int
    unreached: Mapping[str, Unavailable] = field(default_factory=dict)

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
    unreached: dict[str, Unavailable] = {}
    asked: set[str] = set()
    while unasked := [name for name in choose(full) if name not in asked]:
        for name in unasked:
            if name not in workplace.away:
                _look_for_room(workplace.stores[name], needed_bytes, full, unreached)
        asked.update(unasked)
    return Placing(tuple(choose(full)), full, needed_bytes, unreached)


def require_taker(workplace: Workplace, placing: Placing, names: Collection[str], what: str) -> None:
    """Raise `Unavailable` where none of these stores can be reached, so that nothing of `what` is begun.

    One that was away when the command began is asked now: it may be back.
    """
    unreached = dict(placing.unreached)
    for name in names:
        if name not in unreached and name in workplace.away:
            _look_for_room(workplace.stores[name], 0, {}, unreached)
        if name not in unreached:
            return
    reasons = "; ".join(f"{name}: {unreached[name]}" for name in sorted(names))
    raise Unavailable(
        "none of the stores that are to take {what} can be reached ({reasons}); nothing was begun: run the command"
        " again when one is back",
        what=what,
        reasons=reasons,
    )


def _look_for_room(store: Store, needed_bytes: int, full: dict[str, int], unreached: dict[str, Unavailable]) -> None:
    try:
        free = store.free_bytes()
    except Unavailable as error:
        unreached[store.name] = error
        return
    if free is not None and free < needed_bytes:
        full[store.name] = free
