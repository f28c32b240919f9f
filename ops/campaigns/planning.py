"""How long planning what is due, `preserve status` and the rest that only looks take with very many packages, and how
that grows: books are filled, and the real commands are run on them.

    python -m ops.campaigns.planning [--packages N …] [--neglected] [--out FILE]

Rows are put into the catalog directly, as in the campaign of assessments; the tables that count them are made by the
statements of the schema step.  The stores hold no byte of a record.  Steady: all copies verified, each looked at within
the last 75 of 90 days, nothing due.  Neglected: half of the copies were never looked at again in ten years.  What was
measured at the last two sizes is continued to ten million by a power law: a figure with ~ was not measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops.campaigns.assessment import BYTES_FOR_EACH, STORES, fill
from ops.campaigns.growth import Measure, Point, told, used_seconds
from ops.campaigns.service import Service, new_service
from ops.campaigns.telling import parser, say, tell, workshop
from preserve.clock import stamp
from preserve.model.canonical import encode
from preserve.state.books import FILE_NAME
from preserve.state.schema_steps import STEPS
from preserve.state.sqlite_database import SqliteDatabase

LOOKED_WITHIN = timedelta(days=75)
TRIES = 3
MEMORY_LIMIT_MIB = 500
PLANNING_SECONDS, STATUS_SECONDS = 2.0, 1.0
COMMANDS: Mapping[str, tuple[Sequence[str], float]] = {
    "run --plan": (("run", "--plan", "--days", "30", "--budget", "500GiB"), PLANNING_SECONDS),
    "alarms": (("alarms",), PLANNING_SECONDS),
    "run --once, nothing due": (("run", "--once"), PLANNING_SECONDS),
    "status": (("status",), STATUS_SECONDS),
    "status --metrics": (("status", "--metrics", "metrics.prom"), STATUS_SECONDS),
    "status --html": (("status", "--html", "status.html"), STATUS_SECONDS),
}
_DERIVED = tuple(f"INSERT INTO {table} " for table in ("kept", "standing", "look", "look_day", "growth"))
_LOOK = "max(booked_at, strftime('%Y-%m-%dT%H:%M:%S.000000Z', ?, '-' || (rowid * 7919 % ?) || ' seconds'))"


def care(service: Service) -> None:
    """Have all copies verified, looked at in the last weeks, and all stores looked through today."""
    database, now = SqliteDatabase(service.home / FILE_NAME), stamp(datetime.now(UTC))
    with database.transaction() as tables:
        tables.execute(
            f"UPDATE copy SET state = 'verified', audited_level = 'sample', audited_at = {_LOOK}",  # noqa: S608
            (now, int(LOOKED_WITHIN.total_seconds())),
        )
        tables.execute("UPDATE copy SET audits = json_object('full', booked_at, 'sample', audited_at)")
        tables.execute(
            "INSERT INTO audit_run (id, level, stores, begun, begun_at, ended_at, counts)"
            " VALUES ('listed', 'exists', ?, 0, ?, ?, ?)",
            (encode(sorted(STORES)).decode(), now, now, encode({"sound": 1}).decode()),
        )
    database.close()


def derive(service: Service) -> None:
    """Make the rows that follow from packages and copies, as books of an earlier schema are brought up to date."""
    database = SqliteDatabase(service.home / FILE_NAME)
    with database.transaction() as tables:
        for statement in STEPS[2]:
            if statement.startswith(_DERIVED):
                tables.execute(statement)
    database.close()


def measured(
    folder: Path, packages: int, *, is_neglected: bool, commands: Sequence[str] = tuple(COMMANDS), tries: int = TRIES
) -> Point:
    """Fill books with so many packages and run the commands on them; the best of several tries counts."""
    service = new_service(folder)
    for name, role in STORES.items():
        service.store(name, role)
    fill(service, packages)
    if not is_neglected:
        care(service)
    derive(service)
    say(f"{packages:,} packages filled in")
    figures = {Measure("books", "GiB", 1000): (service.home / FILE_NAME).stat().st_size / 2**30}
    for name in commands:
        arguments, limit = COMMANDS[name]
        if name.startswith("run --once"):
            if is_neglected:  # it would audit what is not there
                continue
            service.must(*arguments, codes=(0, 1))  # what is due at first: the keys of the stores are tried
        given = [str(folder / each) if "." in each else each for each in arguments]
        seconds, processor, memory = zip(*(_run(service, given) for _ in range(tries)), strict=True)
        figures[Measure(name, "s", limit)] = min(seconds)
        figures[Measure(f"{name}: processor", "s", limit)] = min(processor)
        figures[Measure(f"{name}: memory", "MiB", MEMORY_LIMIT_MIB)] = max(memory)
        say(f"{name}: {min(seconds):.2f} s, processor {min(processor):.2f} s, {max(memory):.0f} MiB")
    return Point(packages, figures)


def _run(service: Service, arguments: Sequence[str]) -> tuple[float, float, float]:
    before = used_seconds()
    ended = service.must(*arguments, codes=(0, 1))
    return ended.seconds, used_seconds() - before, ended.peak_mib


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--packages", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    arguments.add_argument("--neglected", action="store_true")
    given = arguments.parse_args()
    points = []
    for packages in sorted(given.packages):
        with workshop(given.folder, packages * BYTES_FOR_EACH) as folder:
            points.append(measured(folder, packages, is_neglected=given.neglected))
    tell(told(points), given.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
