"""Send each block of a bag to several stores at once; a store that fails drops out, the others go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import Self

from preserve.errors import AlreadyThere, PreserveError
from preserve.ports import Upload

WRITERS_FOR_EACH_STORE = 4
"""Blocks under way to one store at a time: what one site takes before it is the limit itself."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How each store took the object: `written` holds it now, `already` had one under that key, `failed` why not."""

    written: tuple[str, ...]
    already: tuple[str, ...]
    failed: Mapping[str, PreserveError]


class FanOut:
    """Uploads of one object to several stores, by name.

    A context manager: uploads that are not committed are left with what ended them, the store's failure or the error.
    """

    def __init__(self, uploads: Mapping[str, Upload]) -> None:
        self._uploads = dict(uploads)
        self._failed: dict[str, PreserveError] = {}
        self._broken: list[BaseException] = []
        self._pools = {
            name: ThreadPoolExecutor(max_workers=WRITERS_FOR_EACH_STORE, thread_name_prefix=f"to-{name}")
            for name in uploads
        }

    def write(self, offset: int, block: memoryview, sha256: bytes, done: Callable[[], None]) -> None:
        """Send one block to every store still with us that does not hold it from an earlier attempt.

        `done` is called once, when none needs `block` any more.
        """
        names = [name for name in self._uploads if name not in self._failed]
        remaining = _Countdown(len(names), done)
        for name in names:
            self._pools[name].submit(self._send, name, offset, block, sha256).add_done_callback(remaining.one_less)
        if not names:
            done()

    def commit(self) -> Outcomes:
        """Wait for all blocks, then make the object visible in every store that took all of them."""
        for pool in self._pools.values():
            pool.shutdown(wait=True)
        if self._broken:
            raise self._broken[0]
        with ThreadPoolExecutor(max_workers=max(1, len(self._uploads))) as pool:
            try:
                already = [name for name in pool.map(self._commit_one, self._uploads) if name]
            except BaseException as error:
                self._leave(error)
                raise
        written = [name for name in self._uploads if name not in self._failed and name not in already]
        return Outcomes(tuple(written), tuple(already), dict(self._failed))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        self._leave(error)
        for pool in self._pools.values():  # the blocks' memory may go when nobody reads it any more, and not before
            pool.shutdown(wait=True)

    def _leave(self, error: BaseException | None) -> None:
        """End what is under way: nobody shall wait until a slow line has taken blocks that are not wanted any more."""
        for name, upload in self._uploads.items():
            upload.leave(self._failed.get(name) or error)

    def _send(self, name: str, offset: int, block: memoryview, sha256: bytes) -> None:
        if name in self._failed or self._broken:
            return
        try:
            upload = self._uploads[name]
            if not upload.holds(offset, sha256):
                upload.write(offset, block, sha256)
        except PreserveError as error:
            self._failed.setdefault(name, error)
        except BaseException as error:  # a defect must reach the caller, not die with a thread
            self._broken.append(error)

    def _commit_one(self, name: str) -> str | None:
        """The store's name if it turned out to hold such an object already."""
        if name in self._failed:
            return None
        try:
            self._uploads[name].commit()
        except AlreadyThere:
            return name
        except PreserveError as error:
            self._failed[name] = error
        return None


class _Countdown:
    """Calls `done` when it was told `count` times that one is less."""

    def __init__(self, count: int, done: Callable[[], None]) -> None:
        self._left = count
        self._done = done
        self._lock = Lock()

    def one_less(self, future: Future[None]) -> None:
        with self._lock:
            self._left -= 1
            last = self._left == 0
        if last:
            self._done()
