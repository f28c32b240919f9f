"""Benchmarks of harvests: a second look at files that did not change, and at files of which one in a hundred did."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ops.bench.measuring import Case, Target
from ops.bench.service import BIN, PRESERVE, QUIET, Bench, folder_stores, home, preserve

ONE_IN = 100
OURS, FIND, RESTIC, RCLONE = "preserve source harvest", "find -printf", "restic backup", "rclone sync"


def harvest(bench: Bench) -> None:
    """Second and later harvests of T, against the second runs of what others use for that."""
    kept = bench.work / "harvest"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    source = kept / "office"
    shutil.copytree(bench.corpus("T"), source)
    variables = home(kept, folder_stores(kept, 1))
    # Peers read nothing again that looks unchanged; `--reread-percent 1` adds the reading of one file in a hundred.
    preserve(variables, "source", "add", "office", "--folder", str(source), "--settle", "0", "--reread-percent", "0")
    preserve(variables, "source", "harvest", "office")
    cases = [
        Case(FIND, lambda folder: ["sh", "-c", f"find {source} -printf '%p %s %T@ %C@ %i\\n' > {folder}/list"]),
        Case(OURS, lambda folder: [PRESERVE, "source", "harvest", "office"], variables),
    ]
    cases += _peers(source, kept)
    targets = [Target(OURS, 2.0, (FIND,), plus_seconds=1.5), Target(OURS, 1.0, (RESTIC,)), Target(OURS, 1.0, (RCLONE,))]
    bench.compare("Harvest of T, nothing changed", cases, targets, [source])
    changing = [_changing(case, source) for case in cases[1:]]
    bench.compare(f"Harvest of T, one file in {ONE_IN} changed", changing, targets[1:], [source])
    shutil.rmtree(kept)


def _peers(source: Path, kept: Path) -> list[Case]:
    """What was run once before, and is run again."""
    cases, quiet = [], {**os.environ, **QUIET}
    if shutil.which("restic"):
        restic = ["restic", "-q", "-r", str(kept / "restic")]
        subprocess.run([*restic, "init"], check=True, env=quiet)
        subprocess.run([*restic, "backup", str(source)], check=True, env=quiet)
        cases.append(Case(RESTIC, lambda folder: [*restic, "backup", str(source)], QUIET))
    rclone = str(BIN / "rclone")
    if Path(rclone).exists():
        sync = [rclone, "sync", str(source), str(kept / "synced")]
        subprocess.run(sync, check=True, env=quiet)
        cases.append(Case(RCLONE, lambda folder: sync, QUIET))
    return cases


def _changing(case: Case, source: Path) -> Case:
    """The same command, each time after some files were written anew."""

    def prepare(folder: Path) -> Sequence[str]:
        for number, path in enumerate(sorted(path for path in source.rglob("*") if path.is_file())):
            if number % ONE_IN == 0:
                path.write_bytes(path.read_bytes() + b".")
        return case.prepare(folder)

    return replace(case, prepare=prepare)
