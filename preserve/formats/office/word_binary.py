"""Word 97-2003 documents, read as [MS-DOC] says (Microsoft Open Specifications), from the piece table.

Sections in comments are those of [MS-DOC].  Older documents (Word 6 and 95), which lie otherwise, are not read.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from preserve.formats.office.compound import Compound
from preserve.formats.office.drawings import picture_digests
from preserve.formats.office.facts import DocumentFacts, UnreadableError, external_links, font_names, one_line

_WORD_97 = 0x00C1
_ENCRYPTED, _TABLE_1 = 0x0100, 0x0200
_LENGTHS_AT = 0x4C
"""FibRgLw97 (2.5.4): characters of body, footnotes, headers, macros, comments, endnotes, boxes, boxes of headers."""
_PAIRS_AT = 0x9A
_CLX, _CHPX, _FONTS, _DRAWINGS = 33, 12, 15, 50
"""Places of offset and length in FibRgFcLcb97 (2.5.6)."""
_PAGE_BYTES = 512
_LONGEST_TABLE = 1_000_000
# 2.6.1: properties of characters
_DELETED, _INSERTED, _HIDDEN, _SYMBOL, _PICTURE, _DATA = 0x0800, 0x0801, 0x083C, 0x6A09, 0x6A03, 0x0806
_INSERTED_BY, _INSERTED_AT, _DELETED_BY, _DELETED_AT = 0x4804, 0x6805, 0x4863, 0x6864
_OPERAND_BYTES = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
_FIELD_BEGINS, _FIELD_SEPARATES, _FIELD_ENDS = "\x13", "\x14", "\x15"
_LINK = re.compile(r'^\s*HYPERLINK\s+(?:"([^"]*)"|(\S+))', re.IGNORECASE)
_FORM_FIELD = re.compile(r"^\s*FORM(TEXT|CHECKBOX|DROPDOWN)\b", re.IGNORECASE)
_AUTOMATIC = re.compile(r"^\s*(AUTONUM|AUTONUMLGL|AUTONUMOUT|LISTNUM)\b", re.IGNORECASE)
_CONTROLS = {
    0x07: "\n", 0x0B: "\n", 0x0C: "\n", 0x0D: "\n", 0x0E: "\n", 0x09: "\t", 0x1E: "-", 0x1F: "", 0x01: "", 0x02: "",
    0x03: "", 0x04: "", 0x05: "", 0x08: "",
}  # fmt: skip
"""2.4.1 and 2.4.3: marks of cells, paragraphs and pages; objects, notes and comments stand for no text."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Characters with the same properties, by their place in the stream; the last setting of each counts."""

    start: int
    end: int
    settings: Mapping[int, bytes]

    def is_on(self, name: int) -> bool:
        return self.settings.get(name, b"\0")[0] == 1

    def number(self, name: int) -> int:
        return int.from_bytes(self.settings.get(name, b"\0"), "little")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of characters (2.8.35): where it lies, and whether each is one byte (Windows-1252) or two."""

    first: int
    last: int
    at: int
    width: int


def read_word_binary(path: Path) -> DocumentFacts:
    """Raises `UnreadableError` for what is locked, older than Word 97, or no such document."""
    compound = Compound(str(path))
    try:
        return _Document(compound).facts()
    except (struct.error, IndexError, RecursionError) as error:
        raise UnreadableError(f"the document contradicts itself: {error}") from error
    finally:
        compound.close()


class _Document:
    def __init__(self, compound: Compound) -> None:
        self._compound = compound
        self._main = compound.stream("WordDocument")
        mark, version, flags = *struct.unpack_from("<HH", self._main), struct.unpack_from("<H", self._main, 10)[0]
        if mark != 0xA5EC:
            raise UnreadableError("it is no Word document")
        if version < _WORD_97:
            raise UnreadableError("it is of Word 6 or 95, or older, which is not read")
        if flags & _ENCRYPTED:
            raise UnreadableError("it is encrypted")
        self._table = compound.stream("1Table" if flags & _TABLE_1 else "0Table")
        self._lengths = struct.unpack_from("<8i", self._main, _LENGTHS_AT)

    def facts(self) -> DocumentFacts:
        body, notes, _, _, comments, endnotes, boxes, _ = self._lengths
        starts = [sum(self._lengths[:number]) for number in range(8)]
        main = self._shown(starts[0], body)
        others = [self._shown(starts[number], length) for number, length in ((1, notes), (5, endnotes), (6, boxes))]
        parts = [main, *others]
        drawn = self._drawn_pictures()
        inline = self._inline_pictures()
        return DocumentFacts(
            text="\n".join(part.text for part in parts),
            images=len(drawn | inline),
            fonts=font_names(self._font_table()),
            links=external_links(link for part in parts for link in part.links),
            comments=tuple(self._comments(starts[4], comments)),
            changes=self._changes(),
            macros=self._compound.macros(),
            embedded=self._compound.objects_in("ObjectPool"),
            signatures=self._compound.signatures(),
            fields={
                str(number): value for number, value in enumerate((each for part in parts for each in part.fields), 1)
            },
            properties=self._compound.properties(),
        )

    # Where characters lie (2.4.1)

    @cached_property
    def _pieces(self) -> list[_Piece]:
        clx = self._part(_CLX)
        at = 0
        while clx[at : at + 1] == b"\x01":
            at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
        if clx[at : at + 1] != b"\x02":
            raise UnreadableError("it has no table of pieces")
        (length,) = struct.unpack_from("<I", clx, at + 1)
        table = clx[at + 5 : at + 5 + length]
        count = (len(table) - 4) // 12
        places = struct.unpack_from(f"<{count + 1}I", table)
        found = []
        for number in range(count):
            (where,) = struct.unpack_from("<I", table, 4 * (count + 1) + 8 * number + 2)
            narrow = bool(where & 0x4000_0000)
            at = (where & 0x3FFF_FFFF) // 2 if narrow else where & 0x3FFF_FFFF
            found.append(_Piece(places[number], places[number + 1], at, 1 if narrow else 2))
        return found

    def _characters(self, start: int, length: int) -> Iterator[tuple[str, _Run]]:
        """Each stretch of characters from `start` with its properties."""
        for piece in self._pieces:
            first, last = max(piece.first, start), min(piece.last, start + length)
            if first >= last:
                continue
            at = piece.at + (first - piece.first) * piece.width
            end = piece.at + (last - piece.first) * piece.width
            for run in self._runs_between(at, end):
                content = self._main[run.start : run.end]
                yield (content.decode("cp1252", "replace") if piece.width == 1 else _utf16(content)), run

    # Properties of characters (2.4.6.2)

    @cached_property
    def _runs(self) -> list[_Run]:
        table = self._part(_CHPX)
        count = (len(table) - 4) // 8
        found: list[_Run] = []
        for (page,) in struct.iter_unpack("<I", table[4 * (count + 1) : 4 * (count + 1) + 4 * count]):
            found.extend(self._runs_of((page & 0x3F_FFFF) * _PAGE_BYTES))
        return sorted(found, key=lambda run: run.start)

    def _runs_of(self, at: int) -> Iterator[_Run]:
        """The runs of one page (2.9.33)."""
        page = self._main[at : at + _PAGE_BYTES]
        count = page[-1] if len(page) == _PAGE_BYTES else 0
        places = struct.unpack_from(f"<{count + 1}I", page) if count else ()
        for number in range(count):
            offset = 2 * page[4 * (count + 1) + number]
            words = page[offset + 1 : offset + 1 + page[offset]] if offset else b""
            yield _Run(places[number], places[number + 1], dict(_settings(words)))

    def _runs_between(self, start: int, end: int) -> Iterator[_Run]:
        at = start
        low, high = 0, len(self._runs)
        while low < high:
            middle = (low + high) // 2
            if self._runs[middle].end <= start:
                low = middle + 1
            else:
                high = middle
        for run in self._runs[low:]:
            if run.start >= end:
                break
            if run.start > at:
                yield _Run(at, run.start, {})
            yield replace(run, start=max(run.start, start), end=min(run.end, end))
            at = min(run.end, end)
        if at < end:
            yield _Run(at, end, {})

    # What is seen

    def _shown(self, start: int, length: int) -> _Shown:
        shown = _Shown()
        for text, run in self._characters(start, length):
            shown.add(text, run)
        return shown

    def _comments(self, start: int, length: int) -> Iterator[str]:
        """Each comment begins with a mark of its own (2.3.4)."""
        text = "".join(part for part, _ in self._characters(start, length))
        for each in text.split("\x05")[1:]:
            yield one_line(each.translate(_CONTROLS))

    def _changes(self) -> int:
        found = set()
        for run in self._runs:
            if run.is_on(_INSERTED):
                found.add(("inserted", run.number(_INSERTED_BY), run.number(_INSERTED_AT)))
            if run.is_on(_DELETED):
                found.add(("deleted", run.number(_DELETED_BY), run.number(_DELETED_AT)))
        return len(found)

    def _font_table(self) -> Iterator[str]:
        """SttbfFfn (2.9.286): each entry has its length, 39 bytes of facts, and its name (2.9.79 FFN)."""
        table = self._part(_FONTS)
        count = struct.unpack_from("<H", table)[0] if table else 0
        at = 4
        for _ in range(min(count, _LONGEST_TABLE)):
            length = table[at]
            name = _utf16(table[at + 40 : at + 1 + length]).split("\0")[0]
            at += 1 + length
            yield name

    # Pictures

    def _drawn_pictures(self) -> set[bytes]:
        """Digests of the raster pictures of drawings ([MS-ODRAW] 2.2.23: a store of blips in the table stream)."""
        return set(picture_digests(self._part(_DRAWINGS)))

    def _inline_pictures(self) -> set[bytes]:
        """Digests of pictures among the text (2.9.190 PICFAndOfficeArtData), each at its place in the stream Data."""
        if not self._compound.has("Data"):
            return set()
        data = self._compound.stream("Data")
        found: set[bytes] = set()
        for run in self._runs:
            if _PICTURE not in run.settings or run.is_on(_DATA):
                continue
            at = run.number(_PICTURE)
            if at + 68 > len(data):
                continue
            length, header = struct.unpack_from("<IH", data, at)
            found.update(picture_digests(data[at + header : at + length]))
        return found

    def _part(self, number: int) -> bytes:
        at, length = struct.unpack_from("<II", self._main, _PAIRS_AT + 8 * number)
        if at + length > len(self._table):
            raise UnreadableError("a part of it lies beyond its end")
        return self._table[at : at + length]


class _Shown:
    """Text as a reader sees it, out of runs: fields are told by marks among the characters (2.8.25)."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._open: list[_Field] = []
        self.links: list[str] = []
        self.fields: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._kept)

    def add(self, text: str, run: _Run) -> None:
        if _SYMBOL in run.settings:
            code = int.from_bytes(run.settings[_SYMBOL][2:4], "little")
            text = chr(code) * len(text)
        for character in text:
            if character in (_FIELD_BEGINS, _FIELD_SEPARATES, _FIELD_ENDS):
                self._mark(character)
            elif self._open and not self._open[-1].has_result:
                self._open[-1].instruction += character
            elif not run.is_on(_HIDDEN):
                self._keep(_CONTROLS.get(ord(character), character))

    def _keep(self, text: str) -> None:
        if any(not each.has_result or each.is_automatic for each in self._open):
            return
        self._kept.append(text)
        if self._open:
            self._open[-1].result += text

    def _mark(self, mark: str) -> None:
        if mark == _FIELD_BEGINS:
            self._open.append(_Field())
        elif mark == _FIELD_SEPARATES and self._open:
            self._open[-1].has_result = True
        elif mark == _FIELD_ENDS and self._open:
            ended = self._open.pop()
            link = _LINK.match(ended.instruction)
            if link:
                self.links.append(link[1] or link[2] or "")
            if _FORM_FIELD.match(ended.instruction):
                self.fields.append(one_line(ended.result))
            if self._open and self._open[-1].has_result:
                self._open[-1].result += ended.result


@dataclass(slots=True)
class _Field:
    instruction: str = ""
    result: str = ""
    has_result: bool = False

    @property
    def is_automatic(self) -> bool:
        return bool(_AUTOMATIC.match(self.instruction))


def _settings(words: bytes) -> Iterator[tuple[int, bytes]]:
    """Properties and their operands (2.6, 2.2.5.1): the size follows from the upper bits of the name."""
    at = 0
    while at + 2 <= len(words):
        (name,) = struct.unpack_from("<H", words, at)
        size = _OPERAND_BYTES.get(name >> 13)
        at += 2
        if size is None:
            size = words[at] if at < len(words) else 0
            at += 1
        if operand := words[at : at + size]:
            yield name, operand
        at += size


def _utf16(content: bytes) -> str:
    return content.decode("utf-16-le", "replace")
