"""Blocks: the fixed-size pieces in which a bag is uploaded, audited and repaired."""

from __future__ import annotations

from dataclasses import dataclass

from preserve.model.digests import sha256

BLOCK_BYTES = 16 * 1024 * 1024
"""One block is one upload part.  16 MiB: see preserve/DESIGN.md, "Blocks"."""

MOST_BLOCKS = 10_000
"""S3 allows this many parts in one multipart upload."""

DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class BlockList:
    """The digests of the blocks of one object.

    `digests` holds 32 bytes of SHA-256 for each block in order; the last block may be shorter.
    """

    total_bytes: int
    digests: bytes
    block_bytes: int = BLOCK_BYTES

    def __len__(self) -> int:
        return len(self.digests) // DIGEST_BYTES

    def digest(self, number: int) -> bytes:
        """SHA-256 of block `number` (from 0)."""
        return self.digests[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES]

    def span(self, number: int) -> tuple[int, int]:
        """(offset, length) of block `number` in bytes."""
        start = number * self.block_bytes
        return start, min(self.block_bytes, self.total_bytes - start)

    def touching(self, offset: int, length: int) -> range:
        """Numbers of the blocks that hold any of `length` bytes from `offset`."""
        if length == 0:
            return range(0)
        return range(offset // self.block_bytes, (offset + length - 1) // self.block_bytes + 1)

    @property
    def root(self) -> bytes:
        """One digest for the whole object: SHA-256 over the lines `<hex digest>\\n` of all blocks in order."""
        return sha256(b"".join(self.digest(number).hex().encode() + b"\n" for number in range(len(self))))


def count(total_bytes: int, block_bytes: int = BLOCK_BYTES) -> int:
    """How many blocks an object of `total_bytes` has; an empty object has none."""
    return -(-total_bytes // block_bytes)


def block_bytes_for(total_bytes: int, least: int = BLOCK_BYTES) -> int:
    """Block size of an object: `least`, doubled until at most `MOST_BLOCKS` blocks cover `total_bytes`."""
    block_bytes = least
    while block_bytes * MOST_BLOCKS < total_bytes:
        block_bytes *= 2
    return block_bytes
