"""What of a source is taken in at one go, as a submission; and the rows of the new state that come of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from preserve.bags.entries import FILE, Entry, Spool, in_batches
from preserve.bags.gate import NameGate
from preserve.bags.names import shown
from preserve.bags.parts import BagFacts
from preserve.bags.submission import Shape, Submission, Totals
from preserve.bags.tags import Element, Oxum
from preserve.errors import Tampered, Unpackable
from preserve.model.complaints import ComplaintList
from preserve.packages.harvesting.comparing import GONE, SAME, Plan
from preserve.packages.harvesting.last_state import Batch, LastState
from preserve.packages.harvesting.places import Catchment
from preserve.packages.harvesting.resolving import CARGO, PUT
from preserve.packages.harvesting.rows import KIND, PACKAGE, PATH, SHA256, SIZE, Kept, Row, Seen, doubted

TAKEN, LATER = 20, 21
"""What cargo comes to: `TAKEN` (seen): its content is in the submission; `LATER` (seen before or None, kept before or
None): it stays as it was, for the next part of the harvest or because it cannot be read."""

PART_BYTES = 64 * 1024 * 1024 * 1024
"""A harvest of more is divided into parts, each of which is booked: a harvest that is killed loses one at most."""


class Loader:
    """Brings cargo of at most `most_bytes` (and one file at least) together, once.

    `loaded` takes what the differences come to.  Of what is fetched, `known` files turn out to hold what they held,
    in packages that are not `lost`; `left_new`, `left_changed` and `left_again` files are left for the next part.
    `unread_new`, `unread_changed` and `unread_again` ones cannot be read: they are told to `passed_over`, and stay as
    they were.  Where that is known only when they are packed, the harvest begins again, and with `is_careful` each is
    read before.
    """

    def __init__(
        self,
        source: Catchment,
        loaded: Plan,
        work: Path,
        most_bytes: int,
        passed_over: ComplaintList,
        *,
        keep_links: bool,
        is_careful: bool = False,
        lost: Collection[str] = (),
    ) -> None:
        self._source = source
        self._loaded = loaded
        self._work = work
        self._room_bytes = most_bytes
        self._complaints, self._notes = ComplaintList(), ComplaintList()
        self._gate = NameGate(self._complaints, self._notes, keep_links=keep_links)
        self._passed_over = passed_over
        self._is_careful = is_careful
        self._lost = lost
        self.taken = self.known = 0
        self.left_new = self.left_changed = self.left_again = 0
        self.unread_new = self.unread_changed = self.unread_again = 0

    @property
    def unread(self) -> int:
        """How many files could not be read."""
        return self.unread_new + self.unread_changed + self.unread_again

    @property
    def left(self) -> int:
        """How many files are left for the next part."""
        return self.left_new + self.left_changed + self.left_again

    def submission(self, resolved: Plan, at: Path, elements: tuple[Element, ...]) -> Submission:
        """The cargo, with folders and links that are new; `at` is what the source is called in messages.

        `elements` stand in bag-info.txt.  Close it.  Raises `Restless`, `NoSpace`, `Unavailable`, and `Refused` for
        names that must not be taken.
        """
        with ExitStack() as resources:
            spool = resources.enter_context(Spool(self._work))
            for batch in in_batches(self._entries(resolved)):
                self._gate.look(batch)
                spool.add(batch)
            self._complaints.raise_if_any(str(at))
            gate = self._gate
            totals = Totals(gate.files, gate.folders, gate.links, gate.bytes)
            facts = BagFacts((1, 0), "UTF-8", elements, (), (), (), Oxum(gate.bytes, gate.files), False)
            return Submission(at, Shape.FOLDER, totals, self._notes.named, spool, resources.pop_all(), bag=facts)

    def _entries(self, resolved: Plan) -> Iterator[Entry]:
        for item in resolved:
            if item[0] == CARGO:
                entry = self._carried(*item[1:])
                if entry is not None:
                    yield entry
                continue
            self._loaded.add(item)
            if item[0] == PUT and item[1][KIND] != FILE:
                yield (*item[1], b"", 0)

    def _carried(self, seen: Seen, before: Seen | None, kept: Kept | None, is_again: bool) -> Entry | None:
        is_new, is_changed = not is_again and before is None, not is_again and before is not None
        if self.taken and seen[SIZE] > self._room_bytes:
            self.left_new += is_new
            self.left_changed += is_changed
            self.left_again += is_again
            self._loaded.add((LATER, before, kept))
            return None
        try:
            brought = self._source.bring(seen, self._work)
            if self._is_careful and self._source.is_local:
                self._source.sha256(seen)
        except Unpackable as error:
            self._passed_over.add("unreadable", shown(seen[PATH]), error.template, **error.values)
            self.unread_new += is_new
            self.unread_changed += is_changed
            self.unread_again += is_again
            self._loaded.add((LATER, before, kept))
            return None
        if kept is not None and brought.sha256 == kept[SHA256] and kept[PACKAGE] not in self._lost:
            self.known += 1
            Path(brought.entry[8].decode()).unlink()
            self._loaded.add((PUT, seen, doubted(kept, False)))
            return None
        self._room_bytes -= seen[SIZE]
        self.taken += 1
        self._loaded.add((TAKEN, seen))
        return brought.entry


class Step(NamedTuple):
    """A row of the new state; `is_new` where it differs from the last state.  `row` alone of what is gone: its path."""

    row: Row | None
    is_new: bool
    gone: bytes = b""


def steps(last: LastState, loaded: Plan, arrivals: Iterable[tuple[bytes, Kept]]) -> Iterator[Step]:
    """The new state, row by row in listing order; `arrivals` are path and place of what was taken, in that order.

    Raises `WornError`, and `Tampered` where something else was taken than was brought.
    """
    batches, arriving = _Batches(last), iter(arrivals)
    for item in loaded:
        kind = item[0]
        if kind == SAME:
            for row in batches.rows(*item[1:]):
                yield Step(row, False)
        elif kind == GONE:
            yield Step(None, True, item[1][PATH])
        elif kind == LATER:
            if item[1] is not None:
                yield Step((item[1], item[2]), False)
        elif kind == TAKEN:
            yield Step((item[1], _arrived(item[1], arriving)), True)
        else:
            yield Step((item[1], item[2]), True)
    surplus, _ = next(arriving, (b"", None))
    if surplus:
        raise _another(surplus, b"")


def _arrived(seen: Seen, arriving: Iterator[tuple[bytes, Kept]]) -> Kept:
    path, kept = next(arriving, (b"", None))
    if kept is None or path != seen[PATH]:
        raise _another(path, seen[PATH])
    return kept


def _another(found: bytes, expected: bytes) -> Tampered:
    return Tampered(
        "the packages of a harvest hold {found} where {expected} was taken in; nothing of it was booked as the state of"
        " the source: run `preserve ledger verify` and `preserve audit`",
        found=shown(found) if found else "nothing",
        expected=shown(expected) if expected else "nothing",
    )


class _Batches:
    """Rows of the last state by the number of their batch, asked for in order."""

    def __init__(self, last: LastState) -> None:
        self._batches = enumerate(last.batches())
        self._number = -1
        self._batch: Batch | None = None

    def rows(self, number: int, begin: int, end: int) -> Iterator[Row]:
        while self._number < number:
            self._number, self._batch = next(self._batches)
        if self._batch is None:
            return iter(())
        return zip(self._batch.seen[begin:end], self._batch.kept()[begin:end], strict=True)
