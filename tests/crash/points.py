"""Run an operation in a process of its own that is killed at one of its durability points."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import datetime

from preserve import durable
from preserve.model.keys import Key
from preserve.ports import Upload
from preserve.stores.wrapping import WrappedStore, WrappedUpload


class PointStore(WrappedStore):
    """Any store, of which every write is a durability point too, before and after it takes effect."""

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        durable.announce("create:before")
        upload = super().create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume)
        durable.announce("create:after")
        return PointUpload(upload)


class PointUpload(WrappedUpload):
    """Each part and the commit are points."""

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        durable.announce("write:before")
        super().write(offset, data, sha256)
        durable.announce("write:after")

    def take(self, offset: int, source: Key, start: int, length: int) -> int:
        durable.announce("take:before")
        moved = super().take(offset, source, start, length)
        durable.announce("take:after")
        return moved

    def commit(self) -> None:
        durable.announce("commit:before")
        super().commit()
        durable.announce("commit:after")


def was_killed_at(nth: int, act: Callable[[], object]) -> bool:
    """Do `act` in a child that is killed at its point number `nth` (from 1); False when it came to its end before.

    Raises AssertionError when the child failed otherwise.
    """
    child = os.fork()
    if child == 0:
        left = nth

        def tick(point: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        durable.listen(tick)
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"the child ended with {status}"
    return os.WIFSIGNALED(status)
