"""How we talk with processes of our own: marshalled messages over pipes, bytes in memory that both sides map.

Imported by those processes too, and therefore imports next to nothing.
"""

from __future__ import annotations

import gc
import marshal
import mmap
import os
import sys
from collections.abc import Callable
from typing import IO, Any

Message = tuple[Any, ...]


def send(pipe: IO[bytes], message: Message) -> None:
    """One message to the other side."""
    content = marshal.dumps(message)
    pipe.write(len(content).to_bytes(8, "little") + content)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Message:
    """The next message from the other side.  Raises EOFError when that side is gone."""
    length = pipe.read(8)
    if len(length) < 8:
        raise EOFError
    content = pipe.read(int.from_bytes(length, "little"))
    message: Message = marshal.loads(content)  # noqa: S302 - the other side is our own process
    return message


def serve(memory: int, memory_bytes: int, carry_out: Callable[[memoryview, Message], Message]) -> None:
    """In such a process: answer each message on standard input until it ends; `memory` is a descriptor."""
    gc.disable()  # what comes and goes here is plain tuples; looking for cycles in them took a tenth of the time
    with mmap.mmap(memory, memory_bytes) as shared, memoryview(shared) as view:
        while True:
            try:
                message = receive(sys.stdin.buffer)
            except EOFError:
                return
            try:
                send(sys.stdout.buffer, carry_out(view, message))
            except BrokenPipeError:  # who asked was killed; nor shall the interpreter try again as it ends
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return
