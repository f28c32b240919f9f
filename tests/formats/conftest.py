"""Homes for questions about formats, and what one file is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from preserve.model.formats.identification import FileIdentified
from preserve.ports import Identifier
from preserve.settings.shipped import own_signatures
from tests.cli.program import Program
from tests.formats.samples import file
from tests.moulds import Moulds

Identified = Callable[[str, bytes], FileIdentified]


@pytest.fixture
def program(moulds: Moulds, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    """A home without stores."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(moulds.live / "config"))
    monkeypatch.setenv("PRESERVE_HOME", str(moulds.live / "home"))
    made = Program(moulds.live, capsys)
    moulds.cast("formats, bare", lambda: made.ask("init"))
    return made


@pytest.fixture
def identified(identifier: Identifier) -> Identified:
    """What one file is, given its name and content."""

    def one(name: str, content: bytes) -> FileIdentified:
        (found,) = identifier.identify([file(name, content)])
        return found

    return one


@pytest.fixture
def own() -> tuple[Path, Path]:
    return own_signatures()
