"""Memory for blocks on their way between stores and digests."""

from __future__ import annotations

import mmap
from contextlib import suppress

_HUGE_PAGE_BYTES = 2 * 1024 * 1024


def buffer(length: int) -> memoryview:
    """Room for `length` bytes that a medium can fill and drain by itself (stores/direct.py); it goes with its views.

    It begins at a page.  In huge pages, where the machine has them: a request to a disk names a limited number of
    places in memory, and with pages of 4 KiB 0.9 GB/s were read where it was 1.6 GB/s so.
    """
    whole = -(-length // _HUGE_PAGE_BYTES) * _HUGE_PAGE_BYTES
    memory = mmap.mmap(-1, whole, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without them
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(memory)[:length]
