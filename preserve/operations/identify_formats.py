"""Identify formats: of every file of the packages whose formats nobody told with the signatures in use, out of sound
bytes of their copies; and lay what was found beside the copies."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast

from preserve.clock import monotonic_seconds
from preserve.durable import raise_if_full
from preserve.errors import PreserveError, Unavailable
from preserve.model import identification_events
from preserve.model.digests import Algorithm, start
from preserve.model.formats.identification import FileIdentified, Release, Tally
from preserve.model.formats.settlements import SettledTally
from preserve.model.formats.standing import FormatName, IdentifiedEntry
from preserve.model.healing import next_generation
from preserve.model.keys import object_key
from preserve.model.nouns import CopyEntry, CopyState, ObjectDigest, PackageEntry
from preserve.packages.discovery import listed_package
from preserve.packages.format_lists import FormatListWriter, Listed, read_format_list
from preserve.packages.harm_seen import book_harm, harm_seen
from preserve.packages.members import Kind, Member, MembersFile
from preserve.packages.putting import put_file
from preserve.packages.reaching import kept_format_list, sources_of, unlistable
from preserve.packages.reading import look_at_object
from preserve.packages.settled_files import counted
from preserve.packages.sources import Sources
from preserve.packages.timekeeping import lock_left
from preserve.ports import FileToIdentify, Identifier
from preserve.state.identifications import ANY_RELEASE
from preserve.workplace import Workplace

ATTEMPTS = 2
"""Generations that are made before a store is given up that does not give back what it was sent."""
_PIECE_BYTES = 1024 * 1024
_OCCASION = "when its formats were told"


@dataclass(frozen=True, slots=True)
class IdentifyRequest:
    """Of one `package`, or of those whose ids are `among` some, or of all under `policies`; at most `most` (None: all).

    `store` is the only one that is read (None: the best copy); `again`: also what was identified with the signatures
    in use; `only_new`: only what was never identified.  After `most_seconds` no further package is begun.
    """

    policies: tuple[str, ...]
    package: str | None = None
    among: tuple[str, ...] | None = None
    store: str | None = None
    again: bool = False
    only_new: bool = False
    most: int | None = None
    most_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PackageIdentified:
    """One package whose formats were told."""

    entry: IdentifiedEntry
    tally: Tally
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ListKept:
    """A list that was laid beside a copy which had none yet."""

    package: str
    store: str


@dataclass(frozen=True, slots=True)
class NotIdentified:
    """A package that is still due, or whose list could not be laid beside a copy in reach, and why."""

    package: str
    why: PreserveError


@dataclass(frozen=True, slots=True)
class IdentifyReport:
    """What was told, and what not; `release` is what with."""

    release: Release
    identified: tuple[PackageIdentified, ...]
    kept: tuple[ListKept, ...]
    not_identified: tuple[NotIdentified, ...]
    seconds: float

    @property
    def is_only_away(self) -> bool:
        """Whether all that is left waits for what cannot be reached."""
        return all(isinstance(each.why, Unavailable) for each in self.not_identified)


def identify_formats(workplace: Workplace, request: IdentifyRequest, identifier: Identifier) -> IdentifyReport:
    """Tell the formats of what is due, each package booked when its list was read back from a store.

    A package that cannot be read does not stop the others, and doing it again does only what is left.  Raises
    `Refused` for an unknown package or store, `Unavailable` where the identifier does not come up.
    """
    began, release = monotonic_seconds(), identifier.release()
    told: list[PackageIdentified] = []
    kept: list[ListKept] = []
    failed: list[NotIdentified] = []
    workplace.books.note_release(release)
    for package in _due(workplace, request, release):
        if _is_enough(request, len(told) + len(failed), monotonic_seconds() - began):
            break
        try:
            told.append(_identify(workplace, workplace.books.package(package), request.store, identifier, release))
        except PreserveError as error:
            failed.append(NotIdentified(package, error))
    for package in _lacking_lists(workplace, request):
        if request.most_seconds is not None and monotonic_seconds() - began >= request.most_seconds:
            break
        try:
            kept += _lay_beside_others(workplace, package)
        except Unavailable:
            continue  # it is laid when that store is there; one that is offline as a rule must not make this fail
        except PreserveError as error:
            failed.append(NotIdentified(package, error))
    return IdentifyReport(release, tuple(told), tuple(kept), tuple(failed), monotonic_seconds() - began)


def _is_enough(request: IdentifyRequest, packages: int, seconds: float) -> bool:
    is_much = request.most is not None and packages >= request.most
    return is_much or (request.most_seconds is not None and seconds >= request.most_seconds)


def _due(workplace: Workplace, request: IdentifyRequest, release: Release) -> Iterator[str]:
    books = workplace.books
    if request.store is not None:
        books.store(request.store)
    named = _named(workplace, request)
    if named is None:
        wanted = ANY_RELEASE if request.again else None if request.only_new else release.digest
        for policy in request.policies:
            for package in books.not_identified_with(policy, wanted):
                if request.store is None or books.copy(package, request.store) is not None:
                    yield package
        return
    for package in named:
        known = books.identified(package)
        if request.again or known is None or known.release != release:
            yield package


def _named(workplace: Workplace, request: IdentifyRequest) -> Sequence[str] | None:
    """The packages that were asked for; None: all."""
    if request.among is not None:
        return request.among
    return None if request.package is None else (workplace.books.package(request.package).id,)


def _lacking_lists(workplace: Workplace, request: IdentifyRequest) -> Iterator[str]:
    """Lists that wait for a store that is away as long as this lasts are not fetched for it: they may be a million."""
    named = _named(workplace, request)
    for policy in request.policies:
        for package in workplace.books.without_format_list(policy, workplace.away):
            if named is None or package in named:
                yield package


def _identify(
    workplace: Workplace, package: PackageEntry, only: str | None, identifier: Identifier, release: Release
) -> PackageIdentified:
    """Tell the formats of one package, lay the list beside its copies, and book both."""
    began = monotonic_seconds()
    with workplace.claim(f"{package.id} formats"):
        known = workplace.books.identified(package.id)
        number, at = (known.number + 1 if known else 1), workplace.now()
        sources = sources_of(workplace, package, only)
        path = workplace.work / f"{package.id}-formats"
        try:
            tally, names = _listed(workplace, sources, path, identifier, release, at)
            digest = _digest(path)
            entry = IdentifiedEntry(package.id, release, number, digest, sum(n for n, _ in tally.formats.values()), at)
            counts = _heard(workplace, package.id, path)
            stores = _laid(workplace, entry, path, _verified(workplace, package.id) or _any_copy(sources))
        except PreserveError:
            book_harm(workplace, list(sources.findings()), _OCCASION)
            raise
        finally:
            path.unlink(missing_ok=True)
        news = workplace.books.unnamed_formats(tally.formats)
        act = workplace.act
        acts = harm_seen(workplace, list(sources.findings()), _OCCASION)
        acts.append(identification_events.identified(act, entry, tally, [names[puid] for puid in sorted(news)], counts))
        acts += [identification_events.formats_kept(act, at, entry, name, each) for name, each in stores.items()]
        workplace.record(*acts)
    size = sum(total for _, total in tally.formats.values())
    return PackageIdentified(replace(entry, stores=stores), tally, size, monotonic_seconds() - began)


def _heard(workplace: Workplace, package: str, path: Path) -> SettledTally | None:
    """What the files of a new list come to where persons said something of them; None where nobody did."""
    made = workplace.books.settlements(package)
    return counted(made, lambda: _read(path)) if made else None


def _read(path: Path) -> Iterator[Listed]:
    with path.open("rb") as file:
        yield from read_format_list(file)


def _listed(
    workplace: Workplace, sources: Sources, path: Path, identifier: Identifier, release: Release, at: str
) -> tuple[Tally, dict[str, FormatName]]:
    """Write the list of a package into a file; what its files come to, and what formats are called.

    Raises `Refused` where its list of members or of blocks is nowhere sound, `Unavailable`, `NoSpace`.
    """
    package = sources.package
    tally, names = Tally(), {}
    workplace.progress.begin("telling the formats of {package}", package.receipt.payload_bytes, package=package.id)
    try:
        with path.open("wb") as file, FormatListWriter(file, release, at) as writer:
            for member, found in _found(sources, identifier):
                one = found.identification
                writer.add(member, found)
                tally.add(member.size, found)
                names[one.puid] = FormatName(one.puid, one.name, one.version, one.mime)
                workplace.progress.advance(member.size)
    except ValueError as error:
        raise unlistable(sources) from error
    except OSError as error:
        raise_if_full(error, path)
        raise
    return tally, names


def _found(sources: Sources, identifier: Identifier) -> Iterator[tuple[Member, FileIdentified]]:
    """Each file of a package and what it is, in the order of the tar; blocks come once, each proved by its digest."""
    listing, bag = sources.members_in_pieces(), sources.bag()
    if listing is None or bag is None:
        raise unlistable(sources)
    asked: deque[Member] = deque()

    def files() -> Iterator[FileToIdentify]:
        for member in MembersFile(listing).all():
            if member.kind is Kind.FILE:
                asked.append(member)
                yield FileToIdentify(member.name, member.size, _Reading(bag, member.offset).read)

    for found in identifier.identify(files()):
        yield asked.popleft(), found


class _Reading:
    """Reads one file out of the bag."""

    def __init__(self, bag: IO[bytes], offset: int) -> None:
        self._bag = cast(
            io.RawIOBase, cast(io.BufferedReader, bag).raw
        )  # its blocks are kept, and copying them once is enough
        self._offset = offset

    def read(self, at: int, into: memoryview) -> None:
        """Fill `into`; see `ports.FileToIdentify`."""
        self._bag.seek(self._offset + at)
        done = 0
        while done < len(into):
            count = self._bag.readinto(into[done:])
            if not count:
                raise OSError(f"the bag ends {len(into) - done} bytes early")
            done += count


def _digest(path: Path) -> ObjectDigest:
    running = start(Algorithm.SHA256)
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            running.update(piece)
        return ObjectDigest(file.tell(), running.hexdigest())


def _verified(workplace: Workplace, package: str) -> list[CopyEntry]:
    return list(workplace.books.copies(package=package, states=(CopyState.VERIFIED,)))


def _any_copy(sources: Sources) -> list[CopyEntry]:
    """Where no copy was read back yet, what was found lies beside those that were read now."""
    return [each.held.copy for each in sources.standings if each.away is None]


def _laid(workplace: Workplace, entry: IdentifiedEntry, path: Path, copies: Sequence[CopyEntry]) -> dict[str, int]:
    """Lay a list beside copies; in which stores it is now, with its generation.  One that is away is passed over.

    Raises `Unavailable` where no store takes it.
    """
    stores: dict[str, int] = {}
    away: PreserveError | None = None
    for copy in copies:
        try:
            stores[copy.store] = _lay(workplace, entry, path, copy)
        except Unavailable as error:
            away = error
    if not stores:
        raise away or Unavailable("no store has a copy of package {package}", package=entry.package_id)
    return stores


def _lay(workplace: Workplace, entry: IdentifiedEntry, path: Path, copy: CopyEntry) -> int:
    """Lay a list beside one copy and read it back; its generation.  What an interrupted run left is taken if it is the
    same."""
    store, part, digest = workplace.stores[copy.store], entry.part, entry.digest
    there = listed_package(store, entry.package_id).objects.get(part, ())
    for generation, size in there:
        key = object_key(entry.package_id, part, generation)
        if size == digest.bytes and look_at_object(store, key, size, digest.sha256).is_sound:
            return generation
    until, taken = lock_left(workplace, copy), {generation for generation, _ in there}
    for _ in range(ATTEMPTS):
        generation = next_generation(taken)
        if put_file(store, object_key(entry.package_id, part, generation), path, digest, until).is_sound:
            return generation
        taken.add(generation)
    raise PreserveError(
        "store {store} took a new {object} {times} times and did not give back what it was sent; check the store",
        store=copy.store, object=part, times=ATTEMPTS,
    )  # fmt: skip


def _lay_beside_others(workplace: Workplace, package: str) -> list[ListKept]:
    """Lay the list of a package beside verified copies that came to be after it, from a copy that has it sound."""
    with workplace.claim(f"{package} formats"):
        entry = workplace.books.identified(package)
        if entry is None:
            return []
        path = workplace.work / f"{package}-formats"
        lacking = [copy for copy in _verified(workplace, package) if copy.store not in entry.stores]
        if not lacking:
            return []  # somebody laid it meanwhile
        try:
            path.write_bytes(kept_format_list(workplace, entry))
            stores = _laid(workplace, entry, path, lacking)
        finally:
            path.unlink(missing_ok=True)
        at = workplace.now()
        laid = [identification_events.formats_kept(workplace.act, at, entry, *each) for each in stores.items()]
        workplace.record(*laid)
    return [ListKept(package, name) for name in stores]
