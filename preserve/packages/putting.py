"""Put a small object into a store and read back what the store kept."""

from __future__ import annotations

import mmap
from datetime import datetime
from pathlib import Path

from preserve.errors import AlreadyThere
from preserve.model.blocks import block_bytes_for
from preserve.model.digests import sha256
from preserve.model.keys import Key
from preserve.packages.reading import Look, look_at_object
from preserve.ports import Store


def put(store: Store, key: Key, content: bytes | memoryview, retain_until: datetime | None = None) -> Look:
    """Create the object unless it is there, then read it back: the look says whether the store holds `content`.

    An object that is there already is left as it is and judged like our own, so that a second run finds the first
    one's work.  Raises `Unavailable`, `NoSpace`.
    """
    digest = sha256(content)
    part_bytes = block_bytes_for(len(content))
    try:
        with store.create(key, len(content), part_bytes=part_bytes, retain_until=retain_until) as upload:
            with memoryview(content) as view:
                for start in range(0, len(content), part_bytes):
                    part = view[start : start + part_bytes]
                    upload.write(start, part, digest if len(part) == len(content) else None)
            upload.commit()
    except AlreadyThere:
        pass
    return look_at_object(store, key, len(content), digest.hex())


def put_file(store: Store, key: Key, file: Path, retain_until: datetime | None = None) -> Look:
    """Like `put`, with the content of a local file, which is mapped and not copied."""
    with file.open("rb") as opened:
        # Unmapped with the last view of it: a request that was made again may keep one alive for a while.
        mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    return put(store, key, memoryview(mapped), retain_until)
