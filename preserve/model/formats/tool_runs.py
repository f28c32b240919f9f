"""What became of one run of a foreign tool, and under which conditions it ran: values that a risk log keeps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MIB = 1024**2
GIB = 1024**3


class Result(StrEnum):
    """How a run of a tool ended.  Only what is `CONVERTED` is ever looked at as a conversion."""

    CONVERTED = "converted"
    FAILED = "failed"  # it said so itself, by its exit status
    CRASHED = "crashed"  # a signal ended it
    TIMED_OUT = "timed out"
    TOO_MUCH_MEMORY = "too much memory"
    TOO_MUCH_OUTPUT = "too much output"
    TOO_MANY_PROCESSES = "too many processes"
    NO_OUTPUT = "no output"
    ESCAPED = "escaped"  # it left what is no plain file, by which somebody would be led elsewhere


class Protection(StrEnum):
    """What stands between a foreign tool and everything else."""

    OWN_USER = "user of its own"
    OWN_FILES = "sees only its own files"
    OWN_PROCESSES = "sees only its own processes"
    NO_NETWORK = "no network"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a run may take; memory and processes (threads count too) are those of all it starts together."""

    seconds: float = 120.0
    memory_bytes: int = 2 * GIB
    address_bytes: int = 8 * GIB
    """Of each process: what it may reserve, most of which it never touches."""
    scratch_bytes: int = 512 * MIB
    """Its home and its temporary files lie in memory, which is counted for none of its processes."""
    output_bytes: int = 4 * GIB
    output_files: int = 1000
    processes: int = 128
    open_files: int = 1024


@dataclass(frozen=True, slots=True)
class Evidence:
    """Under which conditions a run took place: `arguments` as the tool got them, `lacking` what nothing protected
    against.  `status` is its exit status, negative where it is the number of a signal, None where it was ended.

    Of a call for several `files`, `seconds` is the share of one, and what was said about others by name is left out of
    `text` and `complaints`; memory and status are those of the call.
    """

    tool: str
    version: str
    arguments: tuple[str, ...]
    fonts_sha256: str
    limits: Limits
    lacking: frozenset[Protection]
    seconds: float
    input_bytes: int
    output_bytes: int
    peak_memory_bytes: int
    status: int | None
    text: str
    complaints: str
    files: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run.  `files` are the names of what it made, in the folder it was given, and empty unless it
    converted; `where` names what it left that is no plain file."""

    result: Result
    evidence: Evidence
    files: tuple[str, ...] = ()
    where: str = ""
