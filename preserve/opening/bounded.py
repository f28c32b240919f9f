"""A process that bounds itself before it touches what came from outside."""

from __future__ import annotations

import resource


def bound(memory_bytes: int) -> None:
    """Let this process, and what it starts, take no more memory, and leave no core file."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
