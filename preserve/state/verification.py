"""Do the books fit themselves?  Every hash is computed again, and the catalog is made again and compared."""

from __future__ import annotations

import heapq
import itertools
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from preserve.errors import PreserveError
from preserve.model import merkle
from preserve.model.complaints import ComplaintList, Complaints
from preserve.state import checkpoints, key_changes
from preserve.state.books import Books
from preserve.state.database import Database
from preserve.state.key_changes import Handover
from preserve.state.ledger import Effects
from preserve.state.projection import CATALOG
from preserve.state.sqlite_database import SqliteDatabase


@dataclass(frozen=True, slots=True)
class LedgerVerdict:
    """What came out: so many entries under this root, and what does not fit."""

    size: int
    root: bytes
    complaints: Complaints

    @property
    def is_ok(self) -> bool:
        return self.complaints.count == 0


def verify_books(books: Books) -> LedgerVerdict:
    """Check the books of a home against themselves, as of one moment; others may go on writing.

    Compares each entry with its leaf hash, each inner hash with those below it, the head and every checkpoint this
    home signed with the tree, and each row of the catalog with a replay.  What was rewritten consistently, checkpoints
    included, only a checkpoint kept elsewhere gives away (`preserve.state.checkpoints.compare`).
    """
    verification = _Verification(books.another_connection())
    try:
        return verification.verdict()
    finally:
        verification.close()


class _Verification:
    def __init__(self, kept: Database) -> None:
        self._kept = kept
        self._again = SqliteDatabase.private()
        self._complaints = ComplaintList()
        self._is_replayed = True

    def close(self) -> None:
        self._kept.close()
        self._again.close()

    def verdict(self) -> LedgerVerdict:
        with self._kept.snapshot():
            with self._again.transaction() as tables:
                effects = Effects(tables)
                edge = self._check_tree(effects)
                effects.settle()
            if self._is_replayed:
                self._check_catalog()
            if not self._complaints.count:
                self._check_key_changes()
        return LedgerVerdict(edge.size, edge.root(), self._complaints.freeze())

    def _check_tree(self, effects: Effects) -> merkle.Frontier:
        """Follow entries and stored hashes from the first on; replay the entries on the way."""
        edge = merkle.Frontier()
        stored = self._stored_hashes()
        signed = {kept.size: kept.note for kept in Books(self._kept).checkpoints()}
        for number, content in self._kept.pages("number, CAST(content AS BLOB)", "entry", ("number",), after=(-1,)):
            if number != edge.size:
                self._complaints.add(
                    "entries-gone",
                    str(edge.size),
                    "entries {first} to {last} of the ledger are gone",
                    first=edge.size,
                    last=number - 1,
                )
                self._is_replayed = False
                break
            self._check_leaf(edge, content, stored)
            if edge.size in signed:
                self._check_checkpoint(edge, signed.pop(edge.size))
            self._replay(effects, number, content)
        for size in signed:
            self._complaints.add(
                "cut-off",
                str(size),
                "a checkpoint was signed for {size} entries, and they are not all there",
                size=size,
            )
        self._check_counts(edge)
        return edge

    def _stored_hashes(self) -> Iterator[tuple[Any, ...]]:
        return self._kept.pages("position, CAST(hash AS BLOB)", "node", ("position",), after=(-1,))

    def _check_leaf(self, edge: merkle.Frontier, content: bytes, stored: Iterator[tuple[Any, ...]]) -> None:
        number, first = edge.size, merkle.stored_count(edge.size)
        count = merkle.stored_count(number + 1) - first
        found = list(itertools.islice(stored, count))
        hashes = [value for _, value in found]
        if [position for position, _ in found] != list(range(first, first + count)):
            self._complaints.add(
                "hashes-gone", str(number), "hashes over entry {number} of the ledger are gone", number=number
            )
            edge.add(merkle.leaf_hash(content))
            return
        if hashes[0] != merkle.leaf_hash(content):
            self._complaints.add(
                "entry-changed",
                str(number),
                "entry {number} of the ledger is not what was written: its hash differs",
                number=number,
            )
        # Going on from the stored hash shows each harm where it is, and not in everything above and after it.
        if edge.add(hashes[0])[1:] != hashes[1:]:
            self._complaints.add(
                "hashes-changed",
                str(number),
                "the hashes over entry {number} of the ledger do not fit those below",
                number=number,
            )

    def _check_checkpoint(self, edge: merkle.Frontier, note: bytes) -> None:
        try:
            checkpoint = checkpoints.read(note, Books(self._kept).verifier_keys())
        except ValueError as error:
            self._complaints.add(
                "checkpoint-void",
                str(edge.size),
                "the checkpoint kept of {size} entries is void: {error}",
                size=edge.size,
                error=str(error),
            )
            return
        if (checkpoint.size, checkpoint.root) != (edge.size, edge.root()):
            self._complaints.add(
                "checkpoint-differs",
                str(edge.size),
                "the ledger differs from the checkpoint signed at {size} entries",
                size=edge.size,
            )

    def _replay(self, effects: Effects, number: int, content: bytes) -> None:
        if not self._is_replayed:
            return
        try:
            effects.take(number, content)
        except PreserveError as error:
            self._is_replayed = False
            self._complaints.add("entry-void", str(number), error.template, **error.values)

    def _check_counts(self, edge: merkle.Frontier) -> None:
        head = self._kept.row("SELECT size, frontier FROM head")
        if head is None or head[0] != edge.size or head[1] != b"".join(edge.hashes):
            said = head[0] if head else "-"
            self._complaints.add(
                "head-differs",
                str(edge.size),
                "the ledger's head names {said} entries; {size} are there",
                said=said,
                size=edge.size,
            )
        entries = self._kept.row("SELECT count(*) FROM entry")
        hashes = self._kept.row("SELECT count(*) FROM node")
        if entries != (edge.size,) or hashes != (merkle.stored_count(edge.size),):
            self._complaints.add(
                "surplus",
                str(edge.size),
                "the ledger holds more than its {size} entries and their hashes",
                size=edge.size,
            )

    def _check_catalog(self) -> None:
        for table, key in CATALOG.items():
            said = self._again.pages("*", table, key)
            found = self._kept.pages("*", table, key)
            for row_key, expected, kept in _side_by_side(said, found, len(key)):
                if expected != kept:
                    self._complain_of_row(table, row_key, expected, kept)

    def _check_key_changes(self) -> None:
        """A change that one of the keys is said to have signed, and has not."""
        for change in key_changes.changes(Books(self._kept)):
            if change.handover is Handover.VOID:
                self._complaints.add(
                    "key-change-void",
                    str(change.number),
                    "entry {number} of the ledger changes the signing key to {new}, and what it gives as signed by both"
                    " keys is not: somebody may have forged it",
                    number=change.number,
                    new=change.new,
                )

    def _complain_of_row(self, table: str, key: Any, expected: Any, kept: Any) -> None:
        name = " ".join(str(part) for part in key)
        if kept is None:
            self._complaints.add(
                "row-gone",
                f"{table} {name}",
                "the catalog lost {row} of table {table}, which the ledger names",
                row=name,
                table=table,
            )
        elif expected is None:
            self._complaints.add(
                "row-surplus",
                f"{table} {name}",
                "the catalog has {row} in table {table}, of which the ledger knows nothing",
                row=name,
                table=table,
            )
        else:
            self._complaints.add(
                "row-changed", f"{table} {name}",
                "the catalog says of {row} in table {table}: {kept}; the ledger says: {expected}",
                row=name, table=table, kept=_differing(kept, expected), expected=_differing(expected, kept),
            )  # fmt: skip


def _differing(one: tuple[object, ...], other: tuple[object, ...]) -> str:
    return ", ".join(repr(mine) for mine, theirs in zip(one, other, strict=True) if mine != theirs)


def _side_by_side(
    left: Iterator[tuple[Any, ...]], right: Iterator[tuple[Any, ...]], key_columns: int
) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...] | None, tuple[Any, ...] | None]]:
    """Rows of two sorted streams, paired by key; None where one of them has none."""
    expected = (([_rank(value) for value in row[:key_columns]], 0, row) for row in left)
    kept = (([_rank(value) for value in row[:key_columns]], 1, row) for row in right)
    together = heapq.merge(expected, kept, key=operator.itemgetter(0, 1))
    for _, rows in itertools.groupby(together, key=operator.itemgetter(0)):
        sides = {side: row for _, side, row in rows}
        yield next(iter(sides.values()))[:key_columns], sides.get(0), sides.get(1)


def _rank(value: Any) -> tuple[int, Any]:
    """How the database sorts: nulls, numbers, text, bytes; an edited table may hold any of them anywhere."""
    if value is None:
        return (0, 0)
    return (1, value) if isinstance(value, int | float) else (2 if isinstance(value, str) else 3, value)
