"""How fast parity is made, and how much it mends: `python -m ops.campaigns.parity --mebibytes 1024 --percent 5`.

A lone medium (a folder) holds one package of random bytes; sectors of all its objects are struck by chance, up to the
promised share and beyond, and each block of the bag is asked for.  What comes is held against the package's digests.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from preserve.clock import monotonic_seconds
from preserve.model.keys import BAG, PARITY, RECEIPT
from preserve.model.nouns import CopyEntry, CopyState, PackageEntry
from preserve.model.parity import CELL_BYTES, PROTECTED, Layout, ParityEntry, cells, layout_for, sizes_of
from preserve.packages.held import HeldCopy, blocks_from_any
from preserve.packages.parity.beside import ParityBeside
from preserve.packages.parity.making import Means, make
from preserve.ports import NoProgress, Store
from tests.packages.building import Service, service

SHARES = (0.5, 1.0, 1.2, 1.5, 2.0)
"""Of the promised share of sectors: how many are struck."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--mebibytes", type=int, default=64)
    asked.add_argument("--percent", type=int, default=5)
    asked.add_argument("--seeds", type=int, default=3)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder, service(Path(folder), ("near",)) as one:
        source = Path(folder) / "submission"
        source.mkdir()
        with (source / "random.bin").open("wb") as file:
            for number in range(given.mebibytes):
                file.write(random.Random(number).randbytes(2**20))
        package = one.books.package(one.ingest(source).packages[0].id)
        for line in _measured(one, package, given.percent, given.seeds):
            print(json.dumps(line))


def _measured(one: Service, package: PackageEntry, percent: int, seeds: int) -> Iterator[dict[str, object]]:
    layout = layout_for(sizes_of(package), percent)
    held = _held(one.workplace.stores["near"], package, layout, percent)
    blocks = blocks_from_any([held])
    assert blocks is not None
    began = monotonic_seconds()
    folder = one.object("near", package.id, RECEIPT).parent
    with make(package, blocks, [held], layout, Means(one.workplace.work, NoProgress())) as made:
        seconds = monotonic_seconds() - began
        shutil.copyfile(made.file, folder / PARITY)
    megabytes = sum(layout.sizes) / 1e6
    yield {
        "megabytes": round(megabytes),
        "seconds": round(seconds, 2),
        "mb_per_second": round(megabytes / seconds),
        "cells": [layout.code.data, layout.code.parity, layout.code.stripes],
        "parity_of_package": round(layout.bytes / sum(layout.sizes), 4),
        "peak_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    keep = {part: (folder / part).read_bytes() for part in (*PROTECTED, PARITY)}
    for share in SHARES:
        lost = blocks_asked = struck = 0
        seconds = 0.0
        for seed in range(seeds):
            struck = _strike(folder, keep, share * percent / 100, seed)
            began = monotonic_seconds()
            fresh = ParityBeside([_held(one.workplace.stores["near"], package, layout, percent)])
            for number in range(len(blocks.bag)):
                blocks_asked += 1
                lost += fresh.block(BAG, blocks.bag, number) is None
            seconds += monotonic_seconds() - began
        yield {
            "share_struck_percent": round(share * percent, 2),
            "sectors_struck": struck,
            "blocks": blocks_asked,
            "blocks_not_mended": lost,
            "seconds_each": round(seconds / seeds, 1),
        }


def _held(store: Store, package: PackageEntry, layout: Layout, percent: int) -> HeldCopy:
    copy = CopyEntry(package.id, "near", CopyState.VERIFIED, "", {PARITY: 1})
    return HeldCopy(store, package, copy, ParityEntry(package.id, "near", layout, percent, "", ""))


def _strike(folder: Path, keep: dict[str, bytes], share: float, seed: int) -> int:
    """Lay the objects as they were, but for so many of all their sectors; returns how many these are."""
    every = [(part, number) for part, content in keep.items() for number in range(cells(len(content)))]
    struck = random.Random(seed).sample(every, round(len(every) * share))
    contents = {part: bytearray(content) for part, content in keep.items()}
    for part, number in struck:
        span = slice(number * CELL_BYTES, (number + 1) * CELL_BYTES)
        contents[part][span] = bytes(len(contents[part][span]))
    for part, content in contents.items():
        (folder / part).write_bytes(content)
    return len(struck)


if __name__ == "__main__":
    main()
