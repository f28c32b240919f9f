"""A service for a campaign: a home and stores in a folder of its own, driven by the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.bench.measuring import PeakMemory
from ops.policies import asking_for

PROGRAM = (sys.executable, "-m", "preserve")
CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """How one command ended: exit code, what it printed, how long it took, and what it held in memory at most."""

    code: int
    out: str
    err: str
    seconds: float
    peak_mib: float

    @property
    def document(self) -> Any:
        """The JSON document on standard output."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Service:
    """A home below `folder`; `environment` is added to a bare one.  `program` is how the command is called."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    program: Sequence[str] = PROGRAM

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def command(self, *arguments: str | Path) -> list[str]:
        """The argument list of a command that prints JSON."""
        return [*self.program, *map(str, arguments), "--json"]

    def whole_environment(self) -> dict[str, str]:
        """What every command of this service runs in."""
        bare = {name: os.environ[name] for name in ("PATH", "HOME", "USER") if name in os.environ}
        own = {"PRESERVE_HOME": str(self.home), "PYTHONPATH": str(CHECKOUT), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        return {**bare, **own, "AWS_EC2_METADATA_DISABLED": "true", **self.environment}

    def run(self, *arguments: str | Path) -> Ended:
        """Run a command to its end, watching its memory and that of its children."""
        began = time.monotonic()
        process = subprocess.Popen(
            self.command(*arguments),
            env=self.whole_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        with PeakMemory(process.pid) as memory:
            out, err = process.communicate()
        return Ended(process.returncode, out, err, time.monotonic() - began, memory.mib)

    def ask(self, *arguments: str | Path) -> Any:
        """The document of a command that must end well.  Raises AssertionError when it does not."""
        return self.must(*arguments).document

    def must(self, *arguments: str | Path, codes: Sequence[int] = (0,)) -> Ended:
        """Run a command that must end with one of `codes`.  Raises AssertionError when it does not."""
        ended = self.run(*arguments)
        assert ended.code in codes, f"{arguments} ended with {ended.code}: {ended.out[-2000:]}{ended.err[-2000:]}"
        return ended

    def store(self, name: str, role: str = "primary") -> Path:
        """Register a store in a folder; returns the folder."""
        place = self.folder / name
        self.ask("store", "add", name, "--role", role, "--url", place.as_uri())
        return place

    def promise(self, *roles: str) -> None:
        """Register a version of the default policy that wants a copy in each of these roles and in no other."""
        file = self.folder / "policy.toml"
        file.write_text(asking_for(roles), encoding="utf-8")
        self.ask("policy", "register", file, "--reason", "a campaign")


def new_service(
    folder: Path, environment: Mapping[str, str] | None = None, program: Sequence[str] = PROGRAM
) -> Service:
    """A service with a home and no stores yet."""
    made = Service(folder, environment or {}, program)
    made.ask("init")
    return made
