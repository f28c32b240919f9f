"""The files of a package as they count: what a tool found each to be, and beside it what persons said of them.

Who needs the format or the encoding of files (a migration, say) asks here: `settled_files`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence

from preserve.errors import Refused
from preserve.model.formats.settlements import FileSettled, SettledTally, Settlement, Settlements
from preserve.model.formats.standing import IdentifiedEntry
from preserve.packages.format_lists import Listed, read_format_list
from preserve.packages.reaching import kept_format_list
from preserve.workplace import Workplace

Rows = Callable[[], Iterable[Listed]]
"""The list of a package, read anew each time: it may be too long to hold."""


def settled_files(workplace: Workplace, package: str) -> Iterator[tuple[Listed, FileSettled]]:
    """Each file of a package, in the order of the tar: what the tool found, and what counts.

    Raises `Refused` where nobody told its formats yet, or no store has the list sound; `Unavailable`.
    """
    rows = rows_of(workplace, identified(workplace, package))
    settlements = in_force(workplace.books.settlements(package), rows)
    return ((row, settlements.of(row.path, row.found)) for row in rows())


def identified(workplace: Workplace, package: str) -> IdentifiedEntry:
    """The last identification of a package.  Raises `Refused` where there was none."""
    entry = workplace.books.identified(package)
    if entry is None:
        raise Refused(
            "nobody told the formats of package {package} yet; `preserve format identify --package {package}` does",
            package=package,
        )
    return entry


def rows_of(workplace: Workplace, entry: IdentifiedEntry) -> Rows:
    """The list that an identification made.  Raises as `preserve.packages.reaching.kept_format_list`."""
    content = kept_format_list(workplace, entry)
    return lambda: read_format_list(io.BytesIO(content))


def in_force(made: Sequence[Settlement], rows: Rows) -> Settlements:
    """The settlements of a package, as far as they hold for the files of a list."""
    return Settlements(made, ((row.path, row.found) for row in rows()) if made else ())


def counted(made: Sequence[Settlement], rows: Rows) -> SettledTally:
    """What the files of a list come to when persons are heard."""
    settlements, counts = in_force(made, rows), SettledTally()
    for row in rows():
        counts.add(row.size, settlements.of(row.path, row.found))
    return counts
