"""Other code tables than Python's: those of the C library, by iconv(3), in this process.

A process of its own for each text took longer than all the rest of judging it.
"""

from __future__ import annotations

import ctypes
import errno
from functools import cache

ROOM_BYTES = 1024 * 1024
NAMES = {
    "gb18030": "GB18030",
    "gbk": "GBK",
    "cp950": "CP950",
    "big5": "BIG5",
    "big5hkscs": "BIG5-HKSCS",
    "utf-8": "UTF-8",
}
"""What the C library calls encodings that Python calls otherwise."""


class NoTableError(LookupError):
    """The C library has no iconv, or no table for an encoding."""


def recoded(data: bytes, of: str, to: str) -> bytes:
    """Bytes in one encoding as those of another; what has no counterpart is left out, byte by byte.

    Raises `NoTableError`.
    """
    library = _library()
    table = library.iconv_open(NAMES.get(to, to).encode(), NAMES.get(of, of).encode())
    if table == ctypes.c_void_p(-1).value:
        raise NoTableError(f"{of} to {to}")
    try:
        return _recoded(library, table, data)
    finally:
        library.iconv_close(table)


def _recoded(library: ctypes.CDLL, table: int, data: bytes) -> bytes:
    source = ctypes.create_string_buffer(data, len(data) + 1)
    begin = ctypes.addressof(source)
    at, left = ctypes.c_void_p(begin), ctypes.c_size_t(len(data))
    room = ctypes.create_string_buffer(ROOM_BYTES)
    made = bytearray()
    while True:
        into, free = ctypes.c_void_p(ctypes.addressof(room)), ctypes.c_size_t(ROOM_BYTES)
        is_last = left.value == 0
        sources = (None, None) if is_last else (ctypes.byref(at), ctypes.byref(left))
        status = library.iconv(table, *sources, ctypes.byref(into), ctypes.byref(free))
        made += ctypes.string_at(room, ROOM_BYTES - free.value)
        if is_last:  # what a shift state owed has been written
            return bytes(made)
        if status == ctypes.c_size_t(-1).value and ctypes.get_errno() != errno.E2BIG:
            at, left = ctypes.c_void_p((at.value or begin) + 1), ctypes.c_size_t(left.value - 1)


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    try:
        library.iconv_open.restype, library.iconv_open.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
        library.iconv_close.argtypes = [ctypes.c_void_p]
        library.iconv.restype = ctypes.c_size_t
        library.iconv.argtypes = [ctypes.c_void_p] * 5
    except AttributeError as error:
        raise NoTableError("iconv") from error
    return library
