"""Requests that can be given up while they are under way: the connections they use are cut, whatever they wait for.

A request may wait for minutes, for a slow line to take its body or for a site to answer, and neither client lets
anybody in there.  So the connections themselves tell the `Lines` of the thread they work for that they are in use.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar, cast

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    _Connection = HTTPConnection
else:
    _Connection = object

Connections = TypeVar("Connections", bound=HTTPConnection)


class Lines:
    """The connections on which the threads that work for one purpose have requests under way."""

    def __init__(self) -> None:
        self._in_use: dict[int, HTTPConnection] = {}  # by thread
        self._are_cut = False
        self._lock = threading.Lock()

    @contextmanager
    def used(self) -> Iterator[None]:
        """What this thread asks of a site within goes over these lines."""
        before = _LINES.set(self)
        try:
            yield
        finally:
            _LINES.reset(before)
            with self._lock:
                self._in_use.pop(threading.get_ident(), None)

    def cut(self) -> None:
        """End each request under way, which fails as if the site had hung up; those that come later fail at once.

        A connection is free for others a moment before we know; whoever took it meanwhile sees it fail, as connections
        do, and asks again.
        """
        with self._lock:
            self._are_cut = True
            for connection in self._in_use.values():
                _hang_up(connection)

    def carry(self, connection: HTTPConnection) -> None:
        """Note that this thread's request goes over `connection`.  Raises ConnectionAbortedError once cut."""
        with self._lock:
            if self._are_cut:
                raise ConnectionAbortedError
            self._in_use[threading.get_ident()] = connection


_LINES: ContextVar[Lines | None] = ContextVar("lines", default=None)
"""Those of this thread; None: its requests end by themselves."""


def _hang_up(connection: HTTPConnection) -> None:
    """Wake whoever waits for the connection's socket.  Under TLS too it is the bare socket that is shut: the layer
    above is in use by the other thread, and sees the line end."""
    if isinstance(connection.sock, socket.socket):
        with suppress(OSError):  # it ended by itself
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


class _Telling(_Connection):
    """Mixed into a class of connections."""

    def connect(self) -> None:
        super().connect()
        self._tell()  # that took a while: maybe the lines were cut meanwhile

    def request(self, *arguments: Any, **more: Any) -> None:
        self._tell()
        super().request(*arguments, **more)

    def _tell(self) -> None:
        if lines := _LINES.get():
            lines.carry(self)


def telling(connections: type[Connections]) -> type[Connections]:
    """A class of connections that tell the lines of the thread that uses them, and are otherwise the same."""
    return cast("type[Connections]", type(f"Telling{connections.__name__}", (_Telling, connections), {}))


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = telling(HTTPConnection)


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = telling(HTTPSConnection)


POOLS = {"http": _HTTPPool, "https": _HTTPSPool}
"""For a `urllib3.PoolManager`: pools of connections that tell."""
