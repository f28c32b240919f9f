"""Three system calls of Linux that Python does not offer, as plain functions that raise OSError."""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache
from pathlib import Path

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1  # linux/fs.h
_SYNC_FILE_RANGE_WRITE = 2  # linux/fs.h


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _raise_errno() -> None:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))


def reserve(descriptor: int, size: int) -> None:
    """Have the file system set `size` bytes aside now (fallocate(2)), so that a full disk shows before the first byte.

    A file system that cannot do so is left alone: glibc's posix_fallocate would write every block instead, which on a
    network file system means sending the file twice.  Raises OSError (ENOSPC, EDQUOT, EFBIG).
    """
    if size and _libc().fallocate(descriptor, 0, ctypes.c_long(0), ctypes.c_long(size)) != 0:
        if ctypes.get_errno() in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
            return
        _raise_errno()


def start_writing_back(descriptor: int, offset: int, length: int) -> None:
    """Let the kernel begin to write these dirty pages out (sync_file_range(2)), so that the later fsync is short.

    A hint: errors are ignored here, because the fsync that follows reports them.
    """
    _libc().sync_file_range(descriptor, ctypes.c_long(offset), ctypes.c_long(length), _SYNC_FILE_RANGE_WRITE)


def rename_new(written: Path, final: Path) -> None:
    """Rename, unless `final` exists (renameat2(2) with RENAME_NOREPLACE).  Raises FileExistsError, OSError."""
    source, target = os.fsencode(written), os.fsencode(final)
    if _libc().renameat2(_AT_FDCWD, source, _AT_FDCWD, target, _RENAME_NOREPLACE) != 0:
        _raise_errno()
