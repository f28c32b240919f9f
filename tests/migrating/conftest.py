"""What tests of migrations share: one identifier, and a service with texts in GB 18030."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from preserve.formats.siegfried import SiegfriedIdentifier
from preserve.settings.shipped import own_signatures
from tests.migrating.texts import TextWorkshop
from tests.packages.building import Service, service


@pytest.fixture(scope="session")
def identifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiegfriedIdentifier]:
    with SiegfriedIdentifier(tmp_path_factory.mktemp("identifier"), own_signatures()) as made:
        yield made


@pytest.fixture
def kept(memory_path: Path) -> Iterator[Service]:
    with service(memory_path / "service") as made:
        yield made


@pytest.fixture
def workshop(tmp_path: Path) -> TextWorkshop:
    return TextWorkshop(tmp_path / "account")
