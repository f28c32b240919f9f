"""Fill one block of a bag's tar with headers and file contents, digesting them on the way.

Runs in processes of its own (`python -m preserve.packages.filling`), because the work for a small file is mostly
Python's own: two processes pack twice as many as two threads.  It therefore imports next to nothing.

Each file is read once, at the offset it was listed with, and compared with what the listing said of it: a file that
changed in between, or while it is read, is reported and not packed.
"""

from __future__ import annotations

import hashlib
import marshal
import mmap
import os
import stat
import sys
from collections.abc import Sequence
from typing import IO, Any, NamedTuple

from preserve.packages import tar


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
    at, skip = order.begin, order.skip
    for plain in order.entries:
        entry = Entry(*plain)
        take = min(entry.extent - skip, order.end - at)
        piece = slot[at : at + take]
        whole = take == entry.extent
        try:
            content = _place(piece, entry, skip)
            if whole and entry.kind == tar.FILE:
                digests += [hashlib.new(name, content).digest() for name in algorithms]
        except OSError as error:
            troubles.append((entry.source, error.strerror or str(error)))
        except _ChangedError:
            troubles.append((entry.source, CHANGED))
        at, skip = at + take, 0
    block = hashlib.sha256(slot[: order.end]).digest() if order.close else b""
    return Filled(b"".join(digests), block, troubles)


class _ChangedError(Exception):
    """The file is not as it was listed."""


def _place(piece: memoryview, entry: Entry, skip: int) -> memoryview:
    """Write bytes `skip`.. of an entry's extent into `piece`; returns the part of it that is file content."""
    if not entry.kind:
        piece[:] = bytes(len(piece))
        return piece[:0]
    head = tar.header(entry.name, entry.size, entry.mode, entry.mtime_ns // 1_000_000_000, entry.kind)
    end = skip + len(piece)
    content_end = len(head) + entry.size
    if skip < len(head):
        part = head[skip:end]
        piece[: len(part)] = part
    start = max(skip, len(head))
    stop = min(end, content_end)
    content = piece[start - skip : max(start, stop) - skip]
    if stop > start:
        _read_unchanged(entry, start - len(head), content)
    elif entry.kind == tar.FILE and not entry.size and skip <= len(head) <= end:
        _read_unchanged(entry, 0, content)
    if end > content_end:
        padding = max(content_end, skip)
        piece[padding - skip :] = bytes(end - padding)
    return content


# Reading must not change the source: its access time stays as it was, where we may ask for that.
_QUIET = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NOATIME


def _open(path: bytes) -> int:
    try:
        return os.open(path, _QUIET)
    except PermissionError:
        return os.open(path, _QUIET & ~os.O_NOATIME)


def _read_unchanged(entry: Entry, offset: int, into: memoryview) -> None:
    """Read content bytes from `offset` on; raises `_ChangedError` unless the file is as listed, before and after."""
    descriptor = _open(entry.source)
    try:
        done = 0
        while done < len(into):
            count = os.preadv(descriptor, [into[done:]], entry.source_offset + offset + done)
            if count == 0:
                raise _ChangedError
            done += count
        # Looked at after reading: a write before or during it moves ctime, and nobody can move ctime back.
        now = os.fstat(descriptor)
        if (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino) != entry.state or not stat.S_ISREG(now.st_mode):
            raise _ChangedError
    finally:
        os.close(descriptor)


def send(pipe: IO[bytes], value: tuple[Any, ...]) -> None:
    """One message to the other side."""
    content = marshal.dumps(value)
    pipe.write(len(content).to_bytes(8, "little") + content)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """The next message from the other side.  Raises EOFError when that side is gone."""
    length = pipe.read(8)
    if len(length) < 8:
        raise EOFError
    content = pipe.read(int.from_bytes(length, "little"))
    return marshal.loads(content)  # noqa: S302 - the other side is our own process


def serve(memory: int, memory_bytes: int, algorithms: Sequence[str]) -> None:
    """Carry out orders from standard input until it ends; `memory` is the descriptor of the shared memory."""
    with mmap.mmap(memory, memory_bytes) as shared, memoryview(shared) as view:
        while True:
            try:
                order = Order(*receive(sys.stdin.buffer))
            except EOFError:
                return
            with view[order.slot :] as slot:
                send(sys.stdout.buffer, tuple(fill(slot, order, algorithms)))


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(","))
