"""Ctrl-C and SIGTERM, heeded at once whatever the main thread waits for."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from preserve.clock import SystemClock

_NUDGE = signal.SIGURG
"""Nobody sends it to us: we speak over no socket with urgent data, and whom it reaches unawares ignores it."""
_NUDGES = 3
_BETWEEN_SECONDS = 0.05


@contextmanager
def heeded() -> Iterator[None]:
    """While this lasts, a signal ends every wait of the main thread; to be entered by the main thread.

    Python looks whether a signal came between two instructions.  One that comes after that look and before the thread
    lies down to wait for a lock (a future, a queue, another thread's end), or that another thread received, would be
    noticed only when the wait is over: for a store that hangs, never.  A thread of ours hears of every signal, and
    wakes the main thread a moment later so that it looks again.
    """
    told, teller = os.pipe()
    os.set_blocking(teller, False)
    usual = signal.signal(_NUDGE, _look_again)
    before = signal.set_wakeup_fd(teller, warn_on_full_buffer=False)
    thread = threading.Thread(target=_wake, args=(told, threading.get_ident()), name="interrupts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        signal.signal(_NUDGE, usual)
        os.close(teller)
        thread.join()
        os.close(told)


def _wake(told: int, main: int) -> None:
    clock = SystemClock()
    while numbers := os.read(told, 64):
        if set(numbers) == {_NUDGE}:
            continue
        for _ in range(_NUDGES):
            clock.sleep(_BETWEEN_SECONDS)
            signal.pthread_kill(main, _NUDGE)


def _look_again(number: int, frame: object) -> None:
    """Nothing is to be done: the look itself was wanted."""
