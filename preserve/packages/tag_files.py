"""Read tag files that stand at the head of a bag, before its payload (FORMAT.md 2), out of sound blocks alone."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Collection
from typing import IO

from preserve.model.records import Record, record_from_plain

RECORDS = "metadata/records.json"
LARGEST_BYTES = 1 << 30
"""Of tag files that are held in memory."""


def tag_files(bag: IO[bytes], package_id: str, paths: Collection[str]) -> dict[str, bytes]:
    """The content of those tag files that the bag has, by their path in it.

    `bag` is seekable and gives out sound bytes alone; of the payload nothing is read.  Raises OSError where a block is
    lost, `ValueError` where this is no bag of ours, or a file is larger than `LARGEST_BYTES`.
    """
    found: dict[str, bytes] = {}
    bag.seek(0)
    try:
        with tarfile.open(fileobj=bag, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
            while (member := tar.next()) is not None:
                path = member.name.removeprefix(f"{package_id}/")
                if path == "data" or path.startswith("data/") or len(found) == len(paths):
                    break
                if path in paths:
                    if member.size > LARGEST_BYTES:
                        raise ValueError(f"{path} is larger than {LARGEST_BYTES} bytes")
                    bag.seek(member.offset_data)
                    found[path] = bag.read(member.size)
    except tarfile.TarError as error:
        raise ValueError(f"the bag of {package_id} is no tar of ours: {error}") from error
    return found


def records_of(bag: IO[bytes], package_id: str) -> tuple[Record, ...]:
    """The records that a package describes.  Raises as `tag_files` does."""
    content = tag_files(bag, package_id, (RECORDS,)).get(RECORDS)
    return tuple(map(record_from_plain, json.loads(content)["records"])) if content else ()
