"""Tag files: bagit.txt and bag-info.txt (RFC 8493, 2.1.1 and 2.2.2) written and read."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from preserve.bags.text import known_encoding, lines
from preserve.errors import Refused

BAGIT_TXT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
"""The declaration of every bag we write."""

Version = tuple[int, int]

KNOWN_VERSIONS: tuple[Version, ...] = ((0, 93), (0, 94), (0, 95), (0, 96), (0, 97), (1, 0))
FIRST_WITH_BAG_INFO: Version = (0, 96)
"""Earlier bags call it package-info.txt."""
STRICT: Version = (1, 0)
MOST_ELEMENTS = 100_000
"""Elements of bag-info.txt that are read; they are held in memory."""

_DECLARATION_BYTES = 4096
"""Longest bagit.txt that is read."""
_VERSION = re.compile(r"BagIt-Version(\s*):(\s*)([0-9]+)\.([0-9]+)(\s*)", re.IGNORECASE)
_ENCODING = re.compile(r"Tag-File-Character-Encoding(\s*):(\s*)([A-Za-z0-9._:+-]+)(\s*)", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")
_OXUM = re.compile(r"([0-9]{1,20})\.([0-9]{1,20})")
_BAD_LABEL = re.compile(r"[:\r\n]|^\s|\s$")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What bagit.txt says.  `untidy` names what RFC 8493 forbids and earlier drafts let pass:
    `spacing`, `case`, `more-lines`, `no-line-end`."""

    version: Version
    encoding: str
    untidy: tuple[str, ...] = ()


class DeclarationError(ValueError):
    """bagit.txt cannot be used; `reason` is one of `bom`, `not-utf8`, `version`, `encoding`, `unknown-encoding`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_declaration(file: io.BufferedReader) -> Declaration:
    """Parse bagit.txt; what is wrong but understandable is told in `untidy`.  Raises `DeclarationError`."""
    data = file.read(_DECLARATION_BYTES)
    if data.startswith(b"\xef\xbb\xbf"):
        raise DeclarationError("bom")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise DeclarationError("not-utf8") from error
    written = _LINE_END.split(text)
    version = _VERSION.fullmatch(written[0])
    if version is None:
        raise DeclarationError("version")
    encoding = _ENCODING.fullmatch(written[1]) if len(written) > 1 else None
    if encoding is None:
        raise DeclarationError("encoding")
    known = known_encoding(encoding[3])
    if known is None:
        raise DeclarationError("unknown-encoding")
    return Declaration((int(version[3]), int(version[4])), known, tuple(_untidy(written, version, encoding)))


def _untidy(written: list[str], version: re.Match[str], encoding: re.Match[str]) -> Iterator[str]:
    spaces = [(match[1], match[2], match.groups()[-1]) for match in (version, encoding)]
    if any(found != ("", " ", "") for found in spaces):
        yield "spacing"
    if not (written[0].startswith("BagIt-Version") and written[1].startswith("Tag-File-Character-Encoding")):
        yield "case"
    if any(rest.strip() for rest in written[2:]):
        yield "more-lines"
    if len(written) == 2:
        yield "no-line-end"


@dataclass(frozen=True, slots=True)
class Element:
    """One element of bag-info.txt, as it stands there: elements may repeat, and their order is kept."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class MalformedLine:
    """A line of bag-info.txt that is no element: `reason` is `no-colon` or `spacing` (wrong from BagIt 1.0 on)."""

    number: int
    reason: str


def read_elements(file: io.BufferedReader, encoding: str) -> Iterator[Element | MalformedLine]:
    """The elements of bag-info.txt in their order; a continued line is joined by one space.

    An element with wrong spacing around its colon comes out too, after the `MalformedLine` that says so.
    Raises `MalformedTextError`.
    """
    label: str | None = None
    parts: list[str] = []
    for number, text in enumerate(lines(file, encoding), 1):
        if not text.strip():
            continue
        if text[0] in " \t" and label is not None:
            parts.append(text.strip(" \t"))
            continue
        if label is not None:
            yield Element(label, " ".join(parts))
            label = None
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            yield MalformedLine(number, "no-colon")
            continue
        if name != name.strip() or (value and value[0] not in " \t"):
            yield MalformedLine(number, "spacing")
        label, parts = name.strip(), [value.strip(" \t")]
    if label is not None:
        yield Element(label, " ".join(parts))


def write_elements(elements: Iterable[Element]) -> bytes:
    """bag-info.txt in UTF-8, one element a line, in the order given; the same elements give the same bytes.

    Lines are not folded: no reader needs it, and one widespread reader keeps the line end inside the value.  A value
    cannot hold a line end, and blanks at either end would not survive reading: such a value is refused, not changed.
    Raises `Refused`.
    """
    return "".join(_written(element) for element in elements).encode()


def _written(element: Element) -> str:
    if not element.label or _BAD_LABEL.search(element.label):
        raise Refused(
            "{label} cannot be an element of bag-info.txt: no colon, line end, or blank at either end is allowed",
            label=repr(element.label),
        )
    if _LINE_END.search(element.value) or element.value != element.value.strip(" \t") or not element.value:
        raise Refused(
            "{value} cannot be the value of {label} in bag-info.txt: it is empty, has a line end or a blank at an end",
            value=repr(element.value),
            label=element.label,
        )
    return f"{element.label}: {element.value}\n"


@dataclass(frozen=True, slots=True)
class Oxum:
    """Payload-Oxum: how many bytes and how many files the payload has."""

    octets: int
    streams: int

    def __str__(self) -> str:
        return f"{self.octets}.{self.streams}"


def oxum_of(value: str) -> Oxum | None:
    """The value of Payload-Oxum parsed, or None where it is malformed."""
    match = _OXUM.fullmatch(value)
    return Oxum(int(match[1]), int(match[2])) if match else None


def values_of(elements: Sequence[Element], label: str) -> tuple[str, ...]:
    """All values of `label` in their order; reserved labels are case-insensitive (RFC 8493, 2.2.2)."""
    wanted = label.casefold()
    return tuple(element.value for element in elements if element.label.casefold() == wanted)
