"""Pictures of pictures: each page of a scan or photograph, before and after, small, side by side, for people.

Whether they are the same to the bit is measured apart (`measuring.pictures`); what is drawn here proves nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from preserve.formats.measuring.pages import ALIKE_PIXELS, Drawn, likeness, save_small
from preserve.formats.measuring.pictures import MOST_PIXELS
from preserve.formats.measuring.side import Side
from preserve.model.formats.file_results import Picture
from preserve.opening.pictures import FAULTS

_DEEP = ("I", "F")
"""Modes of Pillow whose values do not end at 255; `I;16` and its kin begin with the first."""


def picture_faces(before: Side, after: Side, out: Path, prefix: str, most: int) -> tuple[Picture, ...]:
    """The first `most` pages of both sides as files in `out` whose names begin with `prefix`.

    A page that cannot be drawn, or is larger than is measured, has no picture on that side.
    """
    Image.MAX_IMAGE_PIXELS = None  # we have a bound of our own
    sides = zip_longest(islice(_pages(before), most), islice(_pages(after), most))
    return tuple(_laid(number, old, new, out, prefix) for number, (old, new) in enumerate(sides, 1))


def _laid(number: int, before: Image.Image | None, after: Image.Image | None, out: Path, prefix: str) -> Picture:
    name = f"{prefix}page-{number}"
    old = "" if before is None else save_small(before, out / f"{name}-before.png")
    new = "" if after is None else save_small(after, out / f"{name}-after.png")
    if before is None or after is None:
        return Picture(number, old, new, 1000)
    return Picture(number, old, new, 1000 - likeness(_drawn(before), _drawn(after)))


def _drawn(page: Image.Image) -> Drawn:
    return np.asarray(page)[..., ::-1]


def _pages(side: Side) -> Iterator[Image.Image | None]:
    """Pages, small and upright: of one file that has several, or of several files in their order."""
    for file in side.files:
        with file.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with Image.open(stream) as image:
                    for number in range(getattr(image, "n_frames", 1)):
                        image.seek(number)
                        yield _small(image)
            except (*FAULTS, MemoryError):
                yield None


def _small(image: Image.Image) -> Image.Image | None:
    if image.width * image.height > MOST_PIXELS:
        return None
    shown = ImageOps.exif_transpose(image)
    shown.thumbnail((ALIKE_PIXELS, ALIKE_PIXELS))
    return _shallow(shown).convert("RGB")


def _shallow(image: Image.Image) -> Image.Image:
    """Values of more than 8 bits as 8: Pillow would cut off what is above 255."""
    if not image.mode.startswith(_DEEP):
        return image
    values = np.asarray(image, np.float64)
    least, most = float(values.min()), float(values.max())
    return Image.fromarray((255 * (values - least) / max(most - least, 1e-9)).astype(np.uint8))
