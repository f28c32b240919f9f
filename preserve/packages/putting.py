"""Put an object into a store and read back what the store kept."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from preserve.errors import AlreadyThere
from preserve.model.blocks import block_bytes_for
from preserve.model.digests import Algorithm, sha256, start
from preserve.model.keys import Key
from preserve.packages.reading import Look, look_at_object
from preserve.ports import Store


def put(store: Store, key: Key, content: bytes, retain_until: datetime | None = None) -> Look:
    """Create the object unless it is there, then read it back: the look says whether the store holds `content`.

    An object that is there already is left as it is and judged like our own, so that a second run finds the first
    one's work.  Raises `Unavailable`, `NoSpace`.
    """
    return _put(store, key, io.BytesIO(content), len(content), retain_until)


def put_file(store: Store, key: Key, file: Path, retain_until: datetime | None = None) -> Look:
    """Like `put`, with the content of a local file, of which one part at a time is in memory."""
    with file.open("rb") as opened:
        return _put(store, key, opened, file.stat().st_size, retain_until)


def _put(store: Store, key: Key, content: IO[bytes], size: int, retain_until: datetime | None) -> Look:
    with suppress(AlreadyThere):
        _create(store, key, content, size, retain_until)
    content.seek(0)
    whole = start(Algorithm.SHA256)
    while part := content.read(block_bytes_for(size)):
        whole.update(part)
    return look_at_object(store, key, size, whole.hexdigest())


def _create(store: Store, key: Key, content: IO[bytes], size: int, retain_until: datetime | None) -> None:
    part_bytes = block_bytes_for(size)
    with store.create(key, size, part_bytes=part_bytes, retain_until=retain_until) as upload:
        for offset in range(0, size, part_bytes):
            part = content.read(part_bytes)
            upload.write(offset, memoryview(part), sha256(part))
        upload.commit()
