"""The processes that write restored files, and the memory they share with us: a few slots for pieces of a bag."""

from __future__ import annotations

import queue
from types import TracebackType
from typing import Self

from preserve.packages.restoring import unfilling
from preserve.packages.restoring.landing import Landing
from preserve.packages.restoring.unfilling import Slice
from preserve.packages.workers import Workers

SLOT_BYTES = 8 * 1024 * 1024
SLOTS = 6
"""48 MiB: two pieces being written, the others on their way from a store."""


class UnpackingCrew:
    """Writes files into `root` in `workers` processes of its own, or in this one when `workers` is 0.

    A context manager: on leaving the processes are ended.
    """

    def __init__(self, workers: int, root: bytes, staging: bytes) -> None:
        arguments = [root.hex(), staging.hex()]
        self._workers = Workers(workers, unfilling.__name__, SLOTS * SLOT_BYTES, arguments)
        self._here: queue.SimpleQueue[Landing] = queue.SimpleQueue()
        if not workers:
            self._here.put(Landing(root, staging))

    def slot(self, number: int) -> memoryview:
        """The bytes of one slot."""
        return self._workers.memory[number * SLOT_BYTES : (number + 1) * SLOT_BYTES]

    def write(self, slot: int, files: list[Slice]) -> list[tuple[int, int]]:
        """Have the files that lie in a slot written, and wait; returns an `unfilling.Trouble` for each that was not.

        Raises `Unavailable` if the process that had them died.
        """
        if self._workers.processes:
            (troubles,) = self._workers.ask((slot * SLOT_BYTES, files))
            return list(troubles)
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
        self._workers.close()
        if not self._workers.processes:
            self._here.get().close()
