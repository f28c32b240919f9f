"""Read what a store keeps of a package, now, and compare it with what it should be; never from metadata or a cache."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import local
from typing import IO, cast

from preserve.errors import NotThere, Unreadable
from preserve.model.blocks import BlockList
from preserve.model.digests import Algorithm, sha256, start
from preserve.model.entries import AuditResult
from preserve.model.keys import Key
from preserve.model.phrases import phrase
from preserve.packages.at_once import in_order
from preserve.packages.buffers import buffer
from preserve.ports import Store

READERS = 4
"""Blocks read from one store at a time."""

_PIECE_BYTES = 8 * 1024 * 1024
"""Asked for in one request: large enough that requests cost little, small enough that many readers fit in memory."""


@dataclass(frozen=True, slots=True)
class Look:
    """One object, or one block of it, as the store gave it now.

    `expected` and `found` are digests in hex, or words where there is none (`nothing`, `7 bytes`).
    """

    sight: AuditResult
    expected: str
    found: str
    number: int = 0
    content: bytes = b""
    """The object's bytes, for `fetch` alone, and only when it is sound."""

    @property
    def is_sound(self) -> bool:
        return self.sight is AuditResult.SOUND


def twice(look: Callable[[], Look]) -> Look:
    """Look again before calling anything damaged: what was torn on its way here is no damage there."""
    first = look()
    return look() if first.sight is AuditResult.DAMAGED else first


def fetch(store: Store, key: Key, size: int, digest: str) -> Look:
    """Read a small object whole (`size` bytes at most are held) and compare it with its SHA-256 in hex.

    Reads it again before calling it damaged.  Raises `Unavailable` when the store cannot serve.
    """
    return twice(lambda: _fetch(store, key, size, digest))


def _fetch(store: Store, key: Key, size: int, digest: str) -> Look:
    buffer = memoryview(bytearray(size + 1))
    try:
        count = read_fully(store, key, 0, buffer)
    except NotThere:
        return Look(AuditResult.MISSING, digest, phrase("nothing"))
    except Unreadable as error:
        return Look(AuditResult.UNREADABLE, digest, str(error))
    content = bytes(buffer[:count])  # never cut short in place: a failed attempt's traceback may hold a view of it
    found = sha256(content).hex()
    if found != digest:
        return Look(AuditResult.DAMAGED, digest, found if count == size else _length(count, size))
    return Look(AuditResult.SOUND, digest, found, content=content)


def look_at_object(store: Store, key: Key, size: int, digest: str) -> Look:
    """Like `fetch` for an object of any size, which is read in pieces and not kept."""
    return twice(lambda: _look_at_object(store, key, size, digest))


def _look_at_object(store: Store, key: Key, size: int, digest: str) -> Look:
    running, at = start(Algorithm.SHA256), 0
    piece = memoryview(bytearray(min(size + 1, _PIECE_BYTES)))
    try:
        while at <= size:
            count = read_fully(store, key, at, piece)
            running.update(piece[:count])
            at += count
            if count < len(piece):
                break
    except NotThere:
        return Look(AuditResult.MISSING, digest, phrase("nothing"))
    except Unreadable as error:
        return Look(AuditResult.UNREADABLE, digest, str(error))
    found = running.hexdigest()
    if at != size or found != digest:
        return Look(AuditResult.DAMAGED, digest, found if at == size else _length(at, size))
    return Look(AuditResult.SOUND, digest, found)


def read_fully(store: Store, key: Key, start_at: int, into: memoryview) -> int:
    """Fill `into` from the store; fewer bytes than asked for mean the object's end."""
    done = 0
    while done < len(into):
        count = store.read(key, start_at + done, into[done:])
        if count == 0:
            break
        done += count
    return done


class BlockReader:
    """Reads blocks of one object of one store, several at a time; memory is bounded by `READERS` pieces of 8 MiB.

    Each block is read again before it is called damaged, unless `once` says that nobody knows what it should be.
    """

    def __init__(self, store: Store, key: Key, blocks: BlockList, *, once: bool = False) -> None:
        self._store = store
        self._key = key
        self._blocks = blocks
        self._once = once
        self._buffers = local()

    def looks(self, numbers: Iterable[int]) -> Iterator[Look]:
        """A look at each block, in the given order.  Raises `Unavailable` when the store cannot serve.

        An object that goes on after its last block makes that block damaged.
        """
        return in_order(self._look, numbers, READERS)

    def read(self, number: int, into: memoryview) -> Look:
        """Read one block into the caller's memory, which must be longer than the block."""
        return self._looked(number, lambda at, most: into[at : at + most])

    def _look(self, number: int) -> Look:
        room = getattr(self._buffers, "bytes", None)
        if room is None:
            self._buffers.bytes = room = buffer(_PIECE_BYTES)
        return self._looked(number, lambda at, most: cast(memoryview, room)[:most])

    def _looked(self, number: int, room: Callable[[int, int], memoryview]) -> Look:
        return self._read(number, room) if self._once else twice(lambda: self._read(number, room))

    def _read(self, number: int, room: Callable[[int, int], memoryview]) -> Look:
        """Read and digest one block in pieces; `room` gives the memory for the piece at an offset in the block."""
        offset, length = self._blocks.span(number)
        expected = self._blocks.digest(number).hex()
        # One byte more than the last block should have shows an object that goes on.
        wanted = length + (offset + length == self._blocks.total_bytes)
        running, at = start(Algorithm.SHA256), 0
        try:
            while at < wanted:
                piece = room(at, min(_PIECE_BYTES, wanted - at))
                count = read_fully(self._store, self._key, offset + at, piece)
                running.update(piece[:count])
                at += count
                if count < len(piece):
                    break
        except NotThere:
            return Look(AuditResult.MISSING, expected, phrase("nothing"), number)
        except Unreadable as error:
            return Look(AuditResult.UNREADABLE, expected, str(error), number)
        if at != length:
            found = _length(offset + at, self._blocks.total_bytes)
            return Look(AuditResult.DAMAGED, expected, found, number)
        found = running.hexdigest()
        result = AuditResult.SOUND if found == expected else AuditResult.DAMAGED
        return Look(result, expected, found, number)


def _length(seen: int, expected: int) -> str:
    """Words for an object that ends early or goes on too long."""
    if seen < expected:
        return phrase("{seen} of {bytes} bytes", seen=seen, bytes=expected)
    return phrase("more than {bytes} bytes", bytes=expected)


class UnsoundBlockError(OSError):
    """A block that was needed is not sound; `look` says how.  An OSError, because file readers expect no other."""

    def __init__(self, look: Look) -> None:
        super().__init__(f"block {look.number} is {look.sight}: expected {look.expected}, found {look.found}")
        self.look = look


class SoundFile(io.RawIOBase):
    """A seekable file over a stored object, which gives out only bytes of blocks that fit their digest.

    Keeps the last few blocks.  Raises `UnsoundBlockError` on reading from a block that is not sound, `Unavailable`.
    """

    _KEPT_BLOCKS = 16

    def __init__(self, store: Store, key: Key, blocks: BlockList) -> None:
        super().__init__()
        self._reader = BlockReader(store, key, blocks)
        self._blocks = blocks
        self._at = 0
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._blocks.total_bytes}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, into: object) -> int:
        view = memoryview(into).cast("B")  # type: ignore[arg-type]
        number = self._at // self._blocks.block_bytes
        if self._at >= self._blocks.total_bytes or not view:
            return 0
        within = self._at - number * self._blocks.block_bytes
        part = self._block(number)[within : within + len(view)]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def buffered(self) -> IO[bytes]:
        """The same as a file whose `read(n)` gives all `n` bytes there are."""
        return cast(IO[bytes], io.BufferedReader(self, self._blocks.block_bytes))

    def _block(self, number: int) -> bytes:
        if number not in self._kept:
            buffer = bytearray(self._blocks.span(number)[1] + 1)
            look = self._reader.read(number, memoryview(buffer))
            if not look.is_sound:
                raise UnsoundBlockError(look)
            self._kept[number] = bytes(buffer[:-1])
            if len(self._kept) > self._KEPT_BLOCKS:
                self._kept.popitem(last=False)
        return self._kept[number]
