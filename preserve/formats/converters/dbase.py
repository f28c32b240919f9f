"""Read a dBase table (III, III+, IV, V, FoxPro 2) with its memo file: exactly, or not at all.

Its form follows "dBASE .DBF File Structure" (dBase manuals, "Table File Structure") and Microsoft's of FoxPro ("Table
File Structure", "Memo File Structure").  Values are texts as they stand in the file: a number keeps its zeros.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from preserve.errors import Refused

VERSIONS = {0x03, 0x04, 0x05, 0x43, 0x63, 0x83, 0x8B, 0x8E, 0xCB, 0xF5, 0xFB, 0x7B, 0x87, 0x30, 0x31, 0x32}
"""First bytes of what is read here, with and without memo; not dBase II (0x02), nor level 7 (0x8C), whose heads are
otherwise."""
ENCODINGS = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x13: "cp932", 0x4D: "gbk", 0x4E: "cp949", 0x4F: "cp950",
    0x78: "cp950", 0x79: "cp949", 0x7A: "gbk", 0x7B: "cp932", 0x57: "cp1252", 0x64: "cp852", 0x65: "cp866",
    0xC8: "cp1250", 0xC9: "cp1251",
}  # fmt: skip
"""Language drivers (byte 29 of the head) that say an encoding; most Chinese tables say none, or an American one."""
MEMO = "MGP"
"""Types whose values lie in the memo file."""
KNOWN_TYPES = "CNFLDMGPITY"
LARGEST_MEMO_BYTES = 64 * 1024 * 1024
_HEAD = struct.Struct("<B3sIHH20s")
_FIELD = struct.Struct("<11sc4sBB14s")


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its name as bytes, the letter of its type, how many bytes a value takes, and decimals."""

    name: bytes
    type: str
    width: int
    decimals: int
    at: int


@dataclass(frozen=True, slots=True)
class Record:
    """A row, its values as bytes of the file (a memo's, of the memo file); one that is deleted is still there."""

    values: tuple[bytes, ...]
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was opened: `encoding` is what its head says, "" where that is nothing to go by."""

    version: int
    encoding: str
    fields: tuple[Field, ...]
    rows: int
    first: int
    row_bytes: int
    has_memo: bool


def read_table(file: IO[bytes], size: int) -> Table:
    """The head of a table of `size` bytes.  Raises `Refused`."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or head[0] not in VERSIONS:
        raise Refused("it is no dBase table, or one of a version that is not read here")
    version, _, rows, first, row_bytes, rest = _HEAD.unpack(head)
    fields = tuple(_fields(file, first))
    if not fields or 1 + sum(each.width for each in fields) != row_bytes:
        raise Refused("the head of the table contradicts itself: its columns are not as long as its rows")
    if first + rows * row_bytes > size:
        raise Refused("the table is cut off: its head says {rows} rows, and it holds {there}", rows=rows,
                      there=(size - first) // row_bytes)  # fmt: skip
    has_memo = any(each.type in MEMO for each in fields)
    return Table(version, ENCODINGS.get(rest[17], ""), fields, rows, first, row_bytes, has_memo)


def records(file: IO[bytes], table: Table, memo: Memo | None) -> Iterator[Record]:
    """All rows in their order, the deleted ones too.  Raises `Refused` where a memo is asked for that is not there."""
    file.seek(table.first)
    for number in range(1, table.rows + 1):
        row = file.read(table.row_bytes)
        if len(row) != table.row_bytes or row[:1] not in (b" ", b"*"):
            raise Refused("row {number} is neither there nor deleted: the table is damaged", number=number)
        values = tuple(row[each.at : each.at + each.width] for each in table.fields)
        if memo is not None:
            values = tuple(
                memo.text(value, number) if each.type in MEMO else value
                for each, value in zip(table.fields, values, strict=True)
            )
        yield Record(values, row[:1] == b"*")


def _fields(file: IO[bytes], first: int) -> Iterator[Field]:
    at = 1
    while True:
        entry = file.read(1)
        if entry in (b"\r", b""):
            return
        entry += file.read(_FIELD.size - 1)
        if len(entry) != _FIELD.size or file.tell() > first:
            raise Refused("the head of the table is cut off")
        name, type_, _, width, decimals, _ = _FIELD.unpack(entry)
        letter = type_.decode("latin-1")
        if letter not in KNOWN_TYPES:
            raise Refused("column {name} is of a type that is not read here: {type}", name=_shown(name), type=letter)
        if letter == "C":  # FoxPro keeps the high byte of a long column's width where decimals stand
            width, decimals = width + 256 * decimals, 0
        yield Field(name.split(b"\0")[0], letter, width, decimals, at)
        at += width


def _shown(name: bytes) -> str:
    return name.split(b"\0")[0].decode("ascii", "backslashreplace")


class Memo:
    """A memo file: dBase III's ends each text with 0x1A; dBase IV's and FoxPro's say how long it is."""

    def __init__(self, path: Path, version: int) -> None:
        self._file = path.open("rb")
        self._size = path.stat().st_size
        head = self._file.read(24)
        self._is_foxpro = version in (0xF5, 0xFB, 0x30, 0x31, 0x32)
        self._is_third = version in (0x83, 0x03)
        if self._is_foxpro:
            self._block = int.from_bytes(head[6:8], "big") or 512
        else:
            self._block = 512 if self._is_third else int.from_bytes(head[20:22], "little") or 512

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def text(self, value: bytes, row: int) -> bytes:
        """What a value points to; b"" where it points nowhere.  Raises `Refused`."""
        number = int.from_bytes(value, "little") if len(value) == 4 else _number(value, row)
        if number <= 0:
            return b""
        at = number * self._block
        if at >= self._size:
            raise Refused(
                "row {number} points beyond the end of the memo file: it is cut off, or another's", number=row
            )
        self._file.seek(at)
        if self._is_third:
            return self._until_end()
        head = self._file.read(8)
        length = int.from_bytes(head[4:8], "big" if self._is_foxpro else "little")
        length -= 0 if self._is_foxpro else 8  # dBase IV counts its head
        if not 0 <= length <= min(LARGEST_MEMO_BYTES, self._size - at - 8):
            raise Refused("the memo of row {number} is longer than its file: it is cut off, or another's", number=row)
        return self._file.read(length)

    def _until_end(self) -> bytes:
        found = bytearray()
        while len(found) < LARGEST_MEMO_BYTES:
            piece = self._file.read(self._block)
            end = piece.find(b"\x1a")
            found += piece if end < 0 else piece[:end]
            if end >= 0 or not piece:
                break
        return bytes(found)


def _number(value: bytes, row: int) -> int:
    try:
        return int(value.strip(b" \0") or b"0")
    except ValueError as error:
        raise Refused("row {number} points to no memo: the table is damaged", number=row) from error
