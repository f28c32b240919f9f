"""Whether folders still are as they were when they were listed: what comes later is in no listing, so nobody misses it.

A file that is changed or taken away is noticed when it is read; one that comes into a folder after it was listed shows
nowhere but in that folder's own times.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from preserve.bags.entries import BATCH_ENTRIES, Spool
from preserve.errors import Unavailable

FolderState = tuple[int, int, int]
"""(mtime_ns, ctime_ns, inode): every name that comes, goes or changes moves both times; reading moves neither."""


class FolderStates:
    """The folders that were listed, with what they were like then.  `close` it."""

    def __init__(self, work: Path) -> None:
        self._spool = Spool(work)
        self._batch: list[tuple[bytes, FolderState]] = []

    def add(self, folder: bytes, facts: os.stat_result) -> None:
        """Remember a folder (its whole path) as it was right before its names were read.  Raises `NoSpace`."""
        self._batch.append((folder, _state(facts)))
        if len(self._batch) >= BATCH_ENTRIES:
            self._spool.add(self._batch)
            self._batch = []

    def changed(self) -> Iterator[bytes]:
        """The folders that are not as they were, in the order of the listing; one look at each.

        Raises `Unavailable` when one cannot be looked at.
        """
        for batch in chain(self._spool.batches(), [self._batch]):
            for folder, state in batch:
                if _state_now(folder) != state:
                    yield folder

    def close(self) -> None:
        """Forget them."""
        self._batch = []
        self._spool.close()


def _state(facts: os.stat_result) -> FolderState:
    return facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino


def _state_now(folder: bytes) -> FolderState | None:
    """None for a folder that is gone."""
    try:
        return _state(os.lstat(folder))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unavailable("{folder} cannot be read: {reason}", folder=os.fsdecode(folder), reason=error) from error
