"""Small archives for tests: real books, stores in folders, and packages written by the program's own tar and lists.

Packages have blocks of a few hundred bytes instead of 16 MiB, so that one has dozens of them and a test takes no time.
"""

from __future__ import annotations

import io
import random
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType

from preserve.model import events, receipts
from preserve.model.blocks import BLOCK_BYTES, BlockList
from preserve.model.digests import Algorithm, sha256
from preserve.model.keys import BAG, BLOCKS, MEMBERS, RECEIPT, object_key
from preserve.model.nouns import Act, CopyEntry, CopyState, Event, ObjectDigest, PackageEntry, Receipt, Role, StoreEntry
from preserve.packages import block_lists, tar
from preserve.packages.identity import Identity, found
from preserve.packages.members import Kind, MembersWriter, Row
from preserve.packages.putting import put
from preserve.ports import ErasableStore, NoProgress, Store
from preserve.state.books import Books
from preserve.state.sqlite_database import SqliteDatabase
from preserve.stores.folder import FolderStore
from preserve.workplace import Workplace
from tests.stores.clocks import SetClock
from tests.stores.memory import MemoryStore

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

    def __init__(
        self,
        package_id: str,
        files: Mapping[str, bytes],
        block_bytes: int,
        members_block_bytes: int = MEMBERS_BLOCK,
        tag_files: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        self.files = files
        bag, rows = _tar(package_id, files, tag_files)
        members = _members(rows)
        blocks = block_lists.PackageBlocks(listed(bag, block_bytes), listed(members, members_block_bytes))
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


LARGE = "20260101-0000001arg"


@cache
def large() -> Built:
    """A package of more than four blocks of the size that the program makes: for stores that take no smaller parts."""
    return Built(LARGE, {"大文件.bin": random.Random(4).randbytes(4 * BLOCK_BYTES)}, BLOCK_BYTES)


def package_id(number: int) -> str:
    return f"20260101-{number:010d}"


def listed(content: bytes, block_bytes: int) -> BlockList:
    digests = b"".join(sha256(content[at : at + block_bytes]) for at in range(0, len(content), block_bytes))
    return BlockList(len(content), digests, block_bytes)


class Archive:
    """Books and stores, with the means an operation is handed."""

    def __init__(self, books: Books, stores: Mapping[str, ErasableStore], root: Path) -> None:
        self.root = root
        self.books = books
        self.stores = dict(stores)
        self.clock = SetClock()
        work = root / "home" / "work" / "now"
        work.mkdir(parents=True, exist_ok=True)
        self.place = Workplace(books, self.stores, self.clock, ACT, NoProgress(), work)

    def add(self, package: Built, stores: Sequence[str] | None = None, state: CopyState = CopyState.VERIFIED) -> None:
        """Book a package and write its copies, into all stores or some."""
        self.books.record(package.packaged())
        for name, store in self.stores.items():
            if stores is None or name in stores:
                self.write(package, store)
                size = sum(map(len, package.objects.values()))
                self.books.record(events.copied(ACT, NOW, package.id, name, state, size))

    def write(self, package: Built, store: Store) -> None:
        """Write a copy without booking it."""
        for part, content in package.objects.items():
            put(store, object_key(package.id, part), content)

    def file(self, store: str, package: Built, part: str, generation: int = 1) -> Path:
        """The file behind one object of an archive in folders."""
        return self.root / store / object_key(package.id, part, generation)

    def copy(self, store: str, package: Built) -> CopyEntry:
        """What the books say of a copy."""
        copy = self.books.copy(package.id, store)
        assert copy is not None
        return copy

    def object(self, store: str, package: Built, part: str) -> bytes:
        """The current generation of an object, as the store gives it."""
        content = bytearray(len(package.objects[part]) + 1)
        key = object_key(package.id, part, self.copy(store, package).generation(part))
        return bytes(content[: self.stores[store].read(key, 0, memoryview(content))])

    def pass_time(self, **span: float) -> None:
        self.clock.moment += timedelta(**span)


def archive(root: Path, packages: Sequence[Built] = (), stores: Sequence[str] = ("near", "far")) -> Archive:
    """An archive in folders below `root`; every package has a verified copy in every store."""
    # Syncing each file anew for each test would take longer than the tests.
    shutil.copytree(_template(tuple(packages), tuple(stores)), root, dirs_exist_ok=True)
    opened = {name: FolderStore(name, root / name, f"id-{name}") for name in stores}
    return Archive(Books.open(root / "home"), opened, root)


def archive_in_memory(root: Path, packages: Sequence[Built] = (), stores: Sequence[str] = ("near", "far")) -> Archive:
    """An archive of which only the claims are on disk, below `root`: for thousands of tries."""
    books = Books(SqliteDatabase.private())
    books.record(*_first_events(root, stores))
    made = Archive(books, {name: MemoryStore(name) for name in stores}, root)
    for package in packages:
        made.add(package)
    return made


@cache
def _template(packages: tuple[Built, ...], stores: tuple[str, ...]) -> Path:
    folder = tempfile.TemporaryDirectory(prefix="archive-")
    _KEPT.append(folder)
    root = Path(folder.name)
    (root / "home").mkdir()
    founded = {name: folder_store(root / name, name) for name in stores}
    made = Archive(Books.create(root / "home", *_first_events(root, stores)), founded, root)
    for package in packages:
        made.add(package)
    made.books.close()
    return root


_KEPT: list[tempfile.TemporaryDirectory[str]] = []
ROLES = {"near": Role.PRIMARY, "far": Role.SAME_CITY, "deep": Role.REMOTE_OFFLINE}


def _first_events(root: Path, stores: Sequence[str]) -> list[Event]:
    entries = [StoreEntry(name, f"id-{name}", ROLES[name], (root / name).as_uri()) for name in stores]
    return [
        events.initialised(ACT, NOW, "h0m3h0m3h0", "test+00000000+AQ=="),
        *(events.store_added(ACT, NOW, entry) for entry in entries),
    ]


def folder_store(root: Path, name: str) -> FolderStore:
    """A founded store in a new folder."""
    root.mkdir(parents=True)
    found(FolderStore(name, root, None), Identity(f"id-{name}", name, ROLES[name], NOW))
    return FolderStore(name, root, f"id-{name}")


def _tar(package: str, files: Mapping[str, bytes], tag_files: Mapping[str, bytes]) -> tuple[bytes, list[Row]]:
    out, rows = bytearray(), list[Row]()
    out += tar.header(f"{package}/".encode(), 0, 0o755, 0, tar.FOLDER)
    for name, content in tag_files.items():
        out += tar.header(f"{package}/{name}".encode(), len(content), 0o644, 0, tar.FILE)
        out += content + bytes(tar.padding_bytes(len(content)))
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
