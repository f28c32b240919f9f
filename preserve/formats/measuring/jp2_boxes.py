"""Read what the boxes of a JP2 say of its picture: ISO/IEC 15444-1, annex I (the title stands, the text was not read;
the layout as OpenJPEG and jpylyzer read it)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MOST_BOXES = 1000
LARGEST_BOX_BYTES = 64 * 1024 * 1024
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
EXIF = b"JpgTiffExif->JP2"
_INCHES_PER_METRE = 254
_PER = 10_000


@dataclass(frozen=True, slots=True)
class Jp2Header:
    """What a JP2 says of its picture.  `bits` is 0 where channels differ; `dots` are those per inch, across and down, 0
    where it does not say."""

    width: int
    height: int
    channels: int
    bits: int
    profile: bytes
    dots: tuple[int, int]
    exif: bytes
    xmp: bytes


def header(file: Path) -> Jp2Header | None:
    """What the boxes of a JP2 say; None where they do not hold together."""
    picture: tuple[int, int, int, int] | None = None
    profile, dots, exif, xmp = b"", (0, 0), b"", b""
    with file.open("rb") as stream:
        try:
            for kind, content in _all_boxes(stream):
                if kind == b"ihdr":
                    height, width, channels, depth = struct.unpack(">IIHB", content[:11])
                    picture = (width, height, channels, 0 if depth == 255 else (depth & 127) + 1)
                elif kind == b"colr" and content[0] in (2, 3):
                    profile = content[3:]
                elif kind == b"resc":
                    dots = _dots(content)
                elif kind == b"uuid" and content.startswith(XMP):
                    xmp = content[16:]
                elif kind == b"uuid" and content.startswith(EXIF):
                    exif = content[16:]
        except (struct.error, IndexError, ValueError):
            return None
    return None if picture is None else Jp2Header(*picture, profile, dots, exif, xmp)


def _all_boxes(stream: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Boxes of the file, and those within the header and the resolution; the codestream is passed over."""
    stream.seek(0, 2)
    end = stream.tell()
    yield from _boxes(stream, 0, end, MOST_BOXES)


def _boxes(stream: IO[bytes], at: int, end: int, left: int) -> Iterator[tuple[bytes, bytes]]:
    while at + 8 <= end and left:
        left -= 1
        stream.seek(at)
        length, kind = struct.unpack(">I4s", stream.read(8))
        start = at + 8
        if length == 1:
            length, start = struct.unpack(">Q", stream.read(8))[0], at + 16
        elif length == 0:
            length = end - at
        if length < start - at or at + length > end:
            raise ValueError("a box reaches out of its place")
        if kind in (b"jp2h", b"res "):
            yield from _boxes(stream, start, at + length, left)
        elif kind != b"jp2c":
            if at + length - start > LARGEST_BOX_BYTES:
                raise ValueError("a box is larger than any that is known")
            stream.seek(start)
            yield kind, stream.read(at + length - start)
        at += length


def _dots(content: bytes) -> tuple[int, int]:
    """Dots per inch, across and down, of a resolution in dots per metre."""
    up, up_by, across, across_by, up_ten, across_ten = struct.unpack(">HHHHbb", content[:10])
    metre_across, metre_down = (
        (above * 10.0**tens / below) if below else 0.0
        for above, below, tens in ((across, across_by, across_ten), (up, up_by, up_ten))
    )
    return round(metre_across * _INCHES_PER_METRE / _PER), round(metre_down * _INCHES_PER_METRE / _PER)
