"""A submission: what a person hands in (a folder, a tar, or a bag in either), as one listing to be packed.

Nothing of the payload is read here.  Everything that cannot be taken is found before anything is written, and told
together.
"""

from __future__ import annotations

import heapq
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from preserve.bags.entries import Below, Entry, Spool, Tree, order
from preserve.bags.folder_states import FolderStates
from preserve.bags.folders import FolderTree
from preserve.bags.gate import NameGate
from preserve.bags.listings import Digests
from preserve.bags.names import shown
from preserve.bags.parts import DATA, FETCH, BagFacts, Contents
from preserve.bags.reading import Inspection
from preserve.bags.shapes import Marks, TakenAs, is_bag
from preserve.bags.tars import SourceState, TarTree
from preserve.bags.unpacking import as_plain_tar
from preserve.errors import Refused, Restless, Unavailable
from preserve.model.complaints import Complaint, ComplaintList
from preserve.model.digests import Algorithm, is_supported

Expectation = tuple[bytes, Digests]
"""(payload path relative to `data/`, the digests that the submitted bag gives) for one file."""

_EXPECTED_BATCH = 4096
MOST_FOLDERS_NAMED = 20


class Shape(StrEnum):
    """In what shape a submission came."""

    FOLDER = "folder"
    TAR = "tar"
    BAG = "bag"
    BAG_IN_TAR = "bag in a tar"


@dataclass(frozen=True, slots=True)
class Totals:
    """How much a submission holds; `bytes` are those of its files."""

    files: int
    folders: int
    links: int
    bytes: int


class Expectations:
    """What a submitted bag's manifests say of its payload, file by file, in listing order."""

    def __init__(self, work: Path) -> None:
        self._spool = Spool(work)
        self._late: list[Expectation] = []  # files found under another normalisation of their name come last

    def fill(self, matched: Iterator[tuple[Entry, Digests]], algorithms: frozenset[str], errors: ComplaintList) -> None:
        """Keep what can be checked; complain about a file of which nothing can."""
        cut, last = len(DATA), b""
        batch: list[Expectation] = []
        for entry, digests in matched:
            usable = tuple(pair for pair in digests if pair[0] in algorithms)
            if not usable:
                template = "{path} has no digest of an algorithm that can be checked here"
                errors.add("not-checkable", shown(entry[1]), template, path=shown(entry[1]))
            key = order(entry[1])
            if key < last:
                self._late.append((entry[1][cut:], usable))
                continue
            last = key
            batch.append((entry[1][cut:], usable))
            if len(batch) >= _EXPECTED_BATCH:
                self._spool.add(batch)
                batch = []
        self._spool.add(batch)
        self._late.sort(key=_by_path)

    def __iter__(self) -> Iterator[Expectation]:
        if not self._late:
            return self._spool.items()
        return heapq.merge(self._spool.items(), self._late, key=_by_path)

    def close(self) -> None:
        """Forget them."""
        self._spool.close()


def _by_path(expectation: Expectation) -> bytes:
    return order(expectation[0])


class Judge:
    """Holds the digests of files, as they are packed one after the other, against a submitted bag's manifests."""

    def __init__(self, expectations: Iterator[Expectation]) -> None:
        self._expectations = expectations

    def __call__(self, path: str, digests: Mapping[Algorithm, bytes]) -> str | None:
        """What does not fit, as `<algorithm>: <expected> expected, <found> found`, or None.

        `path` is the file's path in our bag, relative to `data/`.  Raises ValueError when files come in another
        order than they were listed.
        """
        expected_path, expected = next(self._expectations, (b"", ()))
        if "=" not in path and path.encode() != expected_path:  # `=` may come of escaping
            raise ValueError(f"{path} came where {expected_path!r} was listed")
        for name, digest in expected:
            found = digests[Algorithm(name)]
            if found != digest:
                return f"{name}: {digest.hex()} expected, {found.hex()} found"
        return None


@dataclass(frozen=True)
class Submission:
    """A submission that was looked through and may be packed.  Close it: spools and unpacked tars go away then.

    `tag_files` are the tag files of a submitted bag (paths relative to the bag, in listing order), to be kept under
    `submission/`; `own_tag_files` are of our making, and keep their paths; `bag` is what that bag says of itself;
    `algorithms` are those the packer must compute to check it.
    `tar_state` is how the tar looked when it was listed: entries of a tar have no inode of their own, so the packer
    compares the tar's.  `folders` is how the folders were, one by one.  `notes` are things a person should know and
    nobody must mend.
    """

    source: Path
    shape: Shape
    totals: Totals
    notes: tuple[Complaint, ...]
    payload: Spool | Contents
    resources: ExitStack
    tar_state: SourceState | None = None
    folders: FolderStates | None = None
    bag: BagFacts | None = None
    tag_files: tuple[Entry, ...] = ()
    own_tag_files: tuple[Entry, ...] = ()
    algorithms: tuple[Algorithm, ...] = ()
    expectations: Expectations | None = None

    def batches(self) -> Iterator[list[Entry]]:
        """All entries of the payload in listing order, paths relative to it; may be called again."""
        return self.payload.payload_batches() if isinstance(self.payload, Contents) else self.payload.batches()

    def judge(self) -> Judge | None:
        """What must compare the digests of files while they are packed in listing order; None where nothing is
        expected of them."""
        return None if self.expectations is None else Judge(iter(self.expectations))

    def require_rest(self) -> None:
        """Ask when the last byte was read: raises `Refused` where anything came into a folder, or left it, since."""
        changed = [] if self.folders is None else list(islice(self.folders.changed(), MOST_FOLDERS_NAMED))
        if changed:
            raise Restless(
                "these folders changed while they were read: {folders}; "
                "nothing was packed; run the command again when they rest",
                folders=", ".join(shown(folder) for folder in changed),
            )

    def close(self) -> None:
        """Forget spools and remove what was unpacked."""
        self.resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Desk:
    """What looking a submission through needs at every step."""

    source: Path
    work: Path
    gate: NameGate
    complaints: ComplaintList
    notes: ComplaintList
    resources: ExitStack


def open_submission(
    source: Path, work: Path, *, keep_links: bool, unpack_limit_bytes: int, taken_as: TakenAs | None = None
) -> Submission:
    """Look through what lies at `source` and list it, as what a person says that it is or as what it looks like.

    `work` is an empty folder for spools and for a compressed tar unpacked (at most `unpack_limit_bytes`).  With
    `keep_links` symbolic links are listed as links, wherever they point, and never followed; without it they are
    refused.  Raises `Refused` with everything that cannot be taken, `Unavailable` when the source cannot be read,
    `NoSpace` when `work` is full.
    """
    complaints, notes = ComplaintList(), ComplaintList()
    gate = NameGate(complaints, notes, keep_links=keep_links)
    with ExitStack() as stack:
        desk = _Desk(source, work, gate, complaints, notes, stack)
        try:
            submission = _look_through(desk, unpack_limit_bytes, taken_as)
        except OSError as error:
            raise Unavailable("{source} cannot be read: {reason}", source=source, reason=error) from error
        if not complaints.count and not (submission.totals.files or submission.totals.links):
            complaints.add("empty", str(source), "{source} holds no file, so there is nothing to keep", source=source)
        complaints.raise_if_any(str(source))
        submission.resources.push(stack.pop_all())
        return submission


def _look_through(desk: _Desk, unpack_limit_bytes: int, taken_as: TakenAs | None) -> Submission:
    """Tell folder from tar, and bag from neither."""
    real = Path(os.path.realpath(desk.source))
    try:
        mode = real.stat().st_mode
    except FileNotFoundError:
        raise Refused("there is nothing at {source}", source=desk.source) from None
    if stat.S_ISDIR(mode):
        states = FolderStates(desk.work)
        desk.resources.callback(states.close)
        folder = FolderTree(real, desk.complaints, desk.notes, states)
        if is_bag(desk.source, Marks(_names_in(real)), taken_as):
            return replace(_bag(desk, folder, Shape.BAG, None), folders=states)
        return replace(_plain(desk, folder, Shape.FOLDER, None), folders=states)
    if not stat.S_ISREG(mode):
        raise Refused("{source} is neither a folder nor a file", source=desk.source)
    plain = as_plain_tar(real, desk.work, unpack_limit_bytes)
    if plain != real:
        desk.resources.callback(plain.unlink, missing_ok=True)
    tar = TarTree(plain, desk.work, desk.complaints, handed_in=desk.source)
    desk.resources.callback(tar.close)
    desk.complaints.raise_if_any(str(desk.source))  # of a broken tar, the rest of what is wrong would only confuse
    top = next(iter(tar.tops)) if len(tar.tops) == 1 and not tar.marks.is_declared else b""
    if not is_bag(desk.source, tar.inner_marks if top else tar.marks, taken_as):
        return _plain(desk, tar, Shape.TAR, tar.state)
    return _bag(desk, Below(tar, top) if top else tar, Shape.BAG_IN_TAR, tar.state)


def _names_in(folder: Path) -> list[bytes]:
    """What lies right below; nothing where that cannot be listed, which the folder's tree complains about."""
    try:
        return os.listdir(os.fsencode(folder))
    except OSError:
        return []


def _plain(desk: _Desk, tree: Tree, shape: Shape, tar_state: SourceState | None) -> Submission:
    spool = desk.resources.enter_context(Spool(desk.work))
    for batch in tree.batches():
        desk.gate.look(batch)
        spool.add(batch)
    return Submission(desk.source, shape, _totals(desk.gate), desk.notes.named, spool, ExitStack(), tar_state=tar_state)


def _bag(desk: _Desk, tree: Tree, shape: Shape, tar_state: SourceState | None) -> Submission:
    """A bag's payload is its `data/`; its manifests must hold, as far as can be seen without reading the payload."""
    inspection = Inspection(tree, desk.work, desk.complaints, desk.notes)
    desk.resources.callback(inspection.close)
    for batch in inspection.contents.payload_batches():
        desk.gate.look(batch)
    tag_files = tuple(sorted(inspection.contents.tag_files.values(), key=_path))
    desk.gate.look_at_names([entry[1] for entry in tag_files])
    usable = frozenset(one.value for one in Algorithm if is_supported(one))
    expectations = Expectations(desk.work)
    desk.resources.callback(expectations.close)
    expectations.fill(inspection.matched(), usable, desk.complaints)
    if inspection.facts is not None and inspection.facts.has_fetch:
        template = (
            "the bag has a fetch.txt, and nothing is ever fetched from elsewhere: complete the bag, take fetch.txt "
            "and its line in the tag manifests away, and hand it in again"
        )
        desk.complaints.add("fetch", FETCH.decode(), template)
    return Submission(
        desk.source,
        shape,
        _totals(desk.gate),
        desk.notes.named,
        inspection.contents,
        ExitStack(),
        tar_state=tar_state,
        bag=inspection.facts,
        tag_files=tag_files,
        algorithms=tuple(Algorithm(name) for name in inspection.algorithms if name in usable),
        expectations=expectations,
    )


def _path(entry: Entry) -> bytes:
    return order(entry[1])


def _totals(gate: NameGate) -> Totals:
    return Totals(gate.files, gate.folders, gate.links, gate.bytes)
