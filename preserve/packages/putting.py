"""Put a small object into a store and read back what the store kept."""

from __future__ import annotations

from datetime import datetime

from preserve.errors import AlreadyThere
from preserve.model.digests import sha256
from preserve.model.keys import Key
from preserve.packages.reading import Look, look_at_object
from preserve.ports import LARGEST_SINGLE_PART, Store


def put(store: Store, key: Key, content: bytes, retain_until: datetime | None = None) -> Look:
    """Create the object unless it is there, then read it back: the look says whether the store holds `content`.

    An object that is there already is left as it is and judged like our own, so that a second run finds the first
    one's work.  Raises `Unavailable`, `NoSpace`.
    """
    digest = sha256(content)
    part_bytes = LARGEST_SINGLE_PART if len(content) > LARGEST_SINGLE_PART else None
    try:
        with store.create(key, len(content), part_bytes=part_bytes, retain_until=retain_until) as upload:
            view = memoryview(content)
            for start in range(0, len(content), upload.part_bytes or 1):
                part = view[start : start + upload.part_bytes]
                upload.write(start, part, digest if len(part) == len(content) else None)
            upload.commit()
    except AlreadyThere:
        pass
    return look_at_object(store, key, len(content), digest.hex())
