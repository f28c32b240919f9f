"""Benchmarks on an S3 site of this machine, beside what else could be done with the same files and the same site."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ops.bench.measuring import Case, Target
from ops.bench.service import BIN, PRESERVE, QUIET, Bench, home, preserve
from ops.sites import seaweed


@contextmanager
def site(folder: Path) -> Iterator[tuple[seaweed.Site, dict[str, str]]]:
    """A site of its own for the benchmark, and the environment that holds its credentials."""
    shutil.rmtree(folder, ignore_errors=True)
    running = seaweed.start(folder, buckets=["records", "peer"])
    try:
        yield running, {**QUIET, **running.admin.environment()}
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


class S3Peers:
    """Commands of peers against the bucket `peer` of a site, each under a name of its own."""

    def __init__(self, running: seaweed.Site, environment: Mapping[str, str]) -> None:
        self.running, self.environment = running, dict(environment)
        self.environment |= {
            "RCLONE_CONFIG_LAB_TYPE": "s3",
            "RCLONE_CONFIG_LAB_PROVIDER": "SeaweedFS",
            "RCLONE_CONFIG_LAB_ENDPOINT": running.endpoint,
            "RCLONE_CONFIG_LAB_ACCESS_KEY_ID": running.admin.access_key,
            "RCLONE_CONFIG_LAB_SECRET_ACCESS_KEY": running.admin.secret_key,
        }
        self._number = 0

    def fresh(self) -> str:
        self._number += 1
        return f"run{self._number}-{random.getrandbits(32):x}"

    def url(self, prefix: str) -> str:
        return f"s3://records/{prefix}?endpoint={self.running.endpoint}"

    def stream_tar(self, source: Path, name: str) -> list[str]:
        """One ready-made tar streamed to one object, not read back."""
        rclone = f"{BIN / 'rclone'} rcat lab:peer/{name}.tar --s3-chunk-size 16M --s3-upload-concurrency 4"
        return ["sh", "-c", f"tar -cf - -C {source} . | {rclone}"]

    def fetch_tar(self, name: str) -> list[str]:
        cat = f"{BIN / 'rclone'} cat lab:peer/{name}.tar --multi-thread-streams 4"
        return ["sh", "-c", f"{cat} | openssl dgst -sha256"]


TAR = "one tar streamed to one object"
FETCH = "one tar fetched and hashed"
OURS = "preserve ingest, read back"
NOT_READ_BACK = "preserve ingest, less its read-back"
PEER_SECONDS = 150.0
"""What a peer that needs a request for each file may take in a group that is to end within minutes."""


def s3(bench: Bench) -> None:
    """S against a site on this machine, where the server's own processor time is the limit."""
    with site(bench.work / "site") as (running, environment):
        peers = S3Peers(running, environment)
        targets = [
            Target(OURS, 1.8, (TAR,)),
            Target(NOT_READ_BACK, 1.2, (TAR,)),
            Target(NOT_READ_BACK, 1.0, ("restic backup",)),
            Target(NOT_READ_BACK, 0.25, ("rclone copy",)),
        ]
        compare_s3_ingest(bench, peers, "S", slow_peers(bench.corpus("S"), peers), targets)
        compare_s3_audit(bench, peers, "S", 1.3)


def s3_large(bench: Bench) -> None:
    """Two files of 1 GiB against such a site."""
    with site(bench.work / "site") as (running, environment):
        peers = S3Peers(running, environment)
        compare_s3_ingest(bench, peers, "L2", [], [Target(NOT_READ_BACK, 1.2, (TAR,))])
        compare_s3_audit(bench, peers, "L2", 1.2)


def compare_s3_ingest(
    bench: Bench, peers: S3Peers, corpus: str, others: Sequence[Case], targets: Sequence[Target]
) -> None:
    """Ingest beside a tar that is streamed and not looked at again."""
    source = bench.corpus(corpus)
    variables = dict(peers.environment)

    def ours(folder: Path) -> Sequence[str]:
        variables.update(home(folder, {"site": peers.url(peers.fresh())}, peers.environment))
        return [PRESERVE, "ingest", str(source), "--json"]

    cases = [
        Case(TAR, lambda folder: peers.stream_tar(source, peers.fresh()), peers.environment),
        Case(OURS, ours, variables, without=(NOT_READ_BACK, read_back_seconds)),
        *others,
    ]
    bench.compare(f"Ingest of {corpus} into an S3 site", cases, targets, [source])


def read_back_seconds(document: str) -> float:
    """How long `ingest --json` says it took to read back what was sent."""
    return float(json.loads(document)["read_back_seconds"])


def slow_peers(source: Path, peers: S3Peers) -> list[Case]:
    """What a user may have instead: a backup program, and a copy of each file."""

    def restic(folder: Path) -> Sequence[str]:
        repository = f"s3:{peers.running.endpoint}/peer/{peers.fresh()}"
        start = ["restic", "-q", "-r", repository, "--cache-dir", str(folder / "cache")]
        subprocess.run([*start, "init"], check=True, env={**os.environ, **peers.environment})
        return [*start, "backup", str(source)]

    def rclone(folder: Path) -> Sequence[str]:
        return [str(BIN / "rclone"), "copy", "-q", str(source), f"lab:peer/{peers.fresh()}"]

    cases = [Case("rclone copy", rclone, peers.environment, once=True, most_seconds=PEER_SECONDS)]
    if shutil.which("restic"):
        cases.append(Case("restic backup", restic, peers.environment))
    return cases


def compare_s3_audit(bench: Bench, peers: S3Peers, corpus: str, factor: float) -> None:
    """Full audit beside fetching one tar of the same files and hashing it."""
    source, kept, name = bench.corpus(corpus), bench.work / "s3-audit", peers.fresh()
    shutil.rmtree(kept, ignore_errors=True)
    environment = home(kept, {"site": peers.url(name)}, peers.environment)
    preserve(environment, "ingest", str(source))
    subprocess.run(peers.stream_tar(source, name), check=True, env={**os.environ, **peers.environment})
    cases = [
        Case(FETCH, lambda folder: peers.fetch_tar(name), peers.environment),
        Case("preserve audit", lambda folder: [PRESERVE, "audit", "--level", "full"], environment, (0, 1)),
    ]
    bench.compare(
        f"Full audit of {corpus} in an S3 site", cases, [Target("preserve audit", factor, (FETCH,))], [source]
    )
    shutil.rmtree(kept)


def s3_check(bench: Bench) -> None:
    """Full audit of S in a site beside `rclone check --download`, which fetches each of 20,000 files."""
    source, kept = bench.corpus("S"), bench.work / "s3-check"
    with site(bench.work / "site") as (running, environment):
        peers = S3Peers(running, environment)
        shutil.rmtree(kept, ignore_errors=True)
        variables = home(kept, {"site": peers.url("check")}, peers.environment)
        preserve(variables, "ingest", str(source))
        rclone, quiet = str(BIN / "rclone"), {**os.environ, **peers.environment}
        subprocess.run(
            [rclone, "copy", "-q", "--transfers", "16", str(source), "lab:peer/check"], check=True, env=quiet
        )
        check = [rclone, "check", "-q", "--download", str(source), "lab:peer/check"]
        cases = [
            Case("preserve audit", lambda folder: [PRESERVE, "audit", "--level", "full"], variables, (0, 1)),
            Case("rclone check --download", lambda folder: check, peers.environment, once=True),
        ]
        targets = [Target("preserve audit", 0.25, ("rclone check --download",))]
        bench.compare("Full audit of S in an S3 site, beside rclone", cases, targets, [source])
        shutil.rmtree(kept)
