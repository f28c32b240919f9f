"""Divide a submission into packages and plan the payload of each, in one pass over its listing."""

from __future__ import annotations

import hashlib
import json
import marshal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from preserve.bags.entries import FILE, FOLDER, LINK, Entry
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
            for entry in batch:
                planner.add(entry)
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
        self._folders: list[tuple[Entry, str, bytes, int]] = []  # the folder being listed and those above it
        self._structure: IO[bytes] | None = None
        self.packages: list[PayloadPlan] = []
        self.outside_records = 0
        self._begin()

    def add(self, entry: Entry) -> None:
        kind, path, size, mtime_ns, ctime_ns, inode = entry[:6]
        bag_path = self._names.bag_path(path)
        state = (size, mtime_ns, ctime_ns, inode) if ctime_ns else self._state_of(entry)
        package = self.packages[-1]
        name = bag_path.encode()
        extent = package.payload.extent(kind, name, size, mtime_ns)
        if kind == FOLDER:
            self._close_folders(path)
            self._folders.append((entry, bag_path, name, extent))
        elif kind == FILE and package.payload.is_full(extent, self._package_bytes):
            self._close_folders(path)
            self._begin()
            for folder in self._folders:
                self._add(_NO_STATE, *folder)
        self._add(state, entry, bag_path, name, extent)

    def finish(self) -> None:
        if self._structure is not None:
            self._structure.close()

    def _state_of(self, entry: Entry) -> layout.State:
        """For a member of a submitted tar: what that tar, which holds the content of many entries, is like now."""
        source = entry[8]
        if not source:
            return _NO_STATE
        if source not in self._states:
            self._states = {source: layout.state_of(source)}
        return self._states[source]

    def _close_folders(self, path: bytes) -> None:
        """Forget the folders that do not hold `path`."""
        while self._folders and not path.startswith(self._folders[-1][0][1] + b"/"):
            self._folders.pop()

    def _add(self, state: layout.State, entry: Entry, bag_path: str, name: bytes, extent: int) -> None:
        # The extent was reckoned for the package before, perhaps; ids are equally long, so it is the same in each.
        package = self.packages[-1]
        kind, path = entry[0], entry[1]
        record = self._record_of(path)
        package.payload.add(entry, state, bag_path, name, record, extent)
        if record is not None:
            package.codes.add(record)
        elif kind != FOLDER:
            self.outside_records += 1
        if kind == LINK:
            self._tell(package, {"path": bag_path, "link_to": entry[7].hex()})
        if name != path:
            self._tell(package, {"path": bag_path, "name_bytes": path.hex()})

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
    package_id: str, folder: Path, tag_files: Iterable[str], submitted: Iterable[Entry], created_ns: int
) -> list[layout.Planned]:
    """The entries before the payload: the bag's folder, its tag files, and `data/`.

    `tag_files` are paths relative to the bag, of files lying in `folder`; `submitted` the tag files of a submitted
    bag, kept under `submission/`.  Folders on the way are entered before their first file.
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
    return [*entries, layout.planned_tag_folder(package_id, "data/", created_ns)]
