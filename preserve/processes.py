"""The only module that runs programs of others: bounded in time and in what they may write, and never left behind."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from preserve.clock import monotonic_seconds
from preserve.durable import free_bytes, raise_if_full
from preserve.environment import surroundings
from preserve.errors import NoSpace, Refused, Unavailable
from preserve.model.sizes import Size

STDERR_BYTES = 4096
"""So much of what a program complains about is kept: the end, where it says why it gave up."""
KEPT_FREE_BYTES = 256 * 1024 * 1024
"""A program's output never takes the last of a disk: the home's books lie there too."""
_PIECE_BYTES = 1024 * 1024
_LOOK_EVERY_BYTES = 64 * 1024 * 1024
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Output:
    """What a program printed: length in bytes, and the end of what it complained about although it ended well."""

    bytes: int
    complaints: str


def run_to_file(
    arguments: Sequence[str], into: Path, work: Path, most_seconds: int, digest: Callable[[bytes], object]
) -> Output:
    """Run a program in the folder `work`, and keep what it prints in `into`, piece by piece; `digest` is given each.

    The program reads nothing, speaks the C locale, and is ended with all that it started when it takes longer than
    `most_seconds`, or this process is stopped.  Raises `Unavailable` where it ends with another exit status than 0 or
    takes too long, `Refused` where it cannot be started, `NoSpace`; then `into` is worth nothing.
    """
    named = arguments[0]
    try:
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=work,
            env=surroundings(LC_ALL="C.UTF-8"),
            start_new_session=True,
        )
    except OSError as error:
        raise Refused("{program} cannot be run: {reason}", program=named, reason=error.strerror) from error
    try:
        with into.open("wb") as file:
            reading = _Reading(process, file, into, most_seconds, digest)
            written, complaints = reading.run()
        status = reading.awaited_status()
    except OSError as error:
        raise_if_full(error, into)
        raise
    finally:
        _end(process)
    if status != 0:
        raise Unavailable(
            "{program} ended with exit status {status}, so what it printed was not kept: {complaints}",
            program=named,
            status=status,
            complaints=complaints or "-",
        )
    return Output(written, complaints)


class _Reading:
    """One program under way."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        file: IO[bytes],
        into: Path,
        most_seconds: int,
        digest: Callable[[bytes], object],
    ) -> None:
        self._process = process
        self._file = file
        self._into = into
        self._most_seconds = most_seconds
        self._until = monotonic_seconds() + most_seconds
        self._digest = digest
        self._complaints = b""
        self._written = self._looked_at = 0

    def run(self) -> tuple[int, str]:
        """Read both streams to their ends."""
        with selectors.DefaultSelector() as selector:
            for stream in (self._process.stdout, self._process.stderr):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(_POLL_SECONDS):
                    piece = os.read(key.fd, _PIECE_BYTES)
                    if not piece:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self._process.stdout:
                        self._keep(piece)
                    else:
                        self._complaints = (self._complaints + piece)[-STDERR_BYTES:]
                self._require_time()
        return self._written, " ".join(self._complaints.decode("utf-8", "replace").split())

    def awaited_status(self) -> int:
        """The exit status: a program may close its output and go on for ever."""
        try:
            return self._process.wait(max(self._until - monotonic_seconds(), _POLL_SECONDS))
        except subprocess.TimeoutExpired as error:
            raise self._too_long() from error

    def _keep(self, piece: bytes) -> None:
        self._digest(piece)
        self._file.write(piece)
        self._written += len(piece)
        if self._written - self._looked_at >= _LOOK_EVERY_BYTES:
            self._looked_at = self._written
            left = free_bytes(self._into.parent)
            if left < KEPT_FREE_BYTES:
                raise NoSpace(
                    "{folder} has {left} left and the program prints on; free some space there and harvest again",
                    folder=self._into.parent,
                    left=Size(left),
                )

    def _require_time(self) -> None:
        if monotonic_seconds() > self._until:
            raise self._too_long()

    def _too_long(self) -> Unavailable:
        return Unavailable(
            "{program} took longer than {seconds} seconds and was ended; what it printed was not kept",
            program=self._process.args[0] if isinstance(self._process.args, list) else "-",
            seconds=self._most_seconds,
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it started, if any of it still runs."""
    if process.returncode is None:  # else its number may be another's by now
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
