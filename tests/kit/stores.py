"""A second, independent reading of preserve/FORMAT.md: writes small stores with `tarfile` and `hashlib` alone.

Nothing of the program is imported, so that the rescue script is tried on what the format says and not on what the
program happens to do.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

KIT = Path(__file__).parents[2] / "preserve" / "kit"
LONGEST_NAME_BYTES = 255
CREATED = "2024-03-05T08:00:00.000000Z"
CREATED_SECONDS = 1_709_625_600


@dataclass(frozen=True, slots=True)
class Deposit:
    """One file, folder (content None) or link of a submission, by its original path in bytes."""

    path: bytes
    content: bytes | None = None
    mtime: int = 1_000_000_000
    mode: int = 0o644
    link_to: bytes | None = None


def awkward_deposits() -> list[Deposit]:
    """Names that have broken other systems, Chinese and English records among them."""
    return [
        Deposit("公文".encode(), mtime=1_111_111_111),
        Deposit("公文/关于档案灾备的通知.txt".encode(), "永久保存".encode() * 50, mtime=951_782_400),
        Deposit("公文/公章 = 真.txt".encode(), b"equals sign"),
        Deposit(b"100%.txt", b"percent"),
        Deposit(b"%0A is not a line feed.txt", b"percent and hex"),
        Deposit(b"line\nfeed\rreturn.txt", b"control characters"),
        Deposit(b"back\\slash.txt", b"backslash"),
        Deposit(b"back\\slash 5%.txt", b"backslash and percent"),
        Deposit(b" leading and trailing ", b"spaces"),
        Deposit(b"trailing dot.", b"dot"),
        Deposit("café.txt".encode(), b"NFC"),
        Deposit("cafe\u0301.txt".encode(), b"NFD"),
        Deposit("关于灾备.txt".encode("gbk"), b"a name in GBK"),
        Deposit(b"=B9=D8=D3=DA=D4=D6=B1=B8.txt", b"what the escaped name would look like"),
        Deposit("档案".encode("gbk"), mtime=1_222_222_222),
        Deposit("档案".encode("gbk") + b"/inside.txt", b"in a folder named in GBK"),
        Deposit(("字" * 85).encode(), b"a name of 255 bytes"),
        Deposit(b"empty folder", mtime=1_333_333_333),
        Deposit(b"deep", mtime=1_300_000_000),
        Deposit(b"deep/" + b"/".join([b"d" * 60] * 1), mtime=1_300_000_000),
        Deposit(b"deep/" + b"d" * 60 + b"/" + b"f" * 90 + b".txt", b"a path too long for one ustar field"),
        Deposit(b"empty.txt", b""),
        Deposit(b"before 1970.txt", b"old", mtime=-86_400),
        Deposit(b"script.sh", b"#!/bin/sh\n", mode=0o755),
        Deposit(b"link", link_to="公文/关于档案灾备的通知.txt".encode()),
        Deposit(b"dangling", link_to=b"nowhere/\xb5\xb5"),
        Deposit(b"large.bin", bytes(range(256)) * 200),
    ]


def in_listing_order(deposits: Sequence[Deposit]) -> list[Deposit]:
    """Names in byte order within a folder, each folder before its content."""
    return sorted(deposits, key=lambda deposit: deposit.path.split(b"/"))


def bag_paths(deposits: Sequence[Deposit]) -> dict[bytes, str]:
    """Original path -> path in the bag (FORMAT.md 2, Names)."""
    found: dict[bytes, str] = {}
    for deposit in in_listing_order(deposits):
        parent, _, name = deposit.path.rpartition(b"/")
        folder = found[parent] + "/" if parent else ""
        new = "".join(
            f"={ord(character) - 0xDC00:02X}" if 0xDC80 <= ord(character) <= 0xDCFF else character
            for character in name.decode("utf-8", "surrogateescape")
        )
        if new != name.decode("utf-8", "surrogateescape") and len(new.encode()) > LONGEST_NAME_BYTES:
            new = new.encode()[:200].decode("utf-8", "ignore") + f"=~{hashlib.sha256(name).hexdigest()[:8]}"
        wanted, number = new, 1
        while folder + new in found.values():
            number += 1
            new = f"{wanted}~{number}"
        found[deposit.path] = folder + new
    return found


def structure_lines(deposits: Sequence[Deposit], paths: Mapping[bytes, str]) -> Iterator[str]:
    """metadata/structure.jsonl."""
    for deposit in in_listing_order(deposits):
        path = paths[deposit.path]
        entry = {"path": path}
        if path.encode() != deposit.path:
            entry["name_bytes"] = deposit.path.hex()
        if deposit.link_to is not None:
            entry["link_to"] = deposit.link_to.hex()
        if len(entry) > 1:
            yield json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


class BagWriter:
    """One bag as an uncompressed pax tar, in the order FORMAT.md gives."""

    def __init__(self, package_id: str, algorithms: Sequence[str]) -> None:
        self.id = package_id
        self._algorithms = algorithms
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._lines: dict[str, list[str]] = {name: [] for name in algorithms}
        self._tag_lines: dict[str, list[str]] = {name: [] for name in algorithms}

    def folder(self, path: str, mtime: int = CREATED_SECONDS) -> None:
        member = tarfile.TarInfo(f"{self.id}/{path}")
        member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, mtime
        self._tar.addfile(member)

    def file(self, path: str, content: bytes, *, mtime: int = CREATED_SECONDS, mode: int = 0o644) -> None:
        member = tarfile.TarInfo(f"{self.id}/{path}")
        member.size, member.mode, member.mtime = len(content), mode, mtime
        self._tar.addfile(member, io.BytesIO(content))
        written = path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")
        for name in self._algorithms:
            lines = self._lines if path.startswith("data/") else self._tag_lines
            lines[name].append(f"{hashlib.new(name, content).hexdigest()}  {written}\n")

    def payload(self, deposits: Sequence[Deposit]) -> None:
        paths = bag_paths(deposits)
        self.folder("data")
        for deposit in in_listing_order(deposits):
            if deposit.link_to is not None:
                continue
            path = "data/" + paths[deposit.path]
            if deposit.content is None:
                self.folder(path, deposit.mtime)
            else:
                self.file(path, deposit.content, mtime=deposit.mtime, mode=deposit.mode)

    def finish(self) -> bytes:
        for name in self._algorithms:
            self.file(f"manifest-{name}.txt", "".join(self._lines[name]).encode())
        tag_lines = {name: list(lines) for name, lines in self._tag_lines.items()}
        for name in self._algorithms:
            self.file(f"tagmanifest-{name}.txt", "".join(tag_lines[name]).encode())
        end = self._tar.offset
        return self._buffer.getvalue()[:end] + bytes(1024)


def bag_of(
    package_id: str, deposits: Sequence[Deposit], *, algorithms: Sequence[str] = ("sha256",), records: int = 0
) -> bytes:
    """bag.tar of a submission."""
    writer = BagWriter(package_id, algorithms)
    writer.folder("")
    writer.file("bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    writer.file("bag-info.txt", "External-Description: 灾备样本\n".encode())
    structure = "\n".join(structure_lines(deposits, bag_paths(deposits)))
    if records or structure:
        writer.folder("metadata")
    if records:
        listed = [{"archival_code": f"0001-WS·2024-永久-{number:04}", "paths": []} for number in range(records)]
        writer.file("metadata/records.json", json.dumps({"format": "preserve-records/1", "records": listed}).encode())
    if structure:
        writer.file("metadata/structure.jsonl", structure.encode() + b"\n")
    writer.payload(deposits)
    return writer.finish()


def blocks_of(name: str, content: bytes, block_bytes: int) -> tuple[str, str]:
    """One section of blocks.sha256, and its root."""
    starts = range(0, len(content), block_bytes)
    digests = [hashlib.sha256(content[start : start + block_bytes]).hexdigest() for start in starts]
    root = hashlib.sha256("".join(digest + "\n" for digest in digests).encode()).hexdigest()
    heading = f"# object {name}, {len(digests)} blocks of {block_bytes} bytes, {len(content)} bytes, root {root}\n"
    return heading + "".join(f"{digest}  {start}\n" for digest, start in zip(digests, starts, strict=True)), root


def write_package(
    store: Path,
    package_id: str,
    deposits: Sequence[Deposit],
    *,
    algorithms: Sequence[str] = ("sha256",),
    block_bytes: int = 16 * 1024 * 1024,
    bag: bytes | None = None,
) -> Path:
    """Write one package (with `bag` in place of the right one, if given) and return its folder."""
    folder = store / "packages" / package_id[-2:] / package_id
    folder.mkdir(parents=True)
    bag = bag_of(package_id, deposits, algorithms=algorithms, records=1) if bag is None else bag
    members = b"PAR1 stands for the Parquet file, which the standard library cannot read PAR1"
    bag_section, root = blocks_of("bag.tar", bag, block_bytes)
    blocks = ("# preserve-blocks/1\n" + bag_section + blocks_of("members.parquet", members, 65536)[0]).encode()
    contents = [deposit.content for deposit in deposits if deposit.content is not None]
    receipt = {
        "format": "preserve-receipt/1",
        "package_id": package_id,
        "created_at": CREATED,
        "payload_files": len(contents),
        "payload_bytes": sum(map(len, contents)),
        "records": 1,
        "policy": "default",
        "policy_sha256": "0" * 64,
        "algorithms": list(algorithms),
        "block_bytes": block_bytes,
        "objects": {
            "bag.tar": {"bytes": len(bag), "blocks_root": root},
            "blocks.sha256": {"bytes": len(blocks), "sha256": hashlib.sha256(blocks).hexdigest()},
            "members.parquet": {"bytes": len(members), "sha256": hashlib.sha256(members).hexdigest()},
        },
        "metadata": {"External-Description": "灾备样本"},
        "part_of": None,
        "written_by": "an independent writer",
    }
    (folder / "bag.tar").write_bytes(bag)
    (folder / "blocks.sha256").write_bytes(blocks)
    (folder / "members.parquet").write_bytes(members)
    text = json.dumps(receipt, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    (folder / "receipt.json").write_text(text, encoding="utf-8")
    return folder


def write_store(store: Path) -> Path:
    """The files at the top of a store, the kit among them."""
    store.mkdir(parents=True, exist_ok=True)
    facts = {"format": "preserve-store/1", "store_id": "x", "name": "s", "role": "primary", "created_at": CREATED}
    (store / "store.json").write_text(json.dumps(facts), encoding="utf-8")
    for name in ("README.txt", "README.zh.txt", "rescue.py"):
        (store / name).write_bytes((KIT / name).read_bytes())
    return store
