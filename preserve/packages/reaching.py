"""From a booked package to what can be read of it now: its copies, the best first, and the list of its formats."""

from __future__ import annotations

from preserve.errors import PreserveError, Refused, Unavailable
from preserve.model.formats.standing import IdentifiedEntry
from preserve.model.keys import object_key
from preserve.model.nouns import PackageEntry
from preserve.model.restore import best_first
from preserve.packages.held import held_copy
from preserve.packages.reading import fetch
from preserve.packages.sources import Sources
from preserve.workplace import Workplace


def sources_of(workplace: Workplace, package: PackageEntry, only: str | None = None) -> Sources:
    """The copies to read from, the best first; of store `only` alone, if it is given.

    Raises `Refused` where there is none.
    """
    books = workplace.books
    registered = {store.name: store for store in books.stores()}
    copies = best_first(books.copies(package=package.id), registered)
    held = [
        held_copy(books, workplace.stores[copy.store], package, copy) for copy in copies if only in (None, copy.store)
    ]
    if not held:
        raise Refused("package {package} has no copy that it could be read from", package=package.id)
    return Sources(package, held)


def unlistable(sources: Sources) -> PreserveError:
    """Why nobody can say which files a package has: where a store is away, that it is."""
    package = sources.package
    for standing in sources.standings:
        if standing.away is not None:
            return standing.away
    return Refused(
        "no copy of package {package} in reach has its lists sound; `preserve repair --package {package}` first",
        package=package.id,
    )


def kept_format_list(workplace: Workplace, entry: IdentifiedEntry) -> bytes:
    """The list of a package's formats as a store has it sound.

    Raises `Unavailable` where one that may have it is away, else `Refused`.
    """
    away: Unavailable | None = None
    for name, generation in entry.stores.items():
        if name not in workplace.stores:
            continue  # it was retired
        try:
            key = object_key(entry.package_id, entry.part, generation)
            look = fetch(workplace.stores[name], key, entry.digest.bytes, entry.digest.sha256)
        except Unavailable as error:
            away = error
            continue
        if look.is_sound:
            return look.content
    if away is not None:
        raise away
    raise Refused(
        "no store has {object} of package {package} sound; `preserve format identify --package {package} --again`"
        " makes it anew",
        object=entry.part,
        package=entry.package_id,
    )
