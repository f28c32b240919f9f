"""Look at a bag that a drill gave back: by the Library of Congress's reader, or ours, and by opening its documents."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from preserve.bags.names import is_misread_by_loc, shown
from preserve.bags.reading import judge_folder
from preserve.model.complaints import Complaint
from preserve.model.nouns import MOST_FILES_NAMED
from preserve.opening.examiner import Examiner
from preserve.opening.verdicts import Opened
from preserve.ports import Progress

MOST_REASONS = 50


@dataclass(slots=True)
class Examined:
    """What was seen of all bags of a drill.

    `accepted` bags the Library of Congress's reader finds valid; `rejected` names those that a reader rejects,
    `misread` counts those that our own reader alone judged, because the other cannot read some legal names.
    `unopened` names documents that do not open; `unjudged` counts those that nobody here could try, by reason.
    """

    accepted: int = 0
    misread: int = 0
    rejected: list[Complaint] = field(default_factory=list)
    opened: int = 0
    unopened_count: int = 0
    unopened: list[Complaint] = field(default_factory=list)
    unjudged: Counter[str] = field(default_factory=Counter)

    @property
    def unjudged_count(self) -> int:
        return self.unjudged.total()

    def reasons(self) -> dict[str, int]:
        """Why documents were not judged, the commonest first; rare reasons are put together."""
        common = dict(self.unjudged.most_common(MOST_REASONS))
        rest = self.unjudged.total() - sum(common.values())
        return {**common, "…": rest} if rest else common


def examine(bag: Path, work: Path, examiner: Examiner, into: Examined, progress: Progress) -> None:
    """Judge one bag and open each document in it.  Raises OSError."""
    files = list(_payload(bag))
    total = sum(size for _, size in files)
    progress.begin("reading what was restored of {package}", total, package=bag.name)
    if any(is_misread_by_loc(os.path.relpath(path, bag)) for path, _ in files):
        into.misread += 1
        why = _own_complaint(bag, work)
    else:
        why = examiner.complaint(bag, total)
        into.accepted += why is None
        why = why and why.replace(f"{bag}/", "")
    if why is not None:
        into.rejected.append(Complaint("rejected", bag.name, "{reason}", {"reason": why}))
    for path, size in files:
        _open(bag, path, size, examiner, into)
        progress.advance(size)


def _open(bag: Path, path: str, size: int, examiner: Examiner, into: Examined) -> None:
    verdict = examiner.opening(Path(path), size)
    if verdict.opened is Opened.OPENS:
        into.opened += 1
    elif verdict.opened is Opened.UNJUDGED:
        into.unjudged[verdict.why] += 1
    else:
        into.unopened_count += 1
        if len(into.unopened) < MOST_FILES_NAMED:
            where = shown(os.fsencode(os.path.relpath(path, bag.parent)))
            into.unopened.append(Complaint("unopened", where, "{reason}", {"reason": verdict.why}))


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
