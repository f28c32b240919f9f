"""Folders as they are when a test begins, each furnished once and then copied: to make a home and to try a store takes
a hundred times as long as to copy both."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path


class Moulds:
    """Copies go to one place, `live`: books name the absolute places of their stores."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.live = folder / "live"

    def cast(self, name: str, furnish: Callable[[], object]) -> None:
        """Have `live` as `furnish` leaves it, which is asked the first time; what the test before left is gone."""
        shutil.rmtree(self.live, ignore_errors=True)
        if (self._folder / name).exists():
            shutil.copytree(self._folder / name, self.live, symlinks=True)
            return
        self.live.mkdir()
        furnish()
        shutil.copytree(self.live, self._folder / name, symlinks=True)
