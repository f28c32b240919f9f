"""A TCP proxy that counts what it is sent, cuts connections, falls silent, or holds back what it is told to."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_PIECE_BYTES = 64 * 1024


@dataclass
class Trouble:
    """What befalls each connection from now on, counted in its own bytes; None: nothing."""

    cut_sent_after: int | None = None
    cut_answered_after: int | None = None
    silent_after: int | None = None
    """Answered bytes after which nothing comes any more, while the connection stands."""
    held: re.Pattern[bytes] | None = None
    """How requests begin that do not reach the site, nor what follows them, while the connection stands."""


class Proxy:
    """A proxy in front of `endpoint`, and with a certificate's context one that speaks TLS; `trouble` may be changed at
    any time."""

    def __init__(self, endpoint: str, certificate: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(endpoint)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._certificate = certificate
        scheme = "https" if certificate else "http"
        self.endpoint = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.trouble = Trouble()
        self.holds = threading.Event()
        self._sent_bytes = self._answered_bytes = 0
        self._counting = threading.Lock()
        self._released = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def sent_bytes(self) -> int:
        """How many bytes were sent to the site so far, heads included."""
        with self._counting:
            return self._sent_bytes

    @property
    def answered_bytes(self) -> int:
        """How many bytes the site answered so far, heads included."""
        with self._counting:
            return self._answered_bytes

    def stop(self) -> None:
        """Close the listener, and let go of what is held silent."""
        self._released.set()
        self._listener.close()

    def _is_held(self, piece: bytes, answers: bool, passed: int) -> bool:
        """Whether this piece stays here: an answer too many, or the head of a request, which always begins a piece."""
        trouble = self.trouble
        if answers:
            return trouble.silent_after is not None and passed + len(piece) > trouble.silent_after
        return trouble.held is not None and trouble.held.match(piece) is not None

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._certificate:
                    client = self._certificate.wrap_socket(client, server_side=True)
                site = socket.create_connection(self._upstream)
                for source, sink, answers in ((client, site, False), (site, client, True)):
                    threading.Thread(target=self._pump, args=(source, sink, answers), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        passed = 0
        with suppress(OSError):
            while piece := source.recv(_PIECE_BYTES):
                trouble = self.trouble
                if self._is_held(piece, answers, passed):
                    self.holds.set()
                    self._released.wait()
                    break
                cut = trouble.cut_answered_after if answers else trouble.cut_sent_after
                if cut is not None and passed + len(piece) > cut:
                    sink.sendall(piece[: max(0, cut - passed)])
                    break
                passed += len(piece)
                with self._counting:
                    self._answered_bytes += len(piece) if answers else 0
                    self._sent_bytes += 0 if answers else len(piece)
                sink.sendall(piece)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
