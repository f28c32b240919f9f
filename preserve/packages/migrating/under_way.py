"""What became of files of a migration whose packages are not done yet: the journal in the home knows, the ledger does
not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from preserve.model.formats.file_results import FileFate, FileResult
from preserve.packages.migrating.journal import Journal, journal_folder
from preserve.state.books import Books


def under_way(books: Books, migrations: Path, number: int, only: str | None = None) -> Counter[FileFate]:
    """What became of the files of packages under way, of `only` one where it is named; asking writes nothing."""
    return Counter(each.fate for each in results_under_way(books, migrations, number, only))


def results_under_way(books: Books, migrations: Path, number: int, only: str | None = None) -> Iterator[FileResult]:
    """The same, file by file."""
    folder = journal_folder(migrations, number)
    if not folder.is_dir():
        return
    journal = Journal(folder)
    for package in journal.packages():
        is_meant = only in (None, package) and journal.is_under_way(package)
        if is_meant and books.migration_package(number, package).done is None:  # one that is booked stands in its entry
            yield from journal.results(package)
