"""Telling the service manager that the runner is ready and lives (sd_notify(3)): without one, nobody is told."""

from __future__ import annotations

import socket
from contextlib import suppress

from preserve import environment

VARIABLE = "NOTIFY_SOCKET"


class Supervisor:
    """Who started the process, if it asked to be told.

    systemd kills a runner that has not said for `WatchdogSec` that it lives, and starts it anew.
    """

    def __init__(self) -> None:
        self._address = environment.variable(VARIABLE)
        self._is_ready = False

    def alive(self) -> None:
        """Say that work goes on; the first time, that it has begun."""
        self._tell(b"WATCHDOG=1" if self._is_ready else b"READY=1\nWATCHDOG=1")
        self._is_ready = True

    def _tell(self, message: bytes) -> None:
        if self._address is None:
            return
        # A leading @ means the abstract namespace (unix(7)).
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.sendto(message, address)
