"""Which parts of an object were sent: one rule for all stores, so that no object is ever committed with a hole."""

from __future__ import annotations

import threading


class Coverage:
    """The parts of an object of `size` bytes, cut every `part_bytes`.  A breach is a fault of the program, hence a
    ValueError, and nothing a person could put right."""

    def __init__(self, size: int, part_bytes: int) -> None:
        if size < 0 or part_bytes < 1:
            raise ValueError(f"an object of {size} bytes cannot be cut every {part_bytes} bytes")
        self.size = size
        self.part_bytes = part_bytes
        self._covered: set[int] = set()
        self._lock = threading.Lock()

    def add(self, offset: int, length: int) -> range:
        """Note that the parts from `offset` on are sent, maybe again after a failure; returns their numbers from 0."""
        end = offset + length
        if offset % self.part_bytes or length < 1 or end > self.size or (end % self.part_bytes and end != self.size):
            raise ValueError(
                f"{length} bytes at {offset} are not whole parts of {self.part_bytes} in an object of {self.size}"
            )
        numbers = range(offset // self.part_bytes, -(-end // self.part_bytes))
        with self._lock:
            self._covered.update(numbers)
        return numbers

    def require_whole(self) -> None:
        """Raise ValueError unless every part was sent."""
        missing = -(-self.size // self.part_bytes) - len(self._covered)
        if missing:
            raise ValueError(f"{missing} parts of an object of {self.size} bytes were never sent")
