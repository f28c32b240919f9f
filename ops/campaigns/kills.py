"""Kill the real command at random moments, and do it again: nothing reported safe is lost, nobody need tidy up.

A service with two folder stores and a real SeaweedFS site lives through ingests, replications, audits, repairs,
restores and rebuilds (the home deleted, made anew from one store).  Each command is ended by SIGKILL at a random moment
and then given again, unchanged.  After each kill:

- the ledger verifies, before and after the second run;
- the second run ends as it should, without any other step;
- every process the killed command had started is gone;
- the package at hand is restored byte for byte from a store in which it was ever reported verified.

At the end everything is audited whole, and every package restored from every store in which it was reported verified.

    python -m ops.campaigns.kills [--kills 1000] [--seed N] [--minutes M] [--out FILE]
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ops.bench.measuring import family
from ops.campaigns.service import Ended, Service, new_service
from ops.campaigns.telling import parser, say, table, tell, workshop
from ops.sites import seaweed
from preserve.model.keys import split_generation

FOLDER_STORES = {"main": "primary", "near": "same_city"}
SITE_STORE = "far"
ROOM_BYTES = 4 * 1024**3
LARGEST_FILE_BYTES = 12_000_000
"""Beyond what is packed in the command's own process, so that its helpers are killed with it too."""
FIRST_GUESS_SECONDS = 1.5
SURVIVAL_SECONDS = 10.0
"""How long helpers of a killed command may take to notice."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One command to be killed: the package it concerns, how it ends when it is let live, what to learn of that."""

    act: str
    arguments: Sequence[str | Path]
    codes: Sequence[int] = (0,)
    learn: Callable[[Ended], object] = lambda ended: None
    package: str | None = None


@dataclass(slots=True)
class Tally:
    """What happened so far, by act."""

    killed: Counter[str] = field(default_factory=Counter)
    outlived: Counter[str] = field(default_factory=Counter)
    restored: int = 0


class Campaign:
    """A service under attack."""

    def __init__(self, service: Service, lots: random.Random) -> None:
        self._service = service
        self._lots = lots
        self._sources: dict[str, Path] = {}
        self._safe: dict[str, set[str]] = {}
        self._typical = dict.fromkeys(self._acts, FIRST_GUESS_SECONDS)
        self._number = 0
        self.tally = Tally()

    @property
    def kills(self) -> int:
        return self.tally.killed.total()

    @property
    def _acts(self) -> Mapping[str, Callable[[], Attempt]]:
        return {
            "ingest": self._ingest,
            "replicate": self._replicate,
            "audit": self._audit,
            "repair": self._repair,
            "restore": self._restore,
            "rebuild": self._rebuild,
        }

    def round(self) -> None:
        """Prepare one act, kill it, check, do it again, check.  Raises AssertionError when a promise is broken."""
        act = self._lots.choice(list(self._acts)) if self._sources else "ingest"
        attempt = self._acts[act]()
        if not self._is_killed(attempt):
            self.tally.outlived[act] += 1
        elif act != "rebuild":  # of a home that is half made nothing is to be seen
            self._verify_ledger()
        attempt.learn(self._service.must(*attempt.arguments, codes=attempt.codes))
        if act == "audit" and 1 in attempt.codes:
            self._service.ask("repair")
        self._verify_ledger()
        package = attempt.package or self._newest()
        self._restore_from(package, self._lots.choice(sorted(self._safe[package])))

    def finish(self) -> None:
        """Everything is sound, and comes back from everywhere.  Raises AssertionError otherwise."""
        self._service.ask("replicate")
        audited = self._service.ask("audit", "--level", "full", "--afresh")
        copies = sum(len(stores) for stores in self._safe.values())
        assert audited["counts"]["sound"] >= copies, audited
        assert not audited["findings"], audited
        for package, stores in self._safe.items():
            for store in sorted(stores):
                self._restore_from(package, store)

    # Acts

    def _ingest(self) -> Attempt:
        source = self._new_source()
        return Attempt("ingest", ("ingest", source), learn=lambda ended: self._take_in(source, ended))

    def _replicate(self) -> Attempt:
        """A store was away while a package came in."""
        away = self._service.folder / self._lots.choice(list(FOLDER_STORES))
        unplugged = away.with_name("unplugged")
        source = self._new_source()
        away.rename(unplugged)
        try:
            package = self._take_in(source, self._service.must("ingest", source, codes=(1,)))
        finally:
            unplugged.rename(away)
        return Attempt("replicate", ("replicate",), learn=self._replicated, package=package)

    def _audit(self) -> Attempt:
        package = self._any_package()
        is_harmed = self._lots.random() < 0.5
        if is_harmed:
            self._harm(package)
        codes = (1,) if is_harmed else (0,)
        return Attempt("audit", ("audit", "--level", "full", "--package", package), codes, package=package)

    def _repair(self) -> Attempt:
        package = self._any_package()
        self._harm(package)
        self._service.must("audit", "--package", package, codes=(1,))
        return Attempt("repair", ("repair",), package=package)

    def _restore(self) -> Attempt:
        package = self._any_package()
        to = self._service.folder / f"out-{self._next()}"

        def compare(_: Ended) -> None:
            assert contents(to) == contents(self._sources[package])
            shutil.rmtree(to)

        return Attempt("restore", ("restore", package, "--to", to), learn=compare, package=package)

    def _rebuild(self) -> Attempt:
        """The home is lost."""
        shutil.rmtree(self._service.home)
        store = self._lots.choice(list(FOLDER_STORES))
        # Once the new home stands, it is refused to make it over it: that, too, is an end.
        return Attempt("rebuild", ("rebuild", "--from", self._service.folder / store), (0, 3), self._rebuilt)

    # What was reported

    def _take_in(self, source: Path, ended: Ended) -> str:
        (made,) = ended.document["packages"]
        package = str(made["id"])
        self._sources[package] = source
        verified = {copy["store"] for copy in made["copies"] if copy["state"] == "verified"}
        assert verified, made
        self._safe.setdefault(package, set()).update(verified)
        return package

    def _replicated(self, ended: Ended) -> None:
        for copy in ended.document["made"]:
            if copy["state"] == "verified":
                self._safe[copy["package"]].add(copy["store"])

    def _rebuilt(self, _: Ended) -> None:
        kept = {package["id"] for package in self._service.ask("package", "list")["packages"]}
        assert kept >= set(self._sources), set(self._sources) - kept

    # Means

    def _is_killed(self, attempt: Attempt) -> bool:
        """Begin the command and kill it at a random moment; False when it had come to its end before."""
        moment = self._lots.uniform(0.05, 1.0) * self._typical[attempt.act]
        process = subprocess.Popen(
            self._service.command(*attempt.arguments),
            env=self._service.whole_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            helpers = family(process.pid)[1:]
            process.send_signal(signal.SIGKILL)
        code = process.wait()
        if code != -signal.SIGKILL:
            assert code in attempt.codes, f"{attempt} ended with {code} at its first run"
            self._typical[attempt.act] *= 0.9
            return False
        self._typical[attempt.act] *= 1.04
        self.tally.killed[attempt.act] += 1
        _require_gone(helpers)
        return True

    def _verify_ledger(self) -> None:
        assert self._service.ask("ledger", "verify")["ok"]

    def _restore_from(self, package: str, store: str) -> None:
        """Byte for byte."""
        to = self._service.folder / f"check-{self._next()}"
        self._service.ask("restore", package, "--to", to, "--from", store)
        assert contents(to) == contents(self._sources[package]), f"{package} from {store}"
        shutil.rmtree(to)
        self.tally.restored += 1

    def _harm(self, package: str) -> None:
        """Flip one bit of one current object of a package, in a folder store that holds it."""
        store = self._lots.choice(sorted(self._safe[package] & FOLDER_STORES.keys()))
        folder = self._service.folder / store / "packages" / package[-2:] / package
        current: dict[str, tuple[int, Path]] = {}
        for path in folder.iterdir():
            base, generation = split_generation(path.name)
            current[base] = max(current.get(base, (0, path)), (generation, path))
        flip_bit(self._lots.choice([path for _, path in sorted(current.values())]), self._lots)

    def _new_source(self) -> Path:
        source = self._service.folder / f"source-{self._next()}"
        source.mkdir()
        for number in range(self._lots.randint(1, 30)):
            (source / f"文件 {number}").write_bytes(self._lots.randbytes(self._lots.randint(0, 20_000)))
        if self._lots.random() < 0.4:
            (source / "large").write_bytes(self._lots.randbytes(self._lots.randint(1, LARGEST_FILE_BYTES)))
        return source

    def _any_package(self) -> str:
        return self._lots.choice(list(self._sources))

    def _newest(self) -> str:
        return list(self._sources)[-1]

    def _next(self) -> int:
        self._number += 1
        return self._number


def flip_bit(path: Path, lots: random.Random) -> int:
    """Flip one bit of a file; returns the byte's offset."""
    at = lots.randrange(path.stat().st_size)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1 << lots.randrange(8)]))
    return at


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _require_gone(pids: Sequence[int]) -> None:
    end = time.monotonic() + SURVIVAL_SECONDS
    while alive := [pid for pid in pids if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < end, f"processes {alive} outlived the command that started them"
        time.sleep(0.02)


def report(tally: Tally, seconds: float, seed: int) -> str:
    """The table."""
    acts = sorted(tally.killed.keys() | tally.outlived.keys())
    rows = [(act, tally.killed[act], tally.outlived[act]) for act in acts]
    total = ("all", tally.killed.total(), tally.outlived.total())
    head = ("command", "killed", "ended before the kill")
    note = (
        f"\nSeed {seed}, {seconds / 60:.0f} minutes; {tally.restored} restores compared byte for byte; nothing lost.\n"
    )
    return table(head, [*rows, total]) + note


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--kills", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--minutes", type=float, default=120, help="stop after so long, however many kills it were")
    chosen = arguments.parse_args()
    began = time.monotonic()
    with workshop(chosen.folder, ROOM_BYTES) as folder, ExitStack() as resources:
        site = seaweed.prepare(folder / "site", buckets=["records"])
        resources.callback(site.stop)
        site.start()
        service = new_service(folder, site.writer.environment())
        for name, role in FOLDER_STORES.items():
            service.store(name, role)
        url = f"s3://records/store?endpoint={site.endpoint}"
        service.ask("store", "add", SITE_STORE, "--role", "remote_offline", "--url", url)
        campaign = Campaign(service, random.Random(chosen.seed))
        while campaign.kills < chosen.kills and time.monotonic() - began < chosen.minutes * 60:
            campaign.round()
            say(f"{campaign.kills} kills, {campaign.tally.outlived.total()} outlived, {time.monotonic() - began:.0f} s")
        campaign.finish()
        tell(report(campaign.tally, time.monotonic() - began, chosen.seed), chosen.out)


if __name__ == "__main__":
    main()
