"""The processes that fill blocks, and the memory they share with us: a few slots of one block each."""

from __future__ import annotations

import mmap
import os
import queue
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import IO, Self, cast

from preserve.errors import Unavailable
from preserve.packages import filling

_USUAL_BYTES = 96 * 1024 * 1024
"""Six slots of the usual block: two being filled, the others on their way to the stores."""

_FEWEST_SLOTS = 3

_LARGEST_BLOCK_BYTES = 512 * 1024 * 1024
"""Blocks of this size cover 5 TiB, the largest object S3 takes."""

_MEMORY_BYTES = _FEWEST_SLOTS * _LARGEST_BLOCK_BYTES
"""Of the shared memory that is mapped; what no block touches takes no room."""


def slots(block_bytes: int) -> int:
    """How many blocks of this size are under way at once."""
    return max(_FEWEST_SLOTS, _USUAL_BYTES // block_bytes)


class Crew:
    """Fills blocks in `workers` processes of its own, or in this one when `workers` is 0.

    A context manager: on leaving the processes are ended.  The shared memory has no name, so that a killed process
    leaves nothing behind, and it lasts as long as anybody holds a view of it.
    """

    def __init__(self, workers: int, algorithms: Sequence[str]) -> None:
        self._algorithms = list(algorithms)
        memory = os.memfd_create("preserve-slots", 0)
        try:
            os.ftruncate(memory, _MEMORY_BYTES)
            self._shared = mmap.mmap(memory, _MEMORY_BYTES)
            self._view = memoryview(self._shared)
            self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
            self._workers = [_Worker(memory, self._algorithms) for _ in range(workers)]
        finally:
            os.close(memory)
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="fill")

    @property
    def processes(self) -> list[subprocess.Popen[bytes]]:
        """The processes at work."""
        return [worker.process for worker in self._workers]

    def memory(self, begin: int, length: int) -> memoryview:
        """A part of the shared memory, from byte `begin` on."""
        return self._view[begin : begin + length]

    def submit(self, order: filling.Order) -> Future[filling.Filled]:
        """Have an order carried out.  The future raises `Unavailable` if the process that had it died."""
        return self._threads.submit(self._carry_out if self._workers else self._fill_here, order)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            with suppress(BrokenPipeError):  # it died, and what was meant for it cannot be flushed
                worker.orders.close()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.process.wait()
            worker.results.close()

    def _carry_out(self, order: filling.Order) -> filling.Filled:
        worker = self._idle.get()
        try:
            return worker.carry_out(order)
        finally:
            self._idle.put(worker)

    def _fill_here(self, order: filling.Order) -> filling.Filled:
        return filling.fill(self._view[order.slot :], order, self._algorithms)


class _Worker:
    """One process and the two pipes to it."""

    def __init__(self, memory: int, algorithms: Sequence[str]) -> None:
        # -P: a file of the current folder must not stand in for a module.
        command = [sys.executable, "-P", "-m", filling.__name__]
        command += [str(memory), str(_MEMORY_BYTES), ",".join(algorithms)]
        # A session of its own: Ctrl-C reaches us alone, and we end the work in order.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[memory], start_new_session=True
        )
        self.orders = cast(IO[bytes], self.process.stdin)
        self.results = cast(IO[bytes], self.process.stdout)

    def carry_out(self, order: filling.Order) -> filling.Filled:
        """Send the order and wait for the result.  Raises `Unavailable` when the process is gone."""
        try:
            filling.send(self.orders, tuple(order))
            return filling.Filled(*filling.receive(self.results))
        except (EOFError, OSError) as error:
            raise Unavailable(
                "a process that packs files ended unexpectedly (exit status {status}); run the command again",
                status=self.process.poll(),
            ) from error
