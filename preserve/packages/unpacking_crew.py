"""The processes that write restored files, and the memory they share with us: a few slots for pieces of a bag."""

from __future__ import annotations

import mmap
import os
import queue
import subprocess
import sys
from types import TracebackType
from typing import IO, Self, cast

from preserve.errors import Unavailable
from preserve.packages import filling, unfilling
from preserve.packages.landing import Landing
from preserve.packages.unfilling import Plain

SLOT_BYTES = 8 * 1024 * 1024
SLOTS = 6
"""48 MiB: two pieces being written, the others on their way from a store."""


class UnpackingCrew:
    """Writes files into `root` in `workers` processes of its own, or in this one when `workers` is 0.

    A context manager: on leaving the processes are ended.  The shared memory has no name, so that a killed process
    leaves nothing behind.
    """

    def __init__(self, workers: int, root: bytes, staging: bytes) -> None:
        memory = os.memfd_create("preserve-slots", 0)
        try:
            os.ftruncate(memory, SLOTS * SLOT_BYTES)
            self._view = memoryview(mmap.mmap(memory, SLOTS * SLOT_BYTES))
            self._here: queue.SimpleQueue[Landing] = queue.SimpleQueue()
            self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
            self._workers = [_Worker(memory, root, staging) for _ in range(workers)]
        finally:
            os.close(memory)
        for worker in self._workers:
            self._idle.put(worker)
        if not workers:
            self._here.put(Landing(root, staging))

    def slot(self, number: int) -> memoryview:
        """The bytes of one slot."""
        return self._view[number * SLOT_BYTES : (number + 1) * SLOT_BYTES]

    def write(self, slot: int, files: list[Plain]) -> list[tuple[int, int]]:
        """Have the files that lie in a slot written, and wait; returns an `unfilling.Trouble` for each that was not.

        Raises `Unavailable` if the process that had them died.
        """
        if self._workers:
            worker = self._idle.get()
            try:
                return worker.write(slot * SLOT_BYTES, files)
            finally:
                self._idle.put(worker)
        landing = self._here.get()
        try:
            return unfilling.unfill(landing, self.slot(slot), files)
        finally:
            self._here.put(landing)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.orders.close()
        for worker in self._workers:
            worker.process.wait()
            worker.results.close()
        if not self._workers:
            self._here.get().close()


class _Worker:
    """One process and the two pipes to it."""

    def __init__(self, memory: int, root: bytes, staging: bytes) -> None:
        # -P: a file of the current folder must not stand in for a module.
        command = [sys.executable, "-P", "-m", unfilling.__name__]
        command += [str(memory), str(SLOTS * SLOT_BYTES), root.hex(), staging.hex()]
        # A session of its own: Ctrl-C reaches us alone, and we end the work in order.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[memory], start_new_session=True
        )
        self.orders = cast(IO[bytes], self.process.stdin)
        self.results = cast(IO[bytes], self.process.stdout)

    def write(self, begin: int, files: list[Plain]) -> list[tuple[int, int]]:
        """Send the order and wait for the result.  Raises `Unavailable` when the process is gone."""
        try:
            filling.send(self.orders, (begin, files))
            (troubles,) = filling.receive(self.results)
        except (EOFError, OSError) as error:
            raise Unavailable(
                "a process that writes files ended unexpectedly (exit status {status}); run the command again",
                status=self.process.poll(),
            ) from error
        return cast(list[tuple[int, int]], troubles)
