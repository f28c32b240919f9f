"""Claims: two processes never do the same work at once, and a dead one's claim is gone with it.

A claim is a lock of the kernel on a file, so it ends with the process that holds it, however that ends: nobody ever
has to remove one by hand.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preserve.errors import Unavailable


@contextmanager
def held(folder: Path, subject: str) -> Iterator[None]:
    """Hold the claim on `subject` among all processes that use `folder`.

    Raises `Unavailable` when another process holds it.
    """
    path = folder / f"claim-{hashlib.sha256(subject.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable(
                "another process is working on {subject} now; wait for it, or run the command again later",
                subject=subject,
            ) from error
        yield
    finally:
        os.close(descriptor)
