"""Run the rescue script as a stranger would, and look at what came out."""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tests.kit.stores import KIT, Deposit

SCRIPT = KIT / "rescue.py"


@dataclass(frozen=True, slots=True)
class Told:
    """How a run ended and what it said."""

    code: int
    text: str


def load() -> ModuleType:
    """The script as a module, to run it many times in one process."""
    spec = importlib.util.spec_from_file_location("rescue", SCRIPT)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_RESCUE = load()


def rescue(*arguments: str | Path) -> Told:
    """Run the script's `main` in this process."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = _RESCUE.main([str(argument) for argument in arguments])
    return Told(code, said.getvalue())


def run(*arguments: str | Path, python: str = sys.executable, language: str = "C.UTF-8", cwd: Path) -> Told:
    """Run the script as a process of its own, isolated from everything that is installed."""
    done = subprocess.run(
        [python, "-I", *map(str, arguments)],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "LANG": language},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return Told(done.returncode, done.stdout.decode("utf-8"))


def tree(folder: Path) -> dict[bytes, tuple[str, bytes, int, int]]:
    """Path -> (kind, content or target, whole seconds of the modification time, mode) of all below `folder`."""
    top = os.fsencode(folder)
    found = {}
    for here, folders, files in os.walk(top):
        for name in folders + files:
            place = os.path.join(here, name)
            facts = os.lstat(place)
            path = os.path.relpath(place, top)
            if os.path.islink(place):
                found[path] = ("link", os.readlink(place), 0, 0)
            elif os.path.isdir(place):
                found[path] = ("folder", b"", int(facts.st_mtime // 1), 0)
            else:
                with open(place, "rb") as file:
                    found[path] = ("file", file.read(), int(facts.st_mtime // 1), facts.st_mode & 0o777)
    return found


def expected(deposits: list[Deposit]) -> dict[bytes, tuple[str, bytes, int, int]]:
    """The tree that restoring `deposits` should give."""
    found = {}
    for deposit in deposits:
        if deposit.link_to is not None:
            found[deposit.path] = ("link", deposit.link_to, 0, 0)
        elif deposit.content is None:
            found[deposit.path] = ("folder", b"", deposit.mtime, 0)
        else:
            found[deposit.path] = ("file", deposit.content, deposit.mtime, deposit.mode)
    return found
