"""The only module that asks the process's environment: its variables, its user, its machine."""

from __future__ import annotations

import getpass
import os
from collections.abc import Collection
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def variable(name: str) -> str | None:
    """An environment variable, or None when it is unset or empty."""
    return os.environ.get(name) or None


HANDED_ON = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "LOGNAME")
"""What a program of others is told of our environment, beside all whose names begin as in `HANDED_ON_ALL`."""
HANDED_ON_ALL = ("LC_", "PG")
WITHHELD = ("PGPASSWORD", "PGSSLPASSWORD")
"""What may hold the password of our own books; all else that is not handed on may hold what is none of a program's
business too: the keys to the stores."""


def surroundings(more: Collection[str] = (), **changed: str) -> dict[str, str]:
    """The variables that a program of others gets: those that are harmless, those named in `more`, and `changed`."""
    handed_on = {name: value for name, value in os.environ.items() if name in more or _is_harmless(name)}
    return {**handed_on, **changed}


def _is_harmless(name: str) -> bool:
    return name not in WITHHELD and (name in HANDED_ON or name.startswith(HANDED_ON_ALL))


def login_name() -> str:
    """Who runs the program: the default actor of an event."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def machine_name() -> str:
    """What this machine calls itself."""
    return os.uname().nodename


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def boot_id() -> str:
    """A name of this start of the machine, which the next has not (random(4)); "" where the system gives none."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def process_number() -> int:
    """The number of this process."""
    return os.getpid()


def temporary_folder() -> str:
    """Where this machine keeps large temporary files (TMPDIR; FHS 3.0, 5.15: /var/tmp)."""
    return variable("TMPDIR") or "/var/tmp"  # noqa: S108 - what is made there has a name nobody can foresee
