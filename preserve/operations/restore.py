"""Restore: records back from the best copies into a folder, each file verified before it gets its name.

What is meant, and what of it, is found out here; how it is given back stands in `preserve.packages.restoring`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from preserve.errors import Misused, Refused
from preserve.model.certificates import ENGLISH, Voice
from preserve.model.nouns import PackageEntry
from preserve.model.restore import OnConflict, PathPattern
from preserve.packages import places
from preserve.packages.choosing import Chosen, chosen
from preserve.packages.members import Member, MembersFile
from preserve.packages.restoring.bags import bag_entries
from preserve.packages.restoring.giving_back import give_back
from preserve.packages.restoring.in_force import InForce, Part, require_in_force
from preserve.packages.restoring.orders import Order, RestoreReport, Share
from preserve.packages.restoring.wanted import Wanted, as_deposited
from preserve.packages.sources import Sources
from preserve.workplace import Workplace

__all__ = ["RestoreReport", "RestoreRequest", "restore"]

LARGEST_WHOLE_MEMBERS = 512 * 1024
"""Beyond this many bytes a list of members is read in pieces when only a part of the package is wanted."""


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What to restore: `name` is a package, the beginning of its id, an accession, or an archival code.

    `accession` says which one, where a record with that code was taken in more than once.  `store` alone is read if it
    is given.  `path` is a pattern (see `PathPattern`).  `as_bag` gives the whole bag: its folder is `to` itself, or
    `to/<package id>` where there are several packages.  The certificate for people is written by each of `voices`.
    With `migrations`, their folder in the home, what is in force is given back: converted files in place of those that
    they were made of; `path` then fits by either name.
    """

    name: str
    to: Path
    store: str | None = None
    path: str | None = None
    as_bag: bool = False
    on_conflict: OnConflict = OnConflict.REFUSE
    voices: tuple[Voice, ...] = (ENGLISH,)
    accession: str | None = None
    migrations: Path | None = None


def restore(workplace: Workplace, request: RestoreRequest) -> RestoreReport:
    """Restore what `request` names.

    Raises `Refused` (nothing was written) where nothing fits the name or the pattern, or files are in the way;
    `Misused`; `NoSpace`; `Unavailable` where no store with a copy serves; `Frozen` where what is needed lies in cold
    storage: then it was asked for, and the same restore goes on when it is there.
    """
    if request.as_bag and request.path is not None:
        raise Misused("a bag is restored whole: give either --as-bag or --path")
    if request.as_bag and request.migrations is not None:
        raise Misused("a bag is restored as it was made: give either --as-bag or --current")
    places.require_target_outside(workplace.books, workplace.home, request.to)
    meant = chosen(workplace.books, request.name, request.accession, request.to)
    if request.as_bag and meant.record is not None:
        raise Misused("a bag is restored whole: name a package or an accession for --as-bag, not a record")
    books, current = workplace.books, None
    with workplace.claim(f"restore {request.to.absolute()}"):
        if request.migrations is not None:
            for package in meant.packages:
                require_in_force(books, package.id)
            current = InForce(workplace, request.migrations, meant.packages)
        report = give_back(workplace, _Selection(request, meant, workplace.work, current).order())
    return replace(report, versions={package.id: books.migrated(package.id) for package in meant.packages})


class _Selection:
    """What of the packages meant a request wants; of those that are `current`, where it wants what is in force."""

    def __init__(self, request: RestoreRequest, meant: Chosen, work: Path, current: InForce | None) -> None:
        self._request = request
        self._meant = meant
        self._work = work
        self._current = current

    def order(self) -> Order:
        request, current = self._request, self._current
        order = Order(
            shares=tuple(map(self._share, self._meant.packages)),
            to=request.to,
            store=request.store,
            selection=self._meant.record or request.path,
            as_bag=request.as_bag,
            on_conflict=request.on_conflict,
            voices=request.voices,
            require_some=self._refuse_nothing,
        )
        if current is None:
            return order
        shares = tuple(self._share(part.package, part) for part in current.parts)
        return replace(order, shares=shares, frame=current.frame(), told=current.told)

    def _share(self, package: PackageEntry, part: Part | None = None) -> Share:
        is_whole = self._request.path is None and self._meant.record is None and part is None
        files = package.receipt.payload_files if is_whole else 1
        wanted = partial(self._wanted, part)
        return Share(package, wanted, files, is_exact=is_whole and not self._request.as_bag)

    def _wanted(self, part: Part | None, sources: Sources) -> Iterator[Wanted]:
        """Raises ValueError or OSError where the list of members, or a part of it, is lost."""
        is_large = sources.receipt.members.bytes > LARGEST_WHOLE_MEMBERS
        in_pieces = self._request.path is not None and is_large and not sources.are_members_torn
        file = sources.members_in_pieces() if in_pieces else sources.members(self._work)
        if file is None:
            raise ValueError("no sound list of members")
        with file:
            members = MembersFile(file)
            if self._request.as_bag:
                folder = f"{sources.package.id}/".encode() if len(self._meant.packages) > 1 else b""
                yield from bag_entries(sources, members, folder)
            elif part is None or self._current is None:
                yield from (as_deposited(each) for each, is_meant in self._selected(members, None) if is_meant)
            else:
                yield from self._current.wanted(part, self._selected(members, part))
        if not in_pieces:
            Path(file.name).unlink()

    def _selected(self, members: MembersFile, part: Part | None) -> Iterator[tuple[Member, bool]]:
        """Members, and whether each is meant; of those that are not, at least all that begin as the pattern does: what
        a conversion is called depends on them."""
        record = self._meant.record
        pattern = None if self._request.path is None else PathPattern(self._request.path)
        descents = part.descents if part is not None else None
        all_of_them = pattern is None or descents is not None  # what a conversion is called may begin otherwise
        for member in members.all() if all_of_them or pattern is None else members.below(pattern.prefix):
            descent = None if descents is None else descents.get(member.name)
            names = [member.name] if descent is None else [member.name, descent.path]
            is_of_record = record is None or member.record == record
            yield member, is_of_record and (pattern is None or any(map(pattern.takes, names)))

    def _refuse_nothing(self) -> None:
        if self._request.path is not None:
            raise Refused(
                "nothing in {name} fits the pattern {pattern}", name=self._request.name, pattern=self._request.path
            )
        # An empty submission is a legal one: its restore is an empty folder.
