"""Adopt what a store holds and the books do not know: packages and copies, after books were made again or caught up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from preserve.model import events
from preserve.model.keys import PARITY, RECEIPT, is_formats_part, object_key
from preserve.model.nouns import Act, Condition, CopyEntry, Event, Finding, PackageEntry
from preserve.model.phrases import phrase
from preserve.packages import discovery
from preserve.packages.discovery import Discovered, Listed
from preserve.ports import Store
from preserve.state.books import Books

BATCH_EVENTS = 500
"""How many events are booked in one transaction, about."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """Packages and copies of known packages that the store has and the books did not name, and what is wrong there;
    the findings are not booked yet."""

    packages: tuple[str, ...]
    copies: tuple[str, ...]
    findings: tuple[Finding, ...]


def adopt(
    books: Books,
    store: Store,
    name: str,
    act: Act,
    now: Callable[[], str],
    scratch: Path,
    leaving: Collection[str] = (),
) -> Adopted:
    """Book what store `name` has and the books do not know, but for packages on their way in (`leaving`).

    Nobody has read these copies yet: they are booked as written.  Raises `Unavailable`, `NoSpace`.
    """
    adoption = _Adoption(books, store, name, act, now, scratch)
    batch: list[Event] = []
    for listed in discovery.listed_packages(store):
        if listed.package_id not in leaving:
            batch += adoption.unbooked(listed)
        if len(batch) >= BATCH_EVENTS:
            books.record(*batch)
            batch.clear()
    books.record(*batch)
    return Adopted(tuple(adoption.packages), tuple(adoption.copies), tuple(adoption.findings))


@dataclass(slots=True)
class _Adoption:
    """One store being looked through."""

    books: Books
    store: Store
    name: str
    act: Act
    now: Callable[[], str]
    scratch: Path
    packages: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def unbooked(self, listed: Listed) -> Iterator[Event]:
        if self.books.has_package(listed.package_id):
            package = self.books.package(listed.package_id)
            copy = self.books.copy(package.id, self.name)
            if copy is not None:
                yield from self._newer_generations(copy, package, listed)
            else:
                self.copies.append(package.id)
                yield self._copied(discovery.discovered(self.store, listed, package))
            return
        unknown = discovery.package_in(self.store, listed)
        if unknown is None:
            self._tell_lost_receipt(listed)
            return
        self.packages.append(unknown.id)
        found = discovery.discovered(self.store, listed, unknown)
        codes = discovery.archival_codes(self.store, found, self.scratch)
        yield events.packaged(
            self.act, self.now(), None, unknown.receipt, unknown.receipt_sha256, unknown.receipt_bytes, codes
        )
        yield self._copied(found)

    def _copied(self, found: Discovered) -> Event:
        """A copy that nobody has read yet; what it lacks is a finding."""
        package = found.package
        for part in found.lacking:
            key = object_key(package.id, part)
            self.findings.append(
                Finding(
                    package.id,
                    self.name,
                    Condition.MISSING,
                    key,
                    phrase("as the receipt says"),
                    phrase("nothing that fits"),
                )
            )
        return events.copied(
            self.act, self.now(), package.id, self.name, found.state, package.receipt.bag_bytes, found.generations
        )

    def _newer_generations(self, copy: CopyEntry, package: PackageEntry, listed: Listed) -> Iterator[Event]:
        """Repairs that were made after the ledger was last published."""
        if all(number <= copy.generation(part) for part in listed.objects for number in [listed.newest(part)]):
            return
        found = discovery.discovered(self.store, listed, package)
        beside = {part: n for part, n in copy.generations.items() if part == PARITY or is_formats_part(part)}
        generations = {**found.generations, **beside}  # what stands beside the package is no part of it
        if generations != dict(copy.generations) and not found.lacking:
            self.copies.append(package.id)
            why = phrase("the store holds newer generations than the ledger that was rebuilt from it names")
            yield events.copy_moved(self.act, self.now(), package.id, copy.store, found.state, why, generations)

    def _tell_lost_receipt(self, listed: Listed) -> None:
        """A package without any receipt was never finished; one whose receipt cannot be read was."""
        if RECEIPT in listed.objects:
            key = object_key(listed.package_id, RECEIPT, listed.newest(RECEIPT))
            self.findings.append(
                Finding(
                    listed.package_id,
                    self.name,
                    Condition.DAMAGED,
                    key,
                    phrase("a receipt"),
                    phrase("something else"),
                )
            )
