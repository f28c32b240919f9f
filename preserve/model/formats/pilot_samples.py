"""Draw the files of a pilot: some of every sort, and the rest at random, so that it can be drawn again alike.

Sorts (strata) are the format, the size, the year and category of the records, and what is odd about a file: a plain
random sample of a few finds neither the one Excel 95 workbook nor the one file with macros.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from preserve.model.lots import into_reservoir

DEFAULT_SAMPLE = 50
"""Files that are drawn where nobody says how many."""
LARGEST_SAMPLE = 10_000
"""More is no pilot any more; each file is converted by each alternative, and looked at by people."""
_SIZES = (16 * 1024, 256 * 1024, 4 * 1024 * 1024, 64 * 1024 * 1024)


class PilotFile(NamedTuple):
    """A file that a migration would convert.  `number` is its place in the package's list of formats; `year` and
    `category` are those that all records of its package share, "" where they do not; `oddities` are in order."""

    package: str
    number: int
    puid: str
    bytes: int
    year: str
    category: str
    oddities: tuple[str, ...]


class Sort(NamedTuple):
    """A sort of files: `size` counts classes from 0, small ones first."""

    puid: str
    size: int
    year: str
    category: str
    oddities: tuple[str, ...]


def sort_of(file: PilotFile) -> Sort:
    """Of which sort a file is."""
    size = sum(file.bytes >= limit for limit in _SIZES)
    return Sort(file.puid, size, file.year, file.category, file.oddities)


@dataclass(frozen=True, slots=True)
class PilotSample:
    """The files drawn, by package and number, of so many that there are (n of N); how many sorts there are, how many of
    these are in the sample, and how many files of each format there are."""

    files: tuple[PilotFile, ...]
    of_files: int
    sorts: int
    sorts_drawn: int
    by_format: Mapping[str, int]


def drawn(candidates: Iterable[PilotFile], count: int, lots: Random) -> PilotSample:
    """Draw `count` of the candidates, which come in a fixed order, in one pass, in memory for sample and sorts alone.

    First one of each format; then one of each sort, odd ones first, as far as `count` goes; the rest from all alike.
    """
    of_sort: dict[Sort, tuple[int, PilotFile]] = {}
    of_all: list[PilotFile] = []
    by_format: Counter[str] = Counter()
    for candidate in candidates:
        sort = sort_of(candidate)
        by_format[candidate.puid] += 1
        alike, kept = of_sort.get(sort, (0, candidate))
        of_sort[sort] = (alike + 1, candidate if lots.randrange(alike + 1) == 0 else kept)
        into_reservoir(of_all, candidate, by_format.total(), count, lots)
    sorts = sorted(of_sort)
    lots.shuffle(sorts)
    sorts.sort(key=lambda sort: not sort.oddities)  # stable: chance decides among equals
    first_of_format = {sort.puid: sort for sort in reversed(sorts)}
    lots.shuffle(of_all)
    order = [*first_of_format.values(), *sorts]
    files = [*(of_sort[sort][1] for sort in order), *of_all]
    taken = list(dict.fromkeys(files))[:count]
    return PilotSample(
        tuple(sorted(taken)), by_format.total(), len(sorts), len({sort_of(each) for each in taken}), dict(by_format)
    )
