"""How cost and memory grow with the number of packages, up to ten million, and what the first bottleneck is.

    python -m ops.campaigns.growth [--packages N] [--steps K] [--postgres] [--out FILE]

Acts are booked by the program's own code (three copies of each package, each read back; no byte of a record is moved),
in K steps of which each has √10 times as many packages as the one before; after each, the real commands are run.  What
was measured at the last two sizes (seconds of the processor; of the clock for booking, and where a server works too)
is continued to ten million by a power law: a figure with ~ was not measured.
"""

from __future__ import annotations

import math
import random
import resource
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops.campaigns.service import Service, new_service
from ops.campaigns.telling import parser, say, table, tell, workshop
from ops.sites import postgres
from preserve.clock import monotonic_seconds, stamp
from preserve.model import events, receipts
from preserve.model.entries import AccessionEntry
from preserve.model.nouns import Act, CopyState, Event, ObjectDigest, Receipt
from preserve.settings.home import DATABASE_VARIABLE
from preserve.state.books import FILE_NAME, Books

STORES = {"main": "primary", "near": "same_city", "far": "remote_offline"}
ACT = Act("campaign", "growth")
MOST = 10_000_000
FACTOR = math.sqrt(10)
BYTES_FOR_EACH = 40_000
TRIES = 2
"""Of what is quick the better of so many runs counts: others may work on the machine."""
PACKAGES_AT_ONCE = 100
"""Booked in one transaction: what a busy ingest or audit does in half a second."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that grows: what it is called, its unit, and how much of it would be too much."""

    name: str
    unit: str
    limit: float


BOOKING = Measure("booking a package and three copies", "ms", 250)
SIZE = Measure("books", "GiB", 1000)
HOURS = 8 * 3600
COMMANDS: Mapping[Measure, Sequence[str]] = {
    Measure("status", "s", 1): ("status",),
    Measure("planning (alarms)", "s", 2): ("alarms",),
    Measure("publish what is new", "s", HOURS): ("ledger", "publish"),
    Measure("ledger verify", "s", HOURS): ("ledger", "verify"),
}
REBUILD = Measure("rebuild from one store", "s", HOURS)
MEMORY_LIMIT_MIB = 500


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured at one size."""

    packages: int
    figures: Mapping[Measure, float]


def acts(first: int, count: int, chance: random.Random, template: Receipt, policy_sha256: str) -> Iterator[Event]:
    """What is booked of so many packages; half of the copies are a year old at most, as after some years of use."""
    for number in range(first, first + count):
        made = datetime.now(UTC) - timedelta(days=chance.uniform(0, 365))
        receipt = replace(template, package_id=f"20260101-{number:010d}", created_at=stamp(made))
        at = receipt.created_at
        accession = AccessionEntry(f"a-{number}", "/s", "l" * 64, None, policy_sha256, (receipt.package_id,), at)
        yield events.ingest_begun(ACT, at, accession)
        code = f"0001-WS·2024-永久-{number:08d}"
        yield events.packaged(ACT, at, accession.id, receipt, f"{number:064x}", 900, [code])
        for store in STORES:
            yield events.copied(ACT, at, receipt.package_id, store, CopyState.VERIFIED, receipt.bag_bytes)


def a_receipt(policy_sha256: str) -> Receipt:
    some = ObjectDigest(100, "1" * 64)
    metadata = {"External-Description": "会议纪要" * 50}
    return Receipt("", "", 3, 10_000_000, 1, "default", policy_sha256, (), 10_000_000, "2" * 64, some, some, metadata)


def grow(service: Service, first: int, count: int, server: str | None) -> float:
    """Book so many more packages; returns seconds for each."""
    policy = service.ask("policy", "show", "default")["sha256"]
    template, chance = a_receipt(policy), random.Random(first)
    assert receipts.from_document(receipts.document(template)) == template
    began = monotonic_seconds()
    with Books.open(service.home, server) as books:
        for at in range(first, first + count, PACKAGES_AT_ONCE):
            books.record(*acts(at, min(PACKAGES_AT_ONCE, first + count - at), chance, template, policy))
    return (monotonic_seconds() - began) / count


def measured(service: Service, packages: int, booking_seconds: float, books_bytes: int, *, is_on_server: bool) -> Point:
    """Run the commands on books of this size."""
    figures: dict[Measure, float] = {BOOKING: booking_seconds * 1000, SIZE: books_bytes / 2**30}
    for measure, command in COMMANDS.items():
        runs = [
            _timed(service, *command, is_on_server=is_on_server) for _ in range(TRIES if measure.limit < HOURS else 1)
        ]
        figures[measure], figures[_memory(measure)] = min(runs)
    again = replace(service, folder=service.folder / "again")
    again.folder.mkdir()
    main = (service.folder / "main").as_uri()
    figures[REBUILD], figures[_memory(REBUILD)] = _timed(again, "rebuild", "--from", main)
    shutil.rmtree(again.folder)
    return Point(packages, figures)


def _timed(service: Service, *command: str, is_on_server: bool = False) -> tuple[float, float]:
    """Seconds and MiB of a command.  Where it works alone, seconds of the processor, which others on the machine change
    little; where a server works for it, those of the clock."""
    before = used_seconds()
    ended = service.must(*command, codes=(0, 1))
    return (ended.seconds if is_on_server else used_seconds() - before), ended.peak_mib


def used_seconds() -> float:
    """What commands that have ended took of the processor."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory(measure: Measure) -> Measure:
    return Measure(f"{measure.name}: memory", "MiB", MEMORY_LIMIT_MIB)


def continued(points: Sequence[Point], measure: Measure, packages: int) -> float:
    """A figure at a size that nobody measured, by the power law through the last two that were; never shrinking."""
    before, last = points[-2], points[-1]
    low, high = (max(point.figures[measure], 1e-6) for point in (before, last))
    power = math.log(high / low) / math.log(last.packages / before.packages)
    return float(high * (packages / last.packages) ** max(power, 0.0))


def bottleneck(points: Sequence[Point]) -> tuple[Measure, float] | None:
    """What reaches its limit first, and at how many packages; None where nothing does up to ten million."""
    found = []
    for measure in points[-1].figures:
        size = float(points[-1].packages)
        while continued(points, measure, round(size)) < measure.limit and size < MOST:
            size *= 1.05
        if size < MOST:
            found.append((measure, size))
    return min(found, key=lambda each: each[1], default=None)


def told(points: Sequence[Point]) -> str:
    """The table, and the bottleneck in words."""
    head = ["", *(f"{point.packages:,}" for point in points), f"~{MOST:,}", "limit"]
    rows = [
        [
            f"{measure.name} [{measure.unit}]",
            *(f"{point.figures[measure]:.3g}" for point in points),
            f"~{continued(points, measure, MOST):.3g}",
            f"{measure.limit:g}",
        ]
        for measure in points[-1].figures
    ]
    first = bottleneck(points)
    if first is None:
        return table(head, rows) + "\nNothing reaches its limit.\n"
    measure, size = first
    return table(head, rows) + f"\nFirst bottleneck: {measure.name}, at about {size:,.0f} packages.\n"


def books_bytes(service: Service, server: str | None) -> int:
    """What the books take, indices included."""
    if server is None:
        return (service.home / FILE_NAME).stat().st_size
    with Books.open(service.home, server) as books:
        row = books._database.row("SELECT CAST(pg_database_size(current_database()) AS BIGINT)")
        return int(row[0]) if row else 0


def campaign(folder: Path, packages: int, steps: int, server: str | None) -> list[Point]:
    """Grow to so many packages in so many steps."""
    service = new_service(folder, {DATABASE_VARIABLE: server} if server else None)
    for name, role in STORES.items():
        service.store(name, role)
    sizes = [round(packages / FACTOR**step) for step in reversed(range(steps))]
    points: list[Point] = []
    for before, size in zip([0, *sizes], sizes, strict=False):
        say(f"{size:,} packages")
        seconds = grow(service, before, size - before, server)
        # The rebuilt home of a measurement lies in a file: two homes of one id cannot lie in one database.
        alone = replace(service, environment={}) if server else service
        points.append(measured(alone, size, seconds, books_bytes(service, server), is_on_server=server is not None))
    return points


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--packages", type=int, default=100_000)
    arguments.add_argument("--steps", type=int, default=3)
    arguments.add_argument("--postgres", action="store_true", help="keep the books on a server started for this")
    given = arguments.parse_args()
    server = postgres.start(durable=True) if given.postgres else None
    try:
        with workshop(given.folder, given.packages * BYTES_FOR_EACH) as folder:
            points = campaign(folder, given.packages, given.steps, server.new_database() if server else None)
    finally:
        if server:
            server.remove()
    tell(told(points), given.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
