"""The ledger in the database: appending entries to their Merkle tree, replaying them, and proofs over them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from preserve.errors import Refused, Tampered
from preserve.model import events, merkle
from preserve.model.nouns import EventType
from preserve.state import standings
from preserve.state.applying import Tables
from preserve.state.database import Database
from preserve.state.projection import apply

BATCH_ENTRIES = 1000
_PACKAGES_AT_ONCE = 1000
_OF_ALL_COPIES = frozenset([EventType.STORE_ADDED.value, EventType.STORE_RETIRED.value])
"""Move all copies in a store at once, and so find all counted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the ledger, with its number (the leaf index, from 0)."""

    number: int
    content: bytes


def frontier(tables: Any) -> merkle.Frontier:
    """The right edge of the tree as it stands."""
    size, packed = tables.execute("SELECT size, CAST(frontier AS BLOB) FROM head").fetchone()
    hashes = [packed[at : at + merkle.HASH_BYTES] for at in range(0, len(packed), merkle.HASH_BYTES)]
    try:
        return merkle.Frontier(size, hashes)
    except ValueError as error:
        raise Tampered("the head of the ledger does not fit its size: {error}", error=str(error)) from error


def append(tables: Any, edge: merkle.Frontier, contents: Iterable[bytes]) -> None:
    """Add entries and the hashes they complete; `edge` is the tree's frontier and moves on."""
    for batch in _batches(contents):
        number, position = edge.size, merkle.stored_count(edge.size)
        tables.executemany("INSERT INTO entry (number, content) VALUES (?, ?)", enumerate(batch, number))
        hashes = itertools.chain.from_iterable(edge.add(merkle.leaf_hash(content)) for content in batch)
        tables.executemany("INSERT INTO node (position, hash) VALUES (?, ?)", enumerate(hashes, position))
    tables.execute("UPDATE head SET size = ?, frontier = ?", (edge.size, b"".join(edge.hashes)))


class Effects:
    """Lets entries take effect on the catalog, in order; `settle` comes after the last, in the same transaction."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._touched: set[str] = set()

    def take(self, number: int, content: bytes) -> None:
        """Apply one entry.  Raises `Tampered` where it is no entry, and what `projection.apply` raises."""
        try:
            entry = json.loads(content)
            kind, at, detail = entry["type"], entry["at"], entry["detail"]
        except (ValueError, KeyError, TypeError) as error:
            raise Tampered(
                "entry {number} of the ledger is no event: {error}", number=number, error=repr(error)
            ) from error
        if kind in _OF_ALL_COPIES or len(self._touched) >= _PACKAGES_AT_ONCE:
            self.settle()
        package = apply(self._tables, number, kind, at, detail)
        if package is not None:
            self._touched.add(package)

    def settle(self) -> None:
        """Count what the entries changed."""
        standings.settle(self._tables, self._touched)
        self._touched.clear()


def replay(tables: Any, contents: Iterable[bytes]) -> None:
    """Append entries that were written before and let them take effect, in order."""
    edge, effects = frontier(tables), Effects(tables)

    def applied() -> Iterator[bytes]:
        for number, content in enumerate(contents, edge.size):
            effects.take(number, content)
            yield content

    append(tables, edge, applied())
    effects.settle()


def _batches(contents: Iterable[bytes]) -> Iterator[list[bytes]]:
    remaining = iter(contents)
    while batch := list(itertools.islice(remaining, BATCH_ENTRIES)):
        yield batch


class LedgerReading:
    """Questions about the ledger."""

    _database: Database

    def size(self) -> int:
        """How many entries there are."""
        row = self._database.row("SELECT size FROM head")
        return int(row[0]) if row else 0

    def newest_moment(self) -> str | None:
        """When the last entry was written, by the clock of then."""
        size = self.size()
        return None if not size else events.decode(self.entry(size - 1).content).at

    def root(self, size: int | None = None) -> bytes:
        """The Merkle tree hash of the first `size` entries (None: all)."""
        return merkle.root_at(self._size(size), self.node)

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        """The entries from number `start` up to, without, `end` (None: all there are when they are reached)."""
        for number, content in self._database.pages(
            "number, CAST(content AS BLOB)", "entry", ("number",), after=(start - 1,)
        ):
            if end is not None and number >= end:
                return
            yield Entry(number, content)

    def entry(self, number: int) -> Entry:
        """One entry.  Raises `Refused` where the ledger is shorter."""
        for entry in self.entries(number, number + 1):
            return entry
        raise Refused("the ledger has {size} entries, and no entry {number}", size=self.size(), number=number)

    def inclusion_proof(self, number: int, size: int | None = None) -> list[bytes]:
        """The audit path of an entry in the tree of the first `size` entries (RFC 6962, 2.1.1)."""
        end = self._size(size)
        if not 0 <= number < end:
            raise Refused("entry {number} is not among the first {size} of the ledger", number=number, size=end)
        return merkle.inclusion_proof(number, end, self.node)

    def consistency_proof(self, old_size: int, size: int | None = None) -> list[bytes]:
        """The proof that the first `old_size` entries are where the first `size` begin (RFC 6962, 2.1.2)."""
        end = self._size(size)
        if not 0 < old_size <= end:
            raise Refused("no proof leads from {old} to {size} entries of the ledger", old=old_size, size=end)
        return merkle.consistency_proof(old_size, end, self.node)

    def node(self, level: int, index: int) -> bytes:
        """A stored hash (`merkle.NodeHash`).  Raises `Tampered` where it is gone."""
        row = self._database.row(
            "SELECT CAST(hash AS BLOB) FROM node WHERE position = ?", (merkle.stored_position(level, index),)
        )
        if row is None:
            raise Tampered("a hash of the ledger's tree is gone (level {level}, {index})", level=level, index=index)
        found: bytes = row[0]
        return found

    def _size(self, size: int | None) -> int:
        known = self.size()
        if size is None:
            return known
        if not 0 <= size <= known:
            raise Refused("the ledger has {known} entries, not {size}", known=known, size=size)
        return size
