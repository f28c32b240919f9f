"""The copies of one package while they are repaired: what each has, and what they prove together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial

from preserve.errors import Unavailable, Unreadable
from preserve.model.blocks import BlockList
from preserve.model.keys import BAG, PARITY, PARTS_BEFORE_RECEIPT, RECEIPT, object_key, package_folder, split_generation
from preserve.model.merging import Extent, Known
from preserve.model.nouns import CopyEntry, PackageEntry
from preserve.packages.gathering import Gathering, Place
from preserve.packages.held import HeldCopy
from preserve.packages.members import MembersFile
from preserve.packages.members_anywhere import members_from_any
from preserve.packages.merging import files_in, known_in
from preserve.packages.parity.beside import ParityBeside
from preserve.packages.repairing.knowledge import Knowledge, known_of

PARTS = (*PARTS_BEFORE_RECEIPT, RECEIPT, PARITY)
"""The objects of a copy, in the order in which they are made anew: parity is made of the others."""


class Ward:
    """All booked copies of `package`, the most trusted first.  The current generations move on as repairs succeed."""

    def __init__(self, package: PackageEntry, copies: Sequence[HeldCopy]) -> None:
        self.package = package
        self._copies = {held.store.name: held for held in copies}
        self._generations: dict[str, dict[str, set[int]]] = {}
        self._unsound: dict[Place, Collection[int]] = {}
        self._unread: dict[tuple[str, str], Collection[int] | None] = {}
        self.liars: set[str] = set()

    @property
    def copies(self) -> list[HeldCopy]:
        return list(self._copies.values())

    def copy(self, store: str) -> HeldCopy:
        return self._copies[store]

    def renew(self, copy: CopyEntry) -> HeldCopy:
        """Take a copy as the books know it by now: another process may have repaired it a moment ago."""
        held = replace(self._copies[copy.store], copy=copy)
        self._copies[copy.store] = held
        self._generations.pop(copy.store, None)
        return held

    def others(self, store: str) -> list[HeldCopy]:
        """All copies but the one in `store`."""
        return [held for name, held in self._copies.items() if name != store]

    @cached_property
    def knowledge(self) -> Knowledge:
        """The block lists that the copies prove together."""
        return known_of(self.copies, self.parity.blocks)

    @cached_property
    def parity(self) -> ParityBeside:
        """What parity lies beside the copies, as they were when it was first asked for."""
        return ParityBeside(self.copies)

    def members(self) -> MembersFile | None:
        """The members, from whatever copies have them."""
        return members_from_any(self.copies, self.knowledge.members)

    def generations(self, store: str, part: str) -> set[int]:
        """The generations of an object that a store lists.  Raises `Unavailable`."""
        if store not in self._generations:
            listed: dict[str, set[int]] = {each: set() for each in (*PARTS, *self.copy(store).beside)}
            for facts in self.copy(store).store.list(package_folder(self.package.id)):
                name, generation = split_generation(facts.key.rpartition("/")[2])
                if name in listed:
                    listed[name].add(generation)
            self._generations[store] = listed
        return self._generations[store][part]

    def has_unbooked(self, store: str, part: str) -> bool:
        """Whether a store lists a newer generation of an object than the books know.  Raises `Unavailable`."""
        known = self.copy(store).generation(part)
        return any(generation > known for generation in self.generations(store, part))

    def know_unsound(self, held: HeldCopy, part: str, numbers: Collection[int]) -> None:
        """These blocks of a copy's current object were seen not to be sound."""
        self._unsound[Place(held.store, held.key(part))] = numbers

    def know_unread(self, store: str, part: str, numbers: Collection[int] | None) -> None:
        """These blocks of a copy's current object (None: any) could not be read: they are not known to be bad."""
        self._unread[store, part] = numbers

    def unread(self, part: str, numbers: Collection[int]) -> set[str]:
        """The stores in which one of these blocks could not be read when the copy was judged."""
        return {
            store
            for (store, of), failed in self._unread.items()
            if of == part and (failed is None or not set(failed).isdisjoint(numbers))
        }

    def made(self, store: str, part: str, generation: int) -> None:
        """An object was made anew, is sound, and is the current one now."""
        held = self._copies[store]
        generations: Mapping[str, int] = {**held.copy.generations, part: generation}
        self._copies[store] = replace(held, copy=replace(held.copy, generations=generations))
        self.generations(store, part).add(generation)

    def gathering(self, part: str, blocks: BlockList, first: str) -> Gathering:
        """Blocks of one object from everywhere: the copy in store `first`, the other copies, then superseded
        generations, which may be the last to have a block."""
        current = [Place(held.store, held.key(part)) for held in (self._copies[first], *self.others(first))]
        contents = partial(self._contents, blocks) if part == BAG else None
        mend = partial(self._mended, part, blocks)
        gathering = Gathering([*current, *self._superseded(part, current)], blocks, contents, mend)
        for place, numbers in self._unsound.items():
            gathering.know_unsound(place, numbers)
        return gathering

    def _mended(self, part: str, blocks: BlockList, number: int) -> tuple[bytes, str] | None:
        mended = self.parity.block(part, blocks, number)
        return None if mended is None else (mended.content, mended.store)

    def _contents(self, blocks: BlockList, number: int) -> tuple[Sequence[Extent], Sequence[Known]]:
        """What the list of the files says of one block of the bag; nothing where no copy has that list."""
        members = self.members()
        try:
            extents, touching = ([], []) if members is None else files_in(members.all(), blocks, number)
        except ValueError:
            return (), ()
        return extents, known_in(self.package.id, touching, blocks, number)

    def learn(self, part: str, gathering: Gathering) -> None:
        """Remember which copies gave something unsound when they were asked for a block."""
        current = {Place(held.store, held.key(part)) for held in self.copies}
        self.liars |= {place.name for place in gathering.lied if place in current}

    def _superseded(self, part: str, current: Collection[Place]) -> list[Place]:
        places: list[Place] = []
        for held in self.copies:
            try:
                generations = sorted(self.generations(held.store.name, part), reverse=True)
            except (Unavailable, Unreadable):
                continue
            places += [Place(held.store, object_key(self.package.id, part, number)) for number in generations]
        return [place for place in places if place not in current]
