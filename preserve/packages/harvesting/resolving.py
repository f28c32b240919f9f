"""Find out what of the differences has to be taken in: content that is known already is not taken again.

A file that was moved is known by its inode and times, or by its bytes; one that was merely touched, by its bytes.  A
link has no content but where it leads.  What is known and lost, because no copy of its package is sound any more, is
taken again from the source, which may be the last place where it is.  On the way is counted what the brake asks for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from preserve.bags.entries import FILE, FOLDER, LINK
from preserve.bags.names import shown
from preserve.errors import Restless, Unpackable
from preserve.model import brake
from preserve.model.brake import Upheaval
from preserve.model.complaints import ComplaintList
from preserve.packages.harvesting import comparing
from preserve.packages.harvesting.comparing import GONE, SAME, Plan
from preserve.packages.harvesting.places import Catchment
from preserve.packages.harvesting.rows import (
    CTIME,
    DOUBTFUL,
    INODE,
    KIND,
    MARK,
    MTIME,
    NOT_A_FILE,
    OFFSET,
    PACKAGE,
    PATH,
    SHA256,
    SIZE,
    Kept,
    Seen,
    doubted,
)

PUT, CARGO = 10, 11
"""What the differences come to, beside `SAME` and `GONE`:

| first field | then | is |
|---|---|---|
| `PUT` | seen, kept | a row of which everything is known |
| `CARGO` | seen, seen before or None, kept before or None, whether again | a file whose content has to be taken in |
"""

MOST_GONE = 200_000
"""Of so many that are gone it is found out whether they were moved; of more, all others count as new."""

_BY_OWNER = (b".gpg", b".pgp", b".asc", b".p7m", b".age", b".kdbx", b".tc", b".hc", b".vhdx", b".img", b".iso")
"""Endings of what its owner encrypted, or what holds a whole disk: that it looks random says nothing."""


@dataclass(slots=True)
class Tally:
    """What the differences come to, in numbers of files and links; the first that are doubted now, are gone, or
    changed, by name."""

    new: int = 0
    changed: int = 0
    moved: int = 0
    vanished: int = 0
    reread: int = 0
    doubtful: int = 0
    again: int = 0
    """Files that are taken again, as they were taken before: what was taken is lost."""
    rows: int = 0
    """Rows of the state that differ from the last."""
    cargo: int = 0
    renamed: int = 0
    shrunk_to_percent: int = 100
    doubtful_paths: list[bytes] = field(default_factory=list)
    vanished_paths: list[bytes] = field(default_factory=list)
    changed_paths: list[bytes] = field(default_factory=list)


MOST_PATHS_NAMED = 20


def _unknown_head(kept: Kept, length: int) -> bytes:
    return b""


class Resolution:
    """Goes through a plan twice: first for what is gone, then for what came.

    `kept_head` gives the beginning of content that was taken, or nothing where no store gives it now.  What looks
    unchanged, was to be read again and could not be read is told to `passed_over`; what is new and cannot be read is
    met with when it is taken in.  What is kept in packages that are `lost` is taken again.
    """

    def __init__(
        self,
        source: Catchment,
        plan: Plan,
        resolved: Plan,
        passed_over: ComplaintList,
        kept_head: Callable[[Kept, int], bytes] = _unknown_head,
        lost: Collection[str] = (),
    ) -> None:
        self._source = source
        self._passed_over = passed_over
        self._kept_head = kept_head
        self._lost = lost
        self._plan = plan
        self._resolved = resolved
        self._gone_by_inode: dict[tuple[int, int, int, int], Kept] = {}
        self._gone_by_size: dict[tuple[int, int], dict[bytes, Kept]] = {}
        self._gone_places: Counter[_Place] = Counter()
        self._gone_paths: set[bytes] = set()
        self._gone_stems: set[bytes] = set()
        self._moved_places: Counter[_Place] = Counter()
        """Where what was moved is kept: several files may come of one that is gone, and several that are gone may have
        been of one content."""
        self._samples = _Samples()
        self.tally = Tally()

    def run(self) -> None:
        """Raises `Restless`, `Unavailable`, `NoSpace`."""
        for item in self._plan:
            if item[0] == GONE and item[1][KIND] != FOLDER:
                self._note_gone(item[1], item[2])
        for item in self._plan:
            self._resolve(item)
        self.tally.vanished -= (self._gone_places & self._moved_places).total()
        self.tally.vanished_paths = list(islice(self._vanished(), MOST_PATHS_NAMED))

    def upheaval(self, files_before: int) -> Upheaval:
        """What moved, as the brake asks; files are looked into now.  Raises `Restless`, `Unavailable`."""
        heads = ((self._head(each[0]), each[1], each[2]) for each in self._samples)
        # What is too short to tell says nothing, and must not outvote what does.
        looked = [
            self._is_scrambled(head, before, kept)
            for head, before, kept in heads
            if len(head) >= brake.LEAST_HEAD_BYTES
        ]
        return Upheaval(
            files=files_before,
            vanished=self.tally.vanished,
            changed=self.tally.changed,
            renamed=self.tally.renamed,
            sampled=len(looked),
            scrambled=sum(looked),
            shrunk_to_percent=self.tally.shrunk_to_percent,
        )

    def _head(self, seen: Seen) -> bytes:
        try:
            return self._source.head(seen, brake.HEAD_BYTES)
        except Unpackable:
            return b""

    def _sha256(self, seen: Seen) -> bytes | None:
        """The digest of a file, or None where it cannot be read."""
        try:
            return self._source.sha256(seen)
        except Unpackable:
            return None

    def _is_scrambled(self, head: bytes, before: Seen | None, kept: Kept) -> bool:
        """Whether content looks random that did not before: what its owner encrypts or packs looks so always."""
        if not brake.looks_random(head):
            return False
        if before is None:
            return True
        return not brake.looks_random(self._kept_head(kept, min(before[SIZE], brake.HEAD_BYTES)))

    def _note_gone(self, seen: Seen, kept: Kept) -> None:
        self.tally.vanished += 1
        if len(self._gone_paths) >= MOST_GONE:
            return
        path = seen[PATH]
        self._gone_paths.add(path)
        self._gone_places[_place(seen, kept)] += 1
        self._gone_stems.add(_divided(path)[0])
        if seen[KIND] == LINK:
            return
        if seen[INODE]:
            self._gone_by_inode[seen[INODE], seen[SIZE], seen[MTIME], seen[CTIME]] = kept
        if self._source.is_local:
            self._gone_by_size.setdefault((seen[SIZE], seen[MTIME]), {})[kept[SHA256]] = kept

    def _vanished(self) -> Iterator[bytes]:
        """The paths of what is gone and was not moved."""
        moved = self._moved_places.copy()
        for item in self._plan if self.tally.vanished else ():
            if item[0] != GONE or item[1][KIND] == FOLDER:
                continue
            place = _place(item[1], item[2])
            if moved[place] > 0:
                moved[place] -= 1
            else:
                yield item[1][PATH]

    def _resolve(self, item: tuple[Any, ...]) -> None:
        match item[0]:
            case comparing.SAME:
                self._resolved.add(item)
                return
            case comparing.GONE:
                self._resolved.add(item)
            case comparing.REREAD:
                if not self._reread(*item[1:]):
                    return
            case comparing.FRESH:
                self._fresh(item[1])
            case comparing.TOUCHED:
                if not self._touched(*item[1:]):
                    return
        self.tally.rows += 1

    def _fresh(self, seen: Seen) -> None:
        if seen[KIND] == LINK:
            self._fresh_link(seen)
        elif seen[KIND] == FOLDER:
            self._put(seen, NOT_A_FILE)
        else:
            self._fresh_file(seen)

    def _fresh_link(self, seen: Seen) -> None:
        place = _place(seen, NOT_A_FILE)
        if self._gone_places[place]:
            self.tally.moved += 1
            self._moved_places[place] += 1
        else:
            self.tally.new += 1
        self._put(seen, NOT_A_FILE)

    def _fresh_file(self, seen: Seen) -> None:
        kept = self._moved_from(seen)
        if kept is not None:
            self.tally.moved += 1
            self._note_doubt(seen, kept)
            self._moved_places[_place(seen, kept)] += 1
            if kept[PACKAGE] in self._lost and not kept[DOUBTFUL]:
                self._carry_again(seen, None, kept)
            else:
                self._put(seen, kept)
            return
        self.tally.new += 1
        if self._is_renamed(seen[PATH]):
            self.tally.renamed += 1
            self._samples.add((seen, None, NOT_A_FILE))
        self._carry(seen, None, None)

    def _touched(self, seen: Seen, before: Seen, kept: Kept, number: int, row: int) -> bool:
        """Whether its row differs."""
        if seen[KIND] != FILE:
            if seen[KIND] == LINK and seen[MARK] != before[MARK]:
                self._note_changed(seen)
            self._put(seen, NOT_A_FILE)
            return True
        if seen[SIZE] == before[SIZE] and self._source.is_local and self._sha256(seen) == kept[SHA256]:
            if kept[PACKAGE] in self._lost:
                self._carry_again(seen, before, kept)
                return True
            if not self._source.keeps_times:
                self._resolved.add((SAME, number, row, row + 1))
                return False
            self._put(seen, doubted(kept, False))
            return True
        self._note_changed(seen)
        if not self._source.keeps_times and before[SIZE]:
            self.tally.shrunk_to_percent = min(100, 100 * seen[SIZE] // before[SIZE])
        if not seen[PATH].lower().endswith(_BY_OWNER):
            self._samples.add((seen, before, kept))
        self._carry(seen, before, kept)
        return True

    def _reread(self, number: int, row: int, seen: Seen, kept: Kept) -> bool:
        """Whether its row differs after it was read."""
        try:
            is_doubtful = self._source.sha256(seen) != kept[SHA256]
        except Restless:  # it changes just now: the next harvest sees that
            is_doubtful = bool(kept[DOUBTFUL])
        except Unpackable as error:
            is_doubtful = bool(kept[DOUBTFUL])
            self._passed_over.add("unreadable", shown(seen[PATH]), error.template, **error.values)
        else:
            self.tally.reread += 1
            if not is_doubtful and kept[PACKAGE] in self._lost:
                self._carry_again(seen, seen, kept)
                return True
        self._note_doubt(seen, doubted(kept, is_doubtful))
        if is_doubtful == bool(kept[DOUBTFUL]):
            self._resolved.add((SAME, number, row, row + 1))
            return False
        self._put(seen, doubted(kept, is_doubtful))
        return True

    def _note_changed(self, seen: Seen) -> None:
        self.tally.changed += 1
        self.tally.changed_paths += [seen[PATH]][: MOST_PATHS_NAMED - len(self.tally.changed_paths)]

    def _note_doubt(self, seen: Seen, kept: Kept) -> None:
        if kept[DOUBTFUL]:
            self.tally.doubtful += 1
            self.tally.doubtful_paths += [seen[PATH]][: MOST_PATHS_NAMED - len(self.tally.doubtful_paths)]

    def _moved_from(self, seen: Seen) -> Kept | None:
        """Where content that is gone from elsewhere is kept, if this is it."""
        kept = self._gone_by_inode.get((seen[INODE], seen[SIZE], seen[MTIME], seen[CTIME])) if seen[INODE] else None
        if kept is not None:
            return kept  # nothing was read: what is doubted of it stays so
        candidates = self._gone_by_size.get((seen[SIZE], seen[MTIME]))
        if not candidates:
            return None
        found = candidates.get(self._sha256(seen) or b"")
        return None if found is None else doubted(found, False)

    def _is_renamed(self, path: bytes) -> bool:
        """Whether a file that is gone bore this name with another ending, or with none added.

        An ending without a letter is none: logs and exports are numbered and dated, and follow one another so.
        """
        stem, ending = _divided(path)
        return any(map(str.isalpha, ending.decode("utf-8", "replace"))) and (
            stem in self._gone_paths or stem in self._gone_stems
        )

    def _put(self, seen: Seen, kept: Kept) -> None:
        self._resolved.add((PUT, seen, kept))

    def _carry(self, seen: Seen, before: Seen | None, kept: Kept | None) -> None:
        self.tally.cargo += 1
        self._resolved.add((CARGO, seen, before, kept, False))

    def _carry_again(self, seen: Seen, before: Seen | None, kept: Kept) -> None:
        self.tally.cargo += 1
        self.tally.again += 1
        self._resolved.add((CARGO, seen, before, kept, True))


_Place = tuple[object, ...]


def _place(seen: Seen, kept: Kept) -> _Place:
    """By what is known, when it is gone, that it was moved: where its content is kept; of a link, the link itself."""
    if seen[KIND] == LINK:
        return (seen[INODE], seen[MTIME], seen[MARK])
    return (kept[PACKAGE], kept[OFFSET])


def _divided(path: bytes) -> tuple[bytes, bytes]:
    """A path without its ending, and the ending; a name that only begins with a dot has none."""
    folder, slash, name = path.rpartition(b"/")
    stem, _, ending = name.rpartition(b".")
    return (folder + slash + stem, ending) if stem else (path, b"")


_Sample = tuple[Seen, Seen | None, Kept]
"""A file to look into; how it was seen before, and where what it held then is kept, if anybody knows."""


class _Samples:
    """At most `brake.MOST_SAMPLED` of any number of files, spread evenly."""

    def __init__(self) -> None:
        self._taken: list[_Sample] = []
        self._every, self._count = 1, 0

    def add(self, sample: _Sample) -> None:
        if self._count % self._every == 0:
            self._taken.append(sample)
            if len(self._taken) == 2 * brake.MOST_SAMPLED:
                self._taken, self._every = self._taken[::2], self._every * 2
        self._count += 1

    def __iter__(self) -> Iterator[_Sample]:
        step = 2 if len(self._taken) > brake.MOST_SAMPLED else 1
        return iter(self._taken[::step])
