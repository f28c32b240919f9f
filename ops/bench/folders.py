"""Benchmarks on folder stores: ingest, audit, restore, and the memory they take."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from ops.bench.measuring import Case, Figure, Target, figures, peak_memory_mib
from ops.bench.service import BIN, PRESERVE, QUIET, Bench, folder_stores, home, package_of, preserve


def ingest_case(name: str, source: Path, stores: int) -> Case:
    """Ingest into new folder stores of a new home."""
    environment = dict(QUIET)

    def prepare(folder: Path) -> Sequence[str]:
        environment.update(home(folder, folder_stores(folder, stores)))
        return [PRESERVE, "ingest", str(source)]

    return Case(name, prepare, environment)


def linked(source: Path, command: Callable[[Path], Sequence[str]]) -> Callable[[Path], Sequence[str]]:
    """Prepare a copy of `source` made of hard links, for peers that work in place."""

    def prepare(folder: Path) -> Sequence[str]:
        subprocess.run(["cp", "-al", str(source), str(folder / "bag")], check=True)
        return command(folder)

    return prepare


def bag_and_tar(folder: Path) -> Sequence[str]:
    """Make a bag of `folder`/bag in place, then a tar of it."""
    bag = f"{BIN / 'bagit.py'} --quiet --sha256 --processes 2 {folder}/bag"
    return ["sh", "-c", f"{bag} && tar -cf {folder}/bag.tar -C {folder} bag"]


def ingest(bench: Bench) -> None:
    """Ingest into folder stores, against bagit.py and tar, which do neither read-back nor books."""
    for name in ("S", "T", "L2"):
        source = bench.corpus(name)
        cases = [
            Case("floor pack", lambda folder, s=source: [bench.floor, "pack", "2", str(s), str(folder / "out")]),  # type: ignore[misc]
            Case("bagit.py, then tar", linked(source, bag_and_tar)),
            ingest_case("preserve ingest, one store", source, 1),
            ingest_case("preserve ingest, two stores", source, 2),
        ]
        one, pair, floor = "preserve ingest, one store", ("bagit.py, then tar",), ("floor pack",)
        targets = {
            "S": [Target(one, 0.85, pair), Target(one, 2.5, floor)],
            "T": [Target(one, 1 / 3, pair)],
            "L2": [Target(one, 1 / 0.7, floor)],
        }[name]
        targets.append(Target("preserve ingest, two stores", 2.0, (one,)))
        bench.compare(f"Ingest of {name} into folder stores", cases, targets, [source])


def audit(bench: Bench) -> None:
    """Full audit of a folder store, against validation of a bag of the same files."""
    for name in ("S", "T", "L2"):
        source, kept = bench.corpus(name), bench.work / f"audit-{name}"
        shutil.rmtree(kept, ignore_errors=True)
        environment = home(kept, folder_stores(kept, 1))
        preserve(environment, "ingest", str(source))
        subprocess.run(["cp", "-al", str(source), str(kept / "bag")], check=True)
        subprocess.run(
            [str(BIN / "bagit.py"), "--quiet", "--sha256", "--processes", "2", str(kept / "bag")], check=True
        )
        validate = [str(BIN / "bagit.py"), "--quiet", "--validate", "--processes", "2", str(kept / "bag")]
        tar = kept / "store0" / "packages"
        cases = [
            Case("floor hash, two threads", lambda folder, s=source: [bench.floor, "hash", "2", str(s)]),  # type: ignore[misc]
            Case("bagit.py --validate", lambda folder, v=validate: v),  # type: ignore[misc]
            Case("preserve audit", lambda folder: [PRESERVE, "audit", "--level", "full"], environment, (0, 1)),
        ]
        floor, peer, ours = ("floor hash, two threads",), ("bagit.py --validate",), "preserve audit"
        targets = {
            "S": [Target(ours, 1 / 2.5, peer), Target(ours, 1.0, floor, plus_seconds=0.4)],
            "T": [Target(ours, 1 / 12, peer)],
            "L2": [Target(ours, 1 / 0.85, floor)],
        }[name]
        bench.compare(f"Full audit of {name} in a folder store", cases, targets, [source, tar])
        shutil.rmtree(kept)


def restore(bench: Bench) -> None:
    """Restore of S, verified, against restic and a plain copy."""
    source, kept = bench.corpus("S"), bench.work / "restore"
    shutil.rmtree(kept, ignore_errors=True)
    environment = home(kept, folder_stores(kept, 1))
    package = package_of(preserve(environment, "ingest", str(source), "--json"))
    cases = [
        Case("cp -r", lambda folder: ["cp", "-r", str(source), str(folder / "out")]),
        Case(
            "preserve restore",
            lambda folder: [PRESERVE, "restore", package, "--to", str(folder / "out")],
            environment,
        ),
    ]
    if shutil.which("restic"):
        repository = str(kept / "restic")
        quiet = {**os.environ, **QUIET}
        subprocess.run(["restic", "-q", "-r", repository, "init"], check=True, env=quiet)
        subprocess.run(["restic", "-q", "-r", repository, "backup", str(source)], check=True, env=quiet)
        restic = ["restic", "-q", "-r", repository, "restore", "latest", "--target"]
        cases.append(Case("restic restore", lambda folder: [*restic, str(folder / "out")], QUIET))
    targets = [Target("preserve restore", 0.7, ("restic restore",)), Target("preserve restore", 1.4, ("cp -r",))]
    bench.compare("Restore of S from a folder store", cases, targets, [source, kept])
    shutil.rmtree(kept)


MOST_MIB = 300.0


def memory(bench: Bench) -> None:
    """Peak memory of all processes of a command; a million files: `python -m ops.campaigns.million_files`."""
    those = []
    for name in ("S", "T", "L2"):
        kept = bench.work / f"memory-{name}"
        shutil.rmtree(kept, ignore_errors=True)
        variables = home(kept, folder_stores(kept, 2))
        ingest_command = [PRESERVE, "ingest", str(bench.corpus(name))]
        audit_command = [PRESERVE, "audit", "--level", "full"]
        for verb, command in (("ingest", ingest_command), ("audit", audit_command)):
            peak = peak_memory_mib(command, variables)
            those.append(Figure(f"{verb} of {name}, two folder stores", round(peak), MOST_MIB, "MiB"))
        package = json.loads(preserve(variables, "package", "list", "--json"))["packages"][0]["id"]
        peak = peak_memory_mib([PRESERVE, "restore", package, "--to", str(kept / "out")], variables)
        those.append(Figure(f"restore of {name}", round(peak), MOST_MIB, "MiB"))
        shutil.rmtree(kept)
    bench.tell(figures("Peak memory", those))
