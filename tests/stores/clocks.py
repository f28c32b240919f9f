"""A clock that tests set: nobody waits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class SetClock:
    """Stands at `moment` until somebody sleeps; `slept` is how long they did, in seconds."""

    def __init__(self, moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.moment = moment
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float, unless: threading.Event | None = None) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.moment += timedelta(seconds=seconds)
