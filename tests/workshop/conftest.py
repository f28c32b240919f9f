"""The workshop over an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from preserve.ports import Identifier
from tests.workshop.bench import Bench


@pytest.fixture
def bench(tmp_path: Path, identifier: Identifier) -> Bench:
    return Bench(tmp_path, identifier)
