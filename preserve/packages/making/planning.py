"""Divide a submission into packages and plan the payload of each, in one pass over its listing."""

from __future__ import annotations

import hashlib
import json
import marshal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from preserve.bags.entries import FOLDER, LINK, Entry
from preserve.bags.names import BagNames
from preserve.durable import raise_if_full
from preserve.packages.making import layout

RecordOf = Callable[[bytes], str | None]
"""The archival code of the record to which a payload path belongs, if any."""

_NO_STATE = (0, 0, 0, 0)


@dataclass(slots=True)
class PayloadPlan:
    """The payload of one package.  `codes` are the archival codes of the records it holds a part of, and `folder`
    its scratch folder, with `structure.jsonl` in it when a name or a link needs that."""

    package_id: str
    folder: Path
    payload: layout.Payload
    codes: set[str] = field(default_factory=set)
    structure: Path | None = None

    def close(self) -> None:
        """Forget the spooled entries."""
        self.payload.close()


@dataclass(frozen=True, slots=True)
class SubmissionPlan:
    """All packages of one submission.

    `listing_sha256` digests what was listed: names, sizes, times, inodes.  `outside_records` counts the files and links
    that belong to no record.
    """

    packages: list[PayloadPlan]
    listing_sha256: str
    outside_records: int

    def close(self) -> None:
        """Forget the spooled entries."""
        for package in self.packages:
            package.close()


def plan_submission(
    batches: Iterable[list[Entry]], package_ids: Iterator[str], package_bytes: int, record_of: RecordOf, work: Path
) -> SubmissionPlan:
    """Plan packages of at most `package_bytes` each, cut between files; a larger file gets a package of its own.

    `package_ids` gives each next package its id, `work` is where scratch files go.  Raises `NoSpace`.
    """
    planner = _Planner(package_ids, package_bytes, record_of, work)
    listing = hashlib.sha256()
    try:
        for batch in batches:
            # Version 2 of the format has no back references: equal batches give equal bytes.
            listing.update(marshal.dumps(batch, 2))
            planner.add(batch)
        planner.finish()
    except OSError as error:
        raise_if_full(error, work)
        raise
    return SubmissionPlan(planner.packages, listing.hexdigest(), planner.outside_records)


class _Planner:
    """Adds entries to the current package, and begins the next when it is full."""

    def __init__(self, package_ids: Iterator[str], package_bytes: int, record_of: RecordOf, work: Path) -> None:
        self._ids = package_ids
        self._package_bytes = package_bytes
        self._record_of = record_of
        self._work = work
        self._names = BagNames()
        self._states: dict[bytes, layout.State] = {}
        self._folders: list[layout.Listed] = []  # the folder being listed and those above it, one by one
        self._structure: IO[bytes] | None = None
        self.packages: list[PayloadPlan] = []
        self.outside_records = 0
        self._begin()

    def add(self, batch: Sequence[Entry]) -> None:
        """Add the next entries of the listing."""
        listed = self._listed(batch)
        begin = 0
        while begin < len(batch):
            end = self.packages[-1].payload.fitting(listed, begin, self._package_bytes)
            self._add(listed.part(begin, end))
            self._enter_folders(listed, begin, end)
            if end < len(batch):
                self._close_folders(batch[end][1])
                self._begin()
                for folder in self._folders:
                    self._add(folder)
            begin = end

    def finish(self) -> None:
        if self._structure is not None:
            self._structure.close()

    def _listed(self, batch: Sequence[Entry]) -> layout.Listed:
        paths = [entry[1] for entry in batch]
        bag_paths = self._names.bag_paths(paths)
        names = [path.encode() for path in bag_paths]
        states = [(entry[2], entry[3], entry[4], entry[5]) if entry[4] else self._state_of(entry) for entry in batch]
        records = [self._record_of(path) for path in paths]
        # Reckoned for the package under way, whichever the entries go into: ids are equally long.
        extents = self.packages[-1].payload.extents(batch, names)
        is_outside = [entry[0] != FOLDER and record is None for entry, record in zip(batch, records, strict=True)]
        self.outside_records += sum(is_outside)
        return layout.Listed(batch, states, bag_paths, names, records, extents)

    def _state_of(self, entry: Entry) -> layout.State:
        """For a member of a submitted tar: what that tar, which holds the content of many entries, is like now."""
        source = entry[8]
        if not source:
            return _NO_STATE
        if source not in self._states:
            self._states = {source: layout.state_of(source)}
        return self._states[source]

    def _enter_folders(self, listed: layout.Listed, begin: int, end: int) -> None:
        entries = listed.entries
        for at in [at for at in range(begin, end) if entries[at][0] == FOLDER]:
            self._close_folders(entries[at][1])
            self._folders.append(listed.part(at, at + 1))

    def _close_folders(self, path: bytes) -> None:
        """Forget the folders that do not hold `path`."""
        while self._folders and not path.startswith(self._folders[-1].entries[0][1] + b"/"):
            self._folders.pop()

    def _add(self, listed: layout.Listed) -> None:
        package = self.packages[-1]
        package.payload.add(listed)
        package.codes.update(record for record in listed.records if record is not None)
        for entry, bag_path, name in zip(listed.entries, listed.bag_paths, listed.names, strict=True):
            if entry[0] == LINK:
                self._tell(package, {"path": bag_path, "link_to": entry[7].hex()})
            if name != entry[1]:
                self._tell(package, {"path": bag_path, "name_bytes": entry[1].hex()})

    def _tell(self, package: PayloadPlan, what: dict[str, str]) -> None:
        """A line of `structure.jsonl`: what a bag cannot say."""
        if self._structure is None:
            package.structure = package.folder / "metadata" / "structure.jsonl"
            package.structure.parent.mkdir(exist_ok=True)
            self._structure = package.structure.open("wb")
        self._structure.write(json.dumps(what, ensure_ascii=False).encode() + b"\n")

    def _begin(self) -> None:
        self.finish()
        self._structure = None
        package_id = next(self._ids)
        folder = self._work / package_id
        folder.mkdir(parents=True)
        self.packages.append(PayloadPlan(package_id, folder, layout.Payload(package_id, folder)))


def head_entries(
    package_id: str,
    folder: Path,
    tag_files: Iterable[str],
    submitted: Iterable[Entry],
    created_ns: int,
    own: Iterable[Entry] = (),
) -> list[layout.Planned]:
    """The entries before the payload: the bag's folder, its tag files, and `data/`.

    `tag_files` are paths relative to the bag, of files lying in `folder`; `submitted` the tag files of a submitted
    bag, kept under `submission/`; `own` those of ours, kept where they say.  Folders on the way are entered before
    their first file.
    """
    entries = [layout.planned_tag_folder(package_id, "", created_ns)]
    entered: set[str] = set()

    def enter(path: str) -> None:
        parents = path.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            parent = "/".join(parents[:depth]) + "/"
            if parent not in entered:
                entered.add(parent)
                entries.append(layout.planned_tag_folder(package_id, parent, created_ns))

    for path in tag_files:
        enter(path)
        entries.append(layout.planned_tag_file(package_id, path, folder / path, created_ns))
    bag_names = BagNames()
    for entry in submitted:
        path = "submission/" + bag_names.bag_path(entry[1])
        enter(path)
        entries.append(layout.planned_submitted_file(package_id, path, entry))
    for entry in own:
        path = entry[1].decode()
        enter(path)
        entries.append(layout.planned_submitted_file(package_id, path, entry))
    return [*entries, layout.planned_tag_folder(package_id, "data/", created_ns)]
