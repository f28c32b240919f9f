"""Headers of the POSIX tar a bag is serialised as (FORMAT.md 2): one name, one sequence of bytes.

Written by hand because a package may have a million members: the standard library's `tarfile` takes five times as
long for a header and keeps an object for each.  Format: IEEE Std 1003.1-2017, pax, "ustar Interchange Format" and
"pax Extended Header".
"""

from __future__ import annotations

from collections.abc import Sequence

BLOCK = 512
END = 2 * BLOCK
"""Length of the two zero blocks that end a tar."""

FILE = b"0"
FOLDER = b"5"
_PAX = b"x"

_NAME_BYTES = 100
_LARGEST_OCTAL = 8**11 - 1  # eleven octal digits: 8 GiB - 1 for sizes, the year 2242 for times

_AFTER_MODE = b"0000000\0" * 2  # owner and group: 0
# Type flag to the end: no link, ustar version 00, no owner names, device numbers 0, no prefix.
_TAIL = b"\0" * 100 + b"ustar\x0000" + b"\0" * 64 + b"0000000\0" * 2 + b"\0" * 167
_BLANK_CHECKSUM = b" " * 8
_CONSTANT_SUM = sum(_AFTER_MODE) + sum(_TAIL) + sum(_BLANK_CHECKSUM)


def needs_pax(name: bytes, size: int, mtime: int) -> bool:
    """Whether a ustar header alone cannot say it."""
    return not (len(name) <= _NAME_BYTES and name.isascii() and size <= _LARGEST_OCTAL and 0 <= mtime <= _LARGEST_OCTAL)


def header(name: bytes, size: int, mode: int, mtime: int, kind: bytes) -> bytes:
    """The header of one member: 512 bytes, or more where a pax header must precede it.

    `name` is the full path in the tar as UTF-8 (folders end with a slash), `size` in bytes, `mtime` in whole seconds
    since 1970.
    """
    if not needs_pax(name, size, mtime):
        return _ustar(name, size, mode, mtime, kind)
    records = _pax_records(name, size, mtime)
    return b"".join(
        (
            _ustar(b"PaxHeaders/" + _last_bytes(name, 80), len(records), 0o644, 0, _PAX),
            records,
            b"\0" * (-len(records) % BLOCK),
            _ustar(
                _last_bytes(name, _NAME_BYTES),
                size if size <= _LARGEST_OCTAL else 0,
                mode,
                mtime if 0 <= mtime <= _LARGEST_OCTAL else 0,
                kind,
            ),
        )
    )


def header_bytes(name: bytes, size: int, mtime: int) -> int:
    """Length of `header` for these values."""
    if not needs_pax(name, size, mtime):
        return BLOCK
    records = len(_pax_records(name, size, mtime))
    return 2 * BLOCK + records + -records % BLOCK


def header_bytes_of_each(names: Sequence[bytes], sizes: Sequence[int], mtimes: Sequence[int]) -> list[int]:
    """`header_bytes` for many members; most lists hold nothing that needs a pax header."""
    if not names or _needs_any_pax(names, sizes, mtimes):
        return list(map(header_bytes, names, sizes, mtimes))
    return [BLOCK] * len(names)


def _needs_any_pax(names: Sequence[bytes], sizes: Sequence[int], mtimes: Sequence[int]) -> bool:
    """Whether one member, put together of the worst of each, would need it."""
    longest = b"n" * max(map(len, names))
    are_ascii = all(map(bytes.isascii, names))
    return not are_ascii or any(needs_pax(longest, max(sizes), mtime) for mtime in (min(mtimes), max(mtimes)))


def padding_bytes(size: int) -> int:
    """How many zero bytes follow a content of `size` bytes."""
    return -size % BLOCK


def _ustar(name: bytes, size: int, mode: int, mtime: int, kind: bytes) -> bytes:
    fields = b"%07o\0" % mode
    numbers = b"%011o\0%011o\0" % (size, mtime)
    checksum = _CONSTANT_SUM + sum(name) + sum(fields) + sum(numbers) + kind[0]
    return b"%b%b%b%b%06o\0 %b%b" % (
        name.ljust(_NAME_BYTES, b"\0"),
        fields,
        _AFTER_MODE,
        numbers,
        checksum,
        kind,
        _TAIL,
    )


def _pax_records(name: bytes, size: int, mtime: int) -> bytes:
    records = _pax_record(b"path", name)
    if size > _LARGEST_OCTAL:
        records += _pax_record(b"size", b"%d" % size)
    if not 0 <= mtime <= _LARGEST_OCTAL:
        records += _pax_record(b"mtime", b"%d" % mtime)
    return records


def _pax_record(keyword: bytes, value: bytes) -> bytes:
    """`<length> <keyword>=<value>\\n`, where the length counts its own digits."""
    rest = len(keyword) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) + rest != length:
        length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, keyword, value)


def _last_bytes(name: bytes, most: int) -> bytes:
    """The end of a long or non-ASCII name, for readers that ignore pax headers; ASCII, so that none chokes on it."""
    ascii_only = name.decode("utf-8", "replace").encode("ascii", "replace")
    folder = b"/" if name.endswith(b"/") else b""
    return ascii_only.rstrip(b"/")[-(most - len(folder)) :].lstrip(b"/") + folder
