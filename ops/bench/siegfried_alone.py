"""What identification is measured against: two processes of Siegfried on the files of a folder, and nothing else.

python -m ops.bench.siegfried_alone DIR
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence

import pygfried

FILES_AT_ONCE = 200


def identify(paths: Sequence[str]) -> int:
    """Identify these files, so many at once that the way into the library costs nothing."""
    for at in range(0, len(paths), FILES_AT_ONCE):
        pygfried.identify_many(list(paths[at : at + FILES_AT_ONCE]), workers=1)
    return len(paths)


def main(folder: str) -> None:
    paths = [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(sum(pool.map(identify, [paths[::2], paths[1::2]], chunksize=1)))


if __name__ == "__main__":
    main(sys.argv[1])
