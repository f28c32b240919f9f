"""Hold how a source is now against how it was last, both in listing order; nothing is read but what is listed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preserve.bags.entries import BATCH_ENTRIES, FILE, FOLDER, LINK, UNREAD, Spool, order
from preserve.model.restless import is_moving
from preserve.packages.harvesting.last_state import Batch, LastState
from preserve.packages.harvesting.rows import CTIME, DOUBTFUL, KIND, MTIME, PACKAGE, PATH, SIZE, Seen

SAME, REREAD, FRESH, TOUCHED, GONE = range(5)
"""What a comparison comes to, as plain tuples in listing order:

| first field | then | is |
|---|---|---|
| `SAME` | batch, from, to | rows of the last state that are as they were |
| `REREAD` | batch, row, seen, kept | one of them that is to be read all the same |
| `FRESH` | seen | what was not there |
| `TOUCHED` | seen, seen before, kept, batch, row | what is there still, and not as it was; both of one kind |
| `GONE` | seen before, kept | what is there no more |
"""

_STRIDE = 256
"""Rows compared at once, where all of them are likely the same."""
_SHARES = 10_000
MOST_RESTLESS = 1000
"""So many of the files that moved too short a while ago are known by name."""


class Plan:
    """Plain tuples, spooled.  `close` it."""

    def __init__(self, work: Path) -> None:
        self._spool = Spool(work)
        self._batch: list[tuple[Any, ...]] = []

    def add(self, item: tuple[Any, ...]) -> None:
        """One more.  Raises `NoSpace`."""
        self._batch.append(item)
        if len(self._batch) == BATCH_ENTRIES:
            self._spool.add(self._batch)
            self._batch = []

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """All of them; may be read again, once all were added."""
        if self._batch:
            self._spool.add(self._batch)
            self._batch = []
        return self._spool.items()

    def close(self) -> None:
        """Forget them."""
        self._spool.close()


Name = bytes
"""A path; the census has a field `bytes`, which would be taken for the type."""


@dataclass(slots=True)
class Census:
    """How many files and links there were; how many of each there are, and how many bytes; how many files moved too
    short a while ago, and the first of those; when the last one changed after the look began, by the clock of its own
    file system."""

    before: int = 0
    files: int = 0
    links: int = 0
    bytes: int = 0
    unsettled: int = 0
    latest_ns: int = 0
    restless: list[Name] = field(default_factory=list)


def share_of(number: int, percent: int) -> Callable[[bytes], bool] | None:
    """Which paths harvest `number` reads again: each path belongs to one of 10,000 shares, and `percent` of them have
    their turn, so that 100 / `percent` harvests see every file.  None for no path at all."""
    if percent <= 0:
        return None
    width = percent * _SHARES // 100
    begin = number * width % _SHARES

    def is_picked(path: bytes) -> bool:
        return (zlib.crc32(path) - begin) % _SHARES < width

    return is_picked


class Comparison:
    """Compares a listing with the last state.

    A file that changed within `moving_ns` (after, up to; see `is_moving`) is left as it was.  What is `UNREAD` is too,
    with all that was below it.  `is_picked` says which unchanged files are read all the same; with `has_doubtful` also
    those that are doubted already are, and so are those of packages that are `lost`.
    """

    def __init__(
        self,
        plan: Plan,
        last: LastState,
        moving_ns: tuple[int, int],
        is_picked: Callable[[bytes], bool] | None,
        has_doubtful: bool,
        lost: Collection[str] = (),
    ) -> None:
        self._plan = plan
        self._batches = enumerate(last.batches())
        self._rested_ns, self._now_ns = moving_ns
        self._is_picked = is_picked
        self._has_doubtful = has_doubtful
        self._lost = lost
        self._number = -1
        self._batch: Batch | None = None
        self._old: list[Seen] = []
        self._at = 0
        self._run_begin = 0
        self.census = Census()

    def run(self, listing: Iterable[list[Seen]]) -> None:
        """Compare all of it.  Raises `WornError`, `NoSpace`, and what the listing raises."""
        for new in listing:
            self._compare(new)
        while self._has_old():
            self._gone()

    def _compare(self, new: list[Seen]) -> None:
        at = 0
        while at < len(new):
            if not self._has_old():
                for seen in new[at:]:
                    self._fresh(seen)
                return
            alike = self._alike(new, at)
            if alike:
                self._same(alike)
                at += alike
                continue
            before, now = order(self._old[self._at][PATH]), order(new[at][PATH])
            if now > before:
                self._gone()
            elif new[at][KIND] == UNREAD:
                self._leave_as_it_was(new[at][PATH])
                at += 1
            elif now < before:
                self._fresh(new[at])
                at += 1
            else:
                self._touched(new[at])
                at += 1

    def _has_old(self) -> bool:
        """Whether a row of the last state is left; the next batch is taken up where one is used up."""
        while self._at == len(self._old):
            self._end_run()
            number, batch = next(self._batches, (0, None))
            if batch is None:
                return False
            self._number, self._batch, self._old, self._at, self._run_begin = number, batch, batch.seen, 0, 0
            self.census.before += len(batch.seen) - [seen[KIND] for seen in batch.seen].count(FOLDER)
        return True

    def _alike(self, new: list[Seen], at: int) -> int:
        """How many rows, at most a stride, are as they were."""
        count = min(len(new) - at, len(self._old) - self._at, _STRIDE)
        now, before = new[at : at + count], self._old[self._at : self._at + count]
        if now == before:
            return count
        return next(number for number in range(count) if now[number] != before[number])

    def _same(self, count: int) -> None:
        rows = range(self._at, self._at + count)
        old = self._old
        kinds = [seen[KIND] for seen in old[self._at : rows.stop]]
        self.census.files += kinds.count(FILE)
        self.census.links += kinds.count(LINK)
        self.census.bytes += sum([seen[SIZE] for seen in old[self._at : rows.stop]])  # of files alone it is not 0
        if self._is_picked is not None or self._has_doubtful or self._lost:
            for row in rows:
                if old[row][KIND] == FILE and self._is_reread(row):
                    self._at = row
                    self._end_run()
                    batch = self._batch
                    if batch is not None:
                        self._plan.add((REREAD, self._number, row, old[row], batch.kept()[row]))
                    self._run_begin = row + 1
        self._at = rows.stop

    def _is_reread(self, row: int) -> bool:
        if self._is_picked is not None and self._is_picked(self._old[row][PATH]):
            return True
        if self._batch is None or not (self._has_doubtful or self._lost):
            return False
        kept = self._batch.kept()[row]
        return (self._has_doubtful and bool(kept[DOUBTFUL])) or kept[PACKAGE] in self._lost

    def _leave_as_it_was(self, path: bytes) -> None:
        """Nobody could look there: what is known of it has not vanished."""
        below = path + b"/"
        while self._has_old():
            old = self._old[self._at]
            if old[PATH] != path and not old[PATH].startswith(below):
                return
            self._count(old)
            self._at += 1  # it stays in the run

    def _fresh(self, seen: Seen) -> None:
        self._end_run()
        if seen[KIND] == UNREAD:
            return
        if self._is_restless(seen):
            self._note_restless(seen)
            return
        self._count(seen)
        self._plan.add((FRESH, seen))

    def _touched(self, seen: Seen) -> None:
        before, row = self._old[self._at], self._at
        if self._is_restless(seen):
            self._note_restless(seen)
            self._count(before)
            self._at += 1  # it stays in the run: for this harvest it is as it was
            return
        self._end_run()
        kept = self._batch.kept()[row] if self._batch is not None else None
        if seen[KIND] == before[KIND]:
            self._plan.add((TOUCHED, seen, before, kept, self._number, row))
        else:
            self._plan.add((GONE, before, kept))
            self._plan.add((FRESH, seen))
        self._count(seen)
        self._step()

    def _gone(self) -> None:
        self._end_run()
        if self._batch is not None:
            self._plan.add((GONE, self._old[self._at], self._batch.kept()[self._at]))
        self._step()

    def _step(self) -> None:
        self._at += 1
        self._run_begin = self._at

    def _end_run(self) -> None:
        """Write down the rows before this one that are as they were."""
        if self._run_begin < self._at:
            self._plan.add((SAME, self._number, self._run_begin, self._at))
        self._run_begin = self._at

    def _count(self, seen: Seen) -> None:
        if seen[KIND] == FILE:
            self.census.files += 1
            self.census.bytes += seen[SIZE]
        elif seen[KIND] == LINK:
            self.census.links += 1

    def _is_restless(self, seen: Seen) -> bool:
        if seen[KIND] != FILE:
            return False
        changed_ns = seen[CTIME] or seen[MTIME]
        if self._now_ns < changed_ns:
            self.census.latest_ns = max(self.census.latest_ns, changed_ns)
        return is_moving(seen[MTIME], seen[CTIME], self._rested_ns, self._now_ns)

    def _note_restless(self, seen: Seen) -> None:
        self.census.unsettled += 1
        if len(self.census.restless) < MOST_RESTLESS:
            self.census.restless.append(seen[PATH])
