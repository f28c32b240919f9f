"""A service with one folder source, harvested and restored by the real operations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harvest.harvesting import Harvesting, harvesting


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Harvesting]:
    """The source `mail`: a folder with fifty files in five folders."""
    with harvesting(tmp_path) as made:
        yield made
