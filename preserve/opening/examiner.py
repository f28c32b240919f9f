"""Ask a process of its own about files, one after the other; one that hangs or dies over a file is begun anew."""

from __future__ import annotations

import json
import os
import selectors
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from preserve import clock
from preserve.model.phrases import phrase
from preserve.opening.verdicts import Opened, Opening, Unjudged
from preserve.processes import Process, end_with_all, start_module

MEMORY_BYTES = 2 * 1024**3
"""Address space of a process that opens files."""
SECONDS_A_FILE = 120.0
SECONDS_A_GIB = 60.0
"""How long one file, or one bag, may take: a fixed time, and more for each GiB of it."""
_LONGEST_ANSWER_BYTES = 64 * 1024
_OPENER, _READER = "preserve.opening.opener", "preserve.opening.reader"


class Asked:
    """A process that answers a line for each path, within limits."""

    def __init__(self, module: str, memory_bytes: int = MEMORY_BYTES, seconds: float = SECONDS_A_FILE) -> None:
        self._module, self._memory_bytes, self._seconds = module, memory_bytes, seconds
        self._process: Process | None = None

    def ask(self, path: Path, size: int) -> Any:
        """The answer about `path`, which is of `size` bytes.  Raises TimeoutError, or EOFError where it died."""
        process = self._begun()
        patience = self._seconds + SECONDS_A_GIB * size / 1024**3
        orders, results = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        try:
            orders.write(os.fsencode(path).hex().encode() + b"\n")
            orders.flush()
            return json.loads(_line(results, patience))
        except (TimeoutError, EOFError, BrokenPipeError, ValueError) as error:
            self.close()
            if isinstance(error, TimeoutError):
                raise
            raise EOFError from error

    def close(self) -> None:
        """End the process, and what it started, whatever they are doing."""
        if self._process is not None:
            end_with_all(self._process)  # ffprobe, which it may have started, must not outlive it
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begun(self) -> Process:
        if self._process is None:
            self._process = start_module(self._module, [str(self._memory_bytes)], is_silent=True)
        return self._process


class Examiner:
    """Opens documents, and has bags read, in two processes."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES, seconds: float = SECONDS_A_FILE) -> None:
        self._opener = Asked(_OPENER, memory_bytes, seconds)
        self._reader = Asked(_READER, memory_bytes, seconds)

    def opening(self, path: Path, size: int) -> Opening:
        """Whether the document at `path` opens."""
        try:
            opened, why = self._opener.ask(path, size)
        except TimeoutError:
            return Opening(Opened.UNJUDGED, phrase("it takes longer than is allowed"))
        except EOFError:
            return Opening(Opened.UNJUDGED, phrase("the reader broke down over it"))
        return Opening(Opened(opened), why)

    def complaint(self, bag: Path, size: int) -> str | None:
        """What the Library of Congress's reader has against the bag in a folder; None where it is valid.

        Raises `Unjudged` where it does not come to a judgement.
        """
        try:
            answer = self._reader.ask(bag, size)
        except TimeoutError as error:
            raise Unjudged(phrase("the reader did not come to an end in time")) from error
        except EOFError as error:
            raise Unjudged(phrase("the reader broke down over it")) from error
        return None if answer is None else str(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opener.close()
        self._reader.close()


def _line(stream: IO[bytes], patience_seconds: float) -> bytes:
    """One line, read past the buffer of `stream`.  Raises TimeoutError, EOFError."""
    until = clock.monotonic_seconds() + patience_seconds
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n") and len(line) < _LONGEST_ANSWER_BYTES:
            if not selector.select(max(until - clock.monotonic_seconds(), 0.0)):
                raise TimeoutError
            piece = os.read(stream.fileno(), _LONGEST_ANSWER_BYTES)
            if not piece:
                raise EOFError
            line += piece
    return line
