"""Parity of a package: how its bytes are cut into cells and stripes, and how much damage that survives (pure).

The objects of a package, one after the other, are cut into cells of one sector; each cell belongs to the stripe that
its number gives, counted round, so that neighbours are in different stripes.  Each stripe has parity cells by a
systematic Reed-Solomon code over GF(2^8): any `data` of its `data + parity` cells give all others (FORMAT.md 12).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import exp, lgamma, log

from preserve.model.keys import BAG, BLOCKS, MEMBERS, RECEIPT
from preserve.model.nouns import PackageEntry

CELL_BYTES = 4096
"""One sector of today's disks (IDEMA Advanced Format), a page of flash, two of a BD-R: what goes bad at a time."""

MOST_CELLS = 255
"""Cells of one stripe: the code works in GF(2^8)."""

DIGEST_BYTES = 8
"""Of each cell's SHA-256: enough to find bad cells; what is mended is judged by the package's own whole digests."""

HEAD_BYTES = 512
BODY_BYTES = CELL_BYTES - HEAD_BYTES
DIGESTS_IN_PAGE = BODY_BYTES // DIGEST_BYTES

MOST_INDEX_ROWS = 64
"""Of the index at most so many pages are in one stripe; it has at least as many parity pages."""

FAILURE_RATE = 1e-6
"""How likely it may be that scattered damage of the promised share is too much for any one stripe of a package."""

LEAST_PERCENT, MOST_PERCENT = 1, 25

PROTECTED = (BAG, MEMBERS, BLOCKS, RECEIPT)
"""The objects of a package in the order in which parity covers them."""


@dataclass(frozen=True, slots=True)
class Code:
    """`stripes` stripes, each with `data` cells and `parity` cells more."""

    data: int
    parity: int
    stripes: int

    @property
    def rows(self) -> int:
        """Cells of one stripe."""
        return self.data + self.parity


@dataclass(frozen=True, slots=True)
class Span:
    """So many bytes of an object, and where they stand among the cells that were asked for."""

    part: str
    offset: int
    length: int
    at: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies: `sizes` in bytes of the protected objects, in their order; codes of cells and of pages."""

    sizes: tuple[int, ...]
    code: Code
    index: Code

    @property
    def data_cells(self) -> int:
        """Cells of the objects; those that fill the last row up are zero, and lie nowhere."""
        return sum(map(cells, self.sizes))

    @property
    def digests(self) -> int:
        """How many cells have a digest: those of the objects, then those of parity."""
        return self.data_cells + self.code.parity * self.code.stripes

    @property
    def front_pages(self) -> int:
        """Pages of the index at the object's beginning; as many parity pages or more lie at its end."""
        return self.index.data * self.index.stripes

    @property
    def back_pages(self) -> int:
        return self.index.parity * self.index.stripes

    @property
    def parity_at(self) -> int:
        """Offset of the first parity cell in the parity object."""
        return self.front_pages * CELL_BYTES

    @property
    def back_at(self) -> int:
        """Offset of the index's parity pages."""
        return self.parity_at + self.code.parity * self.code.stripes * CELL_BYTES

    @property
    def bytes(self) -> int:
        """Size of the parity object."""
        return self.back_at + self.back_pages * CELL_BYTES

    def page_at(self, number: int) -> int:
        """Offset of a page of the index in the parity object."""
        base, among = (0, number) if number < self.front_pages else (self.back_at, number - self.front_pages)
        return base + among * CELL_BYTES

    def first_cell(self, part: str) -> int:
        """Number of the first cell of an object."""
        return sum(map(cells, self.sizes[: PROTECTED.index(part)]))

    def spans(self, first: int, count: int) -> Iterator[Span]:
        """Where the bytes of `count` cells of the data from `first` on lie; the rest of each object's last cell, and
        all beyond the last object, is zero and lies nowhere."""
        begin = 0
        for part, size in zip(PROTECTED, self.sizes, strict=True):
            end = begin + cells(size)
            low, high = max(first, begin), min(first + count, end)
            if low < high:
                offset = (low - begin) * CELL_BYTES
                length = min((high - low) * CELL_BYTES, size - offset)
                yield Span(part, offset, length, (low - first) * CELL_BYTES)
            begin = end

    @property
    def longest_run_bytes(self) -> int:
        """The longest run of bad sectors that is mended wherever it lies, nothing else being harmed."""
        return min(self.code.parity * self.code.stripes, self.data_cells) * CELL_BYTES


def cells(length: int) -> int:
    """How many cells so many bytes fill."""
    return -(-length // CELL_BYTES)


def sizes_of(package: PackageEntry) -> tuple[int, ...]:
    """Sizes in bytes of the protected objects of a package."""
    receipt = package.receipt
    by_part: Mapping[str, int] = {
        BAG: receipt.bag_bytes,
        MEMBERS: receipt.members.bytes,
        BLOCKS: receipt.blocks.bytes,
        RECEIPT: package.receipt_bytes,
    }
    return tuple(by_part[part] for part in PROTECTED)


def layout_for(sizes: tuple[int, ...], percent: int) -> Layout:
    """The layout by which `percent` of all sectors may be bad, scattered by chance, and all is mended but once in
    1 / `FAILURE_RATE` packages."""
    code = _code(sum(map(cells, sizes)), percent, MOST_CELLS)
    digests = Layout(sizes, code, code).digests
    return Layout(sizes, code, _index_code(-(-digests // DIGESTS_IN_PAGE), percent))


@lru_cache(maxsize=1024)
def _code(count: int, percent: int, most_cells: int) -> Code:
    for parity in range(1, most_cells):
        code = _cut(count, most_cells - parity, parity)
        if _failing(code, percent / 100) <= FAILURE_RATE:
            return code
    raise ValueError(percent)


@lru_cache(maxsize=1024)
def _index_code(pages: int, percent: int) -> Code:
    """At least as many parity pages as others: then either end of the parity object may be lost whole."""
    least = _cut(pages, MOST_INDEX_ROWS, 1)
    parity = least.data
    while _failing(code := Code(least.data, parity, least.stripes), percent / 100) > FAILURE_RATE:
        parity += 1
    return code


def _cut(count: int, most_rows: int, parity: int) -> Code:
    stripes = max(1, -(-count // most_rows))
    return Code(max(1, -(-count // stripes)), parity, stripes)


def _failing(code: Code, share: float) -> float:
    """At most how likely any stripe has more bad cells than it has parity, each being bad with `share`'s chance."""
    return code.stripes * sum(_chance(code.rows, bad, share) for bad in range(code.parity + 1, code.rows + 1))


def _chance(of: int, bad: int, share: float) -> float:
    ways = lgamma(of + 1) - lgamma(bad + 1) - lgamma(of - bad + 1)
    return exp(ways + bad * log(share) + (of - bad) * log(1 - share))


@dataclass(frozen=True, slots=True)
class ParityEntry:
    """The parity object of one copy, as the books know it: `sha256` in hex is of all its bytes."""

    package_id: str
    store: str
    layout: Layout
    percent: int
    sha256: str
    made_at: str

    @property
    def bytes(self) -> int:
        return self.layout.bytes


@dataclass(frozen=True, slots=True)
class ParityStanding:
    """How the parity stands that policies want in one store: copies that have it, its bytes, copies that lack it."""

    store: str
    copies: int
    bytes: int
    lacking: int


def overhead_percent(percent: int) -> int:
    """About how much room parity takes beside a large package, in per cent of it, rounded up."""
    layout = layout_for((10 * 1024**3, 0, 0, 0), percent)
    return -(-100 * layout.bytes // layout.sizes[0])
