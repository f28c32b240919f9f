"""Remove from the home what migrations left there of which nothing can be made any more.

Risk logs stay, with the pages that look otherwise: they are the account of what was done.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from preserve.errors import Unavailable
from preserve.packages.migrating.journal import journal_folder
from preserve.workplace import Workplace


def clear_up(workplace: Workplace, migrations: Path) -> None:
    """Remove the journals of all migrations that need theirs no more, with what was made and came into no version.

    One that somebody is at work on, and what cannot be removed now, is left for the next time.
    """
    books = workplace.books
    for each in books.migrations():
        folder = journal_folder(migrations, each.number)
        if not each.is_settled or not folder.is_dir():
            continue
        with suppress(Unavailable), workplace.claim(each.claim):
            if books.migration(each.number).is_settled:
                shutil.rmtree(folder, ignore_errors=True)
