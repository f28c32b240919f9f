"""Make the bad objects of one copy anew, each read back whole before it counts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from preserve.errors import AlreadyThere, Frozen, PreserveError, Unavailable
from preserve.model import receipts
from preserve.model.blocks import BlockList
from preserve.model.digests import sha256
from preserve.model.healing import next_generation
from preserve.model.keys import BAG, BLOCKS, MEMBERS, PARITY, RECEIPT, Key, is_formats_part, object_key
from preserve.model.nouns import Condition
from preserve.model.parity import ParityEntry
from preserve.packages.gathering import Gathering, Place
from preserve.packages.held import HeldCopy, blocks_from_any
from preserve.packages.judging.accounts import part_of
from preserve.packages.judging.harm_reports import MOST_BLOCKS_NAMED
from preserve.packages.judging.harmed_files import NamedFiles
from preserve.packages.judging.inspection import Survey
from preserve.packages.parity.making import Made, Means, make
from preserve.packages.putting import put, put_file
from preserve.packages.reading import BlockReader, look_at_object
from preserve.packages.repairing.losses import lost_files
from preserve.packages.repairing.mending import Mended, Mending
from preserve.packages.repairing.wards import Ward

MOST_OBSTACLES = 10
"""Names of generations that may be taken by what is no object of a store, before a person has to look."""

ATTEMPTS = 2
"""Generations of one object that are made before a store is given up that does not give back what it was sent."""


class How(StrEnum):
    """How the sound rest of an object came into its new generation."""

    COPIED = "server-side copy"  # within the store: only the bad blocks travelled
    REWRITTEN = "rewritten"  # through our hands
    ADOPTED = "adopted"  # an interrupted repair had made it: it was read and is sound
    REMADE = "made anew"  # from the books or the program, which know what it must be


@dataclass(frozen=True, slots=True)
class Repaired:
    """One object that was made anew and read back whole; `sources` counts its bad blocks by where they came from.

    `package` None: it belongs to none, and `object` is its key without generation.
    """

    package: str | None
    store: str
    object: str
    generation: int
    blocks: tuple[int, ...]
    sources: Mapping[str, int]
    bytes_read: int
    bytes_written: int
    how: How

    @property
    def bytes_transferred(self) -> int:
        """What travelled in either direction to make it."""
        return self.bytes_read + self.bytes_written


@dataclass(frozen=True, slots=True)
class NotRepaired:
    """One object that is as bad as it was (`object` None: the whole copy, or all of a store's fittings), and why.

    `blocks` are those that no copy in reach has sound.  `without` are the payload files that cannot be had without
    them, and `files_whole` counts those that are whole; both None where that cannot be told, or does not depend on the
    object.  `away` are stores that could not be asked for the blocks, `unread` those whose copy could not be read: as
    long as there is any, nothing is proved to be lost.
    """

    package: str | None
    store: str
    object: str | None
    why: PreserveError
    blocks: tuple[int, ...] = ()
    without: NamedFiles | None = None
    files_whole: int | None = None
    away: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def is_loss_proved(self) -> bool:
        """Whether every copy was read, and none has what is missing."""
        return bool(self.blocks) and not (self.away or self.unread)


class Remaking:
    """The objects of the copy in `store`, as `survey` saw them a moment ago.  `retain_until` asks for object locks."""

    def __init__(self, ward: Ward, store: str, survey: Survey, retain_until: datetime | None, means: Means) -> None:
        self._ward = ward
        self._name = store
        self._survey = survey
        self._retain_until = retain_until
        self._means = means

    @property
    def _held(self) -> HeldCopy:
        return self._ward.copy(self._name)

    def make(self, part: str) -> Repaired | NotRepaired:
        """Make one object anew, or take in what an interrupted repair had made.

        Raises `Unavailable`, `NoSpace` of the store that is repaired.
        """
        if part in (RECEIPT, BLOCKS) or is_formats_part(part):
            return self._adopted_whole(part) or self._make_whole(part)
        if part == PARITY:
            return self._adopted_whole(part) or self._make_parity()
        blocks = self._ward.knowledge.bag if part == BAG else self._ward.knowledge.members
        if blocks is None:
            return self._not_repaired(
                part,
                PreserveError(
                    "no copy in reach has a sound list of blocks, and what they hold of {object} does not fit together",
                    object=part,
                ),
            )
        bad = self._bad(part, blocks)
        return self._adopted(part, blocks) or self._make_of_blocks(part, blocks, bad)

    # Small objects

    def _make_whole(self, part: str) -> Repaired | NotRepaired:
        content = self._content(part)
        if content is None:
            return self._not_repaired(part, PreserveError("no copy in reach has {object} sound", object=part))
        for _ in range(ATTEMPTS):
            generation = self._next(part)
            look = put(self._held.store, self._key(part, generation), content, self._retain_until)
            self._ward.generations(self._name, part).add(generation)
            if look.is_sound:
                return self._repaired(part, generation, (), {}, (0, len(content)), How.REWRITTEN)
        return self._not_given_back(part)

    def _content(self, part: str) -> bytes | None:
        """The receipt follows from the books, the list of blocks from what the copies prove; each by its digest.

        What formats the files are in follows from nothing that is kept: another store has it, or nobody.
        """
        expected, content = self._held.digest(part).sha256, None
        if part == RECEIPT:
            content = receipts.encode(self._ward.package.receipt)
        elif part == BLOCKS:
            content = self._ward.knowledge.listing
        if content is not None and sha256(content).hex() == expected:
            return content
        for held in self._ward.others(self._name):
            if part not in held.parts:
                continue
            try:
                look = held.fetch(part)
            except Unavailable:
                continue
            if look.is_sound:
                return look.content
        return None

    def _adopted_whole(self, part: str) -> Repaired | None:
        digest = self._held.digest(part)
        for generation in self._unbooked(part):
            if look_at_object(self._held.store, self._key(part, generation), digest.bytes, digest.sha256).is_sound:
                return self._repaired(part, generation, (), {}, (0, 0), How.ADOPTED)
        return None

    def _make_parity(self) -> Repaired | NotRepaired:
        """Parity follows from the package, which is made sound before; the books know its digest."""
        held, blocks = self._held, blocks_from_any(self._ward.copies)
        if held.parity is None or blocks is None:
            return self._not_repaired(PARITY, PreserveError("no copy in reach has {object} sound", object=BLOCKS))
        with ExitStack() as scratch:
            making = make(self._ward.package, blocks, self._ward.copies, held.parity.layout, self._means)
            try:
                made = scratch.enter_context(making)
            except PreserveError as error:
                return self._not_repaired(PARITY, error)
            return self._lay_parity(held.parity, made)

    def _lay_parity(self, entry: ParityEntry, made: Made) -> Repaired | NotRepaired:
        held = self._held
        for _ in range(ATTEMPTS):
            generation = self._next(PARITY)
            look = put_file(
                held.store, self._key(PARITY, generation), made.file, held.digest(PARITY), self._retain_until
            )
            self._ward.generations(self._name, PARITY).add(generation)
            if look.is_sound:
                moved = (sum(entry.layout.sizes), entry.bytes)
                return self._repaired(PARITY, generation, (), {}, moved, How.REMADE)
        return self._not_given_back(PARITY)

    # Objects of blocks

    def _make_of_blocks(self, part: str, blocks: BlockList, bad: tuple[int, ...]) -> Repaired | NotRepaired:
        for _ in range(ATTEMPTS):
            gathering = self._ward.gathering(part, blocks, self._name)
            generation, mended = self._mended(part, bad, gathering)
            self._ward.learn(part, gathering)
            if mended.lost:
                return self._lost(part, gathering, mended.lost)
            self._ward.generations(self._name, part).add(generation)
            if self._is_whole(part, generation, blocks):
                how = How.COPIED if mended.is_copied_by_store else How.REWRITTEN
                moved = (mended.bytes_read, mended.bytes_written)
                return self._repaired(part, generation, bad, mended.sources, moved, how)
        return self._not_given_back(part)

    def _mended(self, part: str, bad: tuple[int, ...], gathering: Gathering) -> tuple[int, Mended]:
        """Make the object under the next key that is free.  Raises `AlreadyThere` where none of many is."""
        old = Place(self._held.store, self._held.key(part))
        obstacles = 0
        while True:
            generation = self._next(part)
            key = self._key(part, generation)
            try:
                return generation, Mending(part, old, key, bad, gathering, self._retain_until).run()
            except AlreadyThere:  # a folder, a link: no object that is listed, and its name is taken all the same
                obstacles += 1
                if obstacles == MOST_OBSTACLES:
                    raise
                self._ward.generations(self._name, part).add(generation)

    def _adopted(self, part: str, blocks: BlockList) -> Repaired | None:
        for generation in self._unbooked(part):
            if self._is_whole(part, generation, blocks):
                return self._repaired(part, generation, (), {}, (0, 0), How.ADOPTED)
        return None

    def _bad(self, part: str, blocks: BlockList) -> tuple[int, ...]:
        """The bad blocks of the current object; read again where the survey could not tell them."""
        bad = self._survey.unsound.get(part, frozenset())  # a sound one: a bad newer generation hides it
        if bad is None:
            looks = BlockReader(self._held.store, self._held.key(part), blocks).looks(range(len(blocks)))
            bad = frozenset(look.number for look in looks if not look.is_sound)
        self._ward.know_unsound(self._held, part, bad)
        for found in self._survey.findings:
            if found.condition is Condition.UNREADABLE and part_of(found) == part:
                are_all_named = 0 < len(found.blocks) < MOST_BLOCKS_NAMED
                self._ward.know_unread(self._name, part, found.blocks if are_all_named else None)
        return tuple(sorted(bad))

    def _is_whole(self, part: str, generation: int, blocks: BlockList) -> bool:
        reader = BlockReader(self._held.store, self._key(part, generation), blocks)
        return all(look.is_sound for look in reader.looks(range(len(blocks))))

    # What is said of it

    def _repaired(
        self,
        part: str,
        generation: int,
        blocks: tuple[int, ...],
        sources: Mapping[str, int],
        moved: tuple[int, int],
        how: How,
    ) -> Repaired:
        """`moved` are the bytes read and written for it."""
        return Repaired(self._ward.package.id, self._name, part, generation, blocks, sources, *moved, how)

    def _lost(self, part: str, gathering: Gathering, lost: tuple[int, ...]) -> NotRepaired:
        away = tuple(sorted(gathering.away))
        unread = tuple(sorted((gathering.unread(lost) | self._ward.unread(part, lost)) - gathering.away.keys()))
        files = None
        if part == BAG and (members := self._ward.members()) is not None:
            files = lost_files(members, self._ward.copies, gathering, lost)
        whole = None if files is None else self._ward.package.receipt.payload_files - files.count
        why = self._why_lost(part, len(lost), away, unread, tuple(sorted(gathering.frozen)))
        return NotRepaired(self._ward.package.id, self._name, part, why, lost, files, whole, away, unread)

    def _why_lost(
        self, part: str, count: int, away: tuple[str, ...], unread: tuple[str, ...], frozen: tuple[str, ...]
    ) -> PreserveError:
        """What is told of blocks that could not be had: first of all who may still have them."""
        if frozen:
            return Frozen(
                "no copy in reach has all blocks of {object} sound (blocks missing: {count}); these stores keep theirs"
                " in cold storage: {frozen}",
                object=part,
                count=count,
                frozen=", ".join(frozen),
            )
        if stripes := self._ward.parity.hopeless:
            beyond_parity = (
                "no copy in reach has all blocks of {object} sound (blocks lost: {count}), and parity does not mend"
                " them: in {stripes} stripes more sectors are bad than it makes up for"
            )
            if away:
                return Unavailable(beyond_parity, object=part, count=count, stripes=stripes)
            return PreserveError(beyond_parity, object=part, count=count, stripes=stripes)
        if away:
            return Unavailable(
                "no copy in reach has all blocks of {object} sound (blocks missing: {count});"
                " these stores could not be asked: {away}",
                object=part,
                count=count,
                away=", ".join(away),
            )
        if unread:
            return PreserveError(
                "no copy in reach has all blocks of {object} sound (blocks missing: {count}); these stores have a copy"
                " that could not be read: {unread}",
                object=part,
                count=count,
                unread=", ".join(unread),
            )
        if part == MEMBERS:
            return PreserveError(
                "no copy in reach has all blocks of {object} sound (blocks lost: {count}); no record is harmed by that:"
                " `preserve restore` reads the list of the files from the bag instead",
                object=part,
                count=count,
            )
        return PreserveError(
            "no copy in reach has all blocks of {object} sound (blocks lost: {count})", object=part, count=count
        )

    def _not_given_back(self, part: str) -> NotRepaired:
        why = "store {store} took a new {object} {times} times and did not give back what it was sent; check the store"
        return self._not_repaired(part, PreserveError(why, store=self._name, object=part, times=ATTEMPTS))

    def _not_repaired(self, part: str, why: PreserveError) -> NotRepaired:
        return NotRepaired(self._ward.package.id, self._name, part, why)

    # Keys

    def _key(self, part: str, generation: int) -> Key:
        return object_key(self._ward.package.id, part, generation)

    def _next(self, part: str) -> int:
        return next_generation(self._ward.generations(self._name, part))

    def _unbooked(self, part: str) -> list[int]:
        """Generations newer than the books know, the newest first."""
        known = self._held.generation(part)
        return sorted((each for each in self._ward.generations(self._name, part) if each > known), reverse=True)
