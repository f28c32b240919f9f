"""Make a copy of a package in another store, from whatever sound blocks any store holds; read back, receipt last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock, local

from preserve.durable import raise_if_full
from preserve.errors import AlreadyThere, Frozen, Refused, Unavailable
from preserve.model import receipts
from preserve.model.blocks import BlockList
from preserve.model.keys import BAG, BLOCKS, MEMBERS, RECEIPT, Key, object_key
from preserve.model.nouns import CopyState, PackageEntry
from preserve.packages import block_lists
from preserve.packages.at_once import do_all
from preserve.packages.block_lists import PackageBlocks
from preserve.packages.buffers import buffer
from preserve.packages.claims_of_stores import look_at_claim
from preserve.packages.gathering import GatheredFile, Gathering, Place
from preserve.packages.held import HeldCopy, blocks_from_any
from preserve.packages.mismatch import Mismatch
from preserve.packages.putting import put, put_file
from preserve.packages.reading import BlockReader, Look, UnsoundBlockError
from preserve.ports import Progress, Store, Upload

WRITERS = 4
"""Blocks on their way from one store to another at a time."""

_PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CopyWork:
    """What one copy was made of: bytes taken from each store, and what did not come back as it was sent.

    `state` is `verified`, or no better than what the store says of a bag that lay frozen at once; `bad` with a
    mismatch.
    """

    taken: dict[str, int]
    mismatch: Mismatch | None
    state: CopyState


class Copying:
    """Copies one package into `target` from `sources`, the best first."""

    def __init__(
        self,
        package: PackageEntry,
        target: Store,
        sources: Sequence[HeldCopy],
        progress: Progress,
        work: Path,
        retain_until: datetime | None,
    ) -> None:
        self._package = package
        self._target = target
        self._sources = sources
        self._progress = progress
        self._work = work
        self._retain_until = retain_until
        self._buffers = local()
        self._taken: Counter[str] = Counter()
        self._lock = Lock()
        self._state = CopyState.VERIFIED

    def run(self) -> CopyWork:
        """Make the copy.  What is there already, from a run that was interrupted, is judged and left as it is; what
        that run had sent of the bag is not sent again.

        Raises `Unavailable` where no store in reach has the list of blocks sound, `Refused` where none has a block that
        is needed, and the target's errors.
        """
        blocks = blocks_from_any(self._sources)
        if blocks is None:
            raise Unavailable(
                "no store in reach has a sound list of blocks of package {package}; bring back one that is away, or see"
                " `preserve audit --package {package}`",
                package=self._package.id,
            )
        self._copy_bag(blocks.bag)
        bad = next(((part, look) for part, look in self._finish(blocks) if not look.is_sound), None)
        return CopyWork(dict(self._taken), bad and Mismatch(bad[0], (bad[1],)), CopyState.BAD if bad else self._state)

    def _places(self, part: str) -> list[Place]:
        return [Place(held.store, held.key(part)) for held in self._sources]

    def _copy_bag(self, blocks: BlockList) -> None:
        key = object_key(self._package.id, BAG)
        gathering = Gathering(self._places(BAG), blocks)
        self._progress.begin("copying {package}", blocks.total_bytes, package=self._package.id)
        with suppress(AlreadyThere):
            upload = self._target.create(
                key, blocks.total_bytes, part_bytes=blocks.block_bytes, retain_until=self._retain_until, resume=True
            )
            with upload:
                missing = self._missing(upload, blocks)
                do_all(lambda number: self._copy_block(gathering, upload, number), missing, WRITERS, upload.leave)
                upload.commit()

    def _missing(self, upload: Upload, blocks: BlockList) -> list[int]:
        """The blocks that no interrupted run has sent; the others are not even read again."""
        missing = [
            number for number in range(len(blocks)) if not upload.holds(blocks.span(number)[0], blocks.digest(number))
        ]
        held = len(blocks) - len(missing)
        if held:
            self._progress.say(
                "{package}: store {store} has {held} of {total} blocks already, from a run that was interrupted",
                package=self._package.id,
                store=self._target.name,
                held=held,
                total=len(blocks),
            )
            self._progress.advance(blocks.total_bytes - sum(blocks.span(number)[1] for number in missing))
        return missing

    def _copy_block(self, gathering: Gathering, upload: Upload, number: int) -> None:
        blocks = gathering.blocks
        offset, length = blocks.span(number)
        view = getattr(self._buffers, "bytes", None)
        if view is None:
            self._buffers.bytes = view = buffer(blocks.block_bytes + 1)
        place = gathering.read(number, view)
        if place is None:
            self._raise_away(gathering)
            raise Refused(
                "no store in reach has a sound block {block} of package {package}; repair a copy first",
                block=number,
                package=self._package.id,
            )
        upload.write(offset, view[:length], blocks.digest(number))
        with self._lock:
            self._taken[place.name] += length
        self._progress.advance(length)

    def _raise_away(self, gathering: Gathering) -> None:
        """What is not to be had now may lie in a store that is away."""
        if gathering.frozen:
            raise Frozen(
                "package {package} is to be read from cold storage, in {stores}",
                package=self._package.id,
                stores=", ".join(sorted(gathering.frozen)),
            )
        if gathering.away:
            raise Unavailable(
                "no store in reach has all of package {package} sound, and these could not be asked: {stores}",
                package=self._package.id,
                stores=", ".join(sorted(gathering.away)),
            )

    def _finish(self, blocks: PackageBlocks) -> Iterator[tuple[str, Look]]:
        """Read back the bag, put and read back the other objects; stops at the first that is not sound."""
        key = object_key(self._package.id, BAG)
        self._progress.begin("reading back {package}", blocks.bag.total_bytes, package=self._package.id)
        for look in self._bag_looks(key, blocks.bag):
            if not look.is_sound:
                yield BAG, look
                return
        for part, look in self._small_objects(blocks):
            yield part, look
            if not look.is_sound:
                return

    def _bag_looks(self, key: Key, blocks: BlockList) -> Iterator[Look]:
        """The bag block by block; of one that lies frozen, what its store says of it."""
        try:
            for look in BlockReader(self._target, key, blocks).looks(range(len(blocks))):
                self._progress.advance(blocks.span(look.number)[1])
                yield look
        except Frozen:
            self._state, look = look_at_claim(self._target, key, blocks)
            yield look

    def _small_objects(self, blocks: PackageBlocks) -> Iterator[tuple[str, Look]]:
        package_id, until = self._package.id, self._retain_until
        receipt = self._package.receipt
        listed = block_lists.encode(blocks)
        yield BLOCKS, put(self._target, object_key(package_id, BLOCKS), listed, until, sha256=receipt.blocks.sha256)
        members = self._fetch_members(blocks.members)
        yield MEMBERS, put_file(self._target, object_key(package_id, MEMBERS), members, receipt.members, until)
        members.unlink()
        sealed, own = receipts.encode(receipt), self._package.receipt_sha256
        yield RECEIPT, put(self._target, object_key(package_id, RECEIPT), sealed, until, sha256=own)

    def _fetch_members(self, blocks: BlockList) -> Path:
        """The members in a scratch file, gathered from any store."""
        path = self._work / f"{self._package.id}-members"
        gathering = Gathering(self._places(MEMBERS), blocks)
        try:
            with path.open("wb") as file, GatheredFile(gathering) as members:
                while piece := members.read(_PIECE_BYTES):
                    file.write(piece)
        except UnsoundBlockError as error:
            self._raise_away(gathering)
            raise Refused(
                "no store in reach has the members of package {package} sound; repair a copy first",
                package=self._package.id,
            ) from error
        except OSError as error:
            raise_if_full(error, path)
            raise
        return path
