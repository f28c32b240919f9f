"""Homes for questions about formats."""

from __future__ import annotations

import pytest

from tests.cli.program import Program
from tests.moulds import Moulds


@pytest.fixture
def program(moulds: Moulds, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    """A home without stores."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(moulds.live / "config"))
    monkeypatch.setenv("PRESERVE_HOME", str(moulds.live / "home"))
    made = Program(moulds.live, capsys)
    moulds.cast("formats, bare", lambda: made.ask("init"))
    return made
