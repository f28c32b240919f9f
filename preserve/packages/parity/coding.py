"""The Reed-Solomon code of parity: systematic, over GF(2^8) with the polynomial 0x11d, rows from a Cauchy matrix.

Parity cell `i` of a stripe is the sum over its data cells `j` of (1 / ((data + i) xor j)) times the cell, byte by byte
(Plank and Xu, "Optimizing Cauchy Reed-Solomon Codes for Fault-Tolerant Network Storage Applications", 2006).  ISA-L
computes it, by way of PyECLib; for the few cells that are missing the equations are solved here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

_POLYNOMIAL = 0x11D
_FRAMING_BYTES = 80
"""What the library puts before each fragment; it is not kept."""


class Coder:
    """Makes the parity of stripes of one shape."""

    def __init__(self, data: int, parity: int) -> None:
        self._data = data
        self._parity = parity
        from pyeclib.ec_iface import ECDriver  # only where there is parity: start-up counts

        self._driver = ECDriver(k=data, m=parity, ec_type="isa_l_rs_cauchy")

    def parity(self, rows: bytes) -> list[memoryview]:
        """The parity rows of data rows of equal length (a multiple of 16 bytes), which stand one after the other."""
        fragments = self._driver.encode(rows)
        made = [memoryview(fragment)[_FRAMING_BYTES:] for fragment in fragments[self._data :]]
        if any(len(row) * self._data != len(rows) for row in made):
            raise ValueError(f"rows of {len(rows) / self._data} bytes were padded")
        return made

    def solve(self, rows: Sequence[bytes | None], parity: Mapping[int, bytes]) -> dict[int, bytes]:
        """The data cells of one stripe that are None, by their rows, from as many sound parity cells.

        Raises ValueError where these are too few.
        """
        missing = [row for row, cell in enumerate(rows) if cell is None]
        if not missing:
            return {}
        used = sorted(parity)[: len(missing)]
        if len(used) < len(missing):
            raise ValueError(f"{len(missing)} cells are missing, and {len(used)} parity cells are sound")
        length = len(parity[used[0]])
        known = self.parity(b"".join(bytes(length) if cell is None else cell for cell in rows))
        sums = [_number(parity[row]) ^ _number(bytes(known[row])) for row in used]
        inverse = _inverse([[_element(self._data + row, column) for column in missing] for row in used])
        return {row: _sum_of_products(inverse[at], sums, length) for at, row in enumerate(missing)}


def _number(cell: bytes) -> int:
    return int.from_bytes(cell, "little")


def _sum_of_products(factors: Sequence[int], cells: Sequence[int], length: int) -> bytes:
    total = 0
    for factor, cell in zip(factors, cells, strict=True):
        total ^= _number(cell.to_bytes(length, "little").translate(_times(factor)))
    return total.to_bytes(length, "little")


def _element(row: int, column: int) -> int:
    return _reciprocal(row ^ column)


@cache
def _tables() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Powers of 2, twice over, and logarithms."""
    powers, logarithms, value = [0] * 510, [0] * 256, 1
    for exponent in range(255):
        powers[exponent] = powers[exponent + 255] = value
        logarithms[value] = exponent
        value <<= 1
        if value > 255:
            value ^= _POLYNOMIAL
    return tuple(powers), tuple(logarithms)


def _product(left: int, right: int) -> int:
    powers, logarithms = _tables()
    return powers[logarithms[left] + logarithms[right]] if left and right else 0


def _reciprocal(value: int) -> int:
    powers, logarithms = _tables()
    return powers[255 - logarithms[value]]


@cache
def _times(factor: int) -> bytes:
    """What `bytes.translate` multiplies by."""
    return bytes(_product(factor, value) for value in range(256))


def _inverse(matrix: list[list[int]]) -> list[list[int]]:
    """By elimination; every square part of a Cauchy matrix has an inverse."""
    size = len(matrix)
    work = [[*row, *(int(row_at == column) for column in range(size))] for row_at, row in enumerate(matrix)]
    for at in range(size):
        pivot = next(row for row in range(at, size) if work[row][at])
        work[at], work[pivot] = work[pivot], work[at]
        by = _times(_reciprocal(work[at][at]))
        work[at] = [by[value] for value in work[at]]
        for row in range(size):
            factor = work[row][at]
            if row != at and factor:
                by = _times(factor)
                work[row] = [value ^ by[of] for value, of in zip(work[row], work[at], strict=True)]
    return [row[size:] for row in work]
