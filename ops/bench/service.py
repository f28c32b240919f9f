"""What every benchmark needs: the command, homes with stores, and where tables are told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ops.bench.measuring import Bounds, Case, Target, measure, report
from ops.policies import asking_for, in_one_package

BIN = Path(sys.executable).parent
PRESERVE = str(BIN / "preserve")
QUIET = {"LC_ALL": "C.UTF-8", "AWS_DEFAULT_REGION": "us-east-1", "RESTIC_PASSWORD": "x", "RCLONE_CONFIG": "/dev/null"}


class Bench:
    """One invocation: where the corpora lie, where work is done, how often and how long, how large `large` is."""

    def __init__(self, corpora: Path, work: Path, bounds: Bounds, gib: int) -> None:
        self.corpora, self.work, self.bounds, self.gib = corpora, work, bounds, gib
        self.floor = str(corpora / "floor")
        self.tables: list[str] = []

    def corpus(self, name: str) -> Path:
        return self.corpora / name

    def compare(self, title: str, cases: Sequence[Case], targets: Sequence[Target], warm: Sequence[Path]) -> None:
        """Measure and tell; targets whose cases were left out are left out too."""
        print(f"{title} …", file=sys.stderr)
        runs = measure(cases, self.bounds, self.work, warm)
        known = [one for one in targets if {one.case, *one.reference} <= runs.keys()]
        self.tell(report(title, runs, known))

    def tell(self, table: str) -> None:
        """Print a table at once: a later group may take long."""
        print(table, flush=True)
        self.tables.append(table)


def home(folder: Path, stores: Mapping[str, str], environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """A new home with `stores` (name to URL, by role in this order); returns the environment that names it."""
    variables = {**QUIET, "PRESERVE_HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "config")}
    variables |= environment or {}
    preserve(variables, "init")
    roles = ("primary", "same_city", "remote_offline")[: len(stores)]
    (folder / "policy.toml").write_text(in_one_package(asking_for(roles)), encoding="utf-8")
    preserve(variables, "policy", "register", str(folder / "policy.toml"), "--reason", "a benchmark")
    for (name, url), role in zip(stores.items(), roles, strict=True):
        preserve(variables, "store", "add", name, "--role", role, "--url", url)
    return variables


def preserve(environment: Mapping[str, str], *arguments: str) -> str:
    """Run the command; raises CalledProcessError unless all is well or there are findings."""
    done = subprocess.run(
        [PRESERVE, *arguments], env={**os.environ, **environment}, check=False, capture_output=True, text=True
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"preserve {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def folder_stores(folder: Path, count: int) -> dict[str, str]:
    """Empty folders for stores."""
    for number in range(count):
        (folder / f"store{number}").mkdir(parents=True)
    return {f"store{number}": (folder / f"store{number}").as_uri() for number in range(count)}


def package_of(document: str) -> str:
    """The id of the first package in what `ingest --json` printed."""
    return str(json.loads(document)["packages"][0]["id"])
