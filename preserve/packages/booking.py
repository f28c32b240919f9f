"""Book results as they come: several copies in one transaction where that is quick, none held back for long."""

from __future__ import annotations

from collections.abc import Sequence

from preserve.clock import monotonic_seconds
from preserve.model.nouns import Event
from preserve.state.books import Books

BOOK_EVERY_SECONDS = 0.5
"""How much work may have to be done again after a crash."""

MOST_EVENTS = 500
"""Events recorded in one transaction, about."""


class Booking:
    """Gathers events and records them; what belongs together is added together and never torn apart."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._events: list[Event] = []
        self._since = monotonic_seconds()

    def add(self, events: Sequence[Event]) -> None:
        """Record these soon."""
        self._events += events
        if len(self._events) >= MOST_EVENTS or monotonic_seconds() - self._since >= BOOK_EVERY_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Record what was gathered, now."""
        events, self._events = self._events, []
        if events:
            self._books.record(*events)
        self._since = monotonic_seconds()
