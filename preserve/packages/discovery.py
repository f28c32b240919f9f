"""What a store holds of packages, by its own listing: for books that know less than the store does.

A listing proves nothing about bytes: what is found here counts as written, until an audit has read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from preserve.errors import NotThere, Unreadable
from preserve.model import receipts
from preserve.model.digests import sha256
from preserve.model.entries import AuditResult
from preserve.model.keys import (
    BAG,
    PARTS_BEFORE_RECEIPT,
    RECEIPT,
    object_key,
    package_folder,
    split_generation,
)
from preserve.model.nouns import CopyEntry, CopyState, PackageEntry
from preserve.model.receipts import LARGEST_RECEIPT_BYTES
from preserve.packages.held import HeldCopy, digest_of
from preserve.packages.members import MembersFile
from preserve.packages.reading import look_at_object, read_fully
from preserve.packages.sources import Sources
from preserve.ports import Store

PACKAGES = "packages"


@dataclass(frozen=True, slots=True)
class Listed:
    """One package as a store lists it: (generation, size in bytes) of each object, highest generation first."""

    package_id: str
    objects: Mapping[str, tuple[tuple[int, int], ...]]

    def newest(self, part: str) -> int:
        """The highest generation of an object; 0 where there is none."""
        return self.objects[part][0][0] if part in self.objects else 0


@dataclass(frozen=True, slots=True)
class Discovered:
    """A copy as the listing and its small objects show it; `lacking` names objects of which no generation fits."""

    package: PackageEntry
    generations: Mapping[str, int]
    lacking: tuple[str, ...]

    @property
    def state(self) -> CopyState:
        """Nobody has read its bag yet."""
        return CopyState.SUSPECT if self.lacking else CopyState.WRITTEN


def listed_packages(store: Store) -> Iterator[Listed]:
    """All packages that a store lists, one after another.  Raises `Unavailable`."""
    current, objects = "", dict[str, list[tuple[int, int]]]()
    for facts in store.list(PACKAGES):
        folder, _, name = facts.key.rpartition("/")
        package = folder.rpartition("/")[2]
        if folder != package_folder(package):
            continue
        if package != current:
            if current:
                yield _listed(current, objects)
            current, objects = package, {}
        part, generation = split_generation(name)
        objects.setdefault(part, []).append((generation, facts.size))
    if current:
        yield _listed(current, objects)


def listed_package(store: Store, package_id: str) -> Listed:
    """One package as a store lists it, be there anything of it or not.  Raises `Unavailable`."""
    objects: dict[str, list[tuple[int, int]]] = {}
    for facts in store.list(package_folder(package_id)):
        part, generation = split_generation(facts.key.rpartition("/")[2])
        objects.setdefault(part, []).append((generation, facts.size))
    return _listed(package_id, objects)


def _listed(package: str, objects: Mapping[str, list[tuple[int, int]]]) -> Listed:
    return Listed(package, {part: tuple(sorted(found, reverse=True)) for part, found in objects.items()})


def package_in(store: Store, listed: Listed) -> PackageEntry | None:
    """The package by its newest receipt that is one, or None: without a receipt a package never came to be.

    Raises `Unavailable`.
    """
    for generation, size in listed.objects.get(RECEIPT, ()):
        content = bytearray(min(size, LARGEST_RECEIPT_BYTES) + 1)
        try:
            length = read_fully(store, object_key(listed.package_id, RECEIPT, generation), 0, memoryview(content))
            receipt = receipts.decode(bytes(content[:length]))
        except (NotThere, Unreadable, ValueError):
            continue
        # Canonical, and of this package: a receipt with a rotten digit hardly ever is; its digests show the rest.
        if receipts.encode(receipt) == content[:length] and receipt.package_id == listed.package_id:
            return PackageEntry(receipt, sha256(content[:length]).hex(), length)
    return None


def discovered(store: Store, listed: Listed, package: PackageEntry) -> Discovered:
    """Which generation of each object fits what the package's receipt says.  Small objects are read, the bag is not.

    Raises `Unavailable`.
    """
    generations: dict[str, int] = {}
    lacking: list[str] = []
    for part in (*PARTS_BEFORE_RECEIPT, RECEIPT):
        fits = (
            generation
            for generation, size in listed.objects.get(part, ())
            if _fits(store, package, part, generation, size)
        )
        generation = next(fits, 0)
        if generation > 1:
            generations[part] = generation
        elif not generation:
            lacking.append(part)
    return Discovered(package, generations, tuple(lacking))


def _fits(store: Store, package: PackageEntry, part: str, generation: int, size: int) -> bool:
    if part == BAG:
        return size == package.receipt.bag_bytes
    wanted = digest_of(package, part)
    if size != wanted.bytes:
        return False
    look = look_at_object(store, object_key(package.id, part, generation), wanted.bytes, wanted.sha256)
    return look.sight is AuditResult.SOUND


def archival_codes(store: Store, found: Discovered, work: Path) -> list[str]:
    """The records that a package holds a part of, by its list of members; none where that cannot be read.

    Raises `Unavailable`, `NoSpace`.
    """
    if not found.package.receipt.records:
        return []
    copy = CopyEntry(found.package.id, store.name, found.state, "", found.generations)
    file = Sources(found.package, [HeldCopy(store, found.package, copy)]).members(work)
    if file is None:
        return []
    with file:
        try:
            return sorted({member.record for member in MembersFile(file).all() if member.record is not None})
        except ValueError:
            return []
        finally:
            Path(file.name).unlink()
