"""Flip single bits in the packages of one store: each is found, called damage, located, and mended; nothing else is.

Packages of many sizes, made by the real ingest, lie in two stores.  In each round one bit flips in every package's
copy in one store, at a byte drawn from all that is stored of the package.  A full audit of both stores must open
exactly one finding for each flip, of damage, naming the object (and of a bag the block), and none in the untouched
store; a repair must close them all; a further audit must find everything sound.

    python -m ops.campaigns.flips [--flips 2000] [--seed N] [--out FILE]
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ops.campaigns.kills import flip_bit
from ops.campaigns.telling import parser, say, table, tell, workshop
from preserve.model.keys import BAG, PARTS_BEFORE_RECEIPT, RECEIPT, object_key
from preserve.model.nouns import Condition, Finding, Level, PackageEntry
from preserve.operations.audit import AuditReport, AuditRequest, audit
from preserve.operations.repair import RepairRequest, repair
from preserve.packages.held import size_of
from preserve.packages.judging.accounts import part_of
from tests.packages.building import Service, service

PACKAGES = 40
STRUCK, UNTOUCHED = "near", "city"
LARGE_BYTES = 40_000_000
"""One package has several blocks."""
ROOM_BYTES = 4 * 1024**3


@dataclass(slots=True)
class Tally:
    """What happened so far."""

    flips: Counter[str] = field(default_factory=Counter)
    clean_looks: int = 0
    """Copies that nothing was done to, and that were called sound."""
    bytes_mended: int = 0


@dataclass(frozen=True, slots=True)
class Flip:
    """Where one bit was flipped: the object and the byte."""

    part: str
    at: int


class Campaign:
    """A service with `packages` packages in two stores."""

    def __init__(self, kept: Service, lots: random.Random, packages: int) -> None:
        self._kept = kept
        self._lots = lots
        for number in range(packages):
            self._kept.ingest(self._submission(number))
        self._packages = list(kept.books.packages())
        self.tally = Tally()

    def round(self, most: int) -> None:
        """Flip a bit in each of at most `most` packages, find, mend.  Raises AssertionError for a broken promise."""
        struck = self._lots.sample(self._packages, min(most, len(self._packages)))
        flips = {package.id: self._flip(package) for package in struck}
        seen = self._audit()
        assert seen.counts.damaged == len(flips), seen.counts
        assert seen.counts.sound == 2 * len(self._packages) - len(flips), seen.counts
        found = {finding.package_id: finding for finding in seen.findings}
        assert len(seen.findings) == len(found) and found.keys() == flips.keys(), seen.findings
        for package_id, finding in found.items():
            assert package_id is not None
            self._require_located(finding, flips[package_id])
        mended = repair(self._kept.workplace, RepairRequest())
        assert not mended.not_repaired, mended.not_repaired
        assert {each.package for each in mended.repaired} == flips.keys()
        again = self._audit()
        assert not again.findings and again.counts.sound == 2 * len(self._packages), again
        self.tally.flips.update(flip.part for flip in flips.values())
        self.tally.clean_looks += seen.counts.sound + again.counts.sound
        self.tally.bytes_mended += mended.bytes_transferred

    def _audit(self) -> AuditReport:
        return audit(self._kept.workplace, AuditRequest(Level.FULL, afresh=True))

    def _flip(self, package: PackageEntry) -> Flip:
        """One bit of the current generations of the package's objects, each byte as likely as any other."""
        copy = self._kept.books.copy(package.id, STRUCK)
        assert copy is not None
        parts = [*PARTS_BEFORE_RECEIPT, RECEIPT]
        (part,) = self._lots.choices(parts, [size_of(package, each) for each in parts])
        key = object_key(package.id, part, copy.generation(part))
        return Flip(part, flip_bit(self._kept.places[STRUCK] / key, self._lots))

    def _require_located(self, finding: Finding, flip: Flip) -> None:
        assert (finding.store, finding.condition) == (STRUCK, Condition.DAMAGED), finding
        assert part_of(finding) == flip.part, (finding, flip)
        if flip.part == BAG:
            package = self._kept.books.package(str(finding.package_id))
            assert finding.blocks == (flip.at // package.receipt.block_bytes,), (finding, flip)

    def _submission(self, number: int) -> Path:
        """Some files of random sizes; the first submission is a large one."""
        source = self._kept.home.parent / f"source-{number}"
        source.mkdir()
        for file in range(self._lots.randint(1, 20)):
            (source / f"文件 {file}").write_bytes(self._lots.randbytes(self._lots.randint(0, 30_000)))
        if number == 0:
            (source / "large").write_bytes(self._lots.randbytes(LARGE_BYTES))
        return source


def campaign(folder: Path, flips: int, seed: int, packages: int = PACKAGES) -> Tally:
    """All rounds."""
    with service(folder, (STRUCK, UNTOUCHED)) as kept:
        work = Campaign(kept, random.Random(seed), packages)
        while (done := work.tally.flips.total()) < flips:
            work.round(flips - done)
            say(f"{work.tally.flips.total()} flips")
        return work.tally


def report(tally: Tally, seconds: float, seed: int) -> str:
    """The table."""
    rows: list[tuple[str, object]] = [(f"flips in {part}", count) for part, count in sorted(tally.flips.items())]
    rows.append(("found, called damage, located, mended", tally.flips.total()))
    rows.append(("looks at untouched or mended copies, none of them a false alarm", tally.clean_looks))
    rows.append(("travelled to mend them", f"{tally.bytes_mended / 10**6:.1f} MB"))
    return table(("single-bit flips", ""), rows) + f"\nSeed {seed}, {seconds / 60:.1f} minutes.\n"


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--flips", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    chosen = arguments.parse_args()
    began = time.monotonic()
    with workshop(chosen.folder, ROOM_BYTES) as folder:
        tally = campaign(folder, chosen.flips, chosen.seed)
    tell(report(tally, time.monotonic() - began, chosen.seed), chosen.out)


if __name__ == "__main__":
    main()
