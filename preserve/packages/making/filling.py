"""Fill one block of a bag's tar with headers and file contents, digesting them on the way.

Runs in processes of its own (`python -m preserve.packages.making.filling`), because the work for a small file is mostly
Python's own: two processes pack twice as many as two threads.  It therefore imports next to nothing.

Each file is read once, at the offset it was listed with, and compared with what the listing said of it: a file that
changed in between, or while it is read, is reported and not packed.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from preserve.packages import tar
from preserve.packages.pipes import Message, serve


class Entry(NamedTuple):
    """One member of the tar, as planned; plain values only, so that a chunk of them crosses a pipe cheaply."""

    extent: int
    """Bytes it takes in the tar: header, content, padding."""
    kind: bytes
    """`tar.FILE`, `tar.FOLDER`, or empty for zero bytes (the end of the tar)."""
    name: bytes
    """Full path in the tar."""
    size: int
    mode: int
    mtime_ns: int
    source: bytes
    """The file that holds the content."""
    source_offset: int
    """Where in that file it begins, in bytes (a member of a submitted tar)."""
    state: tuple[int, int, int, int]
    """(size, mtime_ns, ctime_ns, inode) of the source file when it was listed."""


class Filled(NamedTuple):
    """What came of one order."""

    digests: bytes
    """Digests of the files that lie wholly in this piece, in order, each algorithm's after the other."""
    block_sha256: bytes
    """Digest of the whole block if it was asked for, else empty."""
    troubles: list[tuple[bytes, str]]
    """(source, what happened) of files that could not be packed; `changed` or the system's own words."""


class Order(NamedTuple):
    """Fill `begin`..`end` of a slot with `entries`, the first of which already had `skip` bytes elsewhere.

    `close` asks for the digest of the slot's bytes from 0 to `end`.
    """

    slot: int
    """Where the slot begins in the shared memory, in bytes."""
    begin: int
    end: int
    skip: int
    entries: list[tuple[Any, ...]]
    close: bool


CHANGED = "changed"


def fill(slot: memoryview, order: Order, algorithms: Sequence[str]) -> Filled:
    """Carry out one order.  Bytes that could not be read are left as they are and reported as a trouble."""
    digests: list[bytes] = []
    troubles: list[tuple[bytes, str]] = []
    constructors = [_constructor(name) for name in algorithms]
    at, skip, end = order.begin, order.skip, order.end
    for plain in order.entries:
        extent, kind, source = plain[0], plain[1], plain[6]
        stop = at - skip + extent
        try:
            if kind == tar.FILE and not skip and stop <= end:
                content = _place_whole_file(slot, at, stop, plain)
                for constructor in constructors:
                    digests.append(constructor(content).digest())
            else:
                _place_part(slot[at : min(stop, end)], Entry(*plain), skip)
        except OSError as error:
            troubles.append((source, error.strerror or str(error)))
        except _ChangedError:
            troubles.append((source, CHANGED))
        at, skip = stop, 0
    block = hashlib.sha256(slot[:end]).digest() if order.close else b""
    return Filled(b"".join(digests), block, troubles)


def _constructor(name: str) -> Callable[[memoryview], Any]:
    """What computes one algorithm; the named ones of hashlib start twice as fast as `hashlib.new`."""
    return getattr(hashlib, name, None) or functools.partial(hashlib.new, name)


class _ChangedError(Exception):
    """The file is not as it was listed."""


def _place_whole_file(slot: memoryview, begin: int, end: int, plain: tuple[Any, ...]) -> memoryview:
    """Write header, content and padding of one file to `begin`..`end`; returns its content.  Runs for every file."""
    _, kind, name, size, mode, mtime_ns, source, source_offset, state = plain
    head = tar.header(name, size, mode, mtime_ns // 1_000_000_000, kind)
    start = begin + len(head)
    slot[begin:start] = head
    content = slot[start : start + size]
    _read_unchanged(source, source_offset, content, state)
    if start + size < end:
        slot[start + size : end] = bytes(end - start - size)
    return content


def _place_part(piece: memoryview, entry: Entry, skip: int) -> None:
    """Write the bytes of an entry's extent that begin at `skip` into `piece`."""
    if not entry.kind:
        piece[:] = bytes(len(piece))
        return
    head = tar.header(entry.name, entry.size, entry.mode, entry.mtime_ns // 1_000_000_000, entry.kind)
    end, content_end = skip + len(piece), len(head) + entry.size
    part = head[skip:end]
    piece[: len(part)] = part
    start, stop = max(skip, len(head)), min(end, content_end)
    if entry.kind == tar.FILE and (stop > start or not entry.size):
        offset = entry.source_offset + start - len(head)
        _read_unchanged(entry.source, offset, piece[start - skip : max(start, stop) - skip], entry.state)
    padding = max(content_end, skip)
    if end > padding:
        piece[padding - skip :] = bytes(end - padding)


# Reading must not change the source: its access time stays as it was, where we may ask for that.
# A pipe that took a file's place must not be waited on, nor a link followed.
_QUIET = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOATIME


def _open(path: bytes) -> int:
    try:
        return os.open(path, _QUIET)
    except PermissionError:
        return os.open(path, _QUIET & ~os.O_NOATIME)


def _read_unchanged(source: bytes, offset: int, into: memoryview, state: tuple[int, int, int, int]) -> None:
    """Fill `into` from `offset` of a file on; raises `_ChangedError` unless the file still is as it was listed."""
    descriptor = _open(source)
    try:
        wanted = len(into)
        done = os.preadv(descriptor, (into,), offset) if wanted else 0
        while done < wanted:
            count = os.preadv(descriptor, (into[done:],), offset + done)
            if count == 0:
                raise _ChangedError
            done += count
        # Looked at after reading: a write before or during it moves ctime, and nobody can move ctime back.
        now = os.fstat(descriptor)
        if (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino) != state or not stat.S_ISREG(now.st_mode):
            raise _ChangedError
    finally:
        os.close(descriptor)


def main(memory: int, memory_bytes: int, algorithms: Sequence[str]) -> None:
    """Carry out orders over the shared memory until standard input ends."""

    def carry_out(view: memoryview, message: Message) -> Message:
        order = Order(*message)
        with view[order.slot :] as slot:
            return tuple(fill(slot, order, algorithms))

    serve(memory, memory_bytes, carry_out)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(","))
