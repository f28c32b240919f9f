"""How the state of a source is kept: when it is written whole, and how its file is taken in, as records are."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from preserve.bags.entries import FILE, Entry, Spool
from preserve.bags.parts import BagFacts
from preserve.bags.submission import Shape, Submission, Totals
from preserve.bags.tags import Element, Oxum
from preserve.model.sources import HarvestEntry
from preserve.packages.harvesting.state_files import NAME

LEAST_ROWS_FOR_BASE = 20_000
MOST_ROWS_OF_CHANGES = 200_000
BASE_SHARE = 8
"""The whole state is written again when differences come to more rows than one for each so many files (at least and at
most so many): differences are held in memory when a state is read, and each is an object more that must be sound."""
MOST_STATES = 60
"""So many files a state is put together from at most."""


def is_due_whole(states: Sequence[HarvestEntry], rows: int, files: int) -> bool:
    """Whether the state is to be written whole: of `files`, after `states` (a base and differences since) `rows` more
    would differ."""
    if not states or len(states) >= MOST_STATES:
        return True
    differences = rows + sum(state.counts.rows for state in states[1:])
    return differences > min(max(LEAST_ROWS_FOR_BASE, files // BASE_SHARE), MOST_ROWS_OF_CHANGES)


def submission_of(written: Path, elements: tuple[Element, ...]) -> Submission:
    """The file of a state as a submission of its own; its listing lies beside it until that is closed."""
    facts = written.stat()
    times = (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)
    entry: Entry = (FILE, NAME.encode(), *times, 0o644, b"", str(written).encode(), 0)
    with ExitStack() as resources:
        spool = resources.enter_context(Spool(written.parent))
        spool.add([entry])
        bag = BagFacts((1, 0), "UTF-8", elements, (), (), (), Oxum(facts.st_size, 1), False)
        totals = Totals(1, 0, 0, facts.st_size)
        return Submission(written, Shape.FOLDER, totals, (), spool, resources.pop_all(), bag=bag)
