"""Several copies of one package as one source: bytes come from the best copy, and where it fails from the next.

`Sources.read` does not judge the bytes it gives: its caller knows the digest of the file they belong to.  Whatever
fails is noted, and becomes a finding when a second look confirms it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO

from preserve.durable import raise_if_full
from preserve.errors import Frozen, NotThere, Unavailable, Unreadable
from preserve.model.blocks import BlockList
from preserve.model.digests import Algorithm, start
from preserve.model.entries import AuditResult
from preserve.model.keys import BAG, BLOCKS, MEMBERS
from preserve.model.nouns import MOST_FILES_NAMED, Condition, Finding, PackageEntry, Receipt
from preserve.model.phrases import phrase
from preserve.packages.block_lists import PackageBlocks
from preserve.packages.held import HeldCopy, decoded, merged_blocks
from preserve.packages.merging import merged_from
from preserve.packages.parity.beside import ParityBeside
from preserve.packages.reading import BlockReader, Look, SoundFile, read_fully
from preserve.packages.relisting import write_members

MOST_FAULTS = 4
"""A copy that failed so often is read after the others from then on."""

_CONDITION = {
    AuditResult.DAMAGED: Condition.DAMAGED,
    AuditResult.MISSING: Condition.MISSING,
    AuditResult.UNREADABLE: Condition.UNREADABLE,
}
_PIECE_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class Standing:
    """What has been seen of one copy while it was read."""

    held: HeldCopy
    bytes_given: int = 0
    """Sound bytes that came from it."""
    files_given: int = 0
    """Files in which any of them lie."""
    faults: int = 0
    away: Unavailable | None = None
    """Why its store no longer serves; it is not asked again."""
    suspects: dict[int, list[str]] = field(default_factory=dict)
    """Blocks of the bag in which bytes were not as they should be, with files that lie in them."""
    looks: dict[str, Look] = field(default_factory=dict)
    """The first failure of each object."""

    @property
    def store(self) -> str:
        return self.held.store.name


class Sources:
    """The copies of one package, best first.  May be used by several threads."""

    def __init__(self, package: PackageEntry, copies: Sequence[HeldCopy]) -> None:
        self.package = package
        self.standings = [Standing(held) for held in copies]
        self.are_members_relisted = False
        """Whether the members had to be read from the bag: times are of whole seconds then."""
        self.are_members_torn = False
        """Whether a block of the members was needed that no copy has sound."""
        self._blocks: PackageBlocks | None = None
        self._blocks_asked = False
        self._lock = Lock()
        self._parity = ParityBeside(copies)
        self.merging = Lock()
        """Held by whoever merges: there is room for one block of each copy."""

    @property
    def receipt(self) -> Receipt:
        return self.package.receipt

    def usable(self) -> list[Standing]:
        """The copies whose stores serve, those that failed often last.

        Raises `Unavailable` where there is none: the first one's reason.
        """
        serving = [each for each in self.standings if each.away is None]
        if serving:
            return sorted(serving, key=lambda each: each.faults >= MOST_FAULTS)
        away = [each.away for each in self.standings if each.away is not None]
        for error in sorted(away, key=lambda error: not isinstance(error, Frozen)):  # that one can be asked for
            raise error
        raise Unavailable("no store has a copy of package {package}", package=self.package.id)

    def read(self, begin: int, into: memoryview) -> Standing | None:
        """Fill `into` with bytes of the bag from the first copy that gives them all; None where no copy does.

        Raises `Unavailable` where no store is left that serves.
        """
        return next((each for each in self.usable() if self.read_from(each, begin, into)), None)

    def read_from(self, standing: Standing, begin: int, into: memoryview) -> bool:
        """The same from one copy.  A failure is noted."""
        if not into:
            return True
        held, whole = standing.held, phrase("{bytes} bytes", bytes=self.receipt.bag_bytes)
        try:
            count = read_fully(held.store, held.key(BAG), begin, into)
        except NotThere:
            self._note(standing, BAG, Look(AuditResult.MISSING, whole, phrase("nothing")))
        except Unreadable as error:
            self._note(standing, BAG, Look(AuditResult.UNREADABLE, whole, str(error)))
        except Unavailable as error:
            standing.away = error
        else:
            if count == len(into):
                return True
            self.suspect(standing, begin + count, 1, "")  # it ends there
        return False

    def credit(self, standing: Standing, count: int) -> None:
        """Note that `count` sound bytes of a file came from a copy."""
        with self._lock:
            standing.bytes_given += count
            standing.files_given += 1

    def suspect(self, standing: Standing, offset: int, size: int, path: str) -> None:
        """Note that a file of `size` bytes at `offset` of the bag had another digest in this copy."""
        block_bytes = self.receipt.block_bytes
        with self._lock:
            standing.faults += 1
            for number in range(offset // block_bytes, (offset + max(size, 1) - 1) // block_bytes + 1):
                files = standing.suspects.setdefault(number, [])
                if len(files) < MOST_FILES_NAMED:
                    files.append(path)

    def blocks(self) -> PackageBlocks | None:
        """The list of blocks from the first copy that has it sound, or None."""
        with self._lock:
            asked, self._blocks_asked = self._blocks_asked, True
        if not asked:
            self._blocks = self._read_blocks()
        return self._blocks

    def members(self, work: Path) -> IO[bytes] | None:
        """The members, whole and sound, as a file in `work`: from one copy, from all together, or else read from the
        bag itself (`are_members_relisted`); None where the bag is not sound enough for that either.

        Raises `Unavailable` where no store serves, `NoSpace`.
        """
        path = work / f"{self.package.id}.members"
        if any(self._fetch_members(standing, path) for standing in self.usable()):
            return path.open("rb")
        if self._fill(path, self._gather_members):
            return path.open("rb")
        if self._fill(path, lambda file: self._relist_members(work, file)):
            self.are_members_relisted = True
            return path.open("rb")
        return None

    def _fill(self, path: Path, fill: Callable[[IO[bytes]], bool]) -> bool:
        """Whether a file could be written; not where a block is needed that no copy has sound."""
        try:
            with path.open("wb") as file:
                return fill(file)
        except OSError as error:
            raise_if_full(error, path)
            return False

    def _gather_members(self, into: IO[bytes]) -> bool:
        mixed = self.members_in_pieces()
        if mixed is None:
            return False
        while piece := mixed.read(_PIECE_BYTES):
            into.write(piece)
        return True

    def _relist_members(self, work: Path, into: IO[bytes]) -> bool:
        bag = self.bag()
        if bag is None:
            return False
        try:
            write_members(bag, self.receipt, work, into)
        except ValueError:  # what is proved to be the bag that was written is none that this program can list
            return False
        return True

    def members_in_pieces(self) -> IO[bytes] | None:
        """The members as a file of which only the blocks asked for are read, each from a copy in which it is sound.

        None where no copy has a sound list of blocks.  Reading raises OSError for a block that no copy has sound.
        """
        blocks = self.blocks()
        return None if blocks is None else _MixedFile(self, MEMBERS, blocks.members).buffered()

    def bag(self) -> IO[bytes] | None:
        """The bag as such a file."""
        blocks = self.blocks()
        return None if blocks is None else _MixedFile(self, BAG, blocks.bag).buffered()

    def mended(self, part: str, begin: int, length: int, digest: bytes) -> tuple[bytes, Standing] | None:
        """Bytes that no copy has sound, out of the parity of one, and which one; None where it is not enough."""
        mended = self._parity.mended(part, begin, length, digest)
        if mended is None:
            return None
        return mended.content, next(each for each in self.standings if each.store == mended.store)

    def sound_in(self, number: int) -> Standing | None:
        """A copy in which block `number` of the bag is sound, or None."""
        blocks = self.blocks()
        if blocks is None:
            return None
        for standing in self.usable():
            look = self._look(standing, BAG, blocks.bag, number)
            if look is not None and look.is_sound:
                return standing
        return None

    def findings(self) -> Iterator[Finding]:
        """What is wrong with the copies; blocks under suspicion are looked at once more before a verdict."""
        for standing in self.standings:
            whole = standing.looks.get(BAG)
            bad = [] if whole and whole.sight is AuditResult.MISSING else self._bad_blocks(standing)
            for part, look in standing.looks.items():
                if not (part == BAG and bad and bad[0].sight is look.sight):  # that one names the blocks too
                    yield _finding(standing, part, look)
            if bad:
                files = [path for look in bad for path in standing.suspects[look.number]]
                yield _finding(standing, BAG, bad[0], tuple(look.number for look in bad), files)

    def _bad_blocks(self, standing: Standing) -> list[Look]:
        blocks = self.blocks() if standing.suspects and standing.away is None else None
        if blocks is None:
            return []
        looks = [self._look(standing, BAG, blocks.bag, number) for number in sorted(standing.suspects)]
        return [look for look in looks if look is not None and not look.is_sound]

    def _look(self, standing: Standing, part: str, blocks: BlockList, number: int) -> Look | None:
        """One block of a copy, read and digested; None where the store does not serve."""
        held = standing.held
        try:
            return next(BlockReader(held.store, held.key(part), blocks).looks([number]))
        except Unavailable as error:
            standing.away = error
            return None

    def _read_blocks(self) -> PackageBlocks | None:
        for standing in self.usable():
            try:
                look = standing.held.fetch(BLOCKS)
            except Unavailable as error:
                standing.away = error
                continue
            if look.is_sound:
                return decoded(self.package, look.content)
            self._note(standing, BLOCKS, look)
        return self._parity.blocks() or merged_blocks(
            [standing.held for standing in self.standings if standing.away is None]
        )

    def _fetch_members(self, standing: Standing, path: Path, attempts: int = 2) -> bool:
        """Write the members of one copy to `path`; whether they are sound.  A torn transmission is no damage."""
        held, wanted = standing.held, self.receipt.members
        running, at = start(Algorithm.SHA256), 0
        piece = memoryview(bytearray(min(wanted.bytes + 1, _PIECE_BYTES)))
        try:
            with path.open("wb") as file:
                while at <= wanted.bytes and (count := read_fully(held.store, held.key(MEMBERS), at, piece)):
                    running.update(piece[:count])
                    file.write(piece[:count])
                    at += count
        except NotThere:
            self._note(standing, MEMBERS, Look(AuditResult.MISSING, wanted.sha256, phrase("nothing")))
            return False
        except Unreadable as error:
            self._note(standing, MEMBERS, Look(AuditResult.UNREADABLE, wanted.sha256, str(error)))
            return False
        except Unavailable as error:
            standing.away = error
            return False
        found = running.hexdigest()
        if found == wanted.sha256:
            return True
        if attempts > 1:
            return self._fetch_members(standing, path, attempts - 1)
        self._note(standing, MEMBERS, Look(AuditResult.DAMAGED, wanted.sha256, found))
        return False

    def _note(self, standing: Standing, part: str, look: Look) -> None:
        with self._lock:
            standing.faults += 1
            standing.looks.setdefault(part, look)


class _MixedReader(BlockReader):
    """Reads each block from the first copy in which it is sound."""

    def __init__(self, sources: Sources, part: str, blocks: BlockList) -> None:
        first = sources.usable()[0].held
        super().__init__(first.store, first.key(part), blocks)
        self._sources = sources
        self._part = part
        self._list = blocks

    def read(self, number: int, into: memoryview) -> Look:
        failed: Look | None = None
        for standing in self._sources.usable():
            held = standing.held
            try:
                look = BlockReader(held.store, held.key(self._part), self._list).read(number, into)
            except Unavailable as error:
                standing.away = error
                continue
            if look.is_sound:
                return look
            failed = failed or look
            if self._part == BAG:
                self._sources.suspect(standing, *self._list.span(number), "")
            else:
                self._sources._note(standing, self._part, look)
        if failed is None:
            self._sources.usable()  # raises: nobody serves any more
        elif (content := self._put_together(number)) is not None:
            into[: len(content)] = content
            return Look(AuditResult.SOUND, failed.expected, failed.expected, number)
        self._sources.are_members_torn |= self._part == MEMBERS
        return failed or Look(AuditResult.UNREADABLE, self._list.digest(number).hex(), phrase("nothing"), number)

    def _put_together(self, number: int) -> bytes | None:
        """A block that no copy has sound, out of parity, or from all of them together."""
        (begin, length), digest = self._list.span(number), self._list.digest(number)
        places = [(each.held.store, each.held.key(self._part)) for each in self._sources.usable()]
        with self._sources.merging:
            mended = self._sources.mended(self._part, begin, length, digest)
            merged = merged_from(places, begin, length, digest) if mended is None else None
        if mended is not None:
            return mended[0]
        return None if merged is None else merged.content


class _MixedFile(SoundFile):
    """A file over all copies at once, which gives out only bytes of sound blocks."""

    _KEPT_BLOCKS = 2

    def __init__(self, sources: Sources, part: str, blocks: BlockList) -> None:
        super().__init__(sources.usable()[0].held.store, sources.usable()[0].held.key(part), blocks)
        self._reader = _MixedReader(sources, part, blocks)
        if part == MEMBERS:
            self._KEPT_BLOCKS = SoundFile._KEPT_BLOCKS


def _finding(
    standing: Standing, part: str, look: Look, blocks: tuple[int, ...] = (), files: Sequence[str] = ()
) -> Finding:
    named = sorted({path for path in files if path})
    is_gone = part == BAG and look.sight is AuditResult.MISSING  # and all files with it
    return Finding(
        package_id=standing.held.package.id,
        store=standing.store,
        condition=_CONDITION[look.sight],
        where=standing.held.key(part),
        expected=look.expected,
        found=look.found,
        blocks=blocks,
        files=tuple(named[:MOST_FILES_NAMED]),
        files_touched=standing.held.receipt.payload_files if is_gone else len(named),
    )
