"""How long questions about formats take with very many packages, on books in a file and on a server.

    python -m ops.campaigns.formats_held [--packages N] [--out FILE]

Rows are put into the catalog directly.  Of these packages nine in ten were identified with the signatures in use, one
in ten with earlier ones, the last thousand never; each is in three of forty formats, every fifth has something odd, a
third of which is settled; one copy in a hundred lacks its list.  The best of three tries counts.
"""

# ruff: noqa: S608 - the statements are made of constants

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ops.campaigns.service import new_service
from ops.campaigns.telling import parser, say, table, tell, workshop
from ops.sites import postgres
from preserve.model.formats.identification import Release
from preserve.state import books_place
from preserve.state.books import FILE_NAME, Books
from preserve.state.sqlite_database import SqliteDatabase

BYTES_FOR_EACH = 3000
TRIES = 3
NEVER = 1000
NOW = Release("siegfried", "now", "0" * 64)
EARLIER = Release("siegfried", "earlier", "0" * 64)
_NUMBERS = "WITH RECURSIVE each(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM each WHERE n + 1 < ?)"
_ID = "printf('20260101-%010d', n)"
_RELEASE = "('default', ?, ?, '2026')"
_MARKS = '\'{"far":"verified","main":"verified"}\''

Question = Callable[[Books], object]
QUESTIONS: Mapping[str, Question] = {
    "what the runner asks each turn": lambda books: (
        books.identification_standings(NOW.digest),
        books.count_without_format_list("default"),
    ),
    "what is due (`not_identified_with`)": lambda books: sum(
        1 for _ in books.not_identified_with("default", NOW.digest)
    ),
    "never identified only": lambda books: sum(1 for _ in books.not_identified_with("default", None)),
    "lists lacking (`without_format_list`)": lambda books: sum(1 for _ in books.without_format_list("default")),
    "`format list`": lambda books: (
        books.formats_held(),
        books.oddities_held(),
        books.identification_standings(NOW.digest),
    ),
    "`format show unknown`": lambda books: books.packages_with_oddity("unknown", 10_000),
    "`format show fmt/7`": lambda books: books.packages_in_format("fmt/7", 10_000),
    "what to settle under a policy": lambda books: sum(1 for _ in books.to_settle("default", "unknown", True, True)),
}


def fill(home: Path, packages: int) -> None:
    """Make the rows that questions about formats read."""
    database = SqliteDatabase(home / FILE_NAME)
    told = packages - NEVER
    current = told * 9 // 10
    statements: tuple[tuple[str, tuple[object, ...]], ...] = (
        (f"INSERT INTO kept {_NUMBERS} SELECT {_ID}, 'default', {_MARKS}, 3, 9000, '2026' FROM each", (packages,)),
        (f"INSERT INTO standing VALUES ('default', {_MARKS}, ?, ?, ?)", (packages, 3 * packages, 9000 * packages)),
        (
            f"INSERT INTO identified {_NUMBERS} SELECT {_ID}, 'default', CASE WHEN n < ? THEN ? ELSE ? END,"
            " 'siegfried', 'now', 'own', 1, 5000, 'sha256', 3, '2026' FROM each",
            (told, current, NOW.digest, EARLIER.digest),
        ),
        (f"INSERT INTO policy_release VALUES {_RELEASE}", (NOW.digest, current)),
        (f"INSERT INTO policy_release VALUES {_RELEASE}", (EARLIER.digest, told - current)),
        *(
            (
                f"INSERT INTO package_format {_NUMBERS} SELECT {_ID}, 'fmt/' || ((n + ?) % 40), 1, 3000, 0 FROM each",
                (told, step),
            )
            for step in (0, 7, 19)
        ),
        (
            f"INSERT INTO package_oddity {_NUMBERS} SELECT {_ID}, CASE WHEN n % 10 = 0 THEN 'unknown' ELSE 'encrypted'"
            " END, 1, n % 3 = 0 FROM each WHERE n % 5 = 0",
            (told,),
        ),
        (f"INSERT INTO list_lacking {_NUMBERS} SELECT {_ID}, 'far', 'default' FROM each WHERE n % 100 = 0", (told,)),
        (
            "INSERT INTO policy_format SELECT 'default', puid, count(*), sum(files), sum(bytes), sum(by_hand)"
            " FROM package_format GROUP BY puid",
            (),
        ),
        (
            "INSERT INTO policy_oddity SELECT 'default', oddity, count(*), sum(files > settled), sum(files),"
            " sum(settled) FROM package_oddity GROUP BY oddity",
            (),
        ),
    )
    with database.transaction() as tables:
        for sql, parameters in statements:
            tables.execute(sql, parameters)
    database.close()


def seconds(books: Books, question: Question) -> float:
    """How long a question takes: the best of some tries."""
    spans = []
    for _ in range(TRIES):
        began = time.monotonic()
        question(books)
        spans.append(time.monotonic() - began)
    return min(spans)


def asked(home: Path, where: str) -> dict[str, float]:
    """How long each question takes."""
    with Books.open(home) as books:
        found = {}
        for name, question in QUESTIONS.items():
            found[name] = seconds(books, question)
            say(f"{where}: {name}: {found[name]:.3f} s")
    return found


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--packages", type=int, default=1_000_000)
    given = arguments.parse_args()
    with workshop(given.folder, given.packages * BYTES_FOR_EACH) as folder:
        service = new_service(folder)
        fill(service.home, given.packages)
        say(f"{given.packages:,} packages filled in")
        in_file = asked(service.home, "file")
        command = min(service.must("format", "list").seconds for _ in range(TRIES))
        server = postgres.start()
        try:
            books_place.move(service.home, server.new_database())
            on_server = asked(service.home, "server")
        finally:
            server.stop()
    rows = [(name, f"{in_file[name]:.3f}", f"{on_server[name]:.3f}") for name in QUESTIONS]
    rows.append(("the command `preserve format list`, its start included", f"{command:.2f}", "-"))
    head = (f"{given.packages:,} packages", "seconds, SQLite", "seconds, PostgreSQL")
    tell(table(head, rows), given.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
