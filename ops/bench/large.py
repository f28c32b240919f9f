"""One package of many GiB, in a folder and in an S3 site: what does it take to reach a little of it?"""

from __future__ import annotations

import json
import mmap
import os
import shutil
import statistics
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ops.bench.measuring import Case, Figure, figures, measure
from ops.bench.service import PRESERVE, Bench, folder_stores, home, package_of, preserve
from ops.bench.sites import S3Peers, site


def large(bench: Bench) -> None:
    """One package of many GiB in a folder and in a site: one small file out of it, and one byte flipped in it."""
    kept = bench.work / "large"
    shutil.rmtree(kept, ignore_errors=True)
    with site(bench.work / "site") as (running, environment), large_source(bench) as source:
        peers = S3Peers(running, environment)
        stores = {**folder_stores(kept, 1), "site": peers.url("large")}
        variables = home(kept, stores, peers.environment)
        package = package_of(preserve(variables, "ingest", str(source), "--json"))
        known = (source / "3.bin").open("rb").read(KNOWN_BYTES)
        single_file(bench, variables, package)
        flip(kept / "store0", known)
        one_block(bench, variables, "a folder, mended from the site")
        flip(bench.work / "site", known)
        one_block(bench, variables, "the site, mended from the folder")
    shutil.rmtree(kept)


KNOWN_BYTES = 64
"""Of random content, that occur nowhere else."""


def single_file(bench: Bench, variables: Mapping[str, str], package: str) -> None:
    """One file of 20 KB out of the copy on S3: seconds, and bytes read."""
    command = ["restore", package, "--from", "site", "--path", "small/0005000.bin", "--json", "--to"]
    case = Case("one file of 20 KB", lambda folder: [PRESERVE, *command, str(folder / "out")], variables)
    walls = [run.wall for run in measure([case], bench.bounds, bench.work)[case.name]]
    place = bench.work / "single"  # certificates are written beside what is restored
    told = json.loads(preserve(variables, *command, str(place / "out")))
    shutil.rmtree(place)
    those = [
        Figure("time, median", round(statistics.median(walls), 2), 1.0, "s"),
        Figure("read from the site", sum(told["bytes_read"].values()), 1 << 20, "bytes"),
    ]
    bench.tell(figures(f"One file of 20 KB out of a package of {bench.gib} GiB on S3", those))


def flip(folder: Path, known: bytes) -> None:
    """Flip one bit of `known`, wherever below `folder` it lies on the disk; as rot does, behind everybody's back."""
    for path in folder.rglob("*"):
        if not path.is_file() or path.stat().st_size < len(known):
            continue
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
            at = content.find(known)
            if at >= 0:
                content[at] ^= 1
                content.flush()
                return
    raise RuntimeError(f"the known bytes lie nowhere below {folder}")


def one_block(bench: Bench, variables: Mapping[str, str], where: str) -> None:
    """Find the flipped byte and mend it: how many blocks travel."""
    preserve(variables, "audit", "--level", "full")
    told = json.loads(preserve(variables, "repair", "--json"))
    mended = [one for one in told["repaired"] if one["object"].startswith("bag.tar")]
    if len(mended) != 1 or told["not_repaired"]:
        raise RuntimeError(f"one block should have been mended: {told}")
    block_bytes = 16 << 20
    those = [
        Figure("taken from the good store", sum(mended[0]["from"].values()), 3, "blocks"),
        Figure("travelled in all", round(told["bytes_transferred"] / block_bytes, 2), 3, "blocks"),
        Figure("time", round(told["seconds"], 1), 600, "s"),
    ]
    bench.tell(figures(f"One flipped bit in a package of {bench.gib} GiB: {where} ({mended[0]['how']})", those))


@contextmanager
def large_source(bench: Bench) -> Iterator[Path]:
    """A submission of about `bench.gib` GiB: 10,000 small files and ten large ones, of random bytes."""
    source = bench.work / "large-source"
    (source / "small").mkdir(parents=True, exist_ok=True)
    for number in range(10_000):
        (source / "small" / f"{number:07d}.bin").write_bytes(os.urandom(20_000))
    for number in range(10):
        with (source / f"{number}.bin").open("wb") as file:
            for _ in range(bench.gib * 62 // 10):
                file.write(os.urandom(16 << 20))
    try:
        yield source
    finally:
        shutil.rmtree(source)
