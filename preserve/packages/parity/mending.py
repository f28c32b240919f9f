"""Mend what is bad in a package out of a copy's own parity: sectors that do not come, bytes that changed, runs of both.

Digests of cells only tell which cells are to be had by other cells' help; whoever asks holds what he gets against the
package's own digests.  Cells are read in bands of neighbouring stripes, so that memory stays small whatever the size.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from threading import Lock

from preserve.errors import NotThere, Unavailable, Unreadable
from preserve.model.parity import CELL_BYTES, DIGEST_BYTES, DIGESTS_IN_PAGE, Layout, cells
from preserve.packages.gathering import Place
from preserve.packages.parity import pages
from preserve.packages.parity.coding import Coder
from preserve.packages.parity.making import digest_of_cell
from preserve.packages.reading import read_fully

STRIPES_AT_ONCE = 16
"""Of which all cells are read together: 64 KiB of each row, 16 MiB at most."""

MOST_KEPT_CELLS = 32 * 1024
"""Mended cells that are kept for who asks for their neighbours next: 128 MiB."""

_KEPT_PAGES = 16 * 1024
"""Of the index: 56 MiB.  A stripe touches as many of them as it has cells, and a page that is bad costs 128 others."""


class Parity:
    """The parity object `place` of one package, and `places` in which each protected object lies, the nearest first.

    May be used from several threads, one after the other.
    """

    def __init__(self, package_id: str, layout: Layout, place: Place, places: Mapping[str, Sequence[Place]]) -> None:
        self._package_id = package_id
        self._layout = layout
        self._place = place
        self._places = places
        self._index = _Index(package_id, layout, place)
        self._mended: OrderedDict[int, bytes] = OrderedDict()
        self._away: set[str] = set()
        self._lock = Lock()
        self._hopeless: set[int] = set()

    @property
    def name(self) -> str:
        """The store it lies in."""
        return self._place.name

    @property
    def hopeless(self) -> int:
        """How many stripes have more bad cells than their parity mends, as far as was looked."""
        return len(self._hopeless)

    def mend(self, part: str, offset: int, length: int) -> bytes | None:
        """So many bytes of an object; None where parity is not enough to mend them.

        What is given back proves nothing.  Raises `Unavailable` where parity itself is out of reach.
        """
        within = offset % CELL_BYTES
        first, count = self._layout.first_cell(part) + offset // CELL_BYTES, cells(within + length)
        with self._lock:
            found = self._data(first, count)
            bad = [first + at for at, cell in enumerate(found) if cell is None]
            waiting = {cell % self._layout.code.stripes for cell in bad if cell not in self._mended}
            for stripes in _runs(waiting - self._hopeless):
                self._mend_band(stripes)
            for cell in bad:
                found[cell - first] = self._mended.get(cell)
            while len(self._mended) > MOST_KEPT_CELLS:
                self._mended.popitem(last=False)
            if any(cell is None for cell in found):
                return None
            return b"".join(cell for cell in found if cell is not None)[within : within + length]

    def _mend_band(self, stripes: range) -> None:
        """All bad data cells of some neighbouring stripes."""
        code = self._layout.code
        rows = [self._row(row, stripes) for row in range(code.data)]
        lacking = [sum(row[at] is None for row in rows) for at in range(len(stripes))]
        parity: list[Sequence[bytes | None]] = []
        sound = [0] * len(stripes)
        for row in range(code.parity):
            if all(have >= need for have, need in zip(sound, lacking, strict=True)):
                break
            parity.append(self._parity_row(row, stripes))
            sound = [have + (cell is not None) for have, cell in zip(sound, parity[-1], strict=True)]
        for at, stripe in enumerate(stripes):
            if sound[at] < lacking[at]:
                self._hopeless.add(stripe)
                continue
            helpers = {row: cell for row, each in enumerate(parity) if (cell := each[at]) is not None}
            mended = self._coder.solve([row[at] for row in rows], helpers)
            self._mended.update({row * code.stripes + stripe: cell for row, cell in mended.items()})

    @cached_property
    def _coder(self) -> Coder:
        return Coder(self._layout.code.data, self._layout.code.parity)

    def _row(self, row: int, stripes: range) -> Sequence[bytes | None]:
        return self._data(row * self._layout.code.stripes + stripes.start, len(stripes))

    # What can be read, and is as it was

    def _data(self, first: int, count: int) -> list[bytes | None]:
        """Cells of the data, each as it was, or None.  Those beyond the last object are zero."""
        found: list[bytes | None] = [_ZERO] * count
        for span in self._layout.spans(first, count):
            at = span.at // CELL_BYTES
            asked = cells(span.length)
            found[at : at + asked] = [None] * asked
            for place in self._places.get(span.part, ()):
                if place.name in self._away:
                    continue
                try:
                    read = _read_cells(place, span.offset, span.length)
                except Unavailable:  # the others may have it, and parity what none of them has
                    self._away.add(place.name)
                    continue
                self._fill(found, at, asked, first, read)
                if None not in found[at : at + asked]:
                    break
        return found

    def _fill(self, found: list[bytes | None], at: int, count: int, first: int, read: Iterable[bytes | None]) -> None:
        for each, cell in zip(range(at, at + count), read, strict=True):
            if found[each] is None and self._is_sound(first + each, cell):
                found[each] = cell

    def _parity_row(self, row: int, stripes: range) -> Sequence[bytes | None]:
        first = row * self._layout.code.stripes + stripes.start
        offset, length = self._layout.parity_at + first * CELL_BYTES, len(stripes) * CELL_BYTES
        number = self._layout.data_cells + first
        return [
            cell if self._is_sound(number + at, cell) else None
            for at, cell in enumerate(_read_cells(self._place, offset, length))
        ]

    def _is_sound(self, number: int, cell: bytes | None) -> bool:
        """Whether a cell fits its digest; one whose digest is not to be had counts as bad."""
        return cell is not None and digest_of_cell(cell) == self._index.digest(number)


_ZERO = bytes(CELL_BYTES)


class _Index:
    """The digests of the cells, of which a page at a time is read."""

    def __init__(self, package_id: str, layout: Layout, place: Place) -> None:
        self._package_id = package_id
        self._layout = layout
        self._place = place
        self._bodies: OrderedDict[int, bytes | None] = OrderedDict()

    @cached_property
    def _coder(self) -> Coder:
        return Coder(self._layout.index.data, self._layout.index.parity)

    def digest(self, number: int) -> bytes | None:
        """The digest of a cell; None where its page is not to be had."""
        body = self._body(number // DIGESTS_IN_PAGE)
        at = number % DIGESTS_IN_PAGE * DIGEST_BYTES
        return None if body is None else body[at : at + DIGEST_BYTES]

    def _body(self, page: int) -> bytes | None:
        if page not in self._bodies:
            body = self._read(page)
            self._keep({page: body} if body is not None else self._mended(page % self._layout.index.stripes))
        self._bodies.move_to_end(page)
        return self._bodies[page]

    def _keep(self, bodies: Mapping[int, bytes | None]) -> None:
        self._bodies.update(bodies)
        while len(self._bodies) > _KEPT_PAGES:
            self._bodies.popitem(last=False)

    def _mended(self, stripe: int) -> Mapping[int, bytes | None]:
        """All pages of one stripe of the index."""
        code = self._layout.index
        bodies = [self._read(row * code.stripes + stripe) for row in range(code.data)]
        parity: dict[int, bytes] = {}
        for row in range(code.parity):
            if len(parity) == bodies.count(None):
                break
            body = self._read((code.data + row) * code.stripes + stripe)
            if body is not None:
                parity[row] = body
        if len(parity) == bodies.count(None):
            for row, body in self._coder.solve(bodies, parity).items():
                bodies[row] = body
        return {row * code.stripes + stripe: body for row, body in enumerate(bodies)}

    def _read(self, page: int) -> bytes | None:
        (found,) = _read_cells(self._place, self._layout.page_at(page), CELL_BYTES)
        return None if found is None else pages.body(found, self._package_id, self._layout, page)


def _read_cells(place: Place, offset: int, length: int) -> list[bytes | None]:
    """The bytes of an object cell by cell, the last one filled up with zeros; None for each that does not come.

    Raises `Unavailable`.
    """
    content = bytearray(length)
    try:
        count = read_fully(place.store, place.key, offset, memoryview(content))
    except NotThere:
        return [None] * cells(length)
    except Unreadable:
        if length <= CELL_BYTES:
            return [None]
        half = cells(length) // 2 * CELL_BYTES
        return _read_cells(place, offset, half) + _read_cells(place, offset + half, length - half)
    found: list[bytes | None] = []
    for at in range(0, length, CELL_BYTES):
        cell = bytes(content[at : at + CELL_BYTES])
        found.append(cell.ljust(CELL_BYTES, b"\0") if at + len(cell) <= count else None)
    return found


def _runs(numbers: Iterable[int]) -> Iterator[range]:
    """Neighbouring numbers together, at most `STRIPES_AT_ONCE`."""
    for _, run in groupby(enumerate(sorted(numbers)), key=lambda each: each[1] - each[0]):
        found = [number for _, number in run]
        for at in range(0, len(found), STRIPES_AT_ONCE):
            yield range(found[at], found[min(at + STRIPES_AT_ONCE, len(found)) - 1] + 1)
