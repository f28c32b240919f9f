"""Does a bag that would have over 10,000 blocks get larger ones?  A slice of `ops.campaigns.large_package`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.campaigns import large_package
from ops.campaigns.large_package import GIB
from preserve.model.blocks import MOST_BLOCKS
from preserve.packages import tar

LEAST_BLOCK_BYTES = 64 * 1024


def test_blocks_double_before_there_are_more_than_an_upload_takes(tmp_path: Path) -> None:
    sizes = [300_000_000, 0, 1, 400_000_001]
    outcome = large_package.campaign(tmp_path, sizes, LEAST_BLOCK_BYTES)
    assert outcome.tar_bytes > LEAST_BLOCK_BYTES * MOST_BLOCKS
    assert outcome.block_bytes == 2 * LEAST_BLOCK_BYTES
    assert outcome.blocks == outcome.parts <= MOST_BLOCKS
    assert list(outcome.listed.values()) == sizes


@pytest.mark.parametrize("size", [8 * GIB - 1, 8 * GIB, 300 * GIB])
def test_the_systems_tar_reads_the_size_of_a_file_that_the_old_header_cannot_hold(tmp_path: Path, size: int) -> None:
    name = f"{large_package.PACKAGE}/data/大.raw".encode()
    header = tar.header(name, size, 0o644, 0, tar.FILE)
    assert len(header) == tar.header_bytes(name, size, 0)
    bag = tmp_path / "bag.tar"
    bag.write_bytes(header)
    with bag.open("r+b") as file:
        file.truncate(len(header) + size + tar.padding_bytes(size) + tar.END)
    assert large_package.listed_by_tar(bag) == {"大.raw": size}
