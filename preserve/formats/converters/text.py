"""Text in GB 18030, GBK or Big5 to UTF-8, by Python's own tables, with a list of what did not come over as it was.

    python -m preserve.formats.converters.text ENCODING FOLDER FILE...

The tables are those of GB 18030-2000, which maps some two dozen vertical forms and components to private use that
GB 18030-2022 gave places of their own; they are listed like any other private use, and left as they are.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from preserve.errors import Refused
from preserve.formats.converters.calls import each_of
from preserve.formats.converters.csv_schema import write_csv
from preserve.model.formats.unmapped import Mapping, Transcribed, Unmapped

ENCODINGS = ("gb18030", "gbk", "big5", "big5hkscs", "cp950")
PIECE_BYTES = 64 * 1024
MOST_LISTED = 1000
"""So many characters are listed one by one; all are counted."""
LIST_ENDING = ".txt-unmapped.csv"
LIST_HEADER = ["byte offset", "line", "bytes", "came over as", "code points", "mapping"]
FURTHER = "further:"
_LONGEST_CHARACTER_BYTES = 4
_LOST = re.compile("[\udc80-\udcff]+")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")


def to_utf8(source: IO[bytes], into: Path, encoding: str) -> Transcribed:
    """Write a text in UTF-8 into `into`, with what did not come over as it was.  No byte is left out: those without
    meaning become U+FFFD each, and are listed.  Raises `Refused` for an encoding that is none of `ENCODINGS`."""
    with into.open("x", encoding="utf-8", newline="") as file:
        return transcribe(source, file.write, encoding)


def transcribe(source: IO[bytes], write: Callable[[str], object], encoding: str) -> Transcribed:
    """Hand a text to `write`, piece by piece, as `to_utf8` does.  Raises `Refused`."""
    if encoding not in ENCODINGS:
        raise Refused(
            "{encoding} is no encoding that is converted here; it is one of {known}",
            encoding=encoding,
            known=", ".join(ENCODINGS),
        )
    characters = count = offset = 0
    line = 1
    listed: list[Unmapped] = []
    for piece, text in _pieces(source, encoding):
        write(_LOST.sub(lambda lost: "\ufffd" * len(lost[0]), text))
        characters += len(text)
        if _LOST.search(text) or _PRIVATE.search(text) or not _comes_back(text, piece, encoding):
            for each in _unmapped(piece, encoding, offset, line):
                count += 1
                if len(listed) < MOST_LISTED:
                    listed.append(each)
        offset += len(piece)
        line += text.count("\n")
    return Transcribed(characters, tuple(listed), count)


def convert(encoding: str, source: Path, folder: Path, number: str) -> None:
    """Make `1.txt` of a file, and `1.txt-unmapped.csv` where there is anything to list.  Raises `Refused`."""
    with source.open("rb") as file:
        found = to_utf8(file, folder / f"{number}.txt", encoding)
    if found.unmapped:
        write_csv([LIST_HEADER, *map(as_row, found.unmapped), *_further(found)], folder / f"{number}{LIST_ENDING}")


def as_row(one: Unmapped) -> list[str]:
    """A character as a row of the list."""
    points = " ".join(f"U+{ord(character):04X}" for character in one.text)
    return [str(one.offset), str(one.line), one.bytes.hex(" ").upper(), one.text, points, one.mapping.value]


def _further(found: Transcribed) -> list[list[str]]:
    left = found.unmapped_count - len(found.unmapped)
    return [["", "", "", "", "", f"{FURTHER} {left}"]] if left else []


def _pieces(source: IO[bytes], encoding: str) -> Iterator[tuple[bytes, str]]:
    """Lines, and parts of very long ones, as bytes and as text; none ends within a character.

    A byte of a line's end is never part of a longer character in any of these encodings.
    """
    carried = b""
    while piece := source.readline(PIECE_BYTES):
        piece, carried = carried + piece, b""
        decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
        text = decoder.decode(piece)
        carried = decoder.getstate()[0]
        yield piece[: len(piece) - len(carried)], text
    if carried:
        yield carried, carried.decode(encoding, "surrogateescape")


def _unmapped(piece: bytes, encoding: str, offset: int, line: int) -> Iterator[Unmapped]:
    """Character by character, where a piece holds anything to tell."""
    at = 0
    while at < len(piece):
        length, text = _character(piece, at, encoding)
        written = piece[at : at + length]
        mapping = _mapping(written, text, encoding)
        if mapping is not None:
            yield Unmapped(offset + at, line, written, "\ufffd" if mapping is Mapping.NONE else text, mapping)
        at += length


def _character(piece: bytes, at: int, encoding: str) -> tuple[int, str]:
    for length in range(1, _LONGEST_CHARACTER_BYTES + 1):
        try:
            return length, piece[at : at + length].decode(encoding)
        except UnicodeDecodeError:
            continue
    return 1, piece[at : at + 1].decode("ascii", "surrogateescape")


def _mapping(written: bytes, text: str, encoding: str) -> Mapping | None:
    if _LOST.match(text):
        return Mapping.NONE
    if _PRIVATE.match(text):
        return Mapping.PRIVATE
    return None if _comes_back(text, written, encoding) else Mapping.ONE_WAY


def _comes_back(text: str, piece: bytes, encoding: str) -> bool:
    """Whether a text would be written with the very bytes it was read from."""
    try:
        return text.encode(encoding, "surrogateescape") == piece
    except UnicodeEncodeError:
        return False


def main(arguments: Sequence[str]) -> int:
    """Convert files, and say how it ended by the exit status."""
    encoding, folder, *files = arguments
    return each_of(files, Path(folder), partial(convert, encoding))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
