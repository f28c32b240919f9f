"""Look at a bag that a drill gave back: by the Library of Congress's reader, or ours, and by opening its documents."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from preserve.bags.names import is_misread_by_loc, shown
from preserve.bags.reading import judge_folder
from preserve.model.complaints import Complaint
from preserve.model.drills import Acknowledged, Document
from preserve.model.nouns import MOST_FILES_NAMED
from preserve.opening.examiner import Examiner
from preserve.opening.verdicts import Opened, Unjudged
from preserve.ports import Progress

MOST_REASONS = 50

_Named = TypeVar("_Named")
Answered = Callable[[str], Acknowledged | None]


@dataclass(slots=True)
class Examined:
    """What was seen of all bags of a drill.

    `accepted` bags the Library of Congress's reader finds valid; `rejected` names those that a reader rejects,
    `misread` counts those that our own reader alone judged, because the other cannot read some legal names.
    `unread` says of those of them over which the other broke down why: nobody but us has judged them.
    `unopened` names documents that do not open; `unjudged` counts those that nobody here could try, by reason, and
    `unjudged_named` names them; `acknowledged` are those of both for which a person answers.
    """

    accepted: int = 0
    misread: int = 0
    rejected: list[Complaint] = field(default_factory=list)
    unread: list[Complaint] = field(default_factory=list)
    opened: int = 0
    unopened_count: int = 0
    unopened: list[Document] = field(default_factory=list)
    unjudged: Counter[str] = field(default_factory=Counter)
    unjudged_named: list[Document] = field(default_factory=list)
    acknowledged_count: int = 0
    acknowledged: list[Acknowledged] = field(default_factory=list)

    @property
    def unjudged_count(self) -> int:
        return self.unjudged.total()

    def reasons(self) -> dict[str, int]:
        """Why documents were not judged, the commonest first; rare reasons are put together."""
        common = dict(self.unjudged.most_common(MOST_REASONS))
        rest = self.unjudged.total() - sum(common.values())
        return {**common, "…": rest} if rest else common


@dataclass(frozen=True, slots=True)
class Examining:
    """What looking at bags takes: `answered` gives who answers for a document by its SHA-256 in hex."""

    examiner: Examiner
    work: Path
    answered: Answered
    progress: Progress


def examine(bag: Path, examining: Examining, into: Examined) -> None:
    """Judge one bag and open each document in it.  Raises OSError."""
    files = list(_payload(bag))
    examining.progress.begin("reading what was restored of {package}", sum(size for _, size in files), package=bag.name)
    why = _complaint(bag, files, examining, into)
    if why is not None:
        into.rejected.append(Complaint("rejected", bag.name, "{reason}", {"reason": why}))
    for path, size in files:
        _open(bag, path, size, examining, into)
        examining.progress.advance(size)


def _complaint(bag: Path, files: Sequence[tuple[str, int]], examining: Examining, into: Examined) -> str | None:
    """What the other reader has against a bag, or ours where that cannot say."""
    if any(is_misread_by_loc(os.path.relpath(path, bag)) for path, _ in files):
        into.misread += 1
        return _own_complaint(bag, examining.work)
    try:
        why = examining.examiner.complaint(bag, sum(size for _, size in files))
    except Unjudged as unjudged:
        into.unread.append(Complaint("unread", bag.name, "{reason}", {"reason": str(unjudged)}))
        return _own_complaint(bag, examining.work)
    into.accepted += why is None
    return why and why.replace(f"{bag}/", "")


def _open(bag: Path, path: str, size: int, examining: Examining, into: Examined) -> None:
    verdict = examining.examiner.opening(Path(path), size)
    if verdict.opened is Opened.OPENS:
        into.opened += 1
        return
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    document = Document(shown(os.fsencode(os.path.relpath(path, bag.parent))), digest, verdict.why)
    known = examining.answered(digest)
    if known is not None:
        into.acknowledged_count += 1
        _name(into.acknowledged, replace(known, document=document))
    elif verdict.opened is Opened.UNJUDGED:
        into.unjudged[verdict.why] += 1
        _name(into.unjudged_named, document)
    else:
        into.unopened_count += 1
        _name(into.unopened, document)


def _name(named: list[_Named], one: _Named) -> None:
    if len(named) < MOST_FILES_NAMED:
        named.append(one)


def _own_complaint(bag: Path, work: Path) -> str | None:
    verdict = judge_folder(bag, work)
    if verdict.valid:
        return None
    return str(verdict.errors[0]) if verdict.errors else "it is not valid"


def _payload(bag: Path) -> Iterator[tuple[str, int]]:
    """The payload files of a bag, with their sizes, in the order of their names."""
    for folder, folders, names in os.walk(bag / "data"):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            yield path, os.stat(path).st_size
