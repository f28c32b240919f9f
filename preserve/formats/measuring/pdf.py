"""What is measured of PDFs: pages by QPDF (pikepdf), text by Poppler; neither made the file."""

from __future__ import annotations

import pikepdf

from preserve.formats.measuring.programs import written
from preserve.formats.measuring.side import Side
from preserve.model.formats.properties import Measured, Property, Value
from preserve.model.phrases import phrase

NOT_OPENED = phrase("QPDF does not open it")
NO_TEXT = phrase("Poppler does not read its text")


def measure(side: Side, wanted: frozenset[Property]) -> Measured:
    """All of `wanted` that can be told of a PDF."""
    values: dict[Property, Value] = {}
    failed: dict[Property, str] = {}
    if Property.PAGES in wanted:
        pages = pages_of(side)
        if pages is None:
            failed[Property.PAGES] = NOT_OPENED
        else:
            values[Property.PAGES] = pages
    if Property.TEXT in wanted:
        text = text_of(side)
        if text is None:
            failed[Property.TEXT] = NO_TEXT
        else:
            values[Property.TEXT] = text
    return Measured(values, failed)


def pages_of(side: Side) -> int | None:
    """How many pages there are."""
    try:
        with pikepdf.open(side.files[0]) as pdf:
            return len(pdf.pages)
    except pikepdf.PdfError:
        return None


def text_of(side: Side) -> str | None:
    """The text in the order in which it is read, all pages together."""
    found = written(["pdftotext", "-q", "-enc", "UTF-8", "-nopgbrk", str(side.files[0]), "{output}"])
    return found.decode("utf-8", "replace") if found is not None else None
