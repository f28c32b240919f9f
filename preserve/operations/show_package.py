"""Show a package: what the books say of it, and its members as a sound copy lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preserve.errors import Unavailable
from preserve.model.nouns import CopyEntry, Finding, PackageEntry
from preserve.model.parity import ParityEntry
from preserve.model.restore import best_first
from preserve.packages.held import held_copy
from preserve.packages.members import Member
from preserve.packages.members_anywhere import members_from_any
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Shown:
    """A package, its copies, the parity beside them, its open findings; `members` None: not asked for."""

    package: PackageEntry
    copies: tuple[CopyEntry, ...]
    findings: tuple[Finding, ...]
    members: Iterator[Member] | None
    parity: tuple[ParityEntry, ...] = ()


def show(workplace: Workplace, name: str, with_members: bool = False) -> Shown:
    """Look a package up by its id or how only one id begins.

    Raises `Refused` for an unknown name; `Unavailable`, also while members are read, where no copy in reach gives them.
    """
    books = workplace.books
    package = books.package(name)
    copies = tuple(books.copies(package=package.id))
    findings = tuple(books.findings(package=package.id))
    members = _members(workplace, package, copies) if with_members else None
    parity = [books.parity(package.id, copy.store) for copy in copies if copy.has_parity]
    return Shown(package, copies, findings, members, tuple(entry for entry in parity if entry is not None))


def _members(workplace: Workplace, package: PackageEntry, copies: tuple[CopyEntry, ...]) -> Iterator[Member]:
    entries = {entry.name: entry for entry in workplace.books.stores()}
    held = [
        held_copy(workplace.books, workplace.stores[copy.store], package, copy) for copy in best_first(copies, entries)
    ]
    try:
        found = members_from_any(held, None)
        if found is not None:
            yield from found.all()
            return
    except ValueError:
        pass  # a block of the list is sound in no copy that can be read
    raise Unavailable(
        "no copy of {package} that can be read now has its list of members whole; audit it, and mount what is away",
        package=package.id,
    )
