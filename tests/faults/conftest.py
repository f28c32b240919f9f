"""How the real command is called."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.warm.calling import Warm


@pytest.fixture(scope="session")
def program(warm: Warm) -> Sequence[str]:
    return (str(warm.programs / "preserve"),)
