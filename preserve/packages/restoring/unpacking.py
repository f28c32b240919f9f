"""Write the wanted files of a package: read pieces of its bag ahead, verify each file, give it its name."""

from __future__ import annotations

import errno
import os
import queue
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition as Signal
from threading import Lock
from typing import NamedTuple, cast

from preserve.bags.entries import FILE, FOLDER
from preserve.durable import raise_if_full
from preserve.model.digests import Algorithm, start
from preserve.model.nouns import MOST_FILES_NAMED
from preserve.model.restore import Presence
from preserve.packages.at_once import in_order
from preserve.packages.restoring.landing import Draft, Landing
from preserve.packages.restoring.merging import merged_parts
from preserve.packages.restoring.unfilling import NOT_SOUND, Slice
from preserve.packages.restoring.unpacking_crew import SLOT_BYTES, SLOTS, UnpackingCrew
from preserve.packages.restoring.wanted import Wanted
from preserve.packages.sources import Sources, Standing
from preserve.ports import Progress

LARGEST_GAP_BYTES = 64 * 1024
"""Bytes nobody wants that are read all the same, because asking a site again takes longer."""

MOST_FILES = 1000
"""Files written by one order."""


Stretch = tuple[int, int, Standing]
"""Bytes from, to (in the file), and the copy they come from."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A file that was not restored, and why: `template.format(**values)` is the English sentence."""

    path: bytes
    template: str
    values: Mapping[str, object] = field(default_factory=dict)


class File(NamedTuple):
    """A file to write: `row` is its place among the wanted entries, `replace` whether it may take another's name."""

    row: int
    entry: Wanted
    replace: bool


@dataclass(slots=True)
class Piece:
    """Consecutive bytes of the bag with whole files in them, or a part of one large file (`part_of`, from `skip`)."""

    begin: int
    end: int
    files: list[File] = field(default_factory=list)
    part_of: _Large | None = None
    skip: int = 0


class Unpacker:
    """Writes files of one package into a landing.

    `losses` names files that no copy gives soundly or that the target does not take; `lost_rows` has the rows of all.
    """

    def __init__(self, sources: Sources, crew: UnpackingCrew, landing: Landing, progress: Progress) -> None:
        self._sources = sources
        self._crew = crew
        self._landing = landing
        self._landing_lock = Lock()  # of the landing, which is ours; the crew has its own
        self._progress = progress
        self._slots: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(SLOTS):
            self._slots.put(number)
        self._count_lock = Lock()
        self.losses: list[Loss] = []
        self.lost_rows = array("Q")
        self.files = 0
        self.bytes = 0

    def unpack(self, entries: Iterable[tuple[Wanted, Presence]]) -> None:
        """Make the folders among `entries`, write the files that are not there, and replace those that differ.

        Modes and times of folders are left to `target.settle`.  Raises `Unavailable` where no store serves any more,
        `NoSpace` where the target is full, OSError where a folder cannot be made.
        """
        for piece in in_order(self._carry_out, self._cut(self._to_write(entries)), SLOTS):
            self._progress.advance(piece.end - piece.begin)

    def _to_write(self, entries: Iterable[tuple[Wanted, Presence]]) -> Iterator[File]:
        """The files to write.  Folders are made on the way, just ahead of what lies in them, while others write."""
        known = b""
        for row, (entry, presence) in enumerate(entries):
            if presence is Presence.OBSTRUCTED:
                continue
            folder = entry.path if entry.kind == FOLDER else _folder(entry)
            if folder != known:
                with self._landing_lock:
                    self._landing.make_folders(folder)
                known = folder
            if entry.kind == FILE and presence is not Presence.SAME:
                yield File(row, entry, presence is Presence.DIFFERENT)

    def _cut(self, files: Iterable[File]) -> Iterator[Piece]:
        """Pieces of at most a slot; neighbours together, a file in one piece wherever it fits into a slot."""
        piece: Piece | None = None
        for file in files:
            entry = file.entry
            if entry.size > SLOT_BYTES:
                if piece is not None:
                    yield piece
                    piece = None
                yield from self._parts(file)
                continue
            begin, end = (entry.offset, entry.offset + entry.size) if entry.size or piece is None else (piece.end,) * 2
            if piece is not None and not _joins(piece, begin, end):
                yield piece
                piece = None
            if piece is None:
                piece = Piece(begin, end)
            piece.files.append(file)
            piece.end = end
        if piece is not None:
            yield piece

    def _parts(self, file: File) -> Iterator[Piece]:
        large, entry = _Large(file), file.entry
        for skip in range(0, entry.size, SLOT_BYTES):
            end = entry.offset + min(skip + SLOT_BYTES, entry.size)
            yield Piece(entry.offset + skip, end, part_of=large, skip=skip)

    def _carry_out(self, piece: Piece) -> Piece:
        slot = self._slots.get()
        try:
            content = self._crew.slot(slot)[: piece.end - piece.begin]
            origin = self._sources.read(piece.begin, content)
            if piece.part_of is not None:
                self._large_part(piece.part_of, piece.skip, content, origin)
            else:
                self._small_files(piece, slot, origin)
        finally:
            self._slots.put(slot)
        return piece

    def _small_files(self, piece: Piece, slot: int, origin: Standing | None) -> None:
        failed: dict[int, int] = {}
        if origin is None:
            failed = dict.fromkeys(range(len(piece.files)), NOT_SOUND)
        else:
            failed = dict(self._crew.write(slot, [_plain(file, piece.begin) for file in piece.files]))
        for number, file in enumerate(piece.files):
            if number not in failed:
                self._restored(file.entry, [(0, file.entry.size, cast(Standing, origin))])
            elif failed[number] == NOT_SOUND:
                self._mend(file, self._crew.slot(slot))
            else:
                self._not_taken(file, OSError(failed[number], os.strerror(failed[number])))

    def _large_part(self, large: _Large, skip: int, content: memoryview, origin: Standing | None) -> None:
        """Write a part and, in its turn, digest it; the last one gives the file its name."""
        try:
            if origin is not None and large.error is None:
                self._draft_of(large).write(content, skip)
        except OSError as error:
            large.error = error
        with large.turn(skip, len(content)):
            if origin is not None:
                large.running.update(content)
                large.stretches.append((skip, skip + len(content), origin))
        if skip + len(content) == large.file.entry.size:
            self._finish(large)
            if not large.is_named and large.error is None:
                self._mend(large.file, content)

    def _draft_of(self, large: _Large) -> Draft:
        with self._landing_lock:
            if large.draft is None:
                large.draft = Draft(self._landing, _folder(large.file.entry))
            return large.draft

    def _finish(self, large: _Large) -> None:
        """Give a large file its name if all of it came and is sound."""
        draft, entry = large.draft, large.file.entry
        if draft is None:
            return
        try:
            if large.error is None and large.running.digest() == entry.sha256:
                self._name(draft, large.file)
                self._restored(entry, large.stretches)
                large.is_named = True
        except OSError as error:
            large.error = error
        finally:
            self._close(draft)
        if large.error is not None:
            self._not_taken(large.file, large.error)

    def _mend(self, file: File, buffer: memoryview) -> None:
        """Get one file whole from any copy, else block by block from several, else merged from what all have of it."""
        entry = file.entry
        try:
            for origin in self._sources.usable():
                if self._written_from([(0, entry.size, origin)], file, buffer):
                    return
                if origin.away is None:
                    self._sources.suspect(origin, entry.offset, entry.size, os.fsdecode(entry.path))
            stretches = self._sound_stretches(entry)
            if stretches is not None and self._written_from(stretches, file, buffer):
                return
            if not self._written_merged(file):
                self._lose(file, Loss(entry.path, "no copy that can be read now has it sound"))
        except OSError as error:
            self._not_taken(file, error)

    def _sound_stretches(self, entry: Wanted) -> list[Stretch] | None:
        """For each block the file lies in, a copy in which that block is sound; None where one is lost everywhere."""
        size = self._sources.receipt.block_bytes
        stretches: list[Stretch] = []
        end = entry.offset + entry.size
        for number in range(entry.offset // size, -(-end // size)):
            origin = self._sources.sound_in(number)
            if origin is None:
                return None
            begin = max(entry.offset, number * size)
            stretches.append((begin - entry.offset, min(end, (number + 1) * size) - entry.offset, origin))
        return stretches

    def _written_from(self, stretches: list[Stretch], file: File, buffer: memoryview) -> bool:
        """Write a file from given copies; whether it was sound, and is in its place."""
        entry, running = file.entry, start(Algorithm.SHA256)
        with self._landing_lock:
            draft = Draft(self._landing, _folder(entry))
        try:
            for begin, end, origin in stretches:
                for at in range(begin, end, len(buffer)):
                    piece = buffer[: min(len(buffer), end - at)]
                    if not self._sources.read_from(origin, entry.offset + at, piece):
                        return False
                    running.update(piece)
                    draft.write(piece, at)
            if running.digest() != entry.sha256:
                return False
            self._name(draft, file)
        finally:
            self._close(draft)
        self._restored(entry, stretches)
        return True

    def _written_merged(self, file: File) -> bool:
        """Write a file of which no copy has some part right; whether it was sound, and is in its place."""
        entry, running, at = file.entry, start(Algorithm.SHA256), 0
        stretches: list[Stretch] = []
        with self._landing_lock:
            draft = Draft(self._landing, _folder(entry))
        try:
            for part in merged_parts(self._sources, entry.offset, entry.size, entry.sha256):
                running.update(part.content)
                draft.write(memoryview(part.content), at)
                stretches += ((at + begin, at + end, origin) for begin, end, origin in part.stretches)
                at += len(part.content)
            if at != entry.size or running.digest() != entry.sha256:
                return False
            self._name(draft, file)
        finally:
            self._close(draft)
        self._restored(entry, stretches)
        return True

    def _name(self, draft: Draft, file: File) -> None:
        entry = file.entry
        with self._landing_lock:
            draft.finish(entry.path.rpartition(b"/")[2], entry.mode, entry.mtime_ns, file.replace)

    def _close(self, draft: Draft) -> None:
        with self._landing_lock:
            draft.close()

    def _restored(self, entry: Wanted, stretches: list[Stretch]) -> None:
        for begin, end, origin in stretches:
            self._sources.credit(origin, end - begin)
        with self._count_lock:
            self.files += 1
            self.bytes += entry.size

    def _not_taken(self, file: File, error: OSError) -> None:
        """The target does not take a file.  Raises `NoSpace` where that will not change for the next one."""
        path = file.entry.path
        raise_if_full(error, Path(os.fsdecode(path)))
        if error.errno == errno.EEXIST:
            self._lose(file, Loss(path, "something of that name appeared in the target meanwhile"))
        else:
            reason = error.strerror or str(error)
            self._lose(file, Loss(path, "the target does not take it: {reason}", {"reason": reason}))

    def _lose(self, file: File, loss: Loss) -> None:
        with self._count_lock:
            self.lost_rows.append(file.row)
            if len(self.losses) < MOST_FILES_NAMED:
                self.losses.append(loss)


class _Large:
    """A file too large for a slot, while its parts are under way.  They are digested one after another."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.draft: Draft | None = None
        self.running = start(Algorithm.SHA256)
        self.stretches: list[Stretch] = []
        self.error: OSError | None = None
        self.is_named = False
        self._digested = 0
        self._moved = Signal()

    @contextmanager
    def turn(self, skip: int, length: int) -> Iterator[None]:
        """Wait until all parts before `skip` had their turn.  Parts are begun in order, so none waits for ever."""
        with self._moved:
            self._moved.wait_for(lambda: self._digested >= skip)
        try:
            yield
        finally:
            with self._moved:
                self._digested = skip + length
                self._moved.notify_all()


def _joins(piece: Piece, begin: int, end: int) -> bool:
    """Whether a file can go with the files before it."""
    is_near = piece.end <= begin <= piece.end + LARGEST_GAP_BYTES
    return is_near and end - piece.begin <= SLOT_BYTES and len(piece.files) < MOST_FILES


def _plain(file: File, base: int) -> Slice:
    entry = file.entry
    folder, _, name = entry.path.rpartition(b"/")
    begin = entry.offset - base if entry.size else 0
    return (folder, name, begin, begin + entry.size, entry.sha256, entry.mode, entry.mtime_ns, file.replace)


def _folder(entry: Wanted) -> bytes:
    return entry.path.rpartition(b"/")[0]
