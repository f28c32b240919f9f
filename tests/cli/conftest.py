"""A service as its users have it: the real command, in a process of its own, on stores in folders.

The processes of `Service.run` split from one that has the program loaded already (`tests.warm`), wherever that is the
same to them; those of `Service.begin` are started from nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ops.messages import Found, gather
from ops.policies import asking_for
from tests.moulds import Moulds
from tests.warm.calling import Warm

PATIENCE_SECONDS = 180
"""After which a command counts as hanging; nothing is measured by it, and a machine may be busy."""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


@dataclass
class Service:
    """A home in a folder of its own, and the environment its commands run in."""

    folder: Path
    warm: Warm
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def begin(self, *arguments: str | Path, more: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command and do not wait for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "preserve", *map(str, arguments)],
            env={**self.environment, **(more or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, *arguments: str | Path, more: Mapping[str, str] | None = None) -> Ended:
        """Run a command to its end."""
        environment = {**self.environment, **(more or {})}
        if self.warm.is_fit_for(environment):
            done = self.warm.run([*map(str, arguments)], environment, PATIENCE_SECONDS)
            return Ended(done.returncode, done.stdout, done.stderr)
        process = self.begin(*arguments, more=more)
        try:
            out, err = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Ended(process.returncode, out, err)

    def ask(self, *arguments: str | Path) -> Any:
        """The JSON document of a command that ends well."""
        ended = self.run(*arguments, "--json")
        assert ended.code == 0, ended
        return ended.document

    def store(self, name: str, role: str = "primary", *more: str) -> Path:
        """Register a store in a folder; returns the folder."""
        place = self.folder / name
        self.ask("store", "add", name, "--role", role, "--url", place.as_uri(), *more)
        return place

    def promise(self, *roles: str) -> None:
        """Register a version of the default policy that wants a copy in each of these roles and in no other."""
        file = self.folder / "policy.toml"
        file.write_text(asking_for(roles), encoding="utf-8")
        self.ask("policy", "register", file, "--reason", "a test")

    def submission(self, name: str = "submission", files: int = 3, size: int = 1000) -> Path:
        """A folder with files of different content, some of them with Chinese names."""
        source = self.folder / name
        (source / "会议").mkdir(parents=True)
        for number in range(files):
            folder = source / "会议" if number % 2 else source
            (folder / f"纪要{number}.txt").write_bytes(f"{name} {number}\n".encode() * (size // 20 + 1))
        return source


def environment_at(folder: Path) -> dict[str, str]:
    """What the commands of a service in `folder` run in: English, in a bare locale."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "user"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PRESERVE_HOME": str(folder / "home"),
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def cast(moulds: Moulds, warm: Warm, name: str, furnish: Callable[[Service], None]) -> Service:
    """A fresh service of this name, furnished once."""
    service = Service(moulds.live, warm, environment_at(moulds.live))

    def make() -> None:
        (moulds.live / "user").mkdir()
        service.ask("init")
        furnish(service)

    moulds.cast(name, make)
    return service


@pytest.fixture(scope="session")
def found() -> Found:
    """All that the program can say."""
    return gather()


@pytest.fixture
def bare(tmp_path: Path, warm: Warm) -> Service:
    """No home yet."""
    (tmp_path / "user").mkdir()
    return Service(tmp_path, warm, environment_at(tmp_path))


@pytest.fixture
def service(moulds: Moulds, warm: Warm) -> Service:
    """A home without stores."""
    return cast(moulds, warm, "service", lambda service: None)


@pytest.fixture
def furnished(moulds: Moulds, warm: Warm) -> Service:
    """A home with the three stores that the default policy wants: main, near and far."""

    def furnish(service: Service) -> None:
        service.store("main", "primary", "--site", "A", "--city", "武汉")
        service.store("near", "same_city", "--site", "B", "--city", "武汉")
        service.store("far", "remote_offline", "--site", "C", "--city", "兰州")

    return cast(moulds, warm, "furnished", furnish)
