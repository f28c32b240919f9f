"""How a source was at a moment: which harvest that is, and the rows of its state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from preserve.bags.entries import FOLDER, order
from preserve.clock import moment_of
from preserve.errors import Refused
from preserve.model.sources import HarvestEntry, SourceKind
from preserve.packages.harvesting import fetching, standing
from preserve.packages.harvesting.rows import KIND, PATH, Row, Seen
from preserve.state.books import Books
from preserve.workplace import Workplace


def harvest_meant(books: Books, source: str, as_of: str | None) -> HarvestEntry:
    """The harvest that says how a source was at a moment (None: now).

    Raises `Refused` for a drop folder, which has no state, and where it was never harvested until then.
    """
    entry = books.source(source).entry
    if entry.kind is SourceKind.DROP:
        raise Refused(
            "source {source} is a drop folder: each submission is an accession of its own; see `preserve source history"
            " {source}`, and `preserve restore ACCESSION --to DIR`",
            source=entry.name,
        )
    # Of a first harvest that is not finished, what there is of it is better than nothing.
    harvest = books.last_whole_harvest(entry.name, as_of) or books.last_harvest(entry.name, as_of)
    if harvest is None:
        first = next(books.harvests(entry.name), None)
        raise Refused(
            "source {source} was not harvested until then; its first harvest is of {first}",
            source=entry.name,
            first=moment_of(first.seen_at) if first else "-",
        )
    return harvest


def rows_of(
    workplace: Workplace, harvest: HarvestEntry, resources: ExitStack, store: str | None = None
) -> Iterator[Row]:
    """The state, from the home where it is the last one and any store may be read, else from the stores.

    Raises `WornError` while it is read from the home, and what `fetching.state_rows` raises.
    """
    books = workplace.books
    states = books.states(harvest.source, harvest.number)
    last = books.last_harvest(harvest.source)
    newest = books.states(harvest.source, last.number) if last else []
    if store is None and states and newest and states[-1].number == newest[-1].number:
        return resources.enter_context(standing.opened(workplace, harvest.source)).rows()
    return fetching.state_rows(workplace, harvest.source, harvest.number, store)


def files_in(rows: Iterator[Row]) -> Iterator[Seen]:
    """The files and links of a state, in listing order."""
    return (seen for seen, _ in rows if seen[KIND] != FOLDER)


def gone_since(then: Iterator[Seen], now: Iterator[Seen]) -> Iterator[Seen]:
    """Of the files and links that were there then, those of which none of the name and kind is there now; both in
    listing order."""
    here = next(now, None)
    for seen in then:
        while here is not None and order(here[PATH]) < order(seen[PATH]):
            here = next(now, None)
        if here is None or (here[PATH], here[KIND]) != (seen[PATH], seen[KIND]):
            yield seen
