"""A service as its users have it: the real command, in a process of its own, on stores in folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PATIENCE_SECONDS = 60


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

    def submission(self, name: str = "submission", files: int = 3, size: int = 1000) -> Path:
        """A folder with files of different content, some of them with Chinese names."""
        source = self.folder / name
        (source / "会议").mkdir(parents=True)
        for number in range(files):
            folder = source / "会议" if number % 2 else source
            (folder / f"纪要{number}.txt").write_bytes(f"{name} {number}\n".encode() * (size // 20 + 1))
        return source


@pytest.fixture
def bare(tmp_path: Path) -> Service:
    """No home yet; English, in a bare locale."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "user"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PRESERVE_HOME": str(tmp_path / "home"),
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    (tmp_path / "user").mkdir()
    return Service(tmp_path, environment)


@pytest.fixture
def service(bare: Service) -> Service:
    """A home without stores."""
    bare.ask("init")
    return bare


@pytest.fixture
def furnished(service: Service) -> Service:
    """A home with the three stores that the default policy wants: main, near and far."""
    service.store("main", "primary", "--site", "A", "--city", "武汉")
    service.store("near", "same_city", "--site", "B", "--city", "武汉")
    service.store("far", "remote_offline", "--site", "C", "--city", "兰州")
    return service
