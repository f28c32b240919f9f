"""`blocks.sha256`: the digests of a package's blocks, as text that needs no program of ours (FORMAT.md 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from preserve.model.blocks import DIGEST_BYTES, BlockList, count
from preserve.model.keys import BAG, MEMBERS

MEMBERS_BLOCK_BYTES = 64 * 1024
"""Small, so that one row of the members can be read and trusted without reading them all."""

_FIRST_LINE = "# preserve-blocks/1"
_HEADING = re.compile(r"# object ([a-z.]+), (\d+) blocks of (\d+) bytes, (\d+) bytes, root ([0-9a-f]{64})")
_BLOCK_LINE = re.compile(r"([0-9a-f]{64})  (\d+)")


@dataclass(frozen=True, slots=True)
class PackageBlocks:
    """The block lists of the two objects of a package that are read in pieces."""

    bag: BlockList
    members: BlockList


def encode(blocks: PackageBlocks) -> bytes:
    """The bytes of `blocks.sha256`."""
    lines = [_FIRST_LINE, *_section(BAG, blocks.bag), *_section(MEMBERS, blocks.members)]
    return ("\n".join(lines) + "\n").encode("ascii")


def _section(name: str, blocks: BlockList) -> Iterator[str]:
    yield (
        f"# object {name}, {len(blocks)} blocks of {blocks.block_bytes} bytes, "
        f"{blocks.total_bytes} bytes, root {blocks.root.hex()}"
    )
    for number in range(len(blocks)):
        yield f"{blocks.digest(number).hex()}  {blocks.span(number)[0]}"


def decode(content: bytes) -> PackageBlocks:
    """The inverse of `encode`.  Raises ValueError for anything that `encode` would not have written."""
    lines = content.decode("ascii").split("\n")
    if lines[0] != _FIRST_LINE:
        raise ValueError("not a list of blocks")
    bag, members_from = _read_section(lines, 1, BAG)
    members, end = _read_section(lines, members_from, MEMBERS)
    blocks = PackageBlocks(bag, members)
    if lines[end:] != [""] or encode(blocks) != content:
        raise ValueError("the list of blocks does not fit its own roots")
    return blocks


def _read_section(lines: list[str], at: int, name: str) -> tuple[BlockList, int]:
    """The section that begins at line `at`, and the line after it."""
    heading = _HEADING.fullmatch(lines[at]) if at < len(lines) else None
    if heading is None or heading[1] != name:
        raise ValueError(f"line {at + 1} of the list of blocks should begin the blocks of {name}")
    number_of_blocks, block_bytes, total_bytes = (int(heading[group]) for group in (2, 3, 4))
    end = at + 1 + number_of_blocks
    if block_bytes == 0 or number_of_blocks != count(total_bytes, block_bytes) or end > len(lines):
        raise ValueError(f"the list of blocks has not as many blocks of {name} as it says")
    digests = bytearray()
    for line in lines[at + 1 : end]:
        match = _BLOCK_LINE.fullmatch(line)
        if match is None or int(match[2]) != len(digests) // DIGEST_BYTES * block_bytes:
            raise ValueError(f"a line of the blocks of {name} is malformed: {line[:100]!r}")
        digests += bytes.fromhex(match[1])
    return BlockList(total_bytes, bytes(digests), block_bytes), end
