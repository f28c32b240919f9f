"""The parity of all copies of a package: what one of them mends, proved by the package's own digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from preserve.errors import Unavailable
from preserve.model.blocks import BlockList
from preserve.model.digests import sha256
from preserve.model.keys import BLOCKS, PARITY
from preserve.model.parity import PROTECTED
from preserve.packages.block_lists import PackageBlocks
from preserve.packages.gathering import Place
from preserve.packages.held import HeldCopy, decoded
from preserve.packages.parity.mending import Parity


@dataclass(frozen=True, slots=True)
class Mended:
    """Sound bytes, and the store whose parity gave what was bad in them."""

    content: bytes
    store: str


class ParityBeside:
    """What parity there is beside some copies of one package; the nearest bytes are those of the same store."""

    def __init__(self, copies: Sequence[HeldCopy]) -> None:
        self._copies = tuple(copies)

    @cached_property
    def _all(self) -> Sequence[Parity]:
        return [
            Parity(
                held.package.id,
                held.parity.layout,
                Place(held.store, held.key(PARITY)),
                {part: self._places(held, part) for part in PROTECTED},
            )
            for held in self._copies
            if held.parity is not None
        ]

    def _places(self, first: HeldCopy, part: str) -> list[Place]:
        others = (held for held in self._copies if held is not first)
        return [Place(held.store, held.key(part)) for held in (first, *others)]

    def mended(self, part: str, begin: int, length: int, digest: bytes) -> Mended | None:
        """Bytes of an object that no copy has sound; None where parity is not enough, or there is none in reach."""
        for parity in self._all:
            try:
                content = parity.mend(part, begin, length)
            except Unavailable:
                continue
            if content is not None and sha256(content) == digest:
                return Mended(content, parity.name)
        return None

    def block(self, part: str, blocks: BlockList, number: int) -> Mended | None:
        """The same of a block of the bag or the members."""
        return self.mended(part, *blocks.span(number), blocks.digest(number))

    def blocks(self) -> PackageBlocks | None:
        """The list of blocks, where no copy has it sound."""
        for held in self._copies[:1]:
            wanted = held.digest(BLOCKS)
            mended = self.mended(BLOCKS, 0, wanted.bytes, bytes.fromhex(wanted.sha256))
            return None if mended is None else decoded(held.package, mended.content)
        return None

    @property
    def hopeless(self) -> int:
        """In how many stripes, of the parity that has fewest such, more is bad than it mends, as far as was looked."""
        return min((parity.hopeless for parity in self._all), default=0)
