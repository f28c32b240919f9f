"""Benchmarks of harvests: a second look at files that did not change, and at files of which one in a hundred did."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ops.bench.measuring import Case, Target
from ops.bench.service import BIN, PRESERVE, QUIET, Bench, folder_stores, home, preserve
from ops.campaigns.million_files import lay_out

ONE_IN = 100
MANY = 1_000_000
OURS, FIND, RESTIC, RCLONE = "preserve source harvest", "find -printf", "restic backup", "rclone sync"


def harvest(bench: Bench) -> None:
    """Second and later harvests of T, against the second runs of what others use for that."""
    _side_by_side(bench, "T", lambda source: shutil.copytree(bench.corpus("T"), source), warm=True)


def harvest_million(bench: Bench) -> None:
    """The same of a million tiny files; no content is read, and listing them first has their names at hand."""
    _side_by_side(bench, "a million files", lambda source: lay_out(source, MANY), warm=False)


def _side_by_side(bench: Bench, what: str, make: Callable[[Path], object], *, warm: bool) -> None:
    kept = bench.work / "harvest"
    shutil.rmtree(kept, ignore_errors=True)
    source = kept / "office"
    source.mkdir(parents=True)
    source.rmdir()
    make(source)
    variables = home(kept, folder_stores(kept, 1))
    # Peers read nothing again that looks unchanged; `--reread-percent 1` adds the reading of one file in a hundred.
    preserve(variables, "source", "add", "office", "--folder", str(source), "--settle", "0", "--reread-percent", "0")
    preserve(variables, "source", "harvest", "office")
    again(bench, what, source, [Case(OURS, _constantly([PRESERVE, "source", "harvest", "office"]), variables),
                                *_peers(source, kept)], [source] * warm)  # fmt: skip
    shutil.rmtree(kept)


def again(bench: Bench, what: str, source: Path, cases: Sequence[Case], warm: Sequence[Path]) -> None:
    """Run all of them once more on what did not change, then on what did, in part."""
    find = Case(FIND, lambda folder: ["sh", "-c", f"find {source} -printf '%p %s %T@ %C@ %i\\n' > {folder}/list"])
    targets = [Target(OURS, 2.0, (FIND,), plus_seconds=1.5), Target(OURS, 1.0, (RESTIC,)), Target(OURS, 1.0, (RCLONE,))]
    bench.compare(f"Harvest of {what}, nothing changed", [find, *cases], targets, warm)
    some = sorted(path for path in source.rglob("*") if path.is_file())[::ONE_IN]
    changing = [_changing(case, some) for case in cases]
    bench.compare(f"Harvest of {what}, one file in {ONE_IN} changed", changing, targets[1:], warm)


def _constantly(command: Sequence[str]) -> Callable[[Path], Sequence[str]]:
    return lambda folder: command


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


def _changing(case: Case, files: Sequence[Path]) -> Case:
    """The same command, each time after some files were written anew."""

    def prepare(folder: Path) -> Sequence[str]:
        for path in files:
            path.write_bytes(path.read_bytes() + b".")
        return case.prepare(folder)

    return replace(case, prepare=prepare)
