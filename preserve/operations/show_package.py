"""Show a package: what the books say of it, and its members as a sound copy lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from preserve.clock import moment_of
from preserve.errors import Unavailable
from preserve.model.migrations import Versions
from preserve.model.nouns import CopyEntry, Finding, PackageEntry, Receipt
from preserve.model.on_the_way import OnTheWay, age_of, on_the_way, promise_of
from preserve.model.parity import ParityEntry
from preserve.model.policy import Policy
from preserve.model.restore import best_first
from preserve.packages.held import held_copy
from preserve.packages.members import Member
from preserve.packages.members_anywhere import members_from_any
from preserve.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Shown:
    """A package, its copies, the parity beside them, its open findings; `members` None: not asked for.

    Of the copies its policy wants so many are `verified`; so many others are `owed` by now, and for those `on_the_way`
    there is time.  `versions` says what migrations made of it, or of what they made it.
    """

    package: PackageEntry
    copies: tuple[CopyEntry, ...]
    findings: tuple[Finding, ...]
    members: Iterator[Member] | None
    parity: tuple[ParityEntry, ...]
    wanted: int
    verified: int
    owed: int
    on_the_way: tuple[OnTheWay, ...]
    versions: Versions


def show(workplace: Workplace, name: str, policy_of: Callable[[Receipt], Policy], with_members: bool = False) -> Shown:
    """Look a package up by its id or how only one id begins; `policy_of` gives the policy it is kept under now.

    Raises `Refused` for an unknown name; `Unavailable`, also while members are read, where no copy in reach gives them.
    """
    books = workplace.books
    package = books.package(name)
    copies = tuple(books.copies(package=package.id))
    findings = tuple(books.findings(package=package.id))
    members = _members(workplace, package, copies) if with_members else None
    parity = [books.parity(package.id, copy.store) for copy in copies if copy.has_parity]
    policy, booked_at = policy_of(package.receipt), moment_of(books.packaged_at(package.id))
    states, retired = {copy.store: copy.state for copy in copies}, books.roles_of_retired(package.id)
    promise = promise_of(policy, books.stores(), states, workplace.away, retired=retired)
    age = age_of(booked_at, workplace.clock.now())
    return Shown(
        package,
        copies,
        findings,
        members,
        tuple(entry for entry in parity if entry is not None),
        promise.wanted,
        promise.verified,
        promise.owed_at(age),
        tuple(on_the_way(policy, promise.coming_at(age), booked_at)),
        books.migrated(package.id),
    )


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
