"""A store that is read only while its medium is under seal or away, whoever mounted it where."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from preserve.errors import Away
from preserve.model.keys import Key
from preserve.ports import ErasableStore, Upload
from preserve.stores.wrapping import WrappedStore


class SealedStore(WrappedStore):
    """Any store; `sealed` says before each writing why there must be none, or None where it may be.

    Asked anew each time: a medium may be checked in, or out, while a long command goes on.
    """

    def __init__(self, inner: ErasableStore, sealed: Callable[[], Away | None]) -> None:
        super().__init__(inner)
        self._sealed = sealed

    def create(
        self,
        key: Key,
        size: int,
        *,
        part_bytes: int | None = None,
        retain_until: datetime | None = None,
        resume: bool = False,
    ) -> Upload:
        self._require_unsealed()
        return super().create(key, size, part_bytes=part_bytes, retain_until=retain_until, resume=resume)

    def erase(self, key: Key) -> None:
        self._require_unsealed()
        super().erase(key)

    def _require_unsealed(self) -> None:
        error = self._sealed()
        if error is not None:
            raise error
