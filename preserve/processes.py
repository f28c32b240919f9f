"""The only module that starts processes: programs of others, bounded in time, in what they may write and in what they
are told, and never left behind; and our own modules."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import IO

from preserve.clock import monotonic_seconds
from preserve.durable import free_bytes, raise_if_full
from preserve.environment import surroundings
from preserve.errors import NoSpace, Refused, Unavailable
from preserve.model.sizes import Size

Process = subprocess.Popen[bytes]

ANSWER_BYTES = 64 * 1024
"""So much of what a program answers is kept."""
STDERR_BYTES = 4096
"""So much of what a program complains about is kept: the end, where it says why it gave up."""
KEPT_FREE_BYTES = 256 * 1024 * 1024
"""A program's output never takes the last of a disk: the home's books lie there too."""
_PIECE_BYTES = 1024 * 1024
_LOOK_EVERY_BYTES = 64 * 1024 * 1024
WATCH_SECONDS = 0.1
"""How often a program under way is looked at."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a program printed: length in bytes, and the end of what it complained about although it ended well."""

    bytes: int
    complaints: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program that was asked something printed: at most `ANSWER_BYTES`, the end of what it complained about, and
    its exit status."""

    status: int
    text: str
    complaints: str


def run_to_file(
    arguments: Sequence[str],
    into: Path,
    work: Path,
    most_seconds: int,
    digest: Callable[[bytes], object],
    variables: Collection[str] = (),
) -> Output:
    """Run a program in the folder `work`, and keep what it prints in `into`, piece by piece; `digest` is given each.

    The program reads nothing, speaks the C locale, knows of our environment what `environment.surroundings` hands on
    and `variables`, and is ended with all that it started when it takes longer than `most_seconds`, or this process is
    stopped.  Raises `Unavailable` where it ends with another exit status than 0 or
    takes too long, `Refused` where it cannot be started, `NoSpace`; then `into` is worth nothing.
    """
    named = arguments[0]
    process = _begun(arguments, work, variables, in_group_of_its_own=True)
    try:
        with into.open("wb") as file:
            writing = _Writing(file, into, digest)
            reading = _Reading(process, most_seconds, writing.keep)
            complaints = reading.run()
        status = reading.awaited_status()
    except OSError as error:
        raise_if_full(error, into)
        raise
    finally:
        _end(process)
    if status != 0:
        raise Unavailable(
            "{program} ended with exit status {status}, so what it printed was not kept: {complaints}",
            program=named,
            status=status,
            complaints=complaints or "-",
        )
    return Output(writing.bytes, complaints)


def run_for_answer(
    arguments: Sequence[str], work: Path, most_seconds: int, *, in_group_of_its_own: bool = False
) -> Answer:
    """Run a program in the folder `work` that is to answer something, under the same conditions.

    What it prints beyond `ANSWER_BYTES` is not kept.  It is one of our process group, and ended with it: so for a
    process that is itself ended with its group, as those that judge are.  Where nobody ends ours, it is given a group
    of its own, and what it started is ended with it when it takes too long.  Raises `Unavailable` where it takes too
    long, `Refused` where it cannot be started.
    """
    text = bytearray()
    process = _begun(arguments, work, (), in_group_of_its_own=in_group_of_its_own)
    try:
        reading = _Reading(process, most_seconds, lambda piece: text.extend(piece[: ANSWER_BYTES - len(text)]))
        complaints = reading.run()
        return Answer(reading.awaited_status(), text.decode("utf-8", "replace"), complaints)
    finally:
        _end(process, with_its_group=in_group_of_its_own)


def run_for_pieces(arguments: Sequence[str], work: Path, most_seconds: int, keep: Callable[[bytes], object]) -> Answer:
    """Run a program in the folder `work` whose output, however long, is handed to `keep` piece by piece and not kept;
    the answer's text is empty.  It is one of our process group, and ended with it.  Raises as `run_for_answer` does.
    """
    process = _begun(arguments, work, (), in_group_of_its_own=False)
    try:
        reading = _Reading(process, most_seconds, keep)
        complaints = reading.run()
        return Answer(reading.awaited_status(), "", complaints)
    finally:
        _end(process, with_its_group=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended that was watched: its exit status (negative: the signal that ended it; None where whoever
    watched ended it), the beginning of what it printed, the end of what it complained about, line by line, and how
    long it took."""

    status: int | None
    text: str
    complaints: str
    seconds: float


def run_watched(
    arguments: Sequence[str], work: Path, variables: Mapping[str, str], watch: Callable[[int], bool]
) -> Ended:
    """Run a program in the folder `work` that knows nothing of our environment but `variables`.

    `watch` is given its number again and again (every `WATCH_SECONDS`, or somewhat later), and says whether it may go
    on; where not, it is ended with all of its process group.  Nothing that the program does is an exception.  Raises
    `Refused` where it cannot be started.
    """
    text = bytearray()
    begun = monotonic_seconds()
    process = _started(arguments, work, dict(variables), in_group_of_its_own=True)
    reading = _Reading(process, None, lambda piece: text.extend(piece[: ANSWER_BYTES - len(text)]), watch)
    status: int | None = None
    try:
        reading.run()
        status = reading.awaited_status()
    except _StoppedError:
        status = None
    finally:
        _end(process)
    return Ended(status, text.decode("utf-8", "replace"), reading.complaint_lines, monotonic_seconds() - begun)


def run_apart(act: Callable[[], None], most_seconds: float) -> bool:
    """Do something in a process of its own, a copy of this one: whether it came to its end, in time.

    What it raises is printed as a complaint, and goes no further.  For modules that have no threads.
    """
    import multiprocessing  # hardly any command needs it, and it takes 10 ms to load

    process = multiprocessing.get_context("fork").Process(target=act)
    process.start()
    process.join(most_seconds)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode == 0


def end_self_after(seconds: float) -> None:
    """Have the system end this process when so much time has passed, whatever it is doing; asked again, the time begins
    anew.  For processes of `run_apart`."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def start_module(
    module: str,
    arguments: Sequence[str],
    *,
    handles: Sequence[int] = (),
    is_silent: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Process:
    """Start one of our own modules, which is asked and answers by pipes, and knows all of our environment, or this one.

    `handles` are open in it too.  What it complains about goes where ours goes, or nowhere where it `is_silent`.
    """
    # -P: a file of the current folder must not stand in for a module.  A session of its own: Ctrl-C reaches us alone,
    # and we end the work in order.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if is_silent else None,
        pass_fds=list(handles),
        env=environment,
        start_new_session=True,
    )


def end_with_all(process: Process) -> None:
    """End a process, and all that it started, whatever they are doing."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with process:  # closes the pipes and waits
        pass


def _begun(arguments: Sequence[str], work: Path, variables: Collection[str], *, in_group_of_its_own: bool) -> Process:
    return _started(arguments, work, surroundings(variables, LC_ALL="C.UTF-8"), in_group_of_its_own=in_group_of_its_own)


def _started(
    arguments: Sequence[str], work: Path, environment: dict[str, str], *, in_group_of_its_own: bool
) -> Process:
    try:
        return subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=work,
            env=environment,
            start_new_session=in_group_of_its_own,
        )
    except OSError as error:
        raise Refused("{program} cannot be run: {reason}", program=arguments[0], reason=error.strerror) from error


class _Writing:
    """The file that a program's output is kept in."""

    def __init__(self, file: IO[bytes], into: Path, digest: Callable[[bytes], object]) -> None:
        self._file = file
        self._into = into
        self._digest = digest
        self.bytes = self._looked_at = 0

    def keep(self, piece: bytes) -> None:
        """One piece more.  Raises `NoSpace`."""
        self._digest(piece)
        self._file.write(piece)
        self.bytes += len(piece)
        if self.bytes - self._looked_at >= _LOOK_EVERY_BYTES:
            self._looked_at = self.bytes
            left = free_bytes(self._into.parent)
            if left < KEPT_FREE_BYTES:
                raise NoSpace(
                    "{folder} has {left} left and the program prints on; free some space there and harvest again",
                    folder=self._into.parent,
                    left=Size(left),
                )


class _Reading:
    """One program under way."""

    def __init__(
        self,
        process: Process,
        most_seconds: int | None,
        keep: Callable[[bytes], object],
        watch: Callable[[int], bool] = lambda number: True,
    ) -> None:
        self._process = process
        self._most_seconds = most_seconds
        self._until = inf if most_seconds is None else monotonic_seconds() + most_seconds
        self._keep = keep
        self._watch = watch
        self._watched_at = monotonic_seconds()
        self._complaints = b""

    @property
    def complaints(self) -> str:
        """The end of what it complained about so far."""
        return " ".join(self.complaint_lines.split())

    @property
    def complaint_lines(self) -> str:
        """The same, with its lines apart."""
        lines = self._complaints.decode("utf-8", "replace").splitlines()
        return "\n".join(line for line in (" ".join(each.split()) for each in lines) if line)

    def run(self) -> str:
        """Read both streams to their ends; what it complained about."""
        with selectors.DefaultSelector() as selector:
            for stream in (self._process.stdout, self._process.stderr):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(WATCH_SECONDS):
                    piece = os.read(key.fd, _PIECE_BYTES)
                    if not piece:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self._process.stdout:
                        self._keep(piece)
                    else:
                        self._complaints = (self._complaints + piece)[-STDERR_BYTES:]
                self._look()
        return self.complaints

    def awaited_status(self) -> int:
        """The exit status: a program may close its output and go on for ever."""
        while True:
            with suppress(subprocess.TimeoutExpired):
                return self._process.wait(WATCH_SECONDS)
            self._look()

    def _look(self) -> None:
        now = monotonic_seconds()
        if now > self._until:
            raise self._too_long()
        if now - self._watched_at >= WATCH_SECONDS:
            if not self._watch(self._process.pid):
                raise _StoppedError
            self._watched_at = monotonic_seconds()

    def _too_long(self) -> Unavailable:
        return Unavailable(
            "{program} took longer than {seconds} seconds and was ended; what it printed was not kept",
            program=self._process.args[0] if isinstance(self._process.args, list) else "-",
            seconds=self._most_seconds,
        )


class _StoppedError(Exception):
    """Whoever watched a program wants it ended."""


def _end(process: Process, *, with_its_group: bool = True) -> None:
    """End a program, and all that it started where it has a group of its own, if any of it still runs."""
    if not with_its_group:
        process.kill()
    elif process.returncode is None:  # else its number may be another's by now
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    _forget(process)


def _forget(process: Process) -> None:
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
