"""How pages look: drawn small on both sides by PDFium, page by page, and held against each other.

Pages are compared where there is something on either of them.  On paper alone any two pages are alike: averaged over
whole pages, two neighbouring pages of text came to a structural similarity of 0.9; where there is ink, to 0.64 at the
most (241 pages of 22 real PDFs), while the same page out of Ghostscript had more than 0.9 in 95 cases of 100.
Pictures on a page are compared each by itself as well: a small one that was lost or recoloured counts as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

import numpy as np
import pypdfium2
from PIL import Image

from preserve.formats.measuring.pdf_images import image_bounds
from preserve.model.formats.file_results import SEEN_FROM, Picture
from preserve.model.formats.properties import PageFace
from preserve.model.phrases import phrase

Drawn = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
"""Rows, columns, and blue, green, red."""
Seen = np.ndarray[tuple[int, ...], np.dtype[np.bool]]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""
Sums = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
"""Of pixels or windows, or of one sheet for each colour."""
Values = TypeVar("Values", Sums, Seen)

SMALL = 0.5
"""Pixels a point (1/72 inch): at twice as many no swapped page looks any less alike, and drawing costs a third more."""
LONGEST_PIXELS = 1000
PICTURE_PIXELS = 1000
"""The longer side of a page in a picture for people."""
ALIKE_PIXELS = 600
"""The same of one that is shown so that people see that nothing differs."""
INK = 224
"""What is darker than this, of 255, is no paper."""
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
_LUMA = (0.114, 0.587, 0.299)
"""Of blue, green and red (ITU-R BT.601)."""
_OTHER_COLOUR = 64.0
"""Windows whose mean colours are so far apart are not alike at all: half the way from grey to a full colour."""
_LEAST_PIXELS = 16
"""A picture on a page that is smaller on either side is compared with the page alone."""


@dataclass(frozen=True, slots=True)
class Faces:
    """How the pages of both sides look, or why nobody can say; with pictures of those that differ most."""

    before: tuple[PageFace, ...] | str
    after: tuple[PageFace, ...] | str
    pictures: tuple[Picture, ...] = ()


def faces_of(
    before: Path | None, after: Path | None, out: Path, prefix: str, most_pictures: int, *, shows_alike: bool = False
) -> Faces:
    """Hold the pages of two PDFs against each other.

    Pictures of the `most_pictures` pages that differ most become files in `out` whose names begin with `prefix`; of
    others, too, up to as many, where `shows_alike`.
    """
    with ExitStack() as stack:
        sides = [_opened(path, stack) for path in (before, after)]
        one, two = sides
        if isinstance(one, str) or isinstance(two, str):
            why = one if isinstance(one, str) else str(two)
            return Faces(why, why)
        left, right = [], []
        for old, new in zip_longest(_drawn(one), _drawn(two)):
            left += [PageFace(ink(old.face))] if old is not None else []
            if new is not None:
                right.append(PageFace(ink(new.face), _alike(old, new) if old is not None else None))
        unlike = unlikeness(left, right)
        shown = pages_to_show(unlike, most_pictures, shows_alike=shows_alike)
        pictures = tuple(_picture_of(one, two, number, unlike[number], out, prefix) for number in shown)
        return Faces(tuple(left), tuple(right), pictures)


def ink(face: Drawn) -> int:
    """How much of a page is not paper, per mille, rounded up: a dot is something."""
    darkest = np.minimum(np.minimum(face[..., 0], face[..., 1]), face[..., 2])  # min(axis=2) takes ten times as long
    return -(-1000 * int(np.count_nonzero(darkest < INK)) // darkest.size)


def likeness(one: Drawn, two: Drawn, pictures: Sequence[Box] = ()) -> int:
    """How alike two pages are where there is anything on either, per mille; the least of the whole and its `pictures`.

    That is their structural similarity, less where the colours differ.  The pages are laid upon each other at the
    upper left corner; beyond the smaller one there is paper.
    """
    if np.array_equal(one, two):
        return 1000  # most pages that are drawn twice by one program are
    height, width = (max(one.shape[at], two.shape[at], 2 * _HALF) for at in (0, 1))
    a, b = (_on_paper(each, height, width) for each in (one, two))
    alike, seen = _held(a, b)
    parts = [(alike, seen), *((_cut(alike, box), _cut(seen, box)) for box in pictures)]
    means = [float(part[where].mean()) for part, where in parts if where.any()]
    return max(0, round(1000 * min(means, default=1.0)))


def _held(one: Sums, two: Sums) -> tuple[Sums, Seen]:
    """How alike each window is, and where there is more than paper in it."""
    a, b = (sum(share * each[at] for at, share in enumerate(_LUMA)) for each in (one, two))
    mean_a, mean_b = _windows(a), _windows(b)
    vary_a, vary_b = _windows(a * a) - mean_a**2, _windows(b * b) - mean_b**2
    together = _windows(a * b) - mean_a * mean_b
    c1, c2 = _STEADY
    alike = (2 * mean_a * mean_b + c1) * (2 * together + c2)
    alike /= (mean_a**2 + mean_b**2 + c1) * (vary_a + vary_b + c2)
    tint = np.maximum(*(abs(_windows(one[at] - two[at]) - (mean_a - mean_b)) for at in (0, 2)))
    seen = (vary_a > _PLAIN_VARIANCE) | (vary_b > _PLAIN_VARIANCE)
    seen |= (abs(mean_a - mean_b) > _PLAIN_SHADE) | (tint > _PLAIN_SHADE)
    return alike * np.clip(1 - tint / _OTHER_COLOUR, 0, 1), seen


def _cut(values: Values, box: Box) -> Values:
    """The windows that lie within a box."""
    left, top, right, bottom = (each // _HALF for each in box)
    return values[max(0, top) : max(0, bottom - 1), max(0, left) : max(0, right - 1)]


def _on_paper(face: Drawn, height: int, width: int) -> Sums:
    """A page on a sheet of this size, whose sides are made up to whole half windows."""
    sheet = np.full((3, -(-height // _HALF) * _HALF, -(-width // _HALF) * _HALF), _PAPER, np.float32)
    for colour in range(3):
        sheet[colour, : face.shape[0], : face.shape[1]] = face[..., colour]
    return sheet


def _windows(values: Sums) -> Sums:
    """The mean of each window.  Sums over strides are several times as fast as sums over short axes."""
    rows = sum((values[at::_HALF] for at in range(1, _HALF)), values[::_HALF])
    halves = sum((rows[:, at::_HALF] for at in range(1, _HALF)), rows[:, ::_HALF])
    four = halves[:-1, :-1] + halves[1:, :-1] + halves[:-1, 1:] + halves[1:, 1:]
    found: Sums = np.divide(four, (2 * _HALF) ** 2, dtype=np.float32)
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


@dataclass(frozen=True, slots=True)
class _Page:
    """A page as it was drawn small, and where on it pictures stand; one that PDFium cannot load is black."""

    face: Drawn
    pictures: tuple[Box, ...] = ()
    is_drawn: bool = True


def _alike(old: _Page, new: _Page) -> int:
    """How alike two pages are; not at all where nobody saw one of them."""
    return likeness(old.face, new.face, old.pictures) if old.is_drawn and new.is_drawn else 0


def _drawn(pdf: pypdfium2.PdfDocument) -> Iterator[_Page]:
    """Each page, small."""
    for number in range(len(pdf)):
        try:
            page = pdf[number]
        except pypdfium2.PdfiumError:
            yield _Page(np.zeros((2 * _HALF, 2 * _HALF, 3), np.uint8), is_drawn=False)
            continue
        scale = min(SMALL, LONGEST_PIXELS / max(*page.get_size(), 1.0))
        bitmap = page.render(scale=scale, rev_byteorder=False, prefer_bgrx=False)
        yield _Page(bitmap.to_numpy()[..., :3], tuple(_boxes(page, bitmap)))
        page.close()


def _boxes(page: pypdfium2.PdfPage, bitmap: pypdfium2.PdfBitmap) -> Iterator[Box]:
    """Where on a page pictures stand that are large enough to be looked at, but those within other drawings."""
    at = bitmap.get_posconv(page)
    for left, bottom, right, top in image_bounds(page):
        (x1, y1), (x2, y2) = at.to_bitmap(left, top), at.to_bitmap(right, bottom)
        box = min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
        if min(box[2] - box[0], box[3] - box[1]) >= _LEAST_PIXELS:
            yield box


def unlikeness(before: Sequence[PageFace], after: Sequence[PageFace]) -> list[int]:
    """How much each page differs, per mille; one that a side does not have differs wholly."""
    return [
        1000 if old is None or new is None or new.likeness is None else 1000 - new.likeness
        for old, new in zip_longest(before, after)
    ]


def pages_to_show(unlike: Sequence[int], most: int, *, shows_alike: bool) -> list[int]:
    """The numbers, from 0, of the pages that differ most and so that it is seen, the worst first; then, where
    `shows_alike`, the first page, the last, the second, the last but one …, until there are `most`."""
    differing = [number for number, each in enumerate(unlike) if each >= SEEN_FROM]
    shown = sorted(differing, key=lambda number: -unlike[number])[:most]
    if shows_alike:
        count = len(unlike)
        both_ends = (at // 2 if at % 2 == 0 else count - 1 - at // 2 for at in range(count))
        shown += [number for number in both_ends if unlike[number] < SEEN_FROM][: most - len(shown)]
    return shown


def _picture_of(
    before: pypdfium2.PdfDocument, after: pypdfium2.PdfDocument, number: int, unlike: int, out: Path, prefix: str
) -> Picture:
    pixels = PICTURE_PIXELS if unlike >= SEEN_FROM else ALIKE_PIXELS
    name = f"{prefix}page-{number + 1}"
    old = _picture(before, number, pixels, out / f"{name}-before.png")
    new = _picture(after, number, pixels, out / f"{name}-after.png")
    return Picture(number + 1, old, new, unlike)


def _picture(pdf: pypdfium2.PdfDocument, number: int, pixels: int, file: Path) -> str:
    """Draw one page for people, in colour; the name of the file, "" where there is no such page."""
    try:
        page = pdf[number]
    except (IndexError, pypdfium2.PdfiumError):
        return ""
    return save_small(page.render(scale=pixels / max(*page.get_size(), 1.0)).to_pil(), file)


def save_small(drawn: Image.Image, file: Path) -> str:
    """Write a picture for people as PNG of few colours, which is small; its name."""
    drawn.quantize(64, Image.Quantize.FASTOCTREE).save(file, "PNG", compress_level=6)
    return file.name
