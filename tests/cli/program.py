"""The program, run in the process of the tests: quicker than one of its own, and the same but for the process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from preserve.cli.exits import Exit
from preserve.cli.main import run


class Program:
    """The program, run in this process on a home of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *arguments: str | Path, code: Exit = Exit.WELL) -> str:
        """What it said on both streams, when it ended as it should."""
        ended = run([*map(str, arguments)])
        out, err = self._capsys.readouterr()
        assert ended is code, (out, err)
        return out + err

    def ask(self, *arguments: str | Path, code: Exit = Exit.WELL) -> Any:
        """The one document of `--json`."""
        ended = run([*map(str, arguments), "--json"])
        out, err = self._capsys.readouterr()
        assert ended is code, (out, err)
        return json.loads(out)
