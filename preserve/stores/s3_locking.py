"""Object locks of objects that are there: extended with the writer's key, read back with the auditor's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from preserve.errors import Away
from preserve.model.keys import Key
from preserve.stores.s3_reading import retention
from preserve.stores.s3_writing import translated

if TYPE_CHECKING:
    from preserve.stores.s3 import S3Store

_MODE = "x-amz-object-lock-mode"


class S3Locks:
    """The `Locks` contract over a bucket with object locks."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    def extend(self, key: Key, until: datetime) -> datetime:
        """See `preserve.ports.Locks.extend`.  The mode stays what it is; an object without a lock gets one that nobody
        can take off before its day (COMPLIANCE), as objects get when they are written."""
        wanted = _whole_second(until)
        headers = self._store.reader().headers(key)
        there = retention(headers)
        if there is not None and there >= wanted:
            return there
        is_governed = there is not None and headers.get(_MODE) == "GOVERNANCE"
        place = self._store.place
        with translated(self._store.name, "lock", key):
            self._store.writer().put_object_retention(
                Bucket=place.bucket,
                Key=place.name_of(key),
                Retention={"Mode": "GOVERNANCE" if is_governed else "COMPLIANCE", "RetainUntilDate": wanted},
            )
        held = retention(self._store.reader().headers(key))
        if held is None or held < wanted:
            raise Away(
                "store {store}: the lock of {key} was extended to {until}, and the store says that it ends on {found}:"
                " check the store anew, and what the auditor's key may see",
                store=self._store.name,
                key=key,
                until=wanted.isoformat(),
                found=held.isoformat() if held else "-",
            )
        return held


def _whole_second(moment: datetime) -> datetime:
    """S3 keeps whole seconds: never less than what was asked for."""
    return moment if not moment.microsecond else moment.replace(microsecond=0) + timedelta(seconds=1)
