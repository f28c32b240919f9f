"""Identification of formats, against two processes of Siegfried by themselves."""

from __future__ import annotations

import shutil
import sys

from ops.bench.measuring import Case, Target
from ops.bench.service import PRESERVE, Bench, folder_stores, home, preserve


def identify(bench: Bench) -> None:
    """`format identify --again`, from a folder store with all digests proved, against reading the files as they are."""
    source, kept = bench.corpus("S"), bench.work / "identify"
    shutil.rmtree(kept, ignore_errors=True)
    environment = home(kept, folder_stores(kept, 1))
    preserve(environment, "ingest", str(source))
    peer, ours = "siegfried, two processes", "preserve format identify"
    cases = [
        Case(peer, lambda folder: [sys.executable, "-m", "ops.bench.siegfried_alone", str(source)]),
        Case(ours, lambda folder: [PRESERVE, "format", "identify", "--again"], environment),
    ]
    warm = [source, kept / "store0" / "packages"]
    bench.compare("Identification of S", cases, [Target(ours, 1 / 0.9, (peer,))], warm)
    shutil.rmtree(kept)
