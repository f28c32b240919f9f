"""Acts of a user whom rights bind: tests run as root, who may read everything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534
OPEN = 0o777


@contextmanager
def as_nobody() -> Iterator[None]:
    """As a user whom rights bind; not root, who may read everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@contextmanager
def as_owner(folder: Path) -> Iterator[None]:
    """As the user to whom all below a folder belongs from now on, and whom rights bind."""
    if os.geteuid() == 0:
        for path, names, files in os.walk(folder):
            for name in (*names, *files):
                os.chown(os.path.join(path, name), NOBODY, -1, follow_symlinks=False)
    with as_nobody():
        yield
