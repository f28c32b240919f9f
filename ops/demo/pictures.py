"""Small pictures: PNG (ISO/IEC 15948), baseline JPEG (ITU-T T.81) and TIFF 6.0, from a function of x and y."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

Grey = Callable[[int, int], int]
"""Brightness 0..255 at (x, y)."""
Colour = Callable[[int, int], tuple[int, int, int]]
"""Red, green and blue at (x, y)."""

_STORED_BLOCK = 65_535


def png(width: int, height: int, colour: Colour) -> bytes:
    """True colour, stored without compression so that every zlib gives the same bytes."""
    rows = b"".join(b"\0" + b"".join(bytes(colour(x, y)) for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", _zlib_stored(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _zlib_stored(content: bytes) -> bytes:
    """RFC 1950 around stored blocks of RFC 1951."""
    pieces = [content[start : start + _STORED_BLOCK] for start in range(0, len(content), _STORED_BLOCK)]
    blocks = [
        struct.pack("<BHH", number == len(pieces), len(piece), len(piece) ^ 0xFFFF) + piece
        for number, piece in enumerate(pieces, 1)
    ]
    return b"\x78\x01" + b"".join(blocks) + struct.pack(">I", zlib.adler32(content))


def tiff(width: int, height: int, pixels: bytes) -> bytes:
    """Eight-bit grey, one uncompressed strip, 300 dots per inch; `pixels` row by row."""
    short, long, fraction = 3, 4, 5
    entries = [
        (256, long, width),
        (257, long, height),
        (258, short, 8),
        (259, short, 1),
        (262, short, 1),
        (273, long, 0),
        (277, short, 1),
        (278, long, height),
        (279, long, len(pixels)),
        (282, fraction, 0),
        (283, fraction, 0),
        (296, short, 2),
    ]
    after = 8 + 2 + 12 * len(entries) + 4
    places = {273: after + 8, 282: after, 283: after}
    table = b"".join(struct.pack("<HHII", tag, kind, 1, places.get(tag, value)) for tag, kind, value in entries)
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + table + bytes(4) + struct.pack("<II", 300, 1) + pixels


# T.81 table K.3: codes for the sizes 0..11 of differences between neighbouring blocks.
_SIZE_COUNTS = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
_SIZES = bytes(range(12))


def jpeg(blocks_across: int, blocks_down: int, grey: Grey) -> bytes:
    """Grey, as a mosaic of squares of 8 x 8 pixels, each of one brightness: only DC coefficients are needed."""
    frame = struct.pack(">BHHB3B", 8, 8 * blocks_down, 8 * blocks_across, 1, 1, 0x11, 0)
    end_of_block_only = bytes([1] + [0] * 15) + b"\0"
    segments = (
        (0xE0, b"JFIF\0\1\1\1\0\x48\0\x48\0\0"),
        (0xDB, b"\0" + b"\1" * 64),
        (0xC0, frame),
        (0xC4, b"\x00" + _SIZE_COUNTS + _SIZES),
        (0xC4, b"\x10" + end_of_block_only),
        (0xDA, b"\1\1\0\0\x3f\0"),
    )
    head = b"".join(struct.pack(">BBH", 0xFF, mark, len(content) + 2) + content for mark, content in segments)
    bits = "".join(_block_bits([grey(x, y) for y in range(blocks_down) for x in range(blocks_across)]))
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return b"\xff\xd8" + head + data + b"\xff\xd9"


def _block_bits(brightness: list[int]) -> Iterator[str]:
    codes = _huffman_codes()
    before = 0
    for value in brightness:
        coefficient = 8 * (value - 128)
        difference, before = coefficient - before, coefficient
        size = abs(difference).bit_length()
        low = difference if difference >= 0 else difference + (1 << size) - 1
        yield codes[size] + (format(low, f"0{size}b") if size else "") + "0"


def _huffman_codes() -> list[str]:
    """T.81 annex C: codes in order of length."""
    codes, code = [], 0
    for length, count in enumerate(_SIZE_COUNTS, 1):
        for _ in range(count):
            codes.append(format(code, f"0{length}b"))
            code += 1
        code <<= 1
    return codes
