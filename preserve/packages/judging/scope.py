"""What an audit is about: which copies, what a run has seen of each, which findings are open among them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from preserve.model.entries import Audited
from preserve.model.nouns import HARMS, Condition, CopyEntry, CopyState, Finding
from preserve.state.books import Books

_MADE = [state for state in CopyState if state is not CopyState.DUE]


@dataclass(frozen=True, slots=True)
class Scope:
    """Copies in `stores` of `packages` (both names in ascending order), or of all packages (None)."""

    books: Books
    stores: tuple[str, ...]
    packages: tuple[str, ...] | None

    def copies(self, stores: Iterable[str] | None = None) -> Iterator[CopyEntry]:
        """The copies that somebody made, by store and package; in some of the stores, or in all."""
        for store in self.stores if stores is None else stores:
            for package in (None,) if self.packages is None else self.packages:
                yield from self.books.copies(package=package, store=store, states=_MADE)

    def looked_at(self, run: str, stores: Iterable[str] | None = None) -> Iterator[tuple[CopyEntry, Audited | None]]:
        """Each copy with what a run has seen of it so far: both are listed in the same order, and neither is held."""
        looks = self.books.audited_in(run)
        look = next(looks, None)
        for copy in self.copies(stores):
            key = (copy.store, copy.package_id)
            while look is not None and (look.store, look.package_id) < key:
                look = next(looks, None)
            is_seen = look is not None and (look.store, look.package_id) == key
            yield copy, look if is_seen else None

    def looked_at_and_known(self, run: str) -> Iterator[tuple[CopyEntry, Audited | None, Collection[Condition]]]:
        """The same with the harms that open findings tell of each copy; held are those of one store at a time."""
        for store, looks in groupby(self.looked_at(run), key=lambda seen: seen[0].store):
            known: dict[str, set[Condition]] = {}
            for finding in self.books.findings(store=store):
                if finding.package_id is not None and finding.condition in HARMS:
                    known.setdefault(finding.package_id, set()).add(finding.condition)
            for copy, look in looks:
                yield copy, look, known.get(copy.package_id, ())

    def unseen_bytes(self, run: str) -> int:
        """How many bytes the bags have that a run has not looked at yet."""
        packages = (None,) if self.packages is None else self.packages
        return sum(self.books.unaudited_bytes(run, self.stores, package) for package in packages)

    def open_findings(self) -> Iterator[Finding]:
        """What is known to be wrong among them."""
        for package in (None,) if self.packages is None else self.packages:
            for finding in self.books.findings(package=package):
                if finding.store in self.stores:
                    yield finding
