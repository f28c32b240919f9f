"""Exit codes, and which one each error deserves (FORMAT.md 7)."""

from __future__ import annotations

from enum import IntEnum

from preserve import errors


class Exit(IntEnum):
    """How a command ends.  Scheduled jobs decide by these alone."""

    WELL = 0
    FINDINGS = 1
    MISUSED = 2
    REFUSED = 3
    TAMPERED = 4
    FAULT = 70  # of this program itself (EX_SOFTWARE of sysexits.h)
    UNAVAILABLE = 75  # EX_TEMPFAIL of sysexits.h: try later
    INTERRUPTED = 130  # as a shell says of a process that SIGINT ended
    TERMINATED = 143  # likewise of SIGTERM


_REACTIONS: tuple[tuple[type[errors.PreserveError], str, Exit], ...] = (
    (errors.Misused, "misused", Exit.MISUSED),
    (errors.Refused, "refused", Exit.REFUSED),
    (errors.Tampered, "tampered", Exit.TAMPERED),
    (errors.NoSpace, "no_space", Exit.UNAVAILABLE),
    (errors.Frozen, "frozen", Exit.UNAVAILABLE),
    (errors.Away, "away", Exit.UNAVAILABLE),
    (errors.Unavailable, "unavailable", Exit.UNAVAILABLE),
    (errors.NotThere, "not_there", Exit.FINDINGS),
    (errors.Unreadable, "unreadable", Exit.FINDINGS),
    (errors.AlreadyThere, "already_there", Exit.REFUSED),
    (errors.GivenUp, "interrupted", Exit.INTERRUPTED),
)


def reaction(error: errors.PreserveError) -> tuple[str, Exit]:
    """The identifier `--json` gives an error, and the exit code it deserves."""
    for kind, name, code in _REACTIONS:
        if isinstance(error, kind):
            return name, code
    raise TypeError(f"no exit code was chosen for {type(error).__name__}")
