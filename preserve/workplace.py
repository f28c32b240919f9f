"""What every operation is handed: the books, the open stores, the clock, who acts and why, where to tell progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from preserve import claims
from preserve.clock import Clock, stamp
from preserve.model.nouns import Act, Event
from preserve.model.thawing import NO_PRICES, ThawPrices
from preserve.ports import Progress, Store
from preserve.state.books import Books


def no_prices() -> ThawPrices:
    """Nothing is known of what cold storage costs."""
    return NO_PRICES


@runtime_checkable
class Counted(Protocol):
    """A store that is asked through a counter."""

    @property
    def bytes_fetched(self) -> int:
        """Bytes of objects fetched from it by this command so far; what had to be asked for again counts once."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """One command's means.

    `stores` are the registered ones by name; one that is away raises `Unavailable` when it is used.  `work` is a
    scratch folder of this command alone, whose content nobody needs after it; the folder above it is common to all
    commands on the home.  `away` are stores that did not answer when the command began, as far as they were asked.
    `thaw_prices` says what cold storage costs, when somebody asks; it raises `Misused`, `Refused`.  `is_attended`: a
    person asked for this very work and answers for what it costs.
    """

    books: Books
    stores: Mapping[str, Store]
    clock: Clock
    act: Act
    progress: Progress
    work: Path
    away: frozenset[str] = frozenset()
    thaw_prices: Callable[[], ThawPrices] = no_prices
    is_attended: bool = False

    @property
    def home(self) -> Path:
        """The folder of the home."""
        return self.work.parents[1]

    def now(self) -> str:
        """The current moment as the books write it."""
        return stamp(self.clock.now())

    def record(self, *events: Event) -> None:
        """Book events, in one transaction with what they change in the catalog."""
        self.books.record(*events)

    @contextmanager
    def claim(self, subject: str) -> Iterator[None]:
        """Keep other processes of this home, on whatever machine, from the same work.

        Entering raises `Unavailable` when one is at it.  Who dies, or loses the books, loses the claim with them.
        """
        with claims.held(self.work.parent, subject), self.books.claim(subject):
            yield

    def is_claimed(self, subject: str) -> bool:
        """Whether somebody holds the claim on `subject` just now; asking keeps nobody from taking it."""
        return claims.is_held(self.work.parent, subject) or self.books.is_claimed(subject)
