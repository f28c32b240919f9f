"""How long planning what is due, and `preserve status`, take with very many packages: books are filled, and the real
commands are run on them.

    python -m ops.campaigns.planning [--packages N] [--out FILE]

Rows are put into the catalog directly, as in the campaign of assessments; the tables that count them are made by the
statements of the schema step.
"""

from __future__ import annotations

from ops.campaigns.assessment import BYTES_FOR_EACH, STORES, fill
from ops.campaigns.service import Service, new_service
from ops.campaigns.telling import parser, say, table, tell, workshop
from preserve.state.books import FILE_NAME
from preserve.state.schema_steps import STEPS
from preserve.state.sqlite_database import SqliteDatabase

COMMANDS = (("run", "--plan", "--days", "30", "--budget", "500GiB"), ("status",), ("alarms",))


def derive(service: Service) -> None:
    """Make the rows that follow from packages and copies, as books of an earlier schema are brought up to date."""
    database = SqliteDatabase(service.home / FILE_NAME)
    with database.transaction() as tables:
        for statement in STEPS[2]:
            if statement.startswith(("INSERT INTO kept ", "INSERT INTO standing ", "INSERT INTO look ")):
                tables.execute(statement)
        tables.execute("ANALYZE")
    database.close()


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--packages", type=int, default=1_000_000)
    given = arguments.parse_args()
    with workshop(given.folder, given.packages * BYTES_FOR_EACH) as folder:
        service = new_service(folder)
        for name, role in STORES.items():
            service.store(name, role)
        fill(service, given.packages)
        say("filled")
        derive(service)
        say("derived")
        rows = []
        for command in COMMANDS:
            ended = min((service.must(*command, codes=(0, 1)) for _ in range(3)), key=lambda each: each.seconds)
            rows.append((" ".join(command), f"{ended.seconds:.2f}", f"{ended.peak_mib:.0f}"))
            say(f"{rows[-1]}")
    tell(table((f"{given.packages:,} packages, 3 copies each", "seconds", "peak MiB"), rows), given.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
