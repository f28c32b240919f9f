"""Put an object into a store and read back what the store kept."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from preserve.errors import AlreadyThere
from preserve.model.blocks import block_bytes_for
from preserve.model.digests import sha256 as sha256_of
from preserve.model.keys import Key
from preserve.model.nouns import ObjectDigest
from preserve.packages.reading import Look, look_at_object
from preserve.ports import Store


def put(
    store: Store, key: Key, content: bytes, retain_until: datetime | None = None, *, sha256: str | None = None
) -> Look:
    """Create the object unless it is there, then read it back: the look says whether the store holds `content`.

    `sha256` is the digest that it should have (hex), where the caller knows it.  An object that is there already is
    left as it is and judged like our own, so that a second run finds the first one's work.  Raises `Unavailable`,
    `NoSpace`.
    """
    whole = ObjectDigest(len(content), sha256 or sha256_of(content).hex())
    return _put(store, key, io.BytesIO(content), whole, retain_until)


def put_file(store: Store, key: Key, file: Path, whole: ObjectDigest, retain_until: datetime | None = None) -> Look:
    """Like `put`, with the content of a local file, of which one part at a time is in memory."""
    with file.open("rb") as opened:
        return _put(store, key, opened, whole, retain_until)


def _put(store: Store, key: Key, content: IO[bytes], whole: ObjectDigest, retain_until: datetime | None) -> Look:
    with suppress(AlreadyThere):
        _create(store, key, content, whole, retain_until)
    return look_at_object(store, key, whole.bytes, whole.sha256)


def _create(store: Store, key: Key, content: IO[bytes], whole: ObjectDigest, retain_until: datetime | None) -> None:
    part_bytes = block_bytes_for(whole.bytes)
    with store.create(key, whole.bytes, part_bytes=part_bytes, retain_until=retain_until) as upload:
        for offset in range(0, whole.bytes, part_bytes):
            part = content.read(part_bytes)
            is_whole = whole.bytes <= part_bytes
            upload.write(offset, memoryview(part), bytes.fromhex(whole.sha256) if is_whole else sha256_of(part))
        upload.commit()
