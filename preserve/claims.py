"""Claims: two processes never do the same work at once, and a dead one's claim is gone with it.

A claim is a lock of the kernel on a file, so it ends with the process that holds it, however that ends: nobody ever
has to remove one by hand.  The file goes when the work is done; what killed processes leave, `clear_stale` removes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from preserve.errors import Unavailable

_PREFIX = "claim-"
_GLANCES = 1000
"""So many of those who only ask may be in the way of one who takes a claim, each for microseconds."""


@contextmanager
def held(folder: Path, subject: str) -> Iterator[None]:
    """Hold the claim on `subject` among all processes that use `folder`.

    Raises `Unavailable` when another process holds it.
    """
    path = _path(folder, subject)
    try:
        descriptor = _locked(path)
    except BlockingIOError as error:
        raise Unavailable(
            "another process is working on {subject} now; wait for it, or run the command again later",
            subject=subject,
        ) from error
    try:
        yield
    finally:
        _let_go(path, descriptor)


def is_held(folder: Path, subject: str) -> bool:
    """Whether a process that uses `folder` holds the claim on `subject`; asking keeps nobody from taking it."""
    try:
        descriptor = os.open(_path(folder, subject), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return _is_locked(descriptor)
    finally:
        os.close(descriptor)


def clear_stale(folder: Path) -> None:
    """Remove the files of claims that nobody holds."""
    for path in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # somebody holds it, or removes it too
            _let_go(path, _locked(path))


def _path(folder: Path, subject: str) -> Path:
    return folder / f"{_PREFIX}{hashlib.sha256(subject.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}"


def _locked(path: Path) -> int:
    """The claim's file, locked.  Raises BlockingIOError where another process has it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # its holder removed it between our opening and locking: a lock on nothing


def _lock(descriptor: int) -> None:
    """Raises BlockingIOError where somebody holds it; one who only asks whether it is held is done in a moment."""
    for left in reversed(range(_GLANCES)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not left or _is_locked(descriptor):
                raise


def _is_locked(descriptor: int) -> bool:
    """Whether somebody has it for himself alone.  Those who ask do not keep one another from asking."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def _let_go(path: Path, descriptor: int) -> None:
    path.unlink(missing_ok=True)  # while it is ours: afterwards it could be the next one's
    os.close(descriptor)
