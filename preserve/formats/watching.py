"""Watch a tool while it runs: the time, memory, processes and output of all that it started together."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from preserve import clock
from preserve.durable import free_bytes
from preserve.model.formats.tool_runs import Limits, Result
from preserve.processes import KEPT_FREE_BYTES, Ended

OUTPUT_EVERY_SECONDS = 0.5
DEEPEST_FOLDER = 16
GONE_SECONDS = 10.0
"""So long the kernel may take to end processes that were killed."""
_BY_SIGNAL = {int(signal.SIGXFSZ): Result.TOO_MUCH_OUTPUT, int(signal.SIGXCPU): Result.TIMED_OUT}
Known = tuple[int, str]
"""A process: its number, and when it began, since numbers are given again."""


class Watch:
    """Looks at one run, and remembers why it had to be ended."""

    def __init__(self, limits: Limits, home: Path, out: Path, scratch: Path) -> None:
        self._limits = limits
        self._home = home
        self._out = out
        self._scratch = scratch
        self._begun = clock.monotonic_seconds()
        self._looked_at = self._begun
        self._why: Result | None = None
        self.seen: set[Known] = set()
        self.output_bytes = self.peak_memory_bytes = 0

    def may_go_on(self, number: int) -> bool:
        """Whether the run whose first process has this number keeps within its limits."""
        self._why = self._too_much(number)
        return self._why is None

    def result_of(self, ended: Ended) -> Result | None:
        """What a run came to that did not keep within its limits; None where it did."""
        if self._why is None and ended.status is not None:
            # A shell, or bwrap, says 128 + n where signal n ended what it ran.
            return _BY_SIGNAL.get(ended.status - 128 if ended.status > 128 else -ended.status)
        return self._why

    def look_at_output(self) -> None:
        """Look once more, when nothing runs any more: a tool may have ended between two looks."""
        self._why = self._why or self._output()

    def _too_much(self, number: int) -> Result | None:
        now = clock.monotonic_seconds()
        if now - self._begun > self._limits.seconds:
            return Result.TIMED_OUT
        threads = memory = 0
        for process in _family(number):
            self.seen.add((process, _facts(process)[1]))
            threads += _threads(process)
            memory += _memory(process)
        self.peak_memory_bytes = max(self.peak_memory_bytes, memory)
        if memory > self._limits.memory_bytes:
            return Result.TOO_MUCH_MEMORY
        if threads >= self._limits.processes:
            return Result.TOO_MANY_PROCESSES
        if now - self._looked_at < OUTPUT_EVERY_SECONDS:
            return None
        self._looked_at = now
        return self._output()

    def _output(self) -> Result | None:
        self.output_bytes = files = 0
        for entry, facts in chain(entries(self._out), entries(self._home)):
            if entry.startswith(str(self._out)):
                self.output_bytes += _bytes_in(facts)
                files += 1
            if files > self._limits.output_files or entry.count("/") > str(self._out).count("/") + DEEPEST_FOLDER:
                return Result.TOO_MUCH_OUTPUT
        if self.output_bytes > self._limits.output_bytes or free_bytes(self._scratch) < KEPT_FREE_BYTES:
            return Result.TOO_MUCH_OUTPUT
        return None


def _bytes_in(facts: os.stat_result) -> int:
    """How much is in a file: not the holes in it, nor the rest of the block that a small one lies in, by which a
    mailbox of tiny messages would be ten times what it was made of."""
    return min(facts.st_size, facts.st_blocks * 512) if stat.S_ISREG(facts.st_mode) else 0


def entries(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """All that lies in a folder, with what the system says of it; no link is followed."""
    waiting = [str(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as found:  # it may vanish, or let nobody in
            for entry in found:
                with suppress(OSError):
                    facts = entry.stat(follow_symlinks=False)
                    yield entry.path, facts
                    if stat.S_ISDIR(facts.st_mode):
                        waiting.append(entry.path)


def end_survivors(seen: set[Known], user: int | None) -> None:
    """End what outlived a run, and wait until it is gone: what is judged must not change any more.

    Behind walls the kernel ends all with the first process.  Without, processes that left their group are known by
    the user whom nobody else is.
    """
    until = clock.monotonic_seconds() + GONE_SECONDS
    while left := {known for known in (seen if user is None else _of_user(user)) if _lives(known)}:
        for process, _ in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        if clock.monotonic_seconds() > until:
            return
        clock.SystemClock().sleep(0.01)


def _lives(known: Known) -> bool:
    state, begun = _facts(known[0])
    return begun == known[1] and state not in ("", "Z", "X")


def _of_user(user: int) -> set[Known]:
    """Whoever is this user, also where it hides by prctl(2)'s PR_SET_DUMPABLE."""
    numbers = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return {(number, _facts(number)[1]) for number in numbers if _told(number, "Uid:")[:1] == [user]}


def _family(number: int) -> Iterator[int]:
    waiting = [number]
    while waiting:
        process = waiting.pop()
        yield process
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{process}/task"):
                with suppress(OSError), open(f"/proc/{process}/task/{thread}/children", encoding="ascii") as file:
                    waiting.extend(map(int, file.read().split()))


def _threads(process: int) -> int:
    try:
        return len(os.listdir(f"/proc/{process}/task"))
    except OSError:
        return 0


def _memory(process: int) -> int:
    """What a process holds in memory that is no file's: its own, and what it shares with others, in bytes."""
    return 1024 * sum(sum(_told(process, name)[:1]) for name in ("RssAnon:", "RssShmem:"))


def _told(process: int, name: str) -> list[int]:
    """The numbers that the system gives under `name` in what it tells of a process (proc(5), status)."""
    with suppress(OSError), open(f"/proc/{process}/status", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith(name):
                return [int(word) for word in line.split()[1:] if word.isdigit()]
    return []


def _facts(process: int) -> tuple[str, str]:
    """State of a process, and when it began (proc(5), stat); empty where there is none of that number."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            words = file.read().rpartition(")")[2].split()
    except OSError:
        return "", ""
    return words[0], words[19]
