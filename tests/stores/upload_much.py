"""Uploads 384 MiB in parts of 16 MiB and prints by how many bytes the process grew meanwhile, buffers included."""

from __future__ import annotations

import random
import resource
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from preserve.chance import token
from preserve.model.digests import sha256
from preserve.model.keys import Key
from preserve.stores.s3 import S3Store
from preserve.stores.s3_place import place_of

PART = 16 * 1024 * 1024
PARTS = 24


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(endpoint: str) -> None:
    known = {"part_digest_sha256": True, "create_only": True, "create_only_multipart": True}
    place = place_of(f"s3://records/much?endpoint={endpoint}")
    store = S3Store("site", place, None, profile="weed-writer", capabilities=known)
    key = Key(token(10))
    part = memoryview(random.Random(1).randbytes(PART))
    digest = sha256(part)
    with store.create(key, PARTS * PART, part_bytes=PART) as upload, ThreadPoolExecutor(2) as pool:
        upload.write(0, part, digest)
        before = peak_bytes()
        list(pool.map(lambda number: upload.write(number * PART, part, digest), range(1, PARTS)))
        sys.stdout.write(str(peak_bytes() - before))
        upload.abort()


if __name__ == "__main__":
    main(sys.argv[1])
