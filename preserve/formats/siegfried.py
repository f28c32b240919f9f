"""Identify files with Siegfried (PRONOM) and our own signatures, in processes of their own.

Files come from anywhere, and what parses them has faults: a process that dies or hangs over a file is begun anew, that
file is `not examined`, and the others go on.  Processes are replaced now and then, so that memory stays flat.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import queue
import re
import selectors
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

from preserve import clock
from preserve.environment import surroundings
from preserve.errors import Unavailable
from preserve.formats.excerpts import WHOLE_OLE2_BYTES, parts
from preserve.model.formats.identification import NOTHING, FileIdentified, Identification, Oddity, Release
from preserve.packages import pipes
from preserve.packages.pipes import Message
from preserve.ports import FileToIdentify
from preserve.processes import Process, end_with_all, start_module

PROCESSES = 2
FILES_IN_CHUNK = 100
CHUNK_BYTES = 8 * 1024 * 1024
SLOT_BYTES = WHOLE_OLE2_BYTES
"""Room for the files of one chunk: `CHUNK_BYTES` of them, or a single one that is larger."""
SLOTS = 2 * PROCESSES + 2
"""Chunks under way: while the processes look at some, the next are read."""
FILES_A_PROCESS = 50_000
"""After so many files a process is replaced."""
MEMORY_BYTES = 4 * 1024**3
"""Address space of a process; Siegfried itself keeps 100 MB of it in memory."""
SECONDS_A_FILE = 60.0
"""How long the answer for one file may take, or for several that are answered for at once."""
ANSWERED_AT_ONCE = 50
"""An answer for each file by itself would wake us, and whoever waits for a processor, a thousand times a second."""
BEGIN_SECONDS = 60.0
_PIECE_BYTES = 64 * 1024

_MODULE = "preserve.formats.worker"
_EXTENSION = re.compile(rb"\.([\x21-\x2d\x30-\x7e]{1,32})\Z")
LaidFile = tuple[str, int, list[tuple[int, int, int]]]


@dataclass(slots=True)
class _Chunk:
    """Files that lie in a slot; those whose bytes are lost are None."""

    slot: int
    files: list[LaidFile | None] = field(default_factory=list)
    used: int = 0


def digest_of(own: Iterable[Path]) -> str:
    """The SHA-256 (hex) of the files of our own signatures, one after the other."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in own)).hexdigest()


class SiegfriedIdentifier:
    """The identifier; a context manager, whose processes come up when they are first needed.

    `folder` is a scratch folder of this command alone, `own` are the two files of our own signatures.
    """

    def __init__(
        self,
        folder: Path,
        own: Sequence[Path],
        *,
        seconds_a_file: float = SECONDS_A_FILE,
        files_a_process: int = FILES_A_PROCESS,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._own_sha256 = digest_of(own)
        memory = os.memfd_create("preserve-identify", 0)
        os.ftruncate(memory, SLOTS * SLOT_BYTES)
        self._memory_file = memory
        self._mapping = mmap.mmap(memory, SLOTS * SLOT_BYTES)
        self._view = memoryview(self._mapping)
        command = [_MODULE, str(memory), str(SLOTS * SLOT_BYTES), str(memory_bytes), str(folder), *map(str, own)]
        self._workers = [_Worker(command, memory, seconds_a_file, files_a_process) for _ in range(PROCESSES)]
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._pool = ThreadPoolExecutor(PROCESSES)

    def release(self) -> Release:
        """With what it identifies.  Raises `Unavailable`."""
        worker = self._idle.get()
        try:
            tool, pronom = worker.about()
        finally:
            self._idle.put(worker)
        return Release(tool, pronom, self._own_sha256)

    def identify(self, files: Iterable[FileToIdentify]) -> Iterator[FileIdentified]:
        """What each file is, in their order; see `ports.Identifier`."""
        waiting: deque[tuple[int, int, Future[list[FileIdentified]]]] = deque()
        free = list(range(SLOTS))
        rest = _Rest(files)
        try:
            while rest or waiting:
                if rest and free:
                    chunk = self._filled(free.pop(), rest)
                    waiting.append((chunk.slot, chunk.used, self._pool.submit(self._looked_at, chunk)))
                else:
                    slot, used, future = waiting.popleft()
                    yield from future.result()
                    if used > CHUNK_BYTES:  # most fit into less, and what is used again need not be given back
                        self._mapping.madvise(mmap.MADV_REMOVE, slot * SLOT_BYTES, SLOT_BYTES)
                    free.append(slot)
        finally:
            for *_, future in waiting:
                future.cancel()
            for *_, future in waiting:
                if not future.cancelled():
                    future.exception()  # until it is over, its slot is in use

    @property
    def processes(self) -> list[Process]:
        """Those at work just now."""
        return [worker.process for worker in self._workers if worker.process is not None]

    def close(self) -> None:
        """End the processes, and give the memory back."""
        self._pool.shutdown()
        for worker in self._workers:
            worker.close()
        self._view.release()
        self._mapping.close()
        os.close(self._memory_file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _filled(self, slot: int, rest: _Rest) -> _Chunk:
        """A chunk with as many of the files to come as go into it."""
        chunk, begin = _Chunk(slot), slot * SLOT_BYTES
        while rest and len(chunk.files) < FILES_IN_CHUNK:
            file = rest.take()
            try:
                wanted = parts(file)
                length = sum(part.length for part in wanted)
                if chunk.files and chunk.used + length > CHUNK_BYTES:
                    rest.put_back(file)
                    break
                pieces = []
                for part in wanted:
                    place = begin + chunk.used
                    file.read(part.at, self._view[place : place + part.length])
                    pieces.append((part.at, place, part.length))
                    chunk.used += part.length
                chunk.files.append((_extension(file.name), file.size, pieces))
            except OSError:
                chunk.files.append(None)
        return chunk

    def _looked_at(self, chunk: _Chunk) -> list[FileIdentified]:
        worker = self._idle.get()
        try:
            found = worker.look([each for each in chunk.files if each is not None])
        finally:
            self._idle.put(worker)
        return [_NOT_EXAMINED if each is None else next(found) for each in chunk.files]


_NOT_EXAMINED = FileIdentified(NOTHING, oddities=frozenset({Oddity.NOT_EXAMINED}), was_read_whole=False)


class _Rest:
    """Files to come, one of which may be put back."""

    def __init__(self, files: Iterable[FileToIdentify]) -> None:
        self._files = iter(files)
        self._next = next(self._files, None)

    def __bool__(self) -> bool:
        return self._next is not None

    def take(self) -> FileToIdentify:
        """The next file, if there is one."""
        file = cast(FileToIdentify, self._next)
        self._next = next(self._files, None)
        return file

    def put_back(self, file: FileToIdentify) -> None:
        """Give back the file that was taken last."""
        self._files = chain(() if self._next is None else (self._next,), self._files)
        self._next = file


def _extension(name: bytes) -> str:
    """The ending of a name in lower case, as far as a signature could name it."""
    found = _EXTENSION.search(name.rsplit(b"/", 1)[-1])
    return found[1].decode("ascii").lower() if found else ""


class _Worker:
    """One process, begun when it is needed, and anew when it broke down or has done its share."""

    def __init__(self, command: Sequence[str], memory: int, seconds_a_file: float, files_a_process: int) -> None:
        self._command = command
        self._memory = memory
        self._seconds_a_file = seconds_a_file
        self._files_a_process = files_a_process
        self._running: tuple[Process, _Answers] | None = None
        self._about: tuple[str, str] = ("", "")
        self._files = 0

    @property
    def process(self) -> Process | None:
        return self._running[0] if self._running else None

    def about(self) -> tuple[str, str]:
        """Tool and release of signatures, as the process said.  Raises `Unavailable`."""
        self._begun()
        return self._about

    def look(self, files: Sequence[LaidFile]) -> Iterator[FileIdentified]:
        """What each of these files is.  One over which a process dies or hangs is not examined."""
        found: list[FileIdentified] = []
        at_once = ANSWERED_AT_ONCE
        while len(found) < len(files):
            try:
                self._look_at(files[len(found) :], found, at_once)
            except BrokenPipeError:  # it died before it was asked: no file is to blame
                self.close()
            except (EOFError, TimeoutError):
                self.close()
                if at_once == 1:
                    found.append(_NOT_EXAMINED)
                at_once = 1  # which of them it was shows when each is answered for by itself
        self._files += len(files)
        if self._files >= self._files_a_process:
            self.close()
        return iter(found)

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._running is not None:
            with suppress(BrokenPipeError):  # what was meant for a process that died cannot be flushed
                end_with_all(self._running[0])
            self._running, self._files = None, 0

    def _look_at(self, files: Sequence[LaidFile], found: list[FileIdentified], at_once: int) -> None:
        process, answers = self._begun()
        pipes.send(cast(IO[bytes], process.stdin), (at_once, *files))
        for _ in range(0, len(files), at_once):
            found += map(_identified, answers.next(self._seconds_a_file))

    def _begun(self) -> tuple[Process, _Answers]:
        if self._running is None:
            module, *arguments = self._command
            # What reads files from anywhere needs no password of ours; and Siegfried spends a quarter less on the same
            # files when its threads do not wait for one another (measured).
            told = surroundings(GOMAXPROCS="1")
            process = start_module(module, arguments, handles=[self._memory], is_silent=True, environment=told)
            answers = _Answers(cast(IO[bytes], process.stdout))
            try:
                tool, pronom = answers.next(BEGIN_SECONDS)
            except (EOFError, TimeoutError) as error:
                end_with_all(process)
                raise Unavailable(
                    "the process that identifies formats does not come up (exit status {status}); install the program"
                    " again, its library pygfried may be missing",
                    status=process.returncode,
                ) from error
            self._running, self._about = (process, answers), (tool, pronom)
        return self._running


class _Answers:
    """What a process answers, awaited for so long and no longer."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept = bytearray()
        self._until = 0.0

    def next(self, patience_seconds: float) -> Message:
        """The next message.  Raises TimeoutError, or EOFError where the process died."""
        self._until = clock.monotonic_seconds() + patience_seconds
        return pipes.receive(cast(IO[bytes], self))

    def read(self, count: int) -> bytes:
        """So many bytes, as `pipes.receive` asks for them."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._stream, selectors.EVENT_READ)
            while len(self._kept) < count:
                if not selector.select(max(self._until - clock.monotonic_seconds(), 0.0)):
                    raise TimeoutError
                piece = os.read(self._stream.fileno(), _PIECE_BYTES)
                if not piece:
                    raise EOFError
                self._kept += piece
        taken = bytes(self._kept[:count])
        del self._kept[:count]
        return taken


def _identified(message: Message) -> FileIdentified:
    one, others, odd, was_read_whole = message
    return FileIdentified(
        Identification(*one), tuple(others), frozenset(Oddity(each) for each in odd), bool(was_read_whole)
    )
