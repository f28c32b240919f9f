"""Processes of our own that work on memory they share with us."""

from __future__ import annotations

import mmap
import os
import queue
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, cast

from preserve.errors import Unavailable
from preserve.packages import pipes
from preserve.packages.pipes import Message
from preserve.processes import Process, start_module


class Workers:
    """`count` processes that run `module` over `memory_bytes` of shared memory; may be asked from several threads.

    Each is started as `python -m module MEMORY BYTES ARGUMENTS…` and answers as `pipes.serve` does.  The memory has no
    name, so that a killed process leaves nothing behind; it lasts as long as anybody holds a view of it, and what
    nobody touches takes no room.
    """

    def __init__(self, count: int, module: str, memory_bytes: int, arguments: Sequence[str]) -> None:
        memory = os.memfd_create("preserve-slots", 0)
        try:
            os.ftruncate(memory, memory_bytes)
            self._mapping = mmap.mmap(memory, memory_bytes)
            self.memory = memoryview(self._mapping)
            command = [module, str(memory), str(memory_bytes), *arguments]
            self._workers = [_Worker(command, memory) for _ in range(count)]
        finally:
            os.close(memory)
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)

    @property
    def processes(self) -> list[Process]:
        """The processes at work; none when `count` was 0."""
        return [worker.process for worker in self._workers]

    def ask(self, message: Message) -> Message:
        """Have the next idle process answer.  Raises `Unavailable` if it dies over it."""
        worker = self._idle.get()
        try:
            return worker.ask(message)
        finally:
            self._idle.put(worker)

    def forget(self) -> None:
        """Give back the room that the shared memory takes; what stood in it is gone, and it may be used on."""
        with suppress(OSError):  # a kernel that keeps it harms nobody
            self._mapping.madvise(mmap.MADV_REMOVE)

    def close(self) -> None:
        """End the processes when they have answered what they were asked."""
        for worker in self._workers:
            with suppress(BrokenPipeError):  # it died, and what was meant for it cannot be flushed
                worker.orders.close()
        for worker in self._workers:
            worker.process.wait()
            worker.results.close()


class _Worker:
    """One process and the two pipes to it."""

    def __init__(self, command: Sequence[str], memory: int) -> None:
        module, *arguments = command
        self.process = start_module(module, arguments, handles=[memory])
        self.orders = cast(IO[bytes], self.process.stdin)
        self.results = cast(IO[bytes], self.process.stdout)

    def ask(self, message: Message) -> Message:
        try:
            pipes.send(self.orders, message)
            return pipes.receive(self.results)
        except (EOFError, OSError) as error:
            raise Unavailable(
                "a process of our own ended unexpectedly (exit status {status}); run the command again",
                status=self.process.poll(),
            ) from error
