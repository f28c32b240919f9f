"""Decode a picture to its last pixel: half a picture is none."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageFile, ImageSequence, UnidentifiedImageError

FAULTS = (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, struct.error)
"""What Pillow raises over broken pictures."""


def decode_whole(source: Path | BinaryIO) -> None:
    """Decode every frame of a picture.

    Raises `UnidentifiedImageError` for what is no picture that Pillow knows, `Image.DecompressionBombError` for one
    with more pixels than are decoded, one of `FAULTS` for one that is broken or ends early.
    """
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # libraries (WeasyPrint) switch it on for all of a process
    with Image.open(source) as picture:
        for frame in ImageSequence.Iterator(picture):
            frame.load()


def is_torn(content: bytes) -> bool:
    """Whether this is a picture that Pillow knows, and cannot be decoded to its end."""
    try:
        decode_whole(BytesIO(content))
    except UnidentifiedImageError:
        return False
    except (*FAULTS, Image.DecompressionBombError):
        return True
    return False
