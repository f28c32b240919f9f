"""How long `preserve policy assess` takes with many packages: books are filled, and the real command is run on them.

    python -m ops.campaigns.assessment [--packages N] [--out FILE]

The rows are put into the catalog directly (a ledger of so many acts would take an hour to write); half of the copies
were looked at by sample since they were made, one in a hundred was never read back.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.campaigns.service import Service, new_service
from ops.campaigns.telling import parser, table, tell, workshop
from preserve.clock import stamp
from preserve.model import receipts
from preserve.model.nouns import CopyState, Level, ObjectDigest, Receipt
from preserve.state.books import FILE_NAME
from preserve.state.sqlite_database import SqliteDatabase

STORES = {"main": "primary", "near": "same_city", "far": "remote_offline"}
BYTES_FOR_EACH = 4096
MINUTES_BETWEEN = 5
COMMANDS = (
    ("policy", "assess", "default"),
    ("policy", "assess", "--lose", "near", "--steal", "writer-key"),
)


def fill(service: Service, packages: int) -> None:
    """Book so many packages with a copy in each store."""
    chance = random.Random(20261121)
    policy = service.ask("policy", "show", "default")
    newest = datetime.now(UTC)
    database = SqliteDatabase(service.home / FILE_NAME)
    with database.transaction() as tables:
        made = [newest - timedelta(minutes=MINUTES_BETWEEN * (packages - number)) for number in range(packages)]
        tables.executemany(
            "INSERT INTO accession VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((f"a-{number}", "/s", "", None, policy["sha256"], "[]", stamp(at), 0, 0, None)
             for number, at in enumerate(made)),
        )  # fmt: skip
        tables.executemany("INSERT INTO package VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _packages(made))
        tables.executemany("INSERT INTO copy VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _copies(made, newest, chance))
    database.close()


def _packages(made: list[datetime]) -> Iterator[tuple[Any, ...]]:
    for number, at in enumerate(made):
        receipt = json.dumps(receipts.document(_receipt(number, stamp(at))), ensure_ascii=False)
        yield _id(number), f"a-{number}", receipt, "0" * 64, 900, 3, 10_000_000, stamp(at)


def _receipt(number: int, at: str) -> Receipt:
    some = ObjectDigest(100, "1" * 64)
    metadata = {"External-Description": "会议纪要" * 50}
    return Receipt(
        _id(number), at, 3, 10_000_000, 1, "default", "0" * 64, (), 10_000_000, "2" * 64, some, some, metadata
    )


def _copies(made: list[datetime], newest: datetime, chance: random.Random) -> Iterator[tuple[Any, ...]]:
    for number, at in enumerate(made):
        for store in sorted(STORES):
            booked = stamp(at + timedelta(seconds=chance.uniform(0, 200)))
            audits = {Level.FULL.value: booked}
            if chance.random() < 0.5:
                audits[Level.SAMPLE.value] = stamp(at + (newest - at) * chance.random())
            last = max(audits, key=lambda level: audits[level])
            state = CopyState.VERIFIED if chance.random() < 0.99 else CopyState.ATTESTED
            yield (
                _id(number), store, state.value, 10_000_000, "{}", booked, audits[last], last,
                json.dumps(audits, sort_keys=True), None,
            )  # fmt: skip


def _id(number: int) -> str:
    return f"20260101-{number:010d}"


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--packages", type=int, default=100_000)
    given = arguments.parse_args()
    with workshop(given.folder, given.packages * BYTES_FOR_EACH) as folder:
        service = new_service(folder)
        for name, role in STORES.items():
            service.store(name, role)
        fill(service, given.packages)
        rows = []
        for command in COMMANDS:
            ended = min((service.must(*command, codes=(0, 1)) for _ in range(3)), key=lambda each: each.seconds)
            rows.append((" ".join(command), f"{ended.seconds:.2f}", f"{ended.peak_mib:.0f}"))
    tell(table((f"{given.packages:,} packages, 3 copies each", "seconds", "peak MiB"), rows), given.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
