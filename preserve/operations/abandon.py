"""Abandon: an accession that was begun and that nobody can finish any more is given up, with a reason.

What a store holds whole of it is taken in first: a package whose receipt stands in a store was read back there before
the receipt was written, so nothing but its booking is missing.  What is left of the others stays where it is, because
stores are not erased; an audit knows it for what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from preserve.errors import PreserveError, Refused, Unavailable
from preserve.model import events
from preserve.model.blocks import BLOCK_BYTES
from preserve.model.entries import AccessionEntry, AccessionState
from preserve.model.keys import BAG, MEMBERS, object_key, package_folder
from preserve.model.nouns import Event
from preserve.packages import discovery
from preserve.packages.discovery import Discovered, Listed
from preserve.ports import Store
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Remains:
    """What one store keeps of packages that were given up: known, of no use, and in nobody's way."""

    store: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class AbandonReport:
    """What became of the packages of an accession.

    `kept` were in the books before, `taken_in` were whole in a store and are booked now, `given_up` never came to be.
    `away` are stores that could not be asked, and why: the same command looks there once they are back.
    """

    accession: AccessionEntry
    kept: tuple[str, ...]
    taken_in: tuple[str, ...]
    given_up: tuple[str, ...]
    remains: tuple[Remains, ...]
    away: Mapping[str, PreserveError]


def abandon(workplace: Workplace, accession_id: str) -> AbandonReport:
    """Give up what is unfinished of an accession.  Doing it again looks through the stores again.

    Raises `Refused` where there is none of that id or it was completed, `Unavailable` while it is being taken in.
    """
    accession = workplace.books.accession(accession_id)
    with workplace.claim(accession.source):
        accession = workplace.books.accession(accession_id)
        if accession.state is AccessionState.COMMITTED:
            raise Refused(
                "accession {accession} was completed, and what was taken in is kept; nothing was changed",
                accession=accession_id,
            )
        return _Abandoning(workplace, accession).run()


@dataclass(slots=True)
class _Abandoning:
    """One accession on its way out."""

    workplace: Workplace
    accession: AccessionEntry
    away: dict[str, PreserveError] = field(default_factory=dict)

    def run(self) -> AbandonReport:
        books, place = self.workplace.books, self.workplace
        unbooked = [package for package in self.accession.packages if not books.has_package(package)]
        for name in sorted(place.stores):
            self._ask(name, place.stores[name], unbooked)
        given_up = tuple(package for package in unbooked if not books.has_package(package))
        if given_up and self.accession.state is AccessionState.OPEN:
            place.record(events.ingest_abandoned(place.act, place.now(), self.accession.id, place.act.reason))
        return AbandonReport(
            accession=books.accession(self.accession.id),
            kept=tuple(package for package in self.accession.packages if package not in unbooked),
            taken_in=tuple(package for package in unbooked if package not in given_up),
            given_up=given_up,
            remains=tuple(self._remains(given_up)),
            away=self.away,
        )

    def _ask(self, name: str, store: Store, packages: list[str]) -> None:
        """Take in what a store holds whole, and end the uploads that were under way to it."""
        try:
            for package in packages:
                listed = discovery.listed_package(store, package)
                found = _whole(store, listed)
                if found is None:
                    _end_uploads(store, listed)
                else:
                    self.workplace.record(*self._bookings(name, store, found))
        except Unavailable as error:
            self.away[name] = error

    def _bookings(self, name: str, store: Store, found: Discovered) -> Iterator[Event]:
        """The package, unless another store had it, and this copy of it: written, as nobody has read it now."""
        place, package = self.workplace, found.package
        codes = discovery.archival_codes(store, found, place.work)
        yield events.packaged(
            place.act,
            place.now(),
            self.accession.id,
            package.receipt,
            package.receipt_sha256,
            package.receipt_bytes,
            codes,
        )
        size, generations = package.receipt.bag_bytes, found.generations
        yield events.copied(place.act, place.now(), package.id, name, found.state, size, generations)

    def _remains(self, packages: tuple[str, ...]) -> Iterator[Remains]:
        for name in sorted(set(self.workplace.stores) - set(self.away)):
            store = self.workplace.stores[name]
            try:
                sizes = [facts.size for package in packages for facts in store.list(package_folder(package))]
            except Unavailable as error:
                self.away[name] = error
                continue
            if sizes:
                yield Remains(name, len(sizes), sum(sizes))


def _whole(store: Store, listed: Listed) -> Discovered | None:
    """The package, if the store has its receipt and all that the receipt names."""
    package = discovery.package_in(store, listed)
    found = None if package is None else discovery.discovered(store, listed, package)
    return found if found is not None and not found.lacking else None


def _end_uploads(store: Store, listed: Listed) -> None:
    """End what a killed upload left of objects that never came to be: a new upload of the same key clears it.

    It is a courtesy to whoever pays for the room, so nothing fails where it cannot be done.
    """
    for part in (BAG, MEMBERS):  # the others travel in one piece
        if part not in listed.objects:
            with suppress(PreserveError):
                key = object_key(listed.package_id, part)
                store.create(key, 2 * BLOCK_BYTES, part_bytes=BLOCK_BYTES).abort()
