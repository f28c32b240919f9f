"""`python -m tests.warm.server SOCKET`: the program, loaded once, and a process of its own for each command.

To load the program takes a command longer than most of what tests ask of it.  Here a process loads it, and splits for
each command that is asked for: the child has the caller's argument list, environment, folder and streams, and runs
`preserve.cli.main.main` to its exit code.  What only a program that has just been started shows (what it loads, its
signals, its end on a broken stream) is tested with one that has just been started.

Ends when its standard input does: with the tests that started it.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import preserve
from preserve.cli.main import main

HEAVY = ("boto3", "cryptography.hazmat.primitives.serialization", "pyarrow.parquet")
"""Libraries that the program loads when it needs them, and that take longest."""
_STREAMS = 3
_FLUSH_FAILED = 120
"""As the interpreter ends when it cannot write out what was printed."""


@dataclass(frozen=True)
class Running:
    """A command under way, and who waits for it."""

    pid: int
    pidfd: int
    caller: socket.socket


class Server:
    """Splits for each caller, tells it the process number, and then how the process ended."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._selector = selectors.DefaultSelector()
        self._selector.register(listening, selectors.EVENT_READ, self._begin)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)
        self._running: list[Running] = []

    def serve(self) -> None:
        """Until standard input ends; then what still runs is killed."""
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    for running in list(self._running):
                        self._end(running)
                    return
                key.data()

    def _begin(self) -> None:
        caller, _ = self._listening.accept()
        request, streams = received(caller)
        pid = os.fork()
        if pid == 0:
            run(request, streams)
        for stream in streams:
            os.close(stream)
        running = Running(pid, os.pidfd_open(pid), caller)
        self._running.append(running)
        self._selector.register(running.pidfd, selectors.EVENT_READ, lambda: self._tell(running))
        self._selector.register(caller, selectors.EVENT_READ, lambda: self._end(running))
        with suppress(OSError):
            caller.sendall(f"{pid}\n".encode())

    def _tell(self, running: Running) -> None:
        self._forget(running)
        _, status = os.waitpid(running.pid, 0)
        with suppress(OSError):
            running.caller.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        running.caller.close()

    def _end(self, running: Running) -> None:
        """The caller has gone, and takes its command along."""
        if running in self._running:
            os.kill(running.pid, signal.SIGKILL)
            self._tell(running)

    def _forget(self, running: Running) -> None:
        self._running.remove(running)
        self._selector.unregister(running.pidfd)
        self._selector.unregister(running.caller)
        os.close(running.pidfd)


def received(caller: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """What is asked for: its length in four bytes, which carry the three streams, and so much JSON."""
    head, streams, _, _ = socket.recv_fds(caller, 4, _STREAMS)
    length = int.from_bytes(head, "big")
    body = b""
    while len(body) < length:
        body += caller.recv(length - len(body))
    request: dict[str, Any] = json.loads(body)
    return request, streams


def run(request: dict[str, Any], streams: list[int]) -> NoReturn:
    """Be the command that is asked for, to its end."""
    status = 1
    try:
        become(request, streams)
        status = ended(main)
    finally:
        os._exit(status)


def become(request: dict[str, Any], streams: list[int]) -> None:
    """Have what a process is given by who starts it."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(_STREAMS, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    os.chdir(request["folder"])
    sys.argv = ["preserve", *request["arguments"]]
    # As the interpreter opens them in the locale C.UTF-8.
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115


def ended(command: Any) -> int:
    """Run a command that exits, and do what the interpreter does at its end."""
    status = 1
    try:
        command()
    except SystemExit as exit_asked:
        status = int(exit_asked.code or 0)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError:
        return _FLUSH_FAILED
    return status


def load() -> None:
    """All that commands load, what they load late among it."""
    for module in pkgutil.walk_packages(preserve.__path__, "preserve."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
    for name in HEAVY:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.bind(sys.argv[1])
        waiting.listen(64)
        load()
        os.write(sys.stdout.fileno(), b"loaded\n")
        Server(waiting).serve()
