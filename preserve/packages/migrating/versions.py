"""Make a new version of a package of what was converted: records, payload and evidence, through the ordinary intake."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from preserve import chance
from preserve.bags.entries import FILE, FOLDER, Entry, Sorter, Spool, in_batches
from preserve.bags.entries import order as listing_order
from preserve.bags.gate import NameGate
from preserve.bags.parts import BagFacts
from preserve.bags.profiles import Profile
from preserve.bags.submission import Shape, Submission, Totals
from preserve.bags.tags import Element, Oxum
from preserve.definitions.metadata import RecordsFile
from preserve.model.complaints import ComplaintList
from preserve.model.formats.file_results import FileResult
from preserve.model.formats.risk_log import MIGRATION_FOLDER
from preserve.model.policy import Policy
from preserve.model.records import Record
from preserve.packages.making.taking_in import IngestReport, Intake, take_in
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
    `folder`/made/<number>/, the evidence in `evidence`.  `profile` is the BagIt profile that the policy names.
    """

    sources: Sources
    migration: int
    pathway: str
    policy: Policy
    folder: Path
    evidence: Path
    results: Callable[[], Iterator[FileResult]]
    profile: Profile | None = None

    @property
    def source(self) -> str:
        """What its accession is known by: a run that was killed after the intake finds it there."""
        return f"migration {self.migration} of {self.sources.package.id}"


def take_version_in(workplace: Workplace, order: VersionOrder) -> IngestReport:
    """Take the new version in; again without effect.  Raises what `take_in` raises."""
    work = workplace.work / f"version-{chance.token(8)}"
    work.mkdir()
    try:
        with ExitStack() as resources, workplace.claim(order.source):
            described = RecordsFile(_records(order), "utf-8", ())
            submission = resources.enter_context(_submission(order, work))
            return take_in(
                workplace, Intake(order.source, order.policy, described, profile=order.profile), submission, work
            )
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
        for batch in in_batches(_once(sorter.sorted())):
            gate.look(batch)
            spool.add(batch)
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
            order.evidence, Shape.FOLDER, totals, notes.named, spool, resources.pop_all(), bag=facts, own_tag_files=own
        )


def _listing_order(entry: Entry) -> bytes:
    return listing_order(entry[1])


def _entries(order: VersionOrder, result: FileResult) -> Iterator[Entry]:
    """The files made of one original, each after the folders that it lies in, which came to be with the evidence."""
    made_ns = order.evidence.stat().st_mtime_ns
    for made, path in zip(result.made, _on_disk(order.folder, result), strict=True):
        entry = _entry(made.path, path)
        parts = made.path.split(b"/")[:-1]
        for depth in range(1, len(parts) + 1):
            above = b"/".join(parts[:depth])
            yield (FOLDER, above, 0, made_ns, 0, 0, _FOLDER_MODE, b"", b"", 0)
        yield entry


def _entry(name: bytes, path: Path) -> Entry:
    facts = path.stat()
    return FILE, name, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, 0o644, b"", bytes(path), 0


def _tag_entry(evidence: Path, path: Path) -> Entry:
    name = f"{MIGRATION_FOLDER}/{path.relative_to(evidence).as_posix()}".encode()
    facts = path.stat()
    return FILE, name, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, 0o644, b"", bytes(path), 0


def _once(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Each folder once: every file in it named it."""
    last: Entry | None = None
    for entry in entries:
        if entry != last:
            yield entry
        last = entry


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
