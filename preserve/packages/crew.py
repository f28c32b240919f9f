"""The processes that fill blocks, and the memory they share with us: a fixed number of slots of one block each."""

from __future__ import annotations

import mmap
import os
import queue
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from preserve.errors import Unavailable
from preserve.model.blocks import BLOCK_BYTES
from preserve.packages import filling

SLOTS = 6
"""96 MiB: two blocks being filled, the others on their way to the stores."""


class Crew:
    """Fills blocks in `workers` processes of its own, or in this one when `workers` is 0.

    A context manager: on leaving the processes are ended.  The shared memory has no name, so that a killed process
    leaves nothing behind, and it lasts as long as anybody holds a view of it.
    """

    def __init__(self, workers: int, algorithms: Sequence[str]) -> None:
        self._algorithms = list(algorithms)
        memory = os.memfd_create("preserve-slots", 0)
        try:
            os.ftruncate(memory, SLOTS * BLOCK_BYTES)
            self._shared = mmap.mmap(memory, SLOTS * BLOCK_BYTES)
            self._view = memoryview(self._shared)
            self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
            self._processes = [self._start(memory) for _ in range(workers)]
        finally:
            os.close(memory)
        for process in self._processes:
            self._idle.put(process)
        self._threads = ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="fill")

    def slot(self, number: int) -> memoryview:
        """The bytes of one slot."""
        return self._view[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]

    def submit(self, order: filling.Order) -> Future[filling.Filled]:
        """Have an order carried out.  The future raises `Unavailable` if the process that had it died."""
        return self._threads.submit(self._carry_out if self._processes else self._fill_here, order)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def _start(self, memory: int) -> subprocess.Popen[bytes]:
        # -P: a file of the current folder must not stand in for a module.
        command = [sys.executable, "-P", "-m", filling.__name__]
        command += [str(memory), str(SLOTS), str(BLOCK_BYTES), ",".join(self._algorithms)]
        # A session of its own: Ctrl-C reaches us alone, and we end the work in order.
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[memory], start_new_session=True
        )

    def _carry_out(self, order: filling.Order) -> filling.Filled:
        process = self._idle.get()
        try:
            assert process.stdin is not None and process.stdout is not None
            filling.send(process.stdin, tuple(order))
            return filling.Filled(*filling.receive(process.stdout))
        except (EOFError, OSError) as error:
            raise Unavailable(
                "a process that packs files ended unexpectedly (exit status {status}); run the command again",
                status=process.poll(),
            ) from error
        finally:
            self._idle.put(process)

    def _fill_here(self, order: filling.Order) -> filling.Filled:
        return filling.fill(self.slot(order.slot), order, self._algorithms)
