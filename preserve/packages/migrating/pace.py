"""How many files of a policy were judged on a day, by all of its migrations together: noted in the books, so that they
keep one pace, whichever machine runs them.

Each run notes for its own migration alone, which nobody else runs meanwhile.  What is lost of it is done in addition.
"""

from __future__ import annotations

import json
from datetime import datetime

from preserve.clock import zone
from preserve.model.policy import MigrationRule
from preserve.state.books import Books


def day_of(rule: MigrationRule | None, now: datetime) -> str:
    """The day by which a policy counts."""
    return now.astimezone(zone(None if rule is None else rule.timezone)).date().isoformat()


def note_judged(books: Books, migration: int, policy: str, day: str, files: int) -> None:
    """So many files more of a policy were judged in a migration on a day."""
    total = _noted(books, migration, policy, day) + files
    books.set_progress(_job(migration, policy), json.dumps([day, total]))


def judged_on(books: Books, policy: str, day: str) -> int:
    """How many files of a policy were judged on a day, in whichever migration."""
    return sum(_noted(books, each.number, policy, day) for each in books.migrations())


def _noted(books: Books, migration: int, policy: str, day: str) -> int:
    noted = books.progress(_job(migration, policy))
    of_day, files = json.loads(noted) if noted is not None else ("", 0)
    return int(files) if of_day == day else 0


def _job(migration: int, policy: str) -> str:
    return f"migration {migration}/judged/{policy}"
