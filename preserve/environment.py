"""The only module that asks the process's environment: its variables, its user, its machine."""

from __future__ import annotations

import getpass
import os


def variable(name: str) -> str | None:
    """An environment variable, or None when it is unset or empty."""
    return os.environ.get(name) or None


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
