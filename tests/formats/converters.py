"""Which converters tests need; who may not install them goes on without, and in CI that is a failure."""

from __future__ import annotations

import os

import pytest

from preserve.formats.sandbox import is_here


def require(*programs: str) -> None:
    """Leave the test out where one of these is not on this machine."""
    for program in programs:
        if not is_here(program):
            if os.environ.get("CI"):
                pytest.fail(f"{program} is not on this machine; ops/install.sh converters installs it")
            pytest.skip(f"{program} is not on this machine; ops/install.sh converters installs it")
