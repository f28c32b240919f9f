"""What is measured of texts in older encodings, and of the UTF-8 made of them.

The original is read by iconv's tables and converted by Python's: where the two differ, somebody has to decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from preserve.formats.converters import text as converter
from preserve.formats.converters.csv_schema import TableError, read_csv
from preserve.formats.measuring.other_tables import NoTableError, recoded
from preserve.formats.measuring.side import Side
from preserve.model.formats.encodings import family, reads_as
from preserve.model.formats.properties import Measured, Property, Value
from preserve.model.phrases import phrase

LARGEST_TEXT_BYTES = 64 * 1024 * 1024
PIECE_BYTES = 1024 * 1024
NO_ICONV = phrase("the C library has no table for this encoding: nothing else reads the text than what converted it")
NO_UTF8 = phrase("it is no UTF-8")
TOO_LONG = phrase("the text is too long to be compared")
NO_LIST = phrase("the list of characters that did not come over is no table")
REVERSIBLE = ("gb18030", "gbk")


class _Unmeasured(Exception):  # noqa: N818 - it becomes a reason, and no error
    """Why a property cannot be told."""


def measure(side: Side, wanted: frozenset[Property]) -> Measured:
    """All of `wanted` that there is of a text (`preserve.formats.measuring.side`)."""
    encoding = side.encodings[0] if side.encodings else "utf-8"
    of = _of_result if side.is_result else _of_original
    values: dict[Property, Value] = {}
    failed: dict[Property, str] = {}
    for name, tell in of(side, encoding).items():
        if name in wanted:
            try:
                values[name] = tell()
            except _Unmeasured as why:
                failed[name] = str(why)
    return Measured(values, failed)


def _of_original(side: Side, encoding: str) -> Mapping[Property, Callable[[], Value]]:
    file = side.files[0]
    return {
        Property.TEXT: lambda: _by_iconv(file, encoding),
        Property.BYTES_BACK: lambda: _digest(file) if encoding in REVERSIBLE else _digest_there(file, encoding),
        Property.ENCODING: lambda: reads_as(_head(file), encoding),
        Property.UNMAPPED: lambda: _unmapped(file, encoding),
    }


def _of_result(side: Side, encoding: str) -> Mapping[Property, Callable[[], Value]]:
    texts = [file for file in side.files if not file.name.endswith(converter.LIST_ENDING)]
    lists = [file for file in side.files if file.name.endswith(converter.LIST_ENDING)]
    return {
        Property.TEXT: lambda: _utf8(texts[0]),
        Property.BYTES_BACK: lambda: _digest_back(texts[0], encoding) if encoding in REVERSIBLE else _digest(texts[0]),
        Property.ENCODING: lambda: family(encoding),
        Property.UNMAPPED: lambda: _listed(lists),
    }


def _head(file: Path) -> bytes:
    with file.open("rb") as content:
        return content.read(PIECE_BYTES)


def _utf8(file: Path) -> str:
    if file.stat().st_size > LARGEST_TEXT_BYTES:
        raise _Unmeasured(TOO_LONG)
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Unmeasured(NO_UTF8) from error


def _by_iconv(file: Path, encoding: str) -> str:
    """A text by other tables than it was converted by; bytes that mean nothing are missing there, and so differ."""
    return _recoded(file, encoding, "utf-8").decode("utf-8", "replace")


def _digest_there(file: Path, encoding: str) -> str:
    """The digest of what other tables make of a text, where no way leads back: Big5 has characters with two codes."""
    return hashlib.sha256(_recoded(file, encoding, "utf-8")).hexdigest()


def _digest_back(file: Path, encoding: str) -> str:
    """The digest of what a text was before, if it is what it was."""
    return hashlib.sha256(_recoded(file, "utf-8", encoding)).hexdigest()


def _recoded(file: Path, of: str, to: str) -> bytes:
    if file.stat().st_size > LARGEST_TEXT_BYTES:
        raise _Unmeasured(TOO_LONG)
    try:
        return recoded(file.read_bytes(), of, to)
    except NoTableError as error:
        raise _Unmeasured(NO_ICONV) from error


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _unmapped(file: Path, encoding: str) -> dict[str, str]:
    """Where bytes of the original mean nothing, nothing certain, or would be written otherwise today."""
    with file.open("rb") as source:
        found = converter.transcribe(source, lambda _: None, encoding)
    told = {_place(str(each.offset), str(each.line)): each.bytes.hex(" ").upper() for each in found.unmapped}
    left = found.unmapped_count - len(found.unmapped)
    return {**told, **({converter.FURTHER: "?"} if left else {})}


def _listed(lists: list[Path]) -> dict[str, str]:
    """What the converter's list says that these became."""
    try:
        return dict(entry for file in lists for entry in _entries(file))
    except (TableError, ValueError) as error:
        raise _Unmeasured(NO_LIST) from error


def _entries(file: Path) -> Iterator[tuple[str, str]]:
    lines = read_csv(file)
    if next(lines, None) != converter.LIST_HEADER:
        raise TableError(file.name)
    for offset, line, _, text, points, mapping in lines:
        yield (_place(offset, line), f"{text} {points} ({mapping})") if offset else (converter.FURTHER, mapping)


def _place(offset: str, line: str) -> str:
    return f"byte {offset}, line {line}"
