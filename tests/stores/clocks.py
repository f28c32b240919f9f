"""A clock that tests set: nobody waits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class SetClock:
    """Stands at `moment` until somebody sleeps; `slept` is how long they did, in seconds."""

    def __init__(self, moment: datetime = datetime(2026, 1, 1, tzinfo=UTC), counter_seconds: float = 0.0) -> None:
        self.moment = moment
        self.slept: list[float] = []
        self._counter = counter_seconds
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float, unless: threading.Event | None = None) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.moment += timedelta(seconds=seconds)
            self._counter += seconds

    def counter_seconds(self) -> float:
        """What a clock that is set does not change."""
        return self._counter
