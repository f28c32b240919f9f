"""A limit to how long somebody outside may keep us, however slowly and steadily they answer."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer

ANSWER_SECONDS = 20.0
"""How long one answer may take."""
WHOLE_SECONDS = 60.0
"""How long sending one letter may take."""


@contextmanager
def ended_after(seconds: float, connection: Callable[[], socket.socket | None]) -> Iterator[None]:
    """After so long the connection is shut, and whoever waits on it fails."""
    timer = Timer(seconds, _shut, (connection,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(connection: Callable[[], socket.socket | None]) -> None:
    open_one = connection()
    if open_one is None:
        return
    with suppress(OSError, ValueError):
        # By the number: a TLS connection that is shut in the midst of a read by its own method loses its head.
        twin = socket.socket(fileno=os.dup(open_one.fileno()))
        with twin:
            twin.shutdown(socket.SHUT_RDWR)
