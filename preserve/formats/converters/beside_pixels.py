"""Write into a PNG or a JP2 what stands beside its pixels: resolution, colour profile, EXIF, XMP, a comment.

libvips writes pixels truly, and of the rest not all: no profile and no resolution into JP2, 1000 dots a metre into PNG
where nobody knows (measured with 8.14).  So all of it is ours.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import IO

PNG_BEGIN = b"\x89PNG\r\n\x1a\n"
_KEPT_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
PIECE_BYTES = 1024 * 1024
XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
EXIF_BOX = b"JpgTiffExif->JP2"
LARGEST_DENSITY = 2**31 - 1
LARGEST_RATIO = 65_535


class Target(StrEnum):
    """What is written."""

    PNG = "png"
    JP2 = "jp2"


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the pixels of a page; empty where there is none.  `dots` are those per inch, across and
    down; `exif` is a TIFF structure without a prefix, or with the one of JPEG."""

    dots: tuple[Fraction, Fraction] | None
    profile: bytes
    exif: bytes
    xmp: bytes
    comment: bytes

    @property
    def exif_structure(self) -> bytes:
        return self.exif.removeprefix(b"Exif\0\0")


def finished(target: Target, made: Path, beside: Beside, final: Path) -> None:
    """Write `final`: the pixels of `made`, and what stands beside them.  Raises `ValueError` where `made` is not
    what it is taken for."""
    with made.open("rb") as source, final.open("xb") as into:
        (_png if target is Target.PNG else _jp2)(source, into, beside)


def _png(source: IO[bytes], into: IO[bytes], beside: Beside) -> None:
    """ISO/IEC 15948, clause 11: iCCP and pHYs before the pixels, iTXt and eXIf (its third edition) after them."""
    if source.read(8) != PNG_BEGIN:
        raise ValueError("no PNG")
    into.write(PNG_BEGIN)
    for kind, content in _chunks(source):
        if kind not in _KEPT_CHUNKS:
            continue
        into.write(_chunk(kind, content))
        if kind == b"IHDR":
            if beside.profile:
                into.write(_chunk(b"iCCP", b"icc\0\0" + zlib.compress(beside.profile)))
            if beside.dots is not None:
                across, down = (min(round(each * 10_000 / 254), LARGEST_DENSITY) for each in beside.dots)
                into.write(_chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if beside.xmp:
        into.write(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + beside.xmp))
    if beside.comment:
        text = beside.comment.decode("utf-8", "replace").encode()
        into.write(_chunk(b"iTXt", b"comment\0\0\0\0\0" + text))
    if beside.exif:
        into.write(_chunk(b"eXIf", beside.exif_structure))
    into.write(_chunk(b"IEND", b""))


def _chunks(source: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    while head := source.read(8):
        length, kind = struct.unpack(">I4s", head)
        content = source.read(length)
        source.read(4)
        yield kind, content


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _jp2(source: IO[bytes], into: IO[bytes], beside: Beside) -> None:
    """ISO/IEC 15444-1, annex I: the header box anew with its colours and resolution, the codestream as it is, then
    EXIF and XMP in boxes of their makers."""
    for kind, start, length in _boxes(source):
        source.seek(start)
        if kind == b"jp2h":
            into.write(_header(source.read(length), beside))
        elif kind == b"jp2c":
            into.write(struct.pack(">I4sQ", 1, b"jp2c", length + 16))
            _copy(source, into, length)
        else:
            into.write(_box(kind, source.read(length)))
    if beside.exif:
        into.write(_box(b"uuid", EXIF_BOX + beside.exif_structure))
    if beside.xmp:
        into.write(_box(b"uuid", XMP_BOX + beside.xmp))


def _header(content: bytes, beside: Beside) -> bytes:
    made = b""
    at = 0
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        if kind == b"colr" and beside.profile:
            made += _box(b"colr", b"\x02\0\0" + beside.profile)
        else:
            made += content[at : at + length]
        at += length
    if beside.dots is not None:
        made += _box(b"res ", _box(b"resc", _resolution(beside.dots)))
    return _box(b"jp2h", made)


def _resolution(dots: tuple[Fraction, Fraction]) -> bytes:
    """Dots per metre as ratios with a power of ten: exact for every whole number of dots per inch."""
    (up, up_by, up_ten), (across, across_by, across_ten) = (_ratio(each * 5 / 127) for each in reversed(dots))
    return struct.pack(">HHHHbb", up, up_by, across, across_by, up_ten, across_ten)


def _ratio(value: Fraction) -> tuple[int, int, int]:
    """A value of thousands as numerator, denominator (each of 16 bits, not 0) and a power of ten."""
    ten = 3
    while value > LARGEST_RATIO:
        value, ten = value / 10, ten + 1
    near = value.limit_denominator(LARGEST_RATIO)
    while near.numerator > LARGEST_RATIO:
        near = value.limit_denominator(near.denominator // 2)
    return max(1, near.numerator), near.denominator, ten


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def _boxes(source: IO[bytes]) -> list[tuple[bytes, int, int]]:
    """Boxes of the file: kind, where their content begins, and how long it is."""
    end = source.seek(0, 2)
    at, found = 0, []
    while at < end:
        source.seek(at)
        length, kind = struct.unpack(">I4s", source.read(8))
        start = at + 8
        if length == 1:
            length, start = struct.unpack(">Q", source.read(8))[0], at + 16
        length = length or end - at
        found.append((kind, start, at + length - start))
        at += length
    return found


def _copy(source: IO[bytes], into: IO[bytes], length: int) -> None:
    while length and (piece := source.read(min(length, PIECE_BYTES))):
        into.write(piece)
        length -= len(piece)
