"""How many files of a migration were judged whose packages are not done yet: the journal in the home knows, the ledger
does not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from preserve.model.formats.file_results import FileFate
from preserve.packages.migrating.journal import Journal, journal_folder
from preserve.state.books import Books


def under_way(books: Books, migrations: Path, number: int, only: str | None = None) -> Counter[FileFate]:
    """What became of the files of packages under way, of `only` one where it is named; asking writes nothing."""
    folder, found = journal_folder(migrations, number), Counter[FileFate]()
    if not folder.is_dir():
        return found
    journal = Journal(folder)
    for package in journal.packages():
        is_meant = only in (None, package) and journal.is_under_way(package)
        if is_meant and books.migration_package(number, package).done is None:  # one that is booked stands in its entry
            found.update(each.fate for each in journal.results(package))
    return found
