"""A copy of a package as a store holds it: where its objects lie, and what each of them must be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from preserve.errors import Unavailable
from preserve.model.blocks import count
from preserve.model.formats.standing import IdentifiedEntry
from preserve.model.keys import BAG, BLOCKS, MEMBERS, PARITY, PARTS_BEFORE_RECEIPT, RECEIPT, Key, object_key
from preserve.model.nouns import CopyEntry, ObjectDigest, PackageEntry, Receipt
from preserve.model.parity import ParityEntry
from preserve.packages import block_lists
from preserve.packages.block_lists import PackageBlocks
from preserve.packages.merging import merged_from
from preserve.packages.reading import Look, fetch
from preserve.ports import Store
from preserve.state.books import Books


@dataclass(frozen=True, slots=True)
class HeldCopy:
    """A booked copy and the store it lies in."""

    store: Store
    package: PackageEntry
    copy: CopyEntry
    parity: ParityEntry | None = None
    """Its parity object, where it has one."""
    formats: IdentifiedEntry | None = None
    """The list of the formats of its files, where it lies beside this copy."""

    @property
    def receipt(self) -> Receipt:
        return self.package.receipt

    def key(self, part: str) -> Key:
        """Where the current generation of an object lies."""
        return object_key(self.package.id, part, self.generation(part))

    def generation(self, part: str) -> int:
        """The current generation of an object."""
        if self.formats is not None and part == self.formats.part:
            return max(self.formats.stores.get(self.store.name, 1), self.copy.generation(part))
        return self.copy.generation(part)

    @property
    def parts(self) -> tuple[str, ...]:
        """Its objects, in the order in which they are made: the receipt after the package, what is beside it last."""
        return (*PARTS_BEFORE_RECEIPT, RECEIPT, *self.beside)

    @property
    def beside(self) -> tuple[str, ...]:
        """Objects that are no part of the package: a copy without them is a whole copy."""
        parity = () if self.parity is None else (PARITY,)
        return parity if self.formats is None else (*parity, self.formats.part)

    def digest(self, part: str) -> ObjectDigest:
        """What a small object must be, by the books alone: a store that changes everything alike is found out."""
        if part == PARITY and self.parity is not None:
            return ObjectDigest(self.parity.bytes, self.parity.sha256)
        if self.formats is not None and part == self.formats.part:
            return self.formats.digest
        return digest_of(self.package, part)

    def size(self, part: str) -> int:
        """Size in bytes that any object must have."""
        return self.receipt.bag_bytes if part == BAG else self.digest(part).bytes

    def fetch(self, part: str) -> Look:
        """Read the receipt or the list of blocks whole.  Raises `Unavailable`."""
        digest = self.digest(part)
        return fetch(self.store, self.key(part), digest.bytes, digest.sha256)


def held_copy(books: Books, store: Store, package: PackageEntry, copy: CopyEntry) -> HeldCopy:
    """A booked copy with what the books know of what lies beside it."""
    parity = books.parity(copy.package_id, copy.store) if copy.has_parity else None
    formats = books.identified(copy.package_id)
    is_listed = formats is not None and copy.store in formats.stores
    return HeldCopy(store, package, copy, parity, formats if is_listed else None)


def digest_of(package: PackageEntry, part: str) -> ObjectDigest:
    """Size and digest of one of the small objects of a package."""
    return {
        RECEIPT: ObjectDigest(package.receipt_bytes, package.receipt_sha256),
        BLOCKS: package.receipt.blocks,
        MEMBERS: package.receipt.members,
    }[part]


def size_of(package: PackageEntry, part: str) -> int:
    """Size in bytes of any object of a package."""
    return digest_of(package, part).bytes if part in (RECEIPT, BLOCKS, MEMBERS) else package.receipt.bag_bytes


def block_count(receipt: Receipt) -> int:
    """How many blocks the bag has."""
    return count(receipt.bag_bytes, receipt.block_bytes)


def decoded(package: PackageEntry, content: bytes) -> PackageBlocks:
    """The blocks that a sound `blocks.sha256` lists.  Raises ValueError where they do not fit the receipt otherwise."""
    blocks = block_lists.decode(content)
    if blocks.bag.root.hex() != package.receipt.blocks_root:
        raise ValueError(f"the list of blocks and the receipt of {package.id} name different roots")
    return blocks


def blocks_from_any(copies: Iterable[HeldCopy]) -> PackageBlocks | None:
    """The list of blocks from the first copy that has it sound, else from all of them together, or None.

    A store that is away is passed over.
    """
    copies = list(copies)
    for held in copies:
        try:
            look = held.fetch(BLOCKS)
        except Unavailable:
            continue
        if look.is_sound:
            return decoded(held.package, look.content)
    return merged_blocks(copies)


def merged_blocks(copies: Sequence[HeldCopy]) -> PackageBlocks | None:
    """The list of blocks, put together from copies of which none has it sound, or None."""
    if not copies:
        return None
    expected = copies[0].digest(BLOCKS)
    places = [(held.store, held.key(BLOCKS)) for held in copies]
    merged = merged_from(places, 0, expected.bytes, bytes.fromhex(expected.sha256))
    return None if merged is None else decoded(copies[0].package, merged.content)
