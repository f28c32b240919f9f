"""Judge a bag: is it complete and valid by RFC 8493, 3 (or by the earlier version it declares)?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from preserve.bags.entries import Entry, Tree, open_content
from preserve.bags.folders import FolderTree
from preserve.bags.listings import Digests, Judges, Listings, known_only
from preserve.bags.manifests import DIGEST_BYTES, PYTHON_NAMES, file_name
from preserve.bags.names import shown
from preserve.bags.parts import (
    FETCH,
    BagFacts,
    Contents,
    check_oxum,
    manifests_in,
    read_declaration,
    read_elements,
    unreadable,
)
from preserve.bags.tags import STRICT, Declaration, Oxum
from preserve.model.complaints import Complaint, ComplaintList

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.  `valid` means: complete, and every checksum we can compute fits bytes read now.

    `errors` and `warnings` name at most `complaints.MOST_COMPLAINTS` each; `error_count` and `warning_count` count all.
    `unchecked` are algorithms of manifests that this program cannot compute.  `facts` is None where bagit.txt could
    not be used.
    """

    valid: bool
    errors: tuple[Complaint, ...]
    error_count: int
    warnings: tuple[Complaint, ...]
    warning_count: int
    unchecked: tuple[str, ...]
    facts: BagFacts | None


class Inspection:
    """A bag looked through without reading its payload: its parts, its tag files checked, its payload matched.

    `errors` and `warnings` grow while `matched` is consumed; only then has the whole bag been looked at.
    """

    def __init__(self, tree: Tree, work: Path, errors: ComplaintList, warnings: ComplaintList) -> None:
        self.errors, self.warnings = errors, warnings
        self.contents = Contents(tree, work, errors)
        self.declaration = read_declaration(self.contents, errors, warnings)
        self.facts: BagFacts | None = None
        self.unchecked: tuple[str, ...] = ()
        self.algorithms: tuple[str, ...] = ()
        self._listings: Listings | None = None
        if self.declaration is not None:
            self._look_through(self.declaration, work)

    def _look_through(self, declaration: Declaration, work: Path) -> None:
        elements = read_elements(self.contents, declaration, self.errors, self.warnings)
        check_oxum(self.contents, declaration, elements, self.errors, self.warnings)
        found = manifests_in(self.contents)
        self.facts = BagFacts(
            declaration.version,
            declaration.encoding,
            elements,
            tuple(sorted(name for name, tag in found if not tag)),
            tuple(sorted(name for name, tag in found if tag)),
            tuple(shown(path) for path in sorted(self.contents.tag_files)),
            Oxum(self.contents.octets, self.contents.streams),
            FETCH in self.contents.tag_files,
        )
        self._check_parts(found)
        grave = self.errors if declaration.version >= STRICT else self.warnings
        judges = Judges(self.errors, self.warnings, grave)
        listings = self._listings = Listings(self.contents, declaration, judges, work)
        payload = known_only(found, tag=False)
        self.algorithms = tuple(payload)
        for algorithm, entry in payload.items():
            listings.add_manifest(algorithm, entry)
        if FETCH in self.contents.tag_files:
            listings.add_fetch(self.contents.tag_files[FETCH])
        _TagManifests(self.contents, listings, judges).check(known_only(found, tag=True), self.facts.payload_manifests)

    def _check_parts(self, found: Mapping[tuple[str, bool], Entry]) -> None:
        if not self.contents.has_data:
            self.errors.add("no-data", "data/", "the bag has no folder data/")
        if not any(not tag for _, tag in found):
            self.errors.add("no-manifest", "", "the bag has no payload manifest")
        elif not known_only(found, tag=False):
            self.errors.add("no-known-manifest", "", "the bag has no payload manifest of an algorithm known here")
        self.unchecked = tuple(sorted({name for name, _ in found if name not in DIGEST_BYTES}))
        for name in self.unchecked:
            template = "the {algorithm} manifest was not checked: the algorithm is not known to this program"
            self.warnings.add("unchecked", file_name(name), template, algorithm=shown(name))

    def matched(self) -> Iterator[tuple[Entry, Digests]]:
        """Each listed payload file that is there, with its expected digests, in listing order (but for files found in
        another Unicode normalisation, which come last).  To be consumed once, to the end."""
        return iter(()) if self._listings is None else self._listings.matched()

    def close(self) -> None:
        """Forget what was spooled."""
        self.contents.close()
        if self._listings is not None:
            self._listings.close()


class _TagManifests:
    """Checks every tag file against every tag manifest; they are small, and are read whole time and again."""

    def __init__(self, contents: Contents, listings: Listings, judges: Judges) -> None:
        self._files = contents.tag_files
        self._listings = listings
        self._judges = judges

    def check(self, found: Mapping[str, Entry], payload_manifests: tuple[str, ...]) -> None:
        for algorithm, entry in found.items():
            listed = self._check_one(algorithm, entry)
            for name in payload_manifests:
                if file_name(name).encode() not in listed:
                    template = "{file} does not list {manifest}"
                    values = {"file": shown(entry[1]), "manifest": file_name(shown(name))}
                    self._judges.grave.add("manifest-not-tagged", shown(entry[1]), template, **values)

    def _check_one(self, algorithm: str, manifest: Entry) -> set[bytes]:
        seen: dict[bytes, bytes] = {}
        for line, path in self._listings.lines(algorithm, manifest, payload=False):
            digest = line.digest or b""
            if path in seen:
                code, where = (
                    ("listed-twice", self._judges.grave)
                    if seen[path] == digest
                    else ("two-digests", self._judges.errors)
                )
                where.add(code, shown(path), "{path} stands twice in {file}", path=shown(path), file=shown(manifest[1]))
                continue
            seen[path] = digest
            entry = self._files.get(path)
            if entry is None:
                template = "{path} is listed in {file} and not in the bag"
                self._judges.errors.add("missing", shown(path), template, path=shown(path), file=shown(manifest[1]))
            else:
                compare(entry, ((algorithm, digest),), self._judges.errors)
        return set(seen)


def compare(entry: Entry, expected: Digests, errors: ComplaintList) -> None:
    """Read one file once and hold it against its expected digests."""
    running = {algorithm: hashlib.new(PYTHON_NAMES.get(algorithm, algorithm)) for algorithm, _ in expected}
    path = shown(entry[1])
    try:
        count = 0
        with open_content(entry) as file:
            while piece := file.read(_PIECE_BYTES):
                count += len(piece)
                for one in running.values():
                    one.update(piece)
    except OSError as error:
        unreadable(entry[1], error, errors)
        return
    if count != entry[2]:
        errors.add("changed", path, "{path} changed while it was read", path=path)
        return
    for algorithm, digest in expected:
        found = running[algorithm].digest()
        if found != digest:
            template = "{path} is damaged: its {algorithm} is {found}, and {expected} is listed"
            values = {"path": path, "algorithm": algorithm, "found": found.hex(), "expected": digest.hex()}
            errors.add("damaged", path, template, **values)


def judge(tree: Tree, work: Path, errors: ComplaintList | None = None) -> Verdict:
    """Judge the bag whose top is the top of `tree`, reading every byte once.  `work` is a folder for spools.

    `errors` may be a list that `tree` itself complains to.
    """
    errors = ComplaintList() if errors is None else errors
    warnings = ComplaintList()
    inspection = Inspection(tree, work, errors, warnings)
    try:
        for entry, expected in inspection.matched():
            compare(entry, expected, errors)
    finally:
        inspection.close()
    return Verdict(
        not errors.count,
        errors.named,
        errors.count,
        warnings.named,
        warnings.count,
        inspection.unchecked,
        inspection.facts,
    )


def judge_folder(folder: Path, work: Path) -> Verdict:
    """Judge the bag that lies in `folder`.  Raises OSError where `folder` itself is not there."""
    errors = ComplaintList()
    return judge(FolderTree(folder, errors, ComplaintList()), work, errors)
