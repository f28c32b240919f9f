"""The pictures that PDFium draws on a page, and where; asked of the library itself: pages of tables have thousands
of other objects, and making a Python object of each took longer than drawing the page."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pypdfium2
from pypdfium2 import raw

_DEEPEST_FORM = 15
Size = tuple[int, int]
Bounds = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""


def image_sizes(page: pypdfium2.PdfPage) -> Iterator[Size]:
    """Width and height in pixels of each picture that is drawn, as often as it is, also within other drawings."""
    for each in _images(_on_page(page), _DEEPEST_FORM):
        width, height = ctypes.c_uint(), ctypes.c_uint()
        raw.FPDFImageObj_GetImagePixelSize(each, width, height)
        yield width.value, height.value


def image_bounds(page: pypdfium2.PdfPage) -> Iterator[Bounds]:
    """Where on a page pictures stand, but those within other drawings."""
    for each in _images(_on_page(page), 0):
        edges = [ctypes.c_float() for _ in range(4)]
        if raw.FPDFPageObj_GetBounds(each, *edges):
            left, bottom, right, top = (edge.value for edge in edges)
            yield left, bottom, right, top


def _on_page(page: pypdfium2.PdfPage) -> Iterator[object]:
    return (raw.FPDFPage_GetObject(page.raw, at) for at in range(raw.FPDFPage_CountObjects(page.raw)))


def _images(objects: Iterator[object], depth: int) -> Iterator[object]:
    for each in objects:
        kind = raw.FPDFPageObj_GetType(each)
        if kind == raw.FPDF_PAGEOBJ_IMAGE:
            yield each
        elif kind == raw.FPDF_PAGEOBJ_FORM and depth:
            count = raw.FPDFFormObj_CountObjects(each)
            yield from _images((raw.FPDFFormObj_GetObject(each, at) for at in range(count)), depth - 1)
