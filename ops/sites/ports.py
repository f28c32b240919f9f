"""Free TCP ports for the servers of a site."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable

# Below the range from which Linux gives outgoing connections their ports (32768 on), so that none is taken meanwhile.
_LOWEST, _HIGHEST = 11_000, 21_000


def is_free(port: int) -> bool:
    """Whether nobody listens on `port` of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_block(offsets: Iterable[int] = (0,)) -> int:
    """A port such that it plus each of `offsets` is free."""
    wanted = list(offsets)
    for _ in range(1000):
        first = random.randrange(_LOWEST, _HIGHEST)
        if all(is_free(first + offset) for offset in wanted):
            return first
    raise RuntimeError(f"no {len(wanted)} free ports between {_LOWEST} and {_HIGHEST}")
