"""Past the page cache (O_DIRECT): from our memory to the medium and back, where the file system can do that.

What is written so takes a third of the processor time, pushes nothing of others out of the cache, and leaves nothing
there that a read-back could be served from.  What cannot go this way (a file system without it, memory or a piece that
does not begin and end at a page) is left to the caller, who writes and reads as usual.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

PAGE_BYTES = 4096
"""Offsets, lengths and memory are multiples of this: no file system asks for more."""

LEAST_BYTES = 1024 * 1024
"""Less is not worth the way: each request waits for the medium."""

_CANNOT = (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP)


def opened_for_writing(path: Path) -> int | None:
    """A descriptor for `write`, or None where the file system cannot do it.  Raises OSError for everything else."""
    try:
        return os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_DIRECT)
    except OSError as error:
        if error.errno in _CANNOT:
            return None
        raise


def write(descriptor: int, data: memoryview, offset: int) -> int:
    """Write the whole pages of `data`; how many of its first bytes are written now, 0 where none can be.

    Raises OSError.
    """
    return _in_whole_pages(len(data), offset, lambda begin, end: os.pwrite(descriptor, data[begin:end], offset + begin))


def read(descriptor: int, into: memoryview, offset: int) -> int:
    """Read the whole pages of `into` from a descriptor opened as usual, which nobody else uses.

    Returns how many of its first bytes are read now: fewer than it has whole pages for at the file's end, 0 where none
    can be.  Raises OSError.
    """
    usual = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, usual | os.O_DIRECT)
    except OSError:
        return 0
    try:
        return _in_whole_pages(
            len(into), offset, lambda begin, end: os.preadv(descriptor, [into[begin:end]], offset + begin)
        )
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, usual)


def _in_whole_pages(length: int, offset: int, move: Callable[[int, int], int]) -> int:
    """Have `move` do what lies between two offsets, until all whole pages are done or it cannot go on."""
    if offset % PAGE_BYTES or length < LEAST_BYTES:
        return 0
    done, whole = 0, length - length % PAGE_BYTES
    while done < whole and done % PAGE_BYTES == 0:
        try:
            moved = move(done, whole)
        except OSError as error:
            if error.errno in _CANNOT:
                break
            raise
        if not moved:
            break
        done += moved
    return done
