"""libvips: pictures to PNG or to lossless JPEG 2000 (ISO/IEC 15444-1), row by row, whatever their size."""

from __future__ import annotations

from pathlib import Path

from preserve.formats.sandbox import Order

PROGRAM = "vips"
VERSION = ("--version",)


def to_png(picture: Path, ending: str, version: str = "") -> Order:
    """The first page of a picture, with its colour profile."""
    return Order(PROGRAM, ("copy", "{input}", "{output}/image.png"), ((picture, ending),), version=version)


def to_jpeg_2000(picture: Path, ending: str, version: str = "") -> Order:
    """Reversible wavelet: every sample comes back as it was."""
    arguments = ("jp2ksave", "{input}", "{output}/image.jp2", "--lossless")
    return Order(PROGRAM, arguments, ((picture, ending),), version=version)
