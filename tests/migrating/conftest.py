"""What tests of migrations share: a service with texts in GB 18030."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.migrating.texts import TextWorkshop
from tests.packages.building import Service, service


@pytest.fixture
def kept(memory_path: Path) -> Iterator[Service]:
    with service(memory_path / "service") as made:
        yield made


@pytest.fixture
def workshop(tmp_path: Path) -> TextWorkshop:
    return TextWorkshop(tmp_path / "account")
