"""Small archives for tests: real books, stores in folders, and packages written by the program's own tar and lists.

Packages have blocks of a few hundred bytes instead of 16 MiB, so that one has dozens of them and a test takes no time.
"""

from __future__ import annotations

import io
import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path

from preserve.model import events, receipts
from preserve.model.blocks import BlockList
from preserve.model.digests import Algorithm, sha256
from preserve.model.keys import BAG, BLOCKS, MEMBERS, RECEIPT, object_key
from preserve.model.nouns import Act, CopyState, Event, ObjectDigest, PackageEntry, Receipt, Role, StoreEntry
from preserve.packages import block_lists, tar
from preserve.packages.members import Kind, MembersWriter, Row
from preserve.packages.putting import put
from preserve.ports import NoProgress, Store
from preserve.state.books import Books
from preserve.stores.folder import FolderStore
from preserve.stores.identity import Identity, found
from preserve.workplace import Workplace
from tests.stores.clocks import SetClock

ACT = Act("archivist", "a test")
NOW = "2026-01-01T00:00:00.000000Z"
BLOCK = 512
MEMBERS_BLOCK = 512

FILES: Mapping[str, bytes] = {
    "会议纪要.txt": random.Random(1).randbytes(1500),
    "一/附件.bin": random.Random(2).randbytes(700),
    "一/空.txt": b"",
    "账.csv": b"1,2,3\n" * 20,
}


class Built:
    """One package, as bytes: its four objects and its entry in the books."""

    def __init__(self, package_id: str, files: Mapping[str, bytes], block_bytes: int) -> None:
        self.files = files
        bag, rows = _tar(package_id, files)
        members = _members(rows)
        blocks = block_lists.PackageBlocks(listed(bag, block_bytes), listed(members, MEMBERS_BLOCK))
        listing = block_lists.encode(blocks)
        self.blocks = blocks
        self.receipt = Receipt(
            package_id=package_id,
            created_at=NOW,
            payload_files=len(files),
            payload_bytes=sum(map(len, files.values())),
            records=0,
            policy="default",
            policy_sha256="0" * 64,
            algorithms=(Algorithm.SHA256,),
            bag_bytes=len(bag),
            blocks_root=blocks.bag.root.hex(),
            blocks=ObjectDigest(len(listing), sha256(listing).hex()),
            members=ObjectDigest(len(members), sha256(members).hex()),
            metadata={},
            block_bytes=block_bytes,
        )
        content = receipts.encode(self.receipt)
        self.objects = {BAG: bag, BLOCKS: listing, MEMBERS: members, RECEIPT: content}
        self.entry = PackageEntry(self.receipt, sha256(content).hex(), len(content))
        self.id = package_id

    def packaged(self) -> Event:
        entry = self.entry
        return events.packaged(ACT, NOW, None, entry.receipt, entry.receipt_sha256, entry.receipt_bytes, [])

    def offset_of(self, path: str) -> int:
        """Where the content of a file begins in the tar."""
        return self.objects[BAG].index(self.files[path])


@cache
def built(number: int = 0, block_bytes: int = BLOCK) -> Built:
    """The package of this number: the same bytes for every test."""
    files = {name: content[number % 7 :] for name, content in FILES.items()}
    return Built(package_id(number), files, block_bytes)


def package_id(number: int) -> str:
    return f"20260101-{number:010d}"


def listed(content: bytes, block_bytes: int) -> BlockList:
    digests = b"".join(sha256(content[at : at + block_bytes]) for at in range(0, len(content), block_bytes))
    return BlockList(len(content), digests, block_bytes)


class Archive:
    """Books and stores in `root`; every package has a copy in every store."""

    def __init__(self, root: Path, stores: Sequence[str] = ("near", "far"), packages: Sequence[Built] = ()) -> None:
        self.root = root
        home = root / "home"
        home.mkdir(parents=True)
        (home / "work").mkdir()
        roles = [Role.PRIMARY, Role.SAME_CITY, Role.REMOTE_OFFLINE]
        self.stores: dict[str, Store] = {
            name: folder_store(root / name, name, roles[min(number, 2)]) for number, name in enumerate(stores)
        }
        entries = [
            StoreEntry(name, f"id-{name}", roles[min(number, 2)], (root / name).as_uri())
            for number, name in enumerate(stores)
        ]
        self.clock = SetClock()
        self.books = Books.create(
            home,
            events.initialised(ACT, NOW, "h0m3h0m3h0", "test+00000000+AQ=="),
            *(events.store_added(ACT, NOW, entry) for entry in entries),
        )
        self.place = Workplace(self.books, self.stores, self.clock, ACT, NoProgress(), home / "work")
        for package in packages:
            self.add(package)

    def add(self, package: Built, state: CopyState = CopyState.VERIFIED) -> None:
        """Book a package and write its copies."""
        self.books.record(package.packaged())
        for name, store in self.stores.items():
            for part, content in package.objects.items():
                put(store, object_key(package.id, part), content)
            size = sum(map(len, package.objects.values()))
            self.books.record(events.copied(ACT, NOW, package.id, name, state, size))

    def file(self, store: str, package: Built, part: str, generation: int = 1) -> Path:
        """The file behind one object."""
        return self.root / store / object_key(package.id, part, generation)

    def pass_time(self, **span: float) -> None:
        self.clock.moment += timedelta(**span)


def folder_store(root: Path, name: str, role: Role) -> FolderStore:
    root.mkdir(parents=True)
    found(FolderStore(name, root, None), Identity(f"id-{name}", name, role, NOW))
    return FolderStore(name, root, f"id-{name}")


def _tar(package: str, files: Mapping[str, bytes]) -> tuple[bytes, list[Row]]:
    out, rows = bytearray(), list[Row]()
    out += tar.header(f"{package}/".encode(), 0, 0o755, 0, tar.FOLDER)
    out += tar.header(f"{package}/data/".encode(), 0, 0o755, 0, tar.FOLDER)
    for name, content in files.items():
        out += tar.header(f"{package}/data/{name}".encode(), len(content), 0o644, 0, tar.FILE)
        rows.append((name, None, Kind.FILE, len(out), len(content), [sha256(content)], 0o644, 0, None, None))
        out += content + bytes(tar.padding_bytes(len(content)))
    out += bytes(tar.END)
    return bytes(out), rows


def _members(rows: Sequence[Row]) -> bytes:
    sink = io.BytesIO()
    writer = MembersWriter(sink, [Algorithm.SHA256])
    writer.extend(rows)
    writer.close()
    return sink.getvalue()
