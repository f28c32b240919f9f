"""Read the headers of a tar: ustar, pax and GNU, one member after another, without touching their contents.

By hand, because a submission may have a million members: the standard library's `tarfile` takes eight times as long
and keeps an object for each.  Formats: IEEE Std 1003.1-2017 pax ("ustar Interchange Format", "pax Extended Header");
GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

BLOCK = 512
_ZERO = bytes(BLOCK)

MOST_EXTENSION_BYTES = 1 << 20
"""Longest pax header or GNU long name that is read into memory."""
MOST_TRAILING_BYTES = 1 << 20
"""How much padding after the end mark is looked through; GNU tar pads to 10 KiB, tape writers to 1 MiB."""

_PAX_RECORD = re.compile(rb"([0-9]{1,9}) ([^=]+)=")
_PAX_TIME = re.compile(rb"(-?)([0-9]{1,18})(?:\.([0-9]*))?")
_CHECKSUM = slice(148, 156)


class Kind(Enum):
    """What a member is."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    HARD_LINK = "hard link"
    SPARSE = "sparse file"
    DEVICE = "device or pipe"
    OTHER = "other"


_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"1": Kind.HARD_LINK,
    b"2": Kind.SYMLINK,
    b"3": Kind.DEVICE,
    b"4": Kind.DEVICE,
    b"5": Kind.FOLDER,
    b"6": Kind.DEVICE,
    b"S": Kind.SPARSE,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One member as its headers describe it.  `offset` and `size` in bytes; `name` and `target` exactly as written."""

    kind: Kind
    name: bytes
    size: int
    mtime_ns: int
    mode: int
    target: bytes
    offset: int


class MalformedTarError(ValueError):
    """A tar cannot be read further; `reason` is `header`, `truncated`, `no-end`, `after-end` or `extension`."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


@dataclass(slots=True)
class _Extension:
    """What headers before a member said about it."""

    pax: dict[bytes, bytes] = field(default_factory=dict)
    name: bytes | None = None
    target: bytes | None = None


def looks_like_tar(first_block: bytes) -> bool:
    """Whether a file that begins with these 512 bytes is an uncompressed tar (an empty one included)."""
    return first_block == _ZERO or (len(first_block) == BLOCK and _checksum_fits(first_block))


def members(descriptor: int) -> Iterator[Member]:
    """The members of an uncompressed tar in the order they lie there.

    Raises `MalformedTarError` on anything that is not wholly understood: a tar cut off between two members, or with
    another one behind it, would otherwise pass with records missing.
    """
    total = os.fstat(descriptor).st_size
    everywhere: dict[bytes, bytes] = {}
    own = _Extension()
    at = 0
    while True:
        header = os.pread(descriptor, BLOCK, at)
        if header == _ZERO:
            _check_end(descriptor, at, total)
            return
        if len(header) < BLOCK:
            raise MalformedTarError("truncated" if header else "no-end", at)
        if not _checksum_fits(header):
            raise MalformedTarError("header", at)
        kind = header[156:157]
        content = at + BLOCK
        if kind in b"xgLK":
            size = _number(header[124:136], at)
            data = _extension(descriptor, content, size)
            if kind == b"g":
                everywhere.update(_pax_records(data, content))
            elif kind == b"x":
                own.pax.update(_pax_records(data, content))
            elif kind == b"L":
                own.name = data.partition(b"\0")[0]
            else:
                own.target = data.partition(b"\0")[0]
            at = content + _padded(size)
            continue
        member = _member(header, kind, content, {**everywhere, **own.pax}, own)
        at = content + _padded(member.size)
        if content + member.size > total:
            raise MalformedTarError("truncated", content)
        own = _Extension()
        if kind != b"V":  # a volume label says nothing of records
            yield member


def _member(header: bytes, kind: bytes, content: int, pax: dict[bytes, bytes], own: _Extension) -> Member:
    name = pax.get(b"path") or own.name or _plain_name(header)
    target = pax.get(b"linkpath") or own.target or _text(header[157:257])
    what = _KINDS.get(kind, Kind.OTHER)
    size = _pax_size(pax[b"size"], content) if b"size" in pax else _number(header[124:136], content)
    if what is Kind.FILE and name.endswith(b"/"):
        what = Kind.FOLDER  # as tars before 1988 wrote folders
    if any(key.startswith(b"GNU.sparse.") for key in pax):
        what = Kind.SPARSE
    if what in (Kind.FOLDER, Kind.SYMLINK, Kind.DEVICE):
        size = 0  # some writers give a size there, and no content follows
    mtime_ns = _pax_time(pax[b"mtime"], content) if b"mtime" in pax else _number(header[136:148], content) * 10**9
    mode = _number(header[100:108], content) & 0o7777
    return Member(what, name, size, mtime_ns, mode, target, content)


def _plain_name(header: bytes) -> bytes:
    name = _text(header[0:100])
    if header[257:263] == b"ustar\0":
        prefix = _text(header[345:500])
        return prefix + b"/" + name if prefix else name
    return name


def _text(field_bytes: bytes) -> bytes:
    return field_bytes.partition(b"\0")[0]


def _padded(size: int) -> int:
    return size + -size % BLOCK


def _number(field_bytes: bytes, at: int) -> int:
    """An octal number, or GNU's base 256 where the first bit is set."""
    if field_bytes[0] & 0x80:
        value = int.from_bytes(field_bytes, "big")
        bits = 8 * len(field_bytes)
        return value - (1 << bits) if field_bytes[0] == 0xFF else value - (1 << (bits - 1))
    digits = field_bytes.strip(b"\0 ")
    try:
        return int(digits, 8) if digits else 0
    except ValueError as error:
        raise MalformedTarError("header", at) from error


def _checksum_fits(header: bytes) -> bool:
    try:
        written = _number(header[_CHECKSUM], 0)
    except MalformedTarError:
        return False
    unsigned = sum(header) - sum(header[_CHECKSUM]) + 8 * 32
    if written == unsigned:
        return True
    above = sum(1 for byte in header[:148] + header[156:] if byte > 127)  # some old writers summed signed bytes
    return written == unsigned - 256 * above


def _extension(descriptor: int, offset: int, size: int) -> bytes:
    if not 0 <= size <= MOST_EXTENSION_BYTES:
        raise MalformedTarError("extension", offset)
    data = os.pread(descriptor, size, offset)
    if len(data) < size:
        raise MalformedTarError("truncated", offset)
    return data


def _pax_records(data: bytes, at: int) -> dict[bytes, bytes]:
    """`<length> <key>=<value>\\n` records; values may hold any byte."""
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(data) and data[position : position + 1] != b"\0":
        match = _PAX_RECORD.match(data, position)
        end = position + int(match[1]) if match else 0
        if match is None or end > len(data) or end <= match.end() or data[end - 1 : end] != b"\n":
            raise MalformedTarError("extension", at)
        records[match[2]] = data[match.end() : end - 1]
        position = end
    return records


def _pax_size(value: bytes, at: int) -> int:
    if not value.isdigit() or len(value) > 18:
        raise MalformedTarError("extension", at)
    return int(value)


def _pax_time(value: bytes, at: int) -> int:
    """Seconds with any number of decimals, in nanoseconds; what is finer is dropped."""
    match = _PAX_TIME.fullmatch(value)
    if match is None:
        raise MalformedTarError("extension", at)
    sign, seconds, fraction = match.groups()
    nanoseconds = int(seconds) * 10**9 + int(((fraction or b"") + b"0" * 9)[:9])
    return -nanoseconds if sign else nanoseconds


def _check_end(descriptor: int, at: int, total: int) -> None:
    """Nothing but padding may follow the end mark."""
    trailing = os.pread(descriptor, MOST_TRAILING_BYTES, at)
    if total - at > MOST_TRAILING_BYTES or trailing.strip(b"\0"):
        raise MalformedTarError("after-end", at)
    if len(trailing) < 2 * BLOCK:
        raise MalformedTarError("no-end", at)
