"""Run commands side by side, in turn, and keep what each took: wall time, processor time, memory."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Case:
    """One command. `prepare` gets a fresh folder before each run and returns the command's arguments."""

    name: str
    prepare: Callable[[Path], Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    allowed: tuple[int, ...] = (0,)
    """Exit statuses that mean it did its work."""
    finish: Callable[[Path], None] = lambda folder: None
    once: bool = False
    """Measured in the first round alone: for peers that take minutes."""
    most_seconds: float | None = None
    """It is ended after so long, and counts as having taken that long, which is in its favour."""
    without: tuple[str, Callable[[str], float]] | None = None
    """A second row, of this name, for the time less the seconds that the output tells of one part of it."""


@dataclass(frozen=True, slots=True)
class Target:
    """`case` should take at most `factor` times what `reference` takes (the sum, where several are named)."""

    case: str
    factor: float
    reference: tuple[str, ...]
    plus_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took, in seconds."""

    wall: float
    processor: float
    was_ended: bool = False
    """It would have taken longer: see `Case.most_seconds`."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How often to measure, and for how long at most: after `most_seconds` no further round begins."""

    rounds: int
    most_seconds: float


def measure(cases: Sequence[Case], bounds: Bounds, work: Path, warm: Sequence[Path] = ()) -> dict[str, list[Run]]:
    """Every case once a round, in turn, each in a fresh folder, with `warm` in the page cache and the disk at rest."""
    runs: dict[str, list[Run]] = {}
    begun = time.monotonic()
    for number in range(bounds.rounds):
        if number and time.monotonic() - begun > bounds.most_seconds:
            break
        for case in cases:
            if number and case.once:
                continue
            folder = work / "case"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            command = case.prepare(folder)
            for path in warm:
                read_all(path)
            os.sync()
            for name, run in timed(command, case).items():
                runs.setdefault(name, []).append(run)
                taken = f"{run.wall:8.2f} s, processor {run.processor:7.2f} s"
                print(f"  round {number + 1}: {name:50s} {taken}{' (ended)' * run.was_ended}", file=sys.stderr)
            case.finish(folder)
    shutil.rmtree(work / "case", ignore_errors=True)
    return runs


def timed(command: Sequence[str], case: Case) -> dict[str, Run]:
    """Run one command to its end; what it took, by the name of the row.  Raises RuntimeError when it fails."""
    _processor_seconds()  # what preparations spent does not count
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        env={**os.environ, **case.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, complaints = process.communicate(timeout=case.most_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return {case.name: Run(time.monotonic() - began, _processor_seconds(), was_ended=True)}
    wall = time.monotonic() - began
    if process.returncode not in case.allowed:
        raise RuntimeError(f"{case.name} ended with {process.returncode}:\n{(output + complaints)[-2000:]}")
    rows = {case.name: Run(wall, _processor_seconds())}
    if case.without is not None:
        name, seconds_of = case.without
        rows[name] = Run(wall - seconds_of(output), rows[case.name].processor)
    return rows


_spent = 0.0
_BE_THE_PARENT_OF_ORPHANS = 36  # prctl(2), PR_SET_CHILD_SUBREAPER
_DYING_SECONDS = 0.1


def _processor_seconds() -> float:
    """Of all processes that ended since the last call."""
    global _spent
    before, _spent = _spent, seconds_of_the_ended()
    return _spent - before


def seconds_of_the_ended() -> float:
    """The processor time of all processes below this one that ended since `adopt` was called, orphans among them."""
    time.sleep(_DYING_SECONDS)  # the kernel ends them when it has ended who left them
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    times = os.times()
    return times.children_user + times.children_system


def processor_seconds() -> float:
    """Likewise, with that of this process: the same on a busy machine as on an idle one."""
    return time.process_time() + seconds_of_the_ended()


def adopt() -> None:
    """Have this process take over what those below it leave behind.

    bwrap(1) does not wait for the first process of a sandbox, and nobody else would count what ran in it.
    """
    ctypes.CDLL(None).prctl(_BE_THE_PARENT_OF_ORPHANS, 1, 0, 0, 0)


def read_all(root: Path) -> None:
    """Bring everything below `root` into the page cache."""
    buffer = bytearray(1 << 20)
    for folder, _, files in os.walk(root):
        for name in files:
            with open(os.path.join(folder, name), "rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass


class PeakMemory:
    """Watches a process and all below it while the `with` lasts.

    `mib` is the largest sum of their proportional set sizes (shared pages counted once) that was seen, in MiB.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak_kib = 0
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    @property
    def mib(self) -> float:
        return self._peak_kib / 1024

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._done.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self._peak_kib = max(self._peak_kib, sum(_pss_kib(pid) for pid in family(self._pid)))


def peak_memory_mib(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """What a command and its children hold at most, as `PeakMemory` sees it."""
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with PeakMemory(process.pid) as memory:
        process.wait()
    return memory.mib


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for parent in found:
        with suppress(OSError):  # it may end while we look
            for thread in Path(f"/proc/{parent}/task").iterdir():  # each knows those alone that it started
                found += map(int, (thread / "children").read_text().split())
    return found


def _pss_kib(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def report(title: str, runs: Mapping[str, Sequence[Run]], targets: Sequence[Target]) -> str:
    """A table of medians in Markdown, and what became of the targets."""
    lines = [f"### {title}", "", "| case | median s | min–max s | processor s |", "|---|---|---|---|"]
    median = {name: statistics.median(run.wall for run in those) for name, those in runs.items() if those}
    for name, those in runs.items():
        walls = [run.wall for run in those]
        processor = statistics.median(run.processor for run in those)
        least = "over " * any(run.was_ended for run in those)
        lines.append(f"| {name} | {least}{median[name]:.2f} | {min(walls):.2f}–{max(walls):.2f} | {processor:.2f} |")
    lines += ["", "| target | reached | |", "|---|---|---|"]
    lines += [_verdict(target, runs) for target in targets]
    return "\n".join(lines) + "\n"


def _verdict(target: Target, runs: Mapping[str, Sequence[Run]]) -> str:
    """One line.  Ratios within one round, then their median: what disturbs the machine disturbs neighbours alike."""
    ratios = []
    for number, run in enumerate(runs[target.case]):
        references = [runs[name][min(number, len(runs[name]) - 1)] for name in target.reference]
        ratios.append((run.wall - target.plus_seconds) / sum(reference.wall for reference in references))
    reached = statistics.median(ratios)
    wanted = f"{target.case} ≤ {target.factor:g} × ({' + '.join(target.reference)})"
    wanted += f" + {target.plus_seconds:g} s" if target.plus_seconds else ""
    was_ended = any(run.was_ended for name in target.reference for run in runs[name])
    no = "not known: the peer was ended" if was_ended else "**no**"
    return f"| {wanted} | {'under ' * was_ended}{reached:.2f} | {'yes' if reached <= target.factor else no} |"


@dataclass(frozen=True, slots=True)
class Figure:
    """Something counted, and the most it should be."""

    name: str
    found: float
    most: float
    unit: str


def figures(title: str, those: Sequence[Figure]) -> str:
    """A table of counted things and their targets, in Markdown."""
    lines = [f"### {title}", "", "| figure | found | target | |", "|---|---|---|---|"]
    for one in those:
        verdict = "yes" if one.found <= one.most else "**no**"
        lines.append(f"| {one.name} | {one.found:g} {one.unit} | ≤ {one.most:g} {one.unit} | {verdict} |")
    return "\n".join(lines) + "\n"
