"""A service with removable media, as its users have it: the real commands, on folders that stand for mount points."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ops.policies import asking_for
from preserve.cli.exits import Exit
from preserve.cli.main import run
from preserve.clock import SystemClock
from preserve.state.books import Books
from tests.cli.program import Program
from tests.moulds import Moulds


class Shelf(Program):
    """A home with a primary store, and media of the role `remote_offline` that come and go."""

    def furnish(self, *roles: str) -> None:
        self.ask("init")
        file = self.folder / "policy.toml"
        file.write_text(asking_for(roles), encoding="utf-8")
        self.ask("policy", "register", file, "--reason", "a test")
        self.ask("store", "add", "near", "--role", "primary", "--url", (self.folder / "near").as_uri())

    def medium(self, number: str, *more: str, kind: str = "hdd") -> Path:
        """Register a medium; returns where it is mounted."""
        place = self.folder / f"mnt-{number}"
        self.ask("medium", "add", number, "--kind", kind, "--at", place, *more)
        return place

    def ingest(self, name: str = "records", content: str = "a record") -> str:
        """Take a submission in; returns the id of its package."""
        source = self.folder / name
        source.mkdir()
        (source / "a.txt").write_text(content)
        # A store that takes nothing is told by the exit code, and is what some tests are about.
        said = self.told("ingest", source)
        package: str = said["packages"][0]["id"]
        return package

    def told(self, *arguments: str | Path) -> Any:
        """The document of a command, however it ends."""
        run([*map(str, arguments), "--json"])
        return json.loads(self._capsys.readouterr().out)

    def unmount(self, place: Path) -> Path:
        """Take a medium away; returns where its content is now."""
        away = place.with_name(f"{place.name}-away")
        place.rename(away)
        return away

    def swap(self, place: Path, other: Path) -> None:
        """Mount another medium in a place."""
        self.unmount(place)
        shutil.copytree(other, place)

    def states(self, store: str) -> dict[str, str]:
        with Books.open(self.folder / "home") as books:
            return {copy.package_id: copy.state.value for copy in books.copies(store=store)}

    def objects(self, place: Path) -> dict[str, bytes]:
        """Everything that lies on a medium."""
        files = (path for path in place.rglob("*") if path.is_file())
        return {str(path.relative_to(place)): path.read_bytes() for path in files}

    def incidents(self) -> list[str]:
        return [each["what"] for each in self.told("incident", "list")["incidents"]]

    def refuses(self, pattern: str, *arguments: str | Path, code: Exit = Exit.REFUSED) -> None:
        said = self(*arguments, code=code)
        assert re.search(pattern, said), said

    def pass_days(self, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
        """Let the machine's clock go on: nobody waits."""
        real = SystemClock.now
        monkeypatch.setattr(SystemClock, "now", lambda clock: real(clock) + timedelta(days=days))


@pytest.fixture
def shelf(moulds: Moulds, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(moulds.live / "config"))
    monkeypatch.setenv("PRESERVE_HOME", str(moulds.live / "home"))
    made = Shelf(moulds.live, capsys)
    moulds.cast("shelf", lambda: made.furnish("primary", "remote_offline"))
    yield made
