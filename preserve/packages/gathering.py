"""Fresh sound blocks of one object from any place that holds it: half-broken copies together make a whole one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from threading import Lock

from preserve.errors import Frozen, Unavailable
from preserve.model.blocks import BlockList
from preserve.model.entries import AuditResult
from preserve.model.keys import Key
from preserve.model.merging import Extent, Known
from preserve.model.phrases import phrase
from preserve.packages.merging import merged_from, most_merged
from preserve.packages.reading import BlockReader, Look, SoundFile, UnsoundBlockError
from preserve.ports import Store


@dataclass(frozen=True, slots=True)
class Place:
    """One object, current or superseded, in one store."""

    store: Store
    key: Key

    @property
    def name(self) -> str:
        return self.store.name


MOST_IN_VAIN = 16
"""Blocks of one object that cannot be merged, after which no more are tried: it is lost, and each may take seconds."""

Mend = Callable[[int], tuple[bytes, str] | None]
"""A block out of parity, proved, and the store whose parity it was."""

Contents = Callable[[int], tuple[Sequence[Extent], Sequence[Known]]]
"""What is known to lie in a block of this number: files with their digests, headers and padding."""


class Gathering:
    """Reads blocks from `places`, in that order of preference, and gives out only those that fit their digest.

    May be used from several threads.  What was found unsound on the way stays in `unsound`; a store that cannot serve
    is passed over from then on and stays in `away`.
    """

    def __init__(
        self, places: Sequence[Place], blocks: BlockList, contents: Contents | None = None, mend: Mend | None = None
    ) -> None:
        self.places = tuple(places)
        self.blocks = blocks
        self._contents = contents
        self._mend = mend
        self.away: dict[str, str] = {}
        self.frozen: set[str] = set()
        """Those of the stores away of which only this object lies in cold storage."""
        self.bytes_read = 0
        self._readers = [(place, BlockReader(place.store, place.key, blocks)) for place in places]
        self._unsound: dict[Place, set[int]] = {}
        self._unread: dict[str, set[int]] = {}
        self._lied: set[Place] = set()
        self._in_vain = 0
        self._merging = Lock()
        self._lock = Lock()

    @property
    def lied(self) -> Collection[Place]:
        """The places that gave something else than was asked of them, and had not been known to."""
        return frozenset(self._lied)

    def unread(self, numbers: Collection[int]) -> set[str]:
        """The stores that answered and did not give one of these blocks: what nobody has read may be sound."""
        return {name for name, failed in self._unread.items() if not failed.isdisjoint(numbers)}

    def know_unsound(self, place: Place, numbers: Collection[int]) -> None:
        """Blocks found unsound a moment ago, which need not be asked for again."""
        self._unsound.setdefault(place, set()).update(numbers)

    def read(self, number: int, into: memoryview) -> Place | None:
        """Read a sound copy of one block into the caller's memory, which must be longer than the block.

        Returns where it came from; None when no place in reach has one: what is in the memory then is worthless.
        """
        for place, reader in self._readers:
            if place.name in self.away or number in self._unsound.get(place, ()):
                continue
            try:
                look = reader.read(number, into)
            except Unavailable as error:
                self.away[place.name] = str(error)
                if isinstance(error, Frozen):
                    self.frozen.add(place.name)
                continue
            if self._took(place, look):
                return place
        return None

    def merge(self, number: int, into: memoryview) -> Collection[str]:
        """Put a block together that no place has sound, out of parity, or of what several have between them.

        Returns the stores of which something was taken; none where that cannot be done.
        """
        with self._merging:
            return self._mended(number, into) or self._merged(number, into)

    def _mended(self, number: int, into: memoryview) -> Collection[str]:
        mended = None if self._mend is None else self._mend(number)
        if mended is None:
            return ()
        content, store = mended
        into[: len(content)] = content
        with self._lock:
            self.bytes_read += len(content)
        return (store,)

    def _merged(self, number: int, into: memoryview) -> Collection[str]:
        if self._in_vain >= MOST_IN_VAIN:
            return ()
        places = [place for place in self.places if place.name not in self.away]
        files, known = self._contents(number) if self._contents else ((), ())
        offset, length = self.blocks.span(number)
        asked = [(place.store, place.key) for place in places]
        merged = merged_from(asked, offset, length, self.blocks.digest(number), files, known)
        if merged is None:
            self._in_vain += 1
            return ()
        into[:length] = merged.content
        with self._lock:
            self.bytes_read += length * min(len(places), most_merged(length))
        return sorted({places[which].name for _, _, which in merged.origins})

    def _took(self, place: Place, look: Look) -> bool:
        with self._lock:
            if look.is_sound:
                self.bytes_read += self.blocks.span(look.number)[1]
                return True
            if look.sight is AuditResult.UNREADABLE:
                self._unread.setdefault(place.name, set()).add(look.number)
            self._unsound.setdefault(place, set()).add(look.number)
            self._lied.add(place)
            return False


class GatheredFile(SoundFile):
    """A seekable file over an object of which any place may have any block.  Raises `UnsoundBlockError` on reading
    from a block that no place has sound."""

    def __init__(self, gathering: Gathering) -> None:
        place = gathering.places[0]
        super().__init__(place.store, place.key, gathering.blocks)
        self._gathering = gathering

    def _block(self, number: int) -> bytes:
        if number not in self._kept:
            buffer = bytearray(self._blocks.span(number)[1] + 1)
            memory = memoryview(buffer)
            if self._gathering.read(number, memory) is None and not self._gathering.merge(number, memory):
                expected = self._blocks.digest(number).hex()
                raise UnsoundBlockError(Look(AuditResult.MISSING, expected, phrase("nothing sound in reach"), number))
            self._kept[number] = bytes(buffer[:-1])
            if len(self._kept) > self._KEPT_BLOCKS:
                self._kept.popitem(last=False)
        return self._kept[number]
