"""Deliver one package to several stores at once: pack, upload, read back what each store kept, receipt last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Event

from preserve.clock import monotonic_seconds
from preserve.errors import AlreadyThere, Frozen, GivenUp, PreserveError
from preserve.model import receipts
from preserve.model.blocks import BlockList
from preserve.model.digests import Algorithm, sha256, start
from preserve.model.keys import BAG, BLOCKS, MEMBERS, RECEIPT, object_key
from preserve.model.nouns import CopyState, ObjectDigest, PackageEntry, Receipt
from preserve.packages import block_lists
from preserve.packages.block_lists import MEMBERS_BLOCK_BYTES, PackageBlocks
from preserve.packages.claims_of_stores import look_at_claim
from preserve.packages.making.crew import Crew
from preserve.packages.making.fan_out import FanOut
from preserve.packages.making.packing import PackagePlan, Packed, pack
from preserve.packages.mismatch import Mismatch
from preserve.packages.putting import put, put_file
from preserve.packages.reading import BlockReader, Look
from preserve.ports import Progress, Store, Upload


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one store took a package.  It holds a sound copy when there is neither a failure nor a mismatch.

    `state` of such a copy is `verified`; but a bag that lay frozen at once was not read back: then it is no better than
    what the store said of it.
    """

    store: str
    failure: PreserveError | None = None
    mismatch: Mismatch | None = None
    state: CopyState = CopyState.VERIFIED

    @property
    def is_sound(self) -> bool:
        return self.failure is None and self.mismatch is None


@dataclass(frozen=True, slots=True)
class Sent:
    """A package, how each store took it, and how long packing and reading back took, in seconds."""

    package: PackageEntry
    deliveries: tuple[Delivery, ...]
    pack_seconds: float
    read_back_seconds: float


def deliver(
    plan: PackagePlan,
    receipt: Receipt,
    stores: Mapping[str, Store],
    crew: Crew,
    progress: Progress,
    retain_until: datetime | None = None,
) -> Sent:
    """Pack `plan` into `stores`, read everything back, and write the receipt where all of it is sound.

    `receipt` is complete but for what packing gives: sizes and digests of the objects.  A store that fails or keeps
    other bytes is reported and does not stop the others.  What an interrupted delivery of the same package had sent is
    not sent again: packing gives the same blocks.  Raises `Refused` when the source changed meanwhile.
    """
    begun = monotonic_seconds()
    with _uploads(plan, stores, retain_until) as (uploads, already, failures):
        with FanOut(uploads) as sink:
            progress.begin("packing {package}", plan.tar_bytes, package=plan.package_id)
            packed = pack(plan, crew, sink, progress)
            outcomes = sink.commit()
        crew.rest()
        failures |= outcomes.failed
        holders = [*already, *outcomes.written, *outcomes.already]
    objects = _objects(packed, receipt)
    packed_at = monotonic_seconds()
    progress.begin("reading back {package}", plan.tar_bytes * len(holders), package=plan.package_id)
    deliveries = [Delivery(name, failure=failure) for name, failure in failures.items()]
    with ThreadPoolExecutor(max(1, len(holders)), thread_name_prefix="deliver") as pool:
        work = _Completion(objects, progress, retain_until)
        try:
            deliveries += pool.map(lambda name: work.complete(name, stores[name]), holders)
        except BaseException:  # Ctrl-C is not to wait until a whole package was read back
            work.give_up()
            raise
    return Sent(
        objects.package,
        tuple(sorted(deliveries, key=lambda delivery: delivery.store)),
        packed_at - begun,
        monotonic_seconds() - packed_at,
    )


@contextmanager
def _uploads(
    plan: PackagePlan, stores: Mapping[str, Store], retain_until: datetime | None
) -> Iterator[tuple[dict[str, Upload], list[str], dict[str, PreserveError]]]:
    """Begin `bag.tar` in every store: the uploads, the stores that hold one already, and those that cannot serve."""
    uploads: dict[str, Upload] = {}
    already: list[str] = []
    failures: dict[str, PreserveError] = {}
    key, size, block_bytes = object_key(plan.package_id, BAG), plan.tar_bytes, plan.block_bytes
    try:
        for name, store in stores.items():
            try:
                uploads[name] = store.create(key, size, part_bytes=block_bytes, retain_until=retain_until, resume=True)
            except AlreadyThere:
                already.append(name)
            except PreserveError as error:
                failures[name] = error
        yield uploads, already, failures
    except BaseException as error:  # Ctrl-C while they are begun must not leave one open
        for upload in uploads.values():
            upload.leave(error)
        raise


@dataclass(frozen=True, slots=True)
class _Objects:
    """The small objects of a package, ready to be put."""

    package: PackageEntry
    bag: BlockList
    blocks: bytes
    members: Path
    receipt: bytes


def _objects(packed: Packed, receipt: Receipt) -> _Objects:
    members = _blocks_of(packed.members)
    blocks = block_lists.encode(PackageBlocks(packed.blocks, members[0]))
    receipt = replace(
        receipt,
        bag_bytes=packed.blocks.total_bytes,
        block_bytes=packed.blocks.block_bytes,
        blocks_root=packed.blocks.root.hex(),
        blocks=ObjectDigest(len(blocks), sha256(blocks).hex()),
        members=members[1],
    )
    written = receipts.encode(receipt)
    package = PackageEntry(receipt, sha256(written).hex(), len(written))
    return _Objects(package, packed.blocks, blocks, packed.members, written)


def _blocks_of(members: Path) -> tuple[BlockList, ObjectDigest]:
    """Blocks and digest of the members file."""
    digests = bytearray()
    whole = start(Algorithm.SHA256)
    with members.open("rb") as file:
        while block := file.read(MEMBERS_BLOCK_BYTES):
            digests += sha256(block)
            whole.update(block)
        size = file.tell()
    return BlockList(size, bytes(digests), MEMBERS_BLOCK_BYTES), ObjectDigest(size, whole.hexdigest())


class _Completion:
    """What is the same for every store that holds the bag: read back, small objects, receipt."""

    def __init__(self, objects: _Objects, progress: Progress, retain_until: datetime | None) -> None:
        self._objects = objects
        self._progress = progress
        self._retain_until = retain_until
        self._given_up = Event()

    def give_up(self) -> None:
        """Have `complete` end at the next block, in whatever thread it is."""
        self._given_up.set()

    def complete(self, name: str, store: Store) -> Delivery:
        """Read back the bag, then put and read back the other objects, the receipt last."""
        state = CopyState.VERIFIED
        try:
            for part, step in self._steps(store):
                try:
                    bad = tuple(look for look in step() if not look.is_sound)
                except Frozen:
                    if part != BAG:
                        raise
                    key = object_key(self._objects.package.id, BAG)
                    state, look = look_at_claim(store, key, self._objects.bag)
                    bad = () if look.is_sound else (look,)
                if bad:
                    return Delivery(name, mismatch=Mismatch(part, bad))
        except PreserveError as error:
            return Delivery(name, failure=error)
        return Delivery(name, state=state)

    def _steps(self, store: Store) -> list[tuple[str, Callable[[], Iterator[Look]]]]:
        objects, until = self._objects, self._retain_until
        package_id, receipt = objects.package.id, objects.package.receipt

        def bag() -> Iterator[Look]:
            reader = BlockReader(store, object_key(package_id, BAG), objects.bag)
            for look in reader.looks(range(len(objects.bag))):
                self._progress.advance(objects.bag.span(look.number)[1])
                if self._given_up.is_set():
                    raise GivenUp(
                        "store {store}: reading back {package} was given up", store=store.name, package=package_id
                    )
                yield look

        def members() -> Iterator[Look]:
            yield put_file(store, object_key(package_id, MEMBERS), objects.members, receipt.members, until)

        def small(part: str, content: bytes, sha256: str) -> Callable[[], Iterator[Look]]:
            return lambda: iter([put(store, object_key(package_id, part), content, until, sha256=sha256)])

        return [
            (BAG, bag),
            (BLOCKS, small(BLOCKS, objects.blocks, receipt.blocks.sha256)),
            (MEMBERS, members),
            (RECEIPT, small(RECEIPT, objects.receipt, objects.package.receipt_sha256)),
        ]
