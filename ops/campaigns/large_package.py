"""A package beyond 160 GiB: at 16 MiB a block it would have over 10,000 blocks, more than S3 takes parts.

Sparse files are packed into a store that digests what it is given and keeps only what is not zero, so that the tar can
be read by Debian's own `tar`, which must list every file with its size (beyond 8 GiB only a pax header can tell it).
Shows that the block size is doubled, that no upload has over 10,000 parts, the rate, and that memory stays bounded.

    python -m ops.campaigns.large_package [--gib 170] [--out FILE]
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.bench.measuring import PeakMemory
from ops.campaigns.telling import MEMORY_LIMIT_MIB, parser, table, tell, workshop
from preserve.bags.folders import FolderTree
from preserve.model.blocks import BLOCK_BYTES, MOST_BLOCKS
from preserve.model.complaints import ComplaintList
from preserve.model.digests import Algorithm, sha256
from preserve.model.keys import BAG, Key
from preserve.packages.making.crew import Crew
from preserve.packages.making.fan_out import FanOut
from preserve.packages.making.packing import PackagePlan, pack
from preserve.packages.making.planning import head_entries, plan_submission
from preserve.ports import NoProgress
from tests.stores.memory import DigestingUpload, NullStore

GIB = 1024**3
PACKAGE = "20260101-0123456789"
CREATED_NS = 1_767_225_600 * 10**9
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What packing gave; `seconds` is without the listing by `tar`."""

    tar_bytes: int
    block_bytes: int
    blocks: int
    parts: int
    seconds: float
    peak_mib: float
    listed: dict[str, int]
    """Size by path, as `tar` tells it."""

    @property
    def is_well(self) -> bool:
        """Whether all promises hold."""
        return self.blocks == self.parts <= MOST_BLOCKS and self.peak_mib < MEMORY_LIMIT_MIB


class SparseUpload(DigestingUpload):
    """Digests every part, and writes those that are not all zero into a sparse file."""

    def __init__(self, store: SparseStore, key: Key, size: int, part_bytes: int) -> None:
        super().__init__(store, key, size, part_bytes)
        self._file = store.file
        self._zeros = {length: sha256(bytes(length)) for length in {part_bytes, size % part_bytes or part_bytes}}
        os.truncate(self._file, size)

    def write(self, offset: int, data: memoryview, sha256: bytes | None = None) -> None:
        super().write(offset, data, sha256)
        if self._digests[offset] != self._zeros[len(data)]:
            with open(self._file, "r+b") as file:
                file.seek(offset)
                file.write(data)


class SparseStore(NullStore):
    """Keeps the one bag that it is given as a sparse file."""

    def __init__(self, file: Path) -> None:
        super().__init__("sparse", kept_bytes=0)
        self.file = file
        file.touch()

    def begin(self, size: int, part_bytes: int) -> SparseUpload:
        """The bag's upload."""
        return SparseUpload(self, Key(BAG), size, part_bytes)


def lay_out(folder: Path, sizes: Sequence[int]) -> None:
    """Sparse files of these sizes, the first of which begins with something."""
    folder.mkdir()
    for number, size in enumerate(sizes):
        path = folder / f"{number:02d}-影像.raw"
        path.write_bytes(b"not all is zero")
        os.truncate(path, size)


def campaign(folder: Path, sizes: Sequence[int], least_block_bytes: int = BLOCK_BYTES) -> Outcome:
    """Pack files of these sizes."""
    lay_out(folder / "source", sizes)
    plan = _plan(folder / "source", folder / "work", least_block_bytes)
    store = SparseStore(folder / BAG)
    began = time.monotonic()
    with PeakMemory(os.getpid()) as memory, Crew(WORKERS, [Algorithm.SHA256.value]) as crew:
        upload = store.begin(plan.tar_bytes, plan.block_bytes)
        with FanOut({store.name: upload}) as sink:
            packed = pack(plan, crew, sink, NoProgress())
            assert sink.commit().written == (store.name,)
    seconds = time.monotonic() - began
    parts = store.part_digests[Key(BAG)]
    assert [parts[at] for at in sorted(parts)] == [packed.blocks.digest(n) for n in range(len(packed.blocks))]
    return Outcome(
        tar_bytes=plan.tar_bytes,
        block_bytes=plan.block_bytes,
        blocks=len(packed.blocks),
        parts=len(parts),
        seconds=seconds,
        peak_mib=memory.mib,
        listed=listed_by_tar(folder / BAG),
    )


def _plan(source: Path, work: Path, least_block_bytes: int) -> PackagePlan:
    tree = FolderTree(source, ComplaintList(), ComplaintList())
    package = plan_submission(tree.batches(), iter([PACKAGE]), 1 << 60, lambda path: None, work).packages[0]
    (package.folder / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    head = head_entries(PACKAGE, package.folder, ["bagit.txt"], [], CREATED_NS)
    algorithms = [Algorithm.SHA256]
    return PackagePlan(
        PACKAGE, CREATED_NS, package.folder, head, package.payload, algorithms, least_block_bytes=least_block_bytes
    )


def listed_by_tar(bag: Path) -> dict[str, int]:
    """The payload as the system's own tar lists it, which seeks from header to header."""
    command = ["tar", "--list", "--verbose", "--quoting-style=literal", "--file", str(bag)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    files = [line.split(None, 5) for line in done.stdout.splitlines() if line.startswith("-")]
    found = {path: int(size) for _, _, size, _, _, path in files}
    prefix = f"{PACKAGE}/data/"
    return {path.removeprefix(prefix): size for path, size in found.items() if path.startswith(prefix)}


def report(outcome: Outcome) -> str:
    """The table."""
    rate = outcome.tar_bytes / outcome.seconds / 10**6
    rows = [
        ("size of the tar", f"{outcome.tar_bytes / GIB:.1f} GiB"),
        ("block size", f"{outcome.block_bytes // 2**20} MiB"),
        ("blocks, and parts of the upload", f"{outcome.blocks}, {outcome.parts}"),
        ("time, rate", f"{outcome.seconds:.0f} s, {rate:.0f} MB/s"),
        ("peak memory", f"{outcome.peak_mib:.0f} MiB"),
        ("files over 8 GiB that `tar` lists with their size", sum(s >= 8 * GIB for s in outcome.listed.values())),
    ]
    return table(("a large package", ""), rows)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--gib", type=int, default=170, help="size of the source")
    chosen = arguments.parse_args()
    sizes = [8 * GIB - 1, 8 * GIB, 1, (chosen.gib - 16) * GIB]
    with workshop(chosen.folder, GIB) as folder:
        outcome = campaign(folder, sizes)
    assert list(outcome.listed.values()) == sizes, outcome.listed
    tell(report(outcome), chosen.out)
    if not outcome.is_well:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
