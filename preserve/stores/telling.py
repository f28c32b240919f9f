"""Tell the person that something is being tried again: a site that hangs must not cost minutes in silence."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from preserve.clock import Clock

Alert = Callable[..., None]
"""Takes a translatable sentence and its values, as `preserve.ports.Progress.alert` does."""

TOLD_AFTER = timedelta(seconds=5)
"""What is mended within this is not worth a line."""
TOLD_EVERY = timedelta(seconds=20)
"""Many threads try the same site; one line tells of all."""


class Teller:
    """Tells of attempts at one store that failed, not of each."""

    def __init__(self, clock: Clock, alert: Alert | None) -> None:
        self._clock = clock
        self.alert = alert
        self._told_at: datetime | None = None
        self._lock = threading.Lock()

    def failed(self, error: BaseException, attempt: int, attempts: int, began: datetime, until: datetime) -> None:
        """Attempt number `attempt` of at most `attempts` failed; `until` when it goes on being tried."""
        if self.alert is None or not self._is_time(began):
            return
        self.alert(
            "{why}: attempt {attempt} of at most {attempts} failed; it is tried again, until {until}",
            why=error,
            attempt=attempt,
            attempts=attempts,
            until=until,
        )

    def _is_time(self, began: datetime) -> bool:
        now = self._clock.now()
        with self._lock:
            if now - began < TOLD_AFTER or (self._told_at is not None and now - self._told_at < TOLD_EVERY):
                return False
            self._told_at = now
            return True
