"""Draw from what comes one by one, in memory for the sample alone; the same lots give the same sample."""

from __future__ import annotations

from random import Random
from typing import TypeVar

Item = TypeVar("Item")


def into_reservoir(reservoir: list[Item], candidate: Item, seen: int, size: int, lots: Random) -> None:
    """Keep each of the `seen` with equal chance (Vitter, Random Sampling with a Reservoir, 1985, algorithm R)."""
    if len(reservoir) < size:
        reservoir.append(candidate)
        return
    place = lots.randrange(seen)
    if place < size:
        reservoir[place] = candidate
