"""Pictures in the drawings of Office 97-2003 ([MS-ODRAW])."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_STORED, _CONTAINER = 0xF007, 0xF
_RASTER_KINDS = (5, 6, 7, 0x11, 0x12)
"""JPEG, PNG, DIB, TIFF, JPEG in CMYK (2.4.1 MSOBLIPTYPE); EMF, WMF and PICT are drawings."""
_RASTER_BLIPS = (0xF01D, 0xF01E, 0xF01F, 0xF029, 0xF02A)


def picture_digests(art: bytes) -> Iterator[bytes]:
    """The digests by which drawings name their pictures of pixels (2.2.32 and 2.2.23), those in use."""
    at = 0
    while at + 8 <= len(art):
        version, kind, length = struct.unpack_from("<HHI", art, at)
        body = at + 8
        if kind == _STORED and body + 28 <= len(art):
            if art[body] in _RASTER_KINDS and struct.unpack_from("<I", art, body + 24)[0]:
                yield art[body + 2 : body + 18]
            at = body + length
        elif kind in _RASTER_BLIPS:
            yield art[body : body + 16]
            at = body + length
        elif version & 0xF == _CONTAINER:
            at = body  # what is in it follows
        else:
            at = body + length
