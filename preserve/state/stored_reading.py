"""Read the whole ledger back from stores alone, trusting nothing that no signed checkpoint attests.

Checkpoints divide the ledger into stretches.  Each stretch is put together from the bundles that any of the stores
holds, in all their generations, until one way fits the root that the next checkpoint signs.  So a damaged bundle or
checkpoint is named, another store's takes its place, and only a stretch that no store has sound ends the reading.
"""

from __future__ import annotations

import itertools
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from preserve.model import events, merkle
from preserve.model.nouns import Condition, EventType, Finding, Role, StoreEntry
from preserve.model.phrases import phrase
from preserve.ports import Store
from preserve.state import checkpoints, stored_ledger
from preserve.state.notes import Checkpoint
from preserve.state.registers import SignedFrom
from preserve.state.stored_ledger import Bundle, Head

MOST_WAYS = 64
"""How many ways to put one stretch together are tried before it counts as damaged."""
MOST_VOID_CHECKPOINTS = 20
"""How many checkpoints in a row may be void before reading ends: a stretch is held in memory."""

_BROUGHT_BY = {EventType.INITIALISED.value: "verifier_key", EventType.KEY_CHANGED.value: "new"}


class StoredLedger:
    """The ledger as some stores hold it.  Read `entries` to the end, then ask what came out.

    `known_keys` are the verifier keys to trust, from books or from paper.  Without them the ledger's first entry is
    taken at its word for the first key, and each change of key for the next: consistent, but anybody could have
    written it; show the key to a person then.
    """

    def __init__(self, stores: Sequence[Store], known_keys: Sequence[SignedFrom] | None = None) -> None:
        """List what the stores hold.  Raises `Unavailable`."""
        self._stores = {store.name: store for store in stores}
        holdings = [stored_ledger.survey(store) for store in stores]
        bundles = [bundle for holding in holdings for bundle in holding.bundles]
        self._bundles = sorted(bundles, key=lambda bundle: bundle.first)
        self._reach = list(itertools.accumulate((bundle.last for bundle in self._bundles), max))
        heads = [head for holding in holdings for head in holding.heads]
        self._heads = sorted(heads, key=lambda head: (head.size, -head.generation))
        self._known = None if known_keys is None else tuple(known_keys)
        self._fetched: dict[tuple[str, str], list[bytes] | None] = {}
        self._is_over = False
        self.keys: list[SignedFrom] = []
        """The verifier keys that the entries read so far brought."""
        self.findings: list[Finding] = []
        """Objects that were asked for and are damaged, missing or unreadable."""
        self.proven: Checkpoint | None = None
        """The newest checkpoint that all entries read so far were held against."""

    @property
    def names(self) -> list[str]:
        """The stores that it is read from."""
        return list(self._stores)

    @property
    def attested(self) -> int:
        """How many entries the largest checkpoint listed speaks of; more than are proven means that some are lost."""
        return max((head.size for head in self._heads), default=0)

    @property
    def is_whole(self) -> bool:
        """Whether all entries that a listed checkpoint speaks of were read and proven."""
        return self.proven is not None and self.proven.size == self.attested

    def entries(self) -> Iterator[bytes]:
        """All entries that a signed checkpoint proves, in order, up to the first stretch that no store has sound.

        Raises `Unavailable` where a store cannot be read now.
        """
        edge = merkle.Frontier()
        void = 0
        for head in self._heads:
            if head.size <= edge.size:
                continue
            stretch = self._stretch(edge, head)
            if stretch is not None:
                yield from stretch
                for entry in stretch:
                    edge.add(merkle.leaf_hash(entry))
                self._fetched.clear()
            void = 0 if stretch is not None else void + 1
            if self._is_over or void == MOST_VOID_CHECKPOINTS:
                return

    def _stretch(self, edge: merkle.Frontier, head: Head) -> list[bytes] | None:
        """The entries from `edge` up to a checkpoint, in the way that fits what it signs; None where none does."""
        note = stored_ledger.fetch(self._stores[head.store], head.key, head.size_bytes)
        if isinstance(note, Finding):
            self.findings.append(note)
            return None
        tried: set[Bundle] = set()
        signed, reason = False, ""
        for way in itertools.islice(self._ways(edge.size, head.size), MOST_WAYS):
            entries = [entry for _, lines in way for entry in lines]
            keys = [*self.keys, *_keys_in(entries, edge.size)]
            used = {bundle for bundle, _ in way}
            try:
                checkpoint = _read(note, head.size, self._known or keys)
            except ValueError as error:
                tried, reason = tried | used, str(error)
                continue
            signed = True
            if _root(edge, entries) == checkpoint.root:
                self._blame(tried - used)
                self.keys, self.proven = keys, checkpoint
                return entries
            tried |= used
        if tried and not signed:
            harm = stored_ledger.finding(
                head.store, head.key, Condition.DAMAGED, phrase("a checkpoint of this ledger"), reason
            )
            self.findings.append(harm)
            return None
        # What a signed checkpoint does not bear out, or nobody holds, no later checkpoint can bear out either.
        self._is_over = True
        self._blame(tried)
        if not tried:
            self._tell_gap(edge.size, head)
        return None

    def _ways(self, start: int, end: int) -> Iterator[list[tuple[Bundle, list[bytes]]]]:
        """All ways to put entries `start` to `end` together from bundles, the likeliest first."""
        if start == end:
            yield []
            return
        covering = self._covering(start)
        covering.sort(key=lambda bundle: (bundle.last + 1 != end, -bundle.generation, -bundle.last))
        for bundle in covering:
            lines = self._lines(bundle)
            if lines is None:
                continue
            upto = min(end, bundle.last + 1)
            part = lines[start - bundle.first : upto - bundle.first]
            for rest in self._ways(upto, end):
                yield [(bundle, part), *rest]

    def _covering(self, number: int) -> list[Bundle]:
        """The bundles that hold entry `number`."""
        at = bisect_right(self._bundles, number, key=lambda bundle: bundle.first) - 1
        found = []
        while at >= 0 and self._reach[at] >= number:
            if self._bundles[at].last >= number:
                found.append(self._bundles[at])
            at -= 1
        return found

    def _lines(self, bundle: Bundle) -> list[bytes] | None:
        """The entries in a bundle, or None where it cannot be one; read once for each stretch."""
        place = (bundle.store, bundle.key)
        if place not in self._fetched:
            self._fetched[place] = self._read(bundle)
        return self._fetched[place]

    def _read(self, bundle: Bundle) -> list[bytes] | None:
        content = stored_ledger.fetch(self._stores[bundle.store], bundle.key, bundle.size_bytes)
        if isinstance(content, Finding):
            self.findings.append(content)
            return None
        lines = content.split(b"\n")
        expected = bundle.last - bundle.first + 1
        if lines[-1] or len(lines) != expected + 1:
            self._blame({bundle})
            return None
        return lines[:-1]

    def _blame(self, bundles: set[Bundle]) -> None:
        for bundle in sorted(bundles, key=lambda bundle: (bundle.store, bundle.key)):
            expected = phrase("entries {first} to {last}, as signed", first=bundle.first, last=bundle.last)
            harm = stored_ledger.finding(
                bundle.store, bundle.key, Condition.DAMAGED, expected, phrase("something else")
            )
            if harm not in self.findings:
                self.findings.append(harm)

    def _tell_gap(self, start: int, head: Head) -> None:
        key = stored_ledger.bundle_key(start, head.size - 1)
        harm = stored_ledger.finding(
            head.store, key, Condition.MISSING, phrase("{count} entries", count=head.size - start), phrase("not all")
        )
        if harm not in self.findings:
            self.findings.append(harm)


def begins_with(entries: Iterator[bytes], size: int, root: bytes) -> bool:
    """Whether the first `size` of some entries, which are consumed, have this root."""
    edge = merkle.Frontier()
    for entry in itertools.islice(entries, size):
        edge.add(merkle.leaf_hash(entry))
    return edge.size == size and edge.root() == root


def _read(note: bytes, size: int, keys: Sequence[SignedFrom]) -> Checkpoint:
    checkpoint = checkpoints.read(note, keys)
    if checkpoint.size != size:
        raise ValueError(phrase("it is a checkpoint of {count} entries", count=checkpoint.size))
    return checkpoint


def _root(edge: merkle.Frontier, entries: Sequence[bytes]) -> bytes:
    grown = merkle.Frontier(edge.size, edge.hashes)
    for entry in entries:
        grown.add(merkle.leaf_hash(entry))
    return grown.root()


def _keys_in(entries: Sequence[bytes], first: int) -> Iterator[SignedFrom]:
    """The verifier keys that some entries bring; entries that are none bring none."""
    for number, entry in enumerate(entries, first):
        if b'"verifier_key"' not in entry and EventType.KEY_CHANGED.value.encode() not in entry:
            continue
        try:
            value = json.loads(entry)
        except ValueError:
            continue
        if isinstance(value, Mapping) and value.get("type") in _BROUGHT_BY and isinstance(value.get("detail"), Mapping):
            key = value["detail"].get(_BROUGHT_BY[value["type"]])
            if isinstance(key, str):
                yield SignedFrom(number, key)


def registered_stores(ledger: StoredLedger) -> dict[str, StoreEntry]:
    """The stores that a ledger's proven entries register, by name, each as it was registered last.  Reads it all."""
    stores: dict[str, StoreEntry] = {}
    for entry in ledger.entries():
        event = events.decode(entry)
        if event.type is EventType.STORE_ADDED:
            name, store_id, url = (str(event.detail[key]) for key in ("name", "store_id", "url"))
            profile = event.detail["profile"]
            stores[name] = StoreEntry(
                name, store_id, Role(str(event.detail["role"])), url, profile=None if profile is None else str(profile)
            )
    return stores
