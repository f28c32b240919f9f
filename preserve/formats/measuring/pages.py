"""How pages look: drawn small and grey on both sides by PDFium, page by page, and held against each other.

Pages are compared where there is something on either of them.  On paper alone any two pages are alike: averaged over
whole pages, two neighbouring pages of text came to a structural similarity of 0.9; where there is ink, to 0.64 at the
most (241 pages of 22 real PDFs), while the same page out of Ghostscript had more than 0.9 in 95 cases of 100.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pypdfium2
from PIL import Image

from preserve.model.formats.file_results import Picture
from preserve.model.formats.properties import PageFace
from preserve.model.phrases import phrase

Grey = np.ndarray[tuple[int, int], np.dtype[np.uint8]]
Sums = np.ndarray[tuple[int, int], np.dtype[np.float64]]

SMALL = 0.5
"""Pixels a point (1/72 inch): at twice as many no swapped page looks any less alike, and drawing costs a third more."""
LONGEST_PIXELS = 1000
PICTURE_PIXELS = 1000
"""The longer side of a page in a picture for people."""
INK = 224
"""What is darker than this, of 255, is no paper."""
SHOWN_FROM = 10
"""Per mille unlike: below that nobody sees a difference, and no picture is made."""
MOST_PAGES = 2000
NO_PAGES = phrase("there are no pages to look at: nothing here draws such a file, or the drawing failed")
UNREADABLE = phrase("PDFium does not open it")
TOO_MANY = phrase("it has more pages than are looked at one by one")
_PAPER = 255
_HALF = 4
"""Windows of 8 by 8 pixels, each half over the next, as x264 and FFmpeg measure it."""
_STEADY = (0.01 * _PAPER) ** 2, (0.03 * _PAPER) ** 2
"""C1 and C2 of Wang et al. (2004)."""
_PLAIN_VARIANCE, _PLAIN_SHADE = 4.0, 2.0
"""A window is paper alone where shades vary less than that on both sides, and are as light."""


@dataclass(frozen=True, slots=True)
class Faces:
    """How the pages of both sides look, or why nobody can say; with pictures of those that differ most."""

    before: tuple[PageFace, ...] | str
    after: tuple[PageFace, ...] | str
    pictures: tuple[Picture, ...] = ()


def faces_of(before: Path | None, after: Path | None, out: Path, prefix: str, most_pictures: int) -> Faces:
    """Hold the pages of two PDFs against each other; pictures become files in `out` whose names begin with `prefix`."""
    with ExitStack() as stack:
        sides = [_opened(path, stack) for path in (before, after)]
        one, two = sides
        if isinstance(one, str) or isinstance(two, str):
            why = one if isinstance(one, str) else str(two)
            return Faces(why, why)
        left, right = [], []
        for old, new in zip_longest(_drawn(one), _drawn(two)):
            left += [PageFace(ink(old))] if old is not None else []
            right += [PageFace(ink(new), likeness(old, new) if old is not None else None)] if new is not None else []
        pictures = _pictures(one, two, _most_unlike(left, right, most_pictures), out, prefix)
        return Faces(tuple(left), tuple(right), pictures)


def ink(page: Grey) -> int:
    """How much of a page is not paper, per mille, rounded up: a dot is something."""
    return -(-1000 * int(np.count_nonzero(page < INK)) // page.size)


def likeness(one: Grey, two: Grey) -> int:
    """The structural similarity of two pages where there is anything on either, per mille; unlike ones at 0.

    They are laid upon each other at the upper left corner; beyond the smaller one there is paper.
    """
    height, width = (max(one.shape[at], two.shape[at], 2 * _HALF) for at in (0, 1))
    a, b = (_on_paper(each, height, width) for each in (one, two))
    size = (2 * _HALF) ** 2
    mean_a, mean_b = _windows(a) / size, _windows(b) / size
    vary_a, vary_b = _windows(a * a) / size - mean_a**2, _windows(b * b) / size - mean_b**2
    together = _windows(a * b) / size - mean_a * mean_b
    c1, c2 = _STEADY
    alike = (2 * mean_a * mean_b + c1) * (2 * together + c2)
    alike /= (mean_a**2 + mean_b**2 + c1) * (vary_a + vary_b + c2)
    seen = (vary_a > _PLAIN_VARIANCE) | (vary_b > _PLAIN_VARIANCE) | (abs(mean_a - mean_b) > _PLAIN_SHADE)
    return max(0, round(1000 * float(alike[seen].mean()))) if seen.any() else 1000


def _on_paper(page: Grey, height: int, width: int) -> Sums:
    """A page on a sheet of this size, whose sides are made up to whole half windows."""
    sheet = np.full((-(-height // _HALF) * _HALF, -(-width // _HALF) * _HALF), float(_PAPER))
    sheet[: page.shape[0], : page.shape[1]] = page
    return sheet


def _windows(values: Sums) -> Sums:
    """The sum of each window."""
    rows, columns = values.shape
    halves = values.reshape(rows // _HALF, _HALF, columns // _HALF, _HALF).sum(axis=(1, 3))
    found: Sums = halves[:-1, :-1] + halves[1:, :-1] + halves[:-1, 1:] + halves[1:, 1:]
    return found


def _opened(path: Path | None, stack: ExitStack) -> pypdfium2.PdfDocument | str:
    """A PDF, or why its pages cannot be looked at."""
    if path is None:
        return NO_PAGES
    try:
        opened = stack.enter_context(pypdfium2.PdfDocument(path))
        opened.init_forms()
    except pypdfium2.PdfiumError:
        return UNREADABLE
    return opened if len(opened) <= MOST_PAGES else TOO_MANY


def _drawn(pdf: pypdfium2.PdfDocument) -> Iterator[Grey]:
    """Each page, small and grey.  One that PDFium cannot load is wholly black: like nothing that was written."""
    for number in range(len(pdf)):
        try:
            page = pdf[number]
        except pypdfium2.PdfiumError:
            yield np.zeros((2 * _HALF, 2 * _HALF), np.uint8)
            continue
        scale = min(SMALL, LONGEST_PIXELS / max(*page.get_size(), 1.0))
        yield page.render(scale=scale, grayscale=True).to_numpy()
        page.close()


def _most_unlike(before: list[PageFace], after: list[PageFace], most: int) -> list[int]:
    """The numbers, from 0, of the pages that differ most and so that it is seen, the worst first."""
    badness = [
        1001 if old is None or new is None or new.likeness is None else 1000 - new.likeness
        for old, new in zip_longest(before, after)
    ]
    differing = (number for number, unlike in enumerate(badness) if unlike >= SHOWN_FROM)
    return sorted(differing, key=lambda number: -badness[number])[:most]


def _pictures(
    before: pypdfium2.PdfDocument, after: pypdfium2.PdfDocument, pages: list[int], out: Path, prefix: str
) -> tuple[Picture, ...]:
    made = []
    for number in pages:
        names = [
            _picture(pdf, number, out, f"{prefix}page-{number + 1}-{side}.png")
            for pdf, side in ((before, "before"), (after, "after"))
        ]
        made.append(Picture(number + 1, *names))
    return tuple(made)


def _picture(pdf: pypdfium2.PdfDocument, number: int, out: Path, name: str) -> str:
    """Draw one page for people, in colour; "" where there is no such page."""
    try:
        page = pdf[number]
    except (IndexError, pypdfium2.PdfiumError):
        return ""
    drawn = page.render(scale=PICTURE_PIXELS / max(*page.get_size(), 1.0)).to_pil()
    drawn.quantize(64, Image.Quantize.FASTOCTREE).save(out / name, compress_level=1)
    return name
