"""Divide a submission into packages and plan the payload of each, in one pass over its listing."""

from __future__ import annotations

import hashlib
import json
import marshal
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from preserve.bags.entries import FILE, FOLDER, LINK, Entry
from preserve.bags.names import BagNames
from preserve.durable import raise_if_full
from preserve.packages import layout

RecordOf = Callable[[bytes], str | None]
"""The archival code of the record to which a payload path belongs, if any."""

State = tuple[int, int, int, int]


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
    """All packages of one submission.  `listing_sha256` digests what was listed: names, sizes, times, inodes."""

    packages: list[PayloadPlan]
    listing_sha256: str

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
    return SubmissionPlan(planner.packages, listing.hexdigest())


class _Planner:
    """Adds entries to the current package, and begins the next when it is full."""

    def __init__(self, package_ids: Iterator[str], package_bytes: int, record_of: RecordOf, work: Path) -> None:
        self._ids = package_ids
        self._package_bytes = package_bytes
        self._record_of = record_of
        self._work = work
        self._names = BagNames()
        self._states: dict[bytes, State] = {}
        self._folders: list[layout.PayloadEntry] = []  # the folder being listed and those above it
        self._structure: IO[bytes] | None = None
        self.packages: list[PayloadPlan] = []
        self._begin()

    def add(self, entry: Entry) -> None:
        kind, path, size, mtime_ns, ctime_ns, inode, mode, target, source, offset = entry
        bag_path = self._names.bag_path(path)
        original = path if bag_path.encode() != path else None
        state = (size, mtime_ns, ctime_ns, inode) if ctime_ns else self._state(source) if kind == FILE else (0, 0, 0, 0)
        record = self._record_of(path)
        planned = layout.PayloadEntry(
            kind, bag_path, original, size, mode, mtime_ns, source, offset, state, target or None, record
        )
        self._note_folder(planned)
        self._place(planned)

    def finish(self) -> None:
        if self._structure is not None:
            self._structure.close()

    def _state(self, source: bytes) -> State:
        """What a submitted tar, which holds the content of many entries, is like now."""
        if source not in self._states:
            facts = os.stat(source)
            self._states = {source: (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)}
        return self._states[source]

    def _note_folder(self, entry: layout.PayloadEntry) -> None:
        while self._folders and not entry.path.startswith(self._folders[-1].path + "/"):
            self._folders.pop()
        if entry.kind == FOLDER:
            self._folders.append(entry)

    def _place(self, entry: layout.PayloadEntry) -> None:
        package = self.packages[-1]
        planned = layout.planned_payload(package.package_id, entry)
        totals = package.payload.totals
        if entry.kind == FILE and totals.files and totals.extent_bytes + planned.extent > self._package_bytes:
            self._begin()
            package = self.packages[-1]
            for folder in self._folders:
                self._add(package, layout.planned_payload(package.package_id, folder))
            planned = layout.planned_payload(package.package_id, entry)
        self._add(package, planned)

    def _add(self, package: PayloadPlan, planned: layout.Planned) -> None:
        package.payload.add(planned)
        if planned.record is not None:
            package.codes.add(planned.record)
        if planned.original is not None:
            self._tell(package, {"path": planned.path, "name_bytes": planned.original.hex()})
        if planned.member == LINK:
            self._tell(package, {"path": planned.path, "link_to": (planned.link_to or b"").hex()})

    def _tell(self, package: PayloadPlan, what: dict[str, str]) -> None:
        """A line of `structure.jsonl`: what a bag cannot say."""
        if self._structure is None:
            package.structure = package.folder / "structure.jsonl"
            self._structure = package.structure.open("wb")
        self._structure.write(json.dumps(what, ensure_ascii=False).encode() + b"\n")

    def _begin(self) -> None:
        self.finish()
        self._structure = None
        package_id = next(self._ids)
        folder = self._work / package_id
        folder.mkdir(parents=True)
        self.packages.append(PayloadPlan(package_id, folder, layout.Payload(folder)))


def head_entries(package_id: str, folder: Path, tag_files: Iterable[str], created_ns: int) -> list[layout.Planned]:
    """The entries before the payload: the bag's folder, its tag files (lying in `folder`), and `data/`.

    `tag_files` are paths relative to the bag; folders on the way are entered before their first file.
    """
    entries = [layout.planned_tag_folder(package_id, "", created_ns)]
    entered: set[str] = set()
    for path in tag_files:
        parents = path.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            parent = "/".join(parents[:depth]) + "/"
            if parent not in entered:
                entered.add(parent)
                entries.append(layout.planned_tag_folder(package_id, parent, created_ns))
        entries.append(layout.planned_tag_file(package_id, path, folder / path, created_ns))
    return [*entries, layout.planned_tag_folder(package_id, "data/", created_ns)]
