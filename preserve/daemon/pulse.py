"""The pulse: while one duty takes long, its progress gives the signs of life; work that hangs gives none."""

from __future__ import annotations

import threading
from collections.abc import Callable

from preserve.clock import monotonic_seconds
from preserve.ports import Progress

PULSE_SECONDS = 60.0


class Pulse:
    """Progress that is told on, and makes a sign of life, at most one each `PULSE_SECONDS`."""

    def __init__(self, inner: Progress, sign: Callable[[], None]) -> None:
        self._inner = inner
        self._sign = sign
        self._lock = threading.Lock()
        self._next = monotonic_seconds() + PULSE_SECONDS

    def begin(self, template: str, total_bytes: int | None, **values: object) -> None:
        self._inner.begin(template, total_bytes, **values)
        self._beat()

    def advance(self, done_bytes: int) -> None:
        self._inner.advance(done_bytes)
        self._beat()

    def say(self, template: str, **values: object) -> None:
        self._inner.say(template, **values)

    def alert(self, template: str, **values: object) -> None:
        self._inner.alert(template, **values)

    def _beat(self) -> None:
        with self._lock:
            now = monotonic_seconds()
            if now < self._next:
                return
            self._next = now + PULSE_SECONDS
        self._sign()
