"""The list of members made anew from the bag itself, where no copy has it any more: all that restoring needs.

The bag does not know everything that the list did: times are of whole seconds, and a link has the time at which the
package was made.  So what is made here never takes the place of `members.parquet`; it serves the moment.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from preserve.bags import manifests, names
from preserve.bags.entries import BATCH_ENTRIES, Spool
from preserve.clock import moment_of
from preserve.definitions.coverage import Coverage
from preserve.model.digests import Algorithm
from preserve.model.nouns import Receipt
from preserve.model.records import record_from_plain
from preserve.packages.members import Kind, MembersWriter, Row
from preserve.packages.tag_files import RECORDS

STRUCTURE = "metadata/structure.jsonl"

_NANOSECONDS = 1_000_000_000
_LINK_MODE = 0o777
_LARGEST_TAG_FILE_BYTES = 1 << 30
"""Of `records.json` and `structure.jsonl`, which are held in memory here."""


@dataclass(slots=True)
class _Structure:
    """What a bag cannot say and `structure.jsonl` does: original names, and links (path in the bag: target)."""

    originals: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, bytes] = field(default_factory=dict)


def write_members(bag: IO[bytes], receipt: Receipt, work: Path, into: IO[bytes]) -> None:
    """Write to `into` what `members.parquet` says (FORMAT.md 4), as far as the bag knows it.

    `bag` is seekable and gives out sound bytes alone; `work` is where entries are spooled.  Raises OSError where a
    block of the bag is lost that is needed for it, `ValueError` where this is no bag of ours.
    """
    with Spool(work) as entries:
        tags = _read_headers(bag, receipt.package_id, entries)
        structure = _structure(_tag_file(bag, tags, STRUCTURE))
        coverage = _coverage(_tag_file(bag, tags, RECORDS))
        writer = MembersWriter(into, [Algorithm.SHA256])
        try:
            with _open(bag, tags[manifests.file_name("sha256")]) as manifest:
                lines = manifests.read(manifest, "utf-8", "sha256")
                writer.extend(_rows(entries, structure, coverage, lines))
            made_ns = int(moment_of(receipt.created_at).timestamp()) * _NANOSECONDS
            writer.extend(_links(structure, coverage, made_ns))
        finally:
            writer.close()


def _read_headers(bag: IO[bytes], package_id: str, entries: Spool) -> Mapping[str, tarfile.TarInfo]:
    """Spool what the headers say of the payload; returns the tag files by their path in the bag."""
    tags: dict[str, tarfile.TarInfo] = {}
    batch: list[tuple[object, ...]] = []
    payload = f"{package_id}/data/"
    bag.seek(0)
    try:
        with tarfile.open(fileobj=bag, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
            while (member := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined]  # it would keep every one of them
                if not member.name.startswith(payload):
                    tags[member.name.removeprefix(f"{package_id}/")] = member
                    continue
                kind = Kind.FOLDER if member.isdir() else Kind.FILE
                path = member.name.removeprefix(payload).rstrip("/" if member.isdir() else "")
                batch.append((path, int(kind), member.offset_data, member.size, member.mode, int(member.mtime)))
                if len(batch) >= BATCH_ENTRIES:
                    entries.add(batch)
                    batch = []
    except tarfile.TarError as error:
        raise ValueError(f"the bag of {package_id} is no tar of ours: {error}") from error
    entries.add(batch)
    return tags


def _open(bag: IO[bytes], member: tarfile.TarInfo) -> io.BufferedReader:
    return io.BufferedReader(_Part(bag, member.offset_data, member.size), 1 << 20)


def _tag_file(bag: IO[bytes], tags: Mapping[str, tarfile.TarInfo], path: str) -> bytes:
    """The content of a tag file, or nothing where the bag has none of this name."""
    member = tags.get(path)
    if member is None:
        return b""
    if member.size > _LARGEST_TAG_FILE_BYTES:
        raise ValueError(f"{path} is larger than {_LARGEST_TAG_FILE_BYTES} bytes")
    with _open(bag, member) as file:
        return file.read()


def _structure(content: bytes) -> _Structure:
    structure = _Structure()
    for line in content.splitlines():
        said = json.loads(line)
        if "name_bytes" in said:
            structure.originals[said["path"]] = bytes.fromhex(said["name_bytes"])
        if "link_to" in said:
            structure.links[said["path"]] = bytes.fromhex(said["link_to"])
    return structure


def _coverage(content: bytes) -> Coverage:
    records = json.loads(content)["records"] if content else []
    return Coverage([record_from_plain(record) for record in records])


def _rows(
    entries: Spool, structure: _Structure, coverage: Coverage, lines: Iterator[manifests.ManifestLine]
) -> Iterator[Row]:
    """Headers and manifest put together: both are in the order of the tar."""
    for path, kind, offset, size, mode, mtime in entries.items():
        digests = [_digest(path, next(lines, None))] if kind == Kind.FILE else None
        original = structure.originals.get(path)
        record = coverage.record_of(original or path.encode())
        place = (offset, size) if kind == Kind.FILE else (0, 0)
        yield (path, original, kind, *place, digests, mode, mtime * _NANOSECONDS, None, record)


def _digest(path: str, line: manifests.ManifestLine | None) -> bytes:
    if line is None or line.digest is None or names.decode(line.written) != f"data/{path}":
        raise ValueError(f"the manifest does not name {path!r} where it stands in the bag")
    return line.digest


def _links(structure: _Structure, coverage: Coverage, made_ns: int) -> Iterator[Row]:
    for path, target in structure.links.items():
        original = structure.originals.get(path)
        record = coverage.record_of(original or path.encode())
        yield (path, original, int(Kind.LINK), 0, 0, None, _LINK_MODE, made_ns, target, record)


class _Part(io.RawIOBase):
    """A part of a seekable file as a file of its own."""

    def __init__(self, whole: IO[bytes], begin: int, size: int) -> None:
        super().__init__()
        self._whole = whole
        self._begin = begin
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, into: object) -> int:
        view = memoryview(into).cast("B")[: self._size - self._at]  # type: ignore[arg-type]
        self._whole.seek(self._begin + self._at)
        count = cast(io.BufferedReader, self._whole).readinto(view)
        self._at += count
        return count
