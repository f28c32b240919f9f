"""What uploads into any store share: parts are counted, one commit takes effect, and each can be left at any moment."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from preserve.errors import GivenUp, PreserveError
from preserve.model.keys import Key
from preserve.stores.coverage import Coverage


class LeavableUpload(ABC):
    """The frame of `preserve.ports.Upload`.

    `write` and `take` do their work within `_at_work`, and look `_require_wanted` between its pieces, so that leaving
    ends them; what they use is let go of (`_forget`) only when nobody is at work any more.
    """

    def __init__(self, store: str, key: Key, size: int, part_bytes: int) -> None:
        self.part_bytes = part_bytes
        self._store = store
        self._key = key
        self._covered = Coverage(size, part_bytes)
        self._committed = False
        self._committing = threading.Lock()
        self._is_left = False
        self._workers = 0
        self._changed = threading.Condition()

    def holds(self, offset: int, sha256: bytes) -> bool:
        return False

    def commit(self) -> None:
        with self._committing:
            if self._committed:
                return
            with self._at_work():
                self._covered.require_whole()
                self._make_visible()
                self._committed = True
                self._forget(None)

    def abort(self) -> None:
        self.leave(None)

    def leave(self, error: BaseException | None) -> None:
        with self._changed:
            self._is_left = True
        self._interrupt()
        with self._changed:
            self._changed.wait_for(lambda: self._workers == 0)
            self._forget(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave(error)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Leaving waits for what is done within; whatever goes wrong there once left, nobody cares for: `GivenUp`."""
        with self._changed:
            self._require_wanted()
            self._workers += 1
        try:
            yield
        except PreserveError as error:
            if self._is_left:
                raise self._given_up() from error
            raise
        finally:
            with self._changed:
                self._workers -= 1
                self._changed.notify_all()

    def _require_wanted(self) -> None:
        """Raise `GivenUp` once the upload was left."""
        if self._is_left:
            raise self._given_up()

    def _given_up(self) -> GivenUp:
        return GivenUp("store {store}: the upload of {key} was given up", store=self._store, key=self._key)

    @abstractmethod
    def _make_visible(self) -> None:
        """Give the object its name; all parts are there.  Raises what `preserve.ports.Upload.commit` does."""

    @abstractmethod
    def _interrupt(self) -> None:
        """Have those at work notice that the upload was left, whatever they wait for."""

    @abstractmethod
    def _forget(self, error: BaseException | None) -> None:
        """Let go of what is not visible, except what is kept for another time after `error` (see `leave`).  May be
        called again."""
