"""Write the files that lie in a piece of a bag: digest first, and only what is sound gets a name.

The other way round of `preserve.packages.making.filling`, and for the same reason in processes of its own
(`python -m preserve.packages.restoring.unfilling`): the work for a small file is mostly Python's and the kernel's.
"""

from __future__ import annotations

import hashlib
import sys

from preserve.packages.pipes import Message, serve
from preserve.packages.restoring.landing import Landing

Slice = tuple[bytes, bytes, int, int, bytes, int, int, bool]
"""One file to write, as a plain tuple, which alone crosses a pipe cheaply: its folder and name, where its content
begins and ends in the slot (bytes), SHA-256, mode, mtime_ns, and whether it may take another file's place."""

Trouble = tuple[int, int]
"""A file that was not written: its place in the order, and the system's error number or `NOT_SOUND`."""

NOT_SOUND = 0
"""The content has not the digest it should have."""


def unfill(landing: Landing, slot: memoryview, files: list[Slice]) -> list[Trouble]:
    """Write the files of one order; returns a `Trouble` for each that was not."""
    troubles: list[Trouble] = []
    for number, (folder, name, begin, end, sha256, mode, mtime_ns, replace) in enumerate(files):
        content = slot[begin:end]
        if hashlib.sha256(content).digest() != sha256:
            troubles.append((number, NOT_SOUND))
            continue
        try:
            landing.place(folder, name, content, mode, mtime_ns, replace)
        except OSError as error:
            troubles.append((number, error.errno or -1))
    return troubles


def main(memory: int, memory_bytes: int, root: bytes, staging: bytes) -> None:
    """Carry out orders (where the slot begins, its files) over the shared memory until standard input ends."""
    with Landing(root, staging) as landing:

        def carry_out(view: memoryview, message: Message) -> Message:
            begin, files = message
            with view[begin:] as slot:
                return (unfill(landing, slot, files),)

        serve(memory, memory_bytes, carry_out)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), bytes.fromhex(sys.argv[3]), bytes.fromhex(sys.argv[4]))
