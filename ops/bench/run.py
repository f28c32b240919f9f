"""Benchmarks: `preserve` beside its peers on the same bytes in the same minutes.

    python ops/bench/run.py --corpora DIR [--groups ingest,audit,restore,s3,large] [--rounds 3] [--out FILE]

DIR holds S, T and L2 (many mixed records, 100,000 tiny files, two of 1 GiB: ../shared/bench/make_corpus.py makes them)
and `floor`, the C program of the same place that does only the work that must be done.  Peers that are not installed
(restic from Debian; bagit.py, rclone and weed come with requirements-dev.txt) are left out, and so are their targets.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ops.bench.measuring import Case, Target, measure, report
from ops.policies import asking_for
from ops.sites import seaweed

BIN = Path(sys.executable).parent
PRESERVE = str(BIN / "preserve")
QUIET = {"LC_ALL": "C.UTF-8", "AWS_DEFAULT_REGION": "us-east-1", "RESTIC_PASSWORD": "x", "RCLONE_CONFIG": "/dev/null"}


class Bench:
    """One invocation: where the corpora lie, where work is done, how many rounds."""

    def __init__(self, corpora: Path, work: Path, rounds: int) -> None:
        self.corpora, self.work, self.rounds = corpora, work, rounds
        self.floor = str(corpora / "floor")
        self.tables: list[str] = []

    def corpus(self, name: str) -> Path:
        return self.corpora / name

    def compare(self, title: str, cases: Sequence[Case], targets: Sequence[Target], warm: Sequence[Path]) -> None:
        """Measure and tell; targets whose cases were left out are left out too."""
        print(f"{title} …", file=sys.stderr)
        runs = measure(cases, self.rounds, self.work, warm)
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
    (folder / "policy.toml").write_text(asking_for(roles), encoding="utf-8")
    preserve(variables, "policy", "register", str(folder / "policy.toml"))
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


def package_of(document: str) -> str:
    """The id of the first package in what `ingest --json` printed."""
    import json

    return str(json.loads(document)["packages"][0]["id"])


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


def s3(bench: Bench) -> None:
    """Against a site on this machine, where the server's own processor time is the limit."""
    with site(bench.work / "site") as (running, environment):
        peers = S3Peers(running, environment)
        s3_ingest(bench, peers)
        s3_audit(bench, peers)


def s3_ingest(bench: Bench, peers: S3Peers) -> None:
    source = bench.corpus("S")
    variables = dict(peers.environment)

    def ours(folder: Path) -> Sequence[str]:
        variables.update(home(folder, {"site": peers.url(peers.fresh())}, peers.environment))
        return [PRESERVE, "ingest", str(source)]

    def restic(folder: Path) -> Sequence[str]:
        repository = f"s3:{peers.running.endpoint}/peer/{peers.fresh()}"
        start = ["restic", "-q", "-r", repository, "--cache-dir", str(folder / "cache")]
        subprocess.run([*start, "init"], check=True, env={**os.environ, **peers.environment})
        return [*start, "backup", str(source)]

    def rclone(folder: Path) -> Sequence[str]:
        return [str(BIN / "rclone"), "copy", "-q", str(source), f"lab:peer/{peers.fresh()}"]

    cases = [
        Case(
            "one tar streamed to one object", lambda folder: peers.stream_tar(source, peers.fresh()), peers.environment
        ),
        Case("preserve ingest", ours, variables),
        Case("rclone copy", rclone, peers.environment),
    ]
    if shutil.which("restic"):
        cases.append(Case("restic backup", restic, peers.environment))
    targets = [
        Target("preserve ingest", 1.8, ("one tar streamed to one object",)),
        Target("preserve ingest", 1.0, ("restic backup",)),
        Target("preserve ingest", 0.25, ("rclone copy",)),
    ]
    bench.compare("Ingest of S into an S3 site, read back", cases, targets, [source])


def s3_audit(bench: Bench, peers: S3Peers) -> None:
    source, kept = bench.corpus("S"), bench.work / "s3-audit"
    shutil.rmtree(kept, ignore_errors=True)
    environment = home(kept, {"site": peers.url("audit")}, peers.environment)
    preserve(environment, "ingest", str(source))
    quiet = {**os.environ, **peers.environment}
    subprocess.run(peers.stream_tar(source, "audit"), check=True, env=quiet)
    subprocess.run(
        [str(BIN / "rclone"), "copy", "-q", "--transfers", "16", str(source), "lab:peer/audit"], check=True, env=quiet
    )
    check = [str(BIN / "rclone"), "check", "-q", "--download", str(source), "lab:peer/audit"]
    cases = [
        Case("one tar fetched and hashed", lambda folder: peers.fetch_tar("audit"), peers.environment),
        Case("preserve audit", lambda folder: [PRESERVE, "audit", "--level", "full"], environment, (0, 1)),
        Case("rclone check --download", lambda folder: check, peers.environment),
    ]
    targets = [
        Target("preserve audit", 1.3, ("one tar fetched and hashed",)),
        Target("preserve audit", 0.25, ("rclone check --download",)),
    ]
    bench.compare("Full audit of S in an S3 site", cases, targets, [source])
    shutil.rmtree(kept)


def single(bench: Bench) -> None:
    """One file of 20 KB out of a package of 10 GiB on S3: seconds, and bytes read."""
    import json

    with site(bench.work / "site") as (running, environment), large(bench) as source:
        peers = S3Peers(running, environment)
        kept = bench.work / "single"
        variables = home(kept, {"site": peers.url("single")}, peers.environment)
        package = package_of(preserve(variables, "ingest", str(source), "--json"))
        case = Case(
            "one file of 20 KB out of 10 GiB on S3",
            lambda folder: [PRESERVE, "restore", package, "--to", str(folder / "out"), "--path", "small/0005000.bin"],
            variables,
        )
        runs = measure([case], bench.rounds, bench.work)
        shutil.rmtree(bench.work / "out", ignore_errors=True)
        told = preserve(
            variables, "restore", package, "--to", str(bench.work / "out"), "--path", "small/0005000.bin", "--json"
        )
        table = report("A single file", runs, [])
        bench.tell(f"{table}\nbytes read: {json.loads(told).get('bytes_read')} (target: under 1 MiB, under 1 s)\n")
        shutil.rmtree(kept)


@contextmanager
def large(bench: Bench) -> Iterator[Path]:
    """A submission of 10 GiB: 10,000 small files and large ones of random bytes."""
    source = bench.work / "large"
    (source / "small").mkdir(parents=True, exist_ok=True)
    for number in range(10_000):
        (source / "small" / f"{number:07d}.bin").write_bytes(os.urandom(20_000))
    for number in range(10):
        with (source / f"{number}.bin").open("wb") as file:
            for _ in range(62):
                file.write(os.urandom(16 << 20))
    try:
        yield source
    finally:
        shutil.rmtree(source)


GROUPS: dict[str, Callable[[Bench], None]] = {
    "ingest": ingest,
    "audit": audit,
    "restore": restore,
    "s3": s3,
    "single": single,
}


def main() -> None:
    """Run the groups asked for and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("/tmp/preserve-bench/work"))  # noqa: S108
    parser.add_argument("--groups", default=",".join(GROUPS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(given.corpora, given.work, given.rounds)
    for name in given.groups.split(","):
        GROUPS[name](bench)
    text = f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} cores.\n\n" + "\n".join(bench.tables)
    if given.out:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
