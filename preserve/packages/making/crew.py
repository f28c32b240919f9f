"""The processes that fill blocks, and the memory they share with us: a few slots of one block each."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from preserve.packages.making import filling
from preserve.packages.workers import Workers

_USUAL_BYTES = 80 * 1024 * 1024
"""Five slots of the usual block: two being filled, the others on their way to the stores."""

_FEWEST_SLOTS = 3

_LARGEST_BLOCK_BYTES = 512 * 1024 * 1024
"""Blocks of this size cover 5 TiB, the largest object S3 takes."""

_MEMORY_BYTES = _FEWEST_SLOTS * _LARGEST_BLOCK_BYTES
"""Of the shared memory that is mapped; what no block touches takes no room."""


def slots(block_bytes: int) -> int:
    """How many blocks of this size are under way at once."""
    return max(_FEWEST_SLOTS, _USUAL_BYTES // block_bytes)


class Crew:
    """Fills blocks in `workers` processes of its own, or in this one when `workers` is 0.  A context manager."""

    def __init__(self, workers: int, algorithms: Sequence[str]) -> None:
        self._algorithms = list(algorithms)
        self.workers = Workers(workers, filling.__name__, _MEMORY_BYTES, [",".join(algorithms)])
        self._threads = ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="fill")

    def memory(self, begin: int, length: int) -> memoryview:
        """A part of the shared memory, from byte `begin` on."""
        return self.workers.memory[begin : begin + length]

    def submit(self, order: filling.Order) -> Future[filling.Filled]:
        """Have an order carried out.  The future raises `Unavailable` if the process that had it died."""
        return self._threads.submit(self._carry_out, order)

    def rest(self) -> None:
        """Between two packages: every block is with the stores, and its room is wanted for reading back."""
        self.workers.forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        self.workers.close()

    def _carry_out(self, order: filling.Order) -> filling.Filled:
        if self.workers.processes:
            return filling.Filled(*self.workers.ask(tuple(order)))
        return filling.fill(self.workers.memory[order.slot :], order, self._algorithms)
