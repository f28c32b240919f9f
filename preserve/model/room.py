"""Room (余量) on the disks of the home and of stores that are folders: told of before there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FLOOR_SHARE = 20
LARGEST_FLOOR_BYTES = 1024**3
"""A disk is short of room below a twentieth of it, or below this, whichever is less."""
FULL_SHARE = 10
"""It counts as full below such a share of its floor: then what is begun may not come to its end."""


@dataclass(frozen=True, slots=True)
class Room:
    """What the file system at `path` takes still, in bytes; `store` None: it holds the home.

    Places of one `device` share its room.
    """

    store: str | None
    path: str
    free_bytes: int
    total_bytes: int
    device: int = 0

    @property
    def floor_bytes(self) -> int:
        """Below so much free somebody has to make room."""
        return min(self.total_bytes // FLOOR_SHARE, LARGEST_FLOOR_BYTES)

    @property
    def is_short(self) -> bool:
        return self.free_bytes < self.floor_bytes

    @property
    def is_full(self) -> bool:
        return self.free_bytes * FULL_SHARE < self.floor_bytes


def short(rooms: Iterable[Room]) -> Iterator[Room]:
    """Those that are short of room; of places that share it the first speaks, and the home before all stores."""
    told: set[int] = set()
    for room in sorted(rooms, key=lambda each: each.store is not None):
        if room.is_short and room.device not in told:
            told.add(room.device)
            yield room
