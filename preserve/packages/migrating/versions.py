"""Make a new version of a package of what was converted: records, payload and evidence, through the ordinary intake."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from preserve import chance
from preserve.bags.entries import FILE, FOLDER, Entry, Sorter, Spool, in_batches
from preserve.bags.entries import order as listing_order
from preserve.bags.gate import NameGate
from preserve.bags.listings import Digests
from preserve.bags.names import shown
from preserve.bags.parts import DATA, BagFacts
from preserve.bags.profiles import Profile
from preserve.bags.submission import Expectations, Shape, Submission, Totals
from preserve.bags.tags import Element, Oxum
from preserve.definitions.metadata import RecordsFile
from preserve.errors import Refused
from preserve.model.complaints import ComplaintList
from preserve.model.digests import Algorithm
from preserve.model.entries import AccessionEntry, AccessionState
from preserve.model.formats.file_results import FileResult
from preserve.model.formats.risk_log import MIGRATION_FOLDER
from preserve.model.policy import Policy
from preserve.model.records import Record
from preserve.packages.making.taking_in import Intake, PackageMade, made_before, take_in
from preserve.packages.members import Kind, MembersFile
from preserve.packages.migrating.bench import digest_of
from preserve.packages.migrating.journal import made_path
from preserve.packages.reaching import unlistable
from preserve.packages.sources import Sources
from preserve.packages.tag_files import records_of
from preserve.workplace import Workplace

_FOLDER_MODE = 0o755


@dataclass(frozen=True, slots=True)
class VersionOrder:
    """A new version: of which package, by which migration along which pathway, under which policy.

    `results` are the files whose conversion goes into it, asked for several times; what was made of each lies in
    `folder`/made/<number>/, the evidence in `evidence`.  `profile` is the BagIt profile that the policy names; `after`
    are the packages that this migration had made of the original before.
    """

    sources: Sources
    migration: int
    pathway: str
    policy: Policy
    folder: Path
    evidence: Path
    results: Callable[[], Iterator[FileResult]]
    profile: Profile | None = None
    after: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """What its accession is known by: a run that was killed after the intake finds it there."""
        return source_of(self.migration, self.sources.package.id)


def source_of(migration: int, package: str) -> str:
    """What accessions of versions are known by that a migration makes of a package."""
    return f"migration {migration} of {package}"


def taken_in(workplace: Workplace, migration: int, package: str, after: Collection[str]) -> AccessionEntry | None:
    """The accession of the version that comes `after` those packages, where it was taken in: by the ledger, whatever
    became since of the policy, the home, or the files that it was made from."""
    for each in workplace.books.accessions_from(source_of(migration, package)):
        if each.state is AccessionState.COMMITTED and not set(each.packages) <= set(after):
            return each
    return None


def take_version_in(workplace: Workplace, order: VersionOrder) -> tuple[PackageMade, ...]:
    """Take the new version in; again without effect.  Each file is held against the digest that its result has.

    Raises what `take_in` raises.
    """
    work = workplace.work / f"version-{chance.token(8)}"
    work.mkdir()
    try:
        with ExitStack() as resources, workplace.claim(order.source):
            known = taken_in(workplace, order.migration, order.sources.package.id, order.after)
            if known is not None:
                return tuple(made_before(workplace, order.policy, each) for each in known.packages)
            described = RecordsFile(_records(order), "utf-8", ())
            submission = resources.enter_context(_submission(order, work))
            intake = Intake(order.source, order.policy, described, profile=order.profile)
            return take_in(workplace, intake, submission, work).packages
    finally:
        shutil.rmtree(work, ignore_errors=True)


def unsound_results(folder: Path, results: Iterable[FileResult]) -> set[int]:
    """The numbers of files of which what was made is not there any more as it was made."""
    return {each.original.number for each in results if not all(map(_is_as_made, _on_disk(folder, each), _made(each)))}


def _made(result: FileResult) -> list[tuple[int, str]]:
    return [(each.bytes, each.sha256) for each in result.made]


def _is_as_made(path: Path, made: tuple[int, str]) -> bool:
    size, sha256 = made
    return path.is_file() and path.stat().st_size == size and digest_of(path) == sha256


def _on_disk(folder: Path, result: FileResult) -> list[Path]:
    """Where what was made of a file lies, in the order of `result.made`."""
    return [made_path(folder, result.original.number, place) for place in range(len(result.made))]


def _submission(order: VersionOrder, work: Path) -> Submission:
    """The converted files under their new names, with the evidence as tag files."""
    complaints, notes = ComplaintList(), ComplaintList()
    gate = NameGate(complaints, notes, keep_links=False)
    with ExitStack() as resources:
        spool = resources.enter_context(Spool(work))
        sorter = Sorter(work, _listing_order)
        resources.callback(sorter.close)
        for result in order.results():
            sorter.extend(_entries(order, result))
        for batch in in_batches(entry for entry, _ in _once(sorter.sorted())):
            gate.look(batch)
            spool.add(batch)
        expected = Expectations(work)
        resources.callback(expected.close)
        expected.fill(_expected(sorter.sorted()), frozenset((Algorithm.SHA256.value,)), complaints)
        complaints.raise_if_any(order.source)
        totals = Totals(gate.files, gate.folders, gate.links, gate.bytes)
        package = order.sources.package.id
        elements = (
            Element("X-Migrated-From", package),
            Element("X-Migration", str(order.migration)),
            Element("X-Migration-Pathway", order.pathway),
        )
        facts = BagFacts((1, 0), "UTF-8", elements, (), (), (), Oxum(gate.bytes, gate.files), False)
        own = tuple(_tag_entry(order.evidence, path) for path in sorted(order.evidence.rglob("*")) if path.is_file())
        return Submission(
            order.evidence, Shape.FOLDER, totals, notes.named, spool, resources.pop_all(), bag=facts, own_tag_files=own,
            algorithms=(Algorithm.SHA256,), expectations=expected,
        )  # fmt: skip


_Wanted = tuple[Entry, str]
"""An entry, and for a file the SHA-256 (hex) of what was judged."""


def _listing_order(wanted: _Wanted) -> bytes:
    return listing_order(wanted[0][1])


def _expected(wanted: Iterable[_Wanted]) -> Iterator[tuple[Entry, Digests]]:
    """The files as a manifest would name them: what was judged is what is packed, or nothing is."""
    for entry, sha256 in wanted:
        if entry[0] == FILE:
            yield (FILE, DATA + entry[1], *entry[2:]), ((Algorithm.SHA256.value, bytes.fromhex(sha256)),)


def _entries(order: VersionOrder, result: FileResult) -> Iterator[_Wanted]:
    """The files made of one original, each after the folders that it lies in, which came to be with the evidence."""
    made_ns = order.evidence.stat().st_mtime_ns
    for made, path in zip(result.made, _on_disk(order.folder, result), strict=True):
        entry = _entry(made.path, path)
        parts = made.path.split(b"/")[:-1]
        for depth in range(1, len(parts) + 1):
            above = b"/".join(parts[:depth])
            yield (FOLDER, above, 0, made_ns, 0, 0, _FOLDER_MODE, b"", b"", 0), ""
        yield entry, made.sha256


def _entry(name: bytes, path: Path) -> Entry:
    facts = path.stat()
    return FILE, name, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, 0o644, b"", bytes(path), 0


def _tag_entry(evidence: Path, path: Path) -> Entry:
    name = f"{MIGRATION_FOLDER}/{path.relative_to(evidence).as_posix()}".encode()
    facts = path.stat()
    return FILE, name, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, 0o644, b"", bytes(path), 0


def _once(all_wanted: Iterable[_Wanted]) -> Iterator[_Wanted]:
    """Each folder once: every file in it named it.

    Raises `Refused` where two come under one name: an original may lie in a folder that is called like a result.
    """
    last: _Wanted | None = None
    for wanted in all_wanted:
        if last is not None and last[0][1] == wanted[0][1]:
            if last != wanted:
                raise Refused(
                    "two of the results would both be called {path}, so no version is made of this package; withdraw"
                    " the migration, and plan one that names the other packages",
                    path=shown(wanted[0][1]),
                )
            continue
        yield wanted
        last = wanted


def _records(order: VersionOrder) -> tuple[Record, ...]:
    """The records of the original package of which anything was converted, as they were described, each with the names
    that its files have now, and of which package they are a conversion."""
    sources = order.sources
    if not sources.receipt.records:
        return ()
    bag = sources.bag()
    if bag is None:
        raise unlistable(sources)
    paths = _new_paths(order)
    return tuple(
        replace(
            record,
            paths=tuple(paths[record.archival_code]),
            other={
                **record.other,
                "converted_from": sources.package.id,
                "migration": str(order.migration),
                "pathway": order.pathway,
            },
        )
        for record in records_of(bag, sources.package.id)
        if record.archival_code in paths
    )


def _new_paths(order: VersionOrder) -> Mapping[str, list[str]]:
    """The new names of the files of each record, by archival code."""
    made = {each.original.number: [one.path for one in each.made] for each in order.results()}
    members = order.sources.members_in_pieces()
    if members is None:
        raise unlistable(order.sources)
    paths: dict[str, list[str]] = {}
    files = (member for member in MembersFile(members).all() if member.kind is Kind.FILE)
    for number, member in enumerate(files):
        if member.record is not None and number in made:
            paths.setdefault(member.record, []).extend(map(_path_text, made[number]))
    return paths


def _path_text(path: bytes) -> str:
    """A path as records name it: a name that is no UTF-8 is read as GB 18030 (`preserve.definitions.coverage`)."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return path.decode(encoding)
        except UnicodeDecodeError:
            continue
    return path.decode("utf-8", "surrogateescape")
