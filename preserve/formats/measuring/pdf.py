"""What is measured of PDFs: structure by QPDF (pikepdf), text by Poppler, pictures on pages by PDFium; none made it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pikepdf
import pypdfium2

from preserve.formats.measuring import pdf_parts
from preserve.formats.measuring.pdf_images import image_sizes
from preserve.formats.measuring.pdf_signatures import signatures
from preserve.formats.measuring.programs import written
from preserve.formats.measuring.side import Side
from preserve.model.formats.properties import Measured, Property, Value
from preserve.model.phrases import phrase

NOT_OPENED = phrase("QPDF does not open it")
NO_TEXT = phrase("Poppler does not read its text")
NOT_DRAWN = phrase("PDFium does not open it")
BY_QPDF: Mapping[Property, Callable[[pikepdf.Pdf], Value]] = {
    Property.PAGES: lambda pdf: len(pdf.pages),
    Property.FONTS: pdf_parts.fonts,
    Property.HYPERLINKS: pdf_parts.links,
    Property.COMMENTS: pdf_parts.comments,
    Property.MACROS: pdf_parts.scripts,
    Property.EMBEDDED: pdf_parts.attachments,
    Property.FORM_FIELDS: pdf_parts.fields,
    Property.METADATA: pdf_parts.metadata,
}
BY_PDFIUM = frozenset((Property.IMAGES, Property.IMAGE_SIZES))


def measure(side: Side, wanted: frozenset[Property]) -> Measured:
    """All of `wanted` that can be told of a PDF."""
    return measured_of(side.files[0], wanted)


def measured_of(file: Path, wanted: frozenset[Property]) -> Measured:
    """The same of a PDF that is no side by itself: one that something was drawn as."""
    values: dict[Property, Value] = {}
    failed: dict[Property, str] = {}
    for told in (_by_qpdf(file, wanted), _by_pdfium(file, wanted), _by_poppler(file, wanted)):
        values |= told.values
        failed |= told.failed
    return Measured(values, failed)


def _by_qpdf(file: Path, wanted: frozenset[Property]) -> Measured:
    asked = [name for name in (*BY_QPDF, Property.SIGNATURES) if name in wanted]
    if not asked:
        return Measured({}, {})
    try:
        with pikepdf.open(file) as pdf:
            values = {name: BY_QPDF[name](pdf) for name in asked if name in BY_QPDF}
            if Property.SIGNATURES in asked:
                values[Property.SIGNATURES] = signatures(pdf, file)
            return Measured(values, {})
    except (pikepdf.PdfError, pikepdf.PasswordError):
        return Measured({}, dict.fromkeys(asked, NOT_OPENED))


def _by_pdfium(file: Path, wanted: frozenset[Property]) -> Measured:
    asked = BY_PDFIUM & wanted
    if not asked:
        return Measured({}, {})
    try:
        with pypdfium2.PdfDocument(file) as pdf:
            sizes = tuple(_image_sizes(pdf))
    except pypdfium2.PdfiumError:
        return Measured({}, dict.fromkeys(asked, NOT_DRAWN))
    told: dict[Property, Value] = {Property.IMAGES: len(sizes), Property.IMAGE_SIZES: sizes}
    return Measured({name: told[name] for name in asked}, {})


def _image_sizes(pdf: pypdfium2.PdfDocument) -> Iterator[str]:
    """Every picture that is drawn, as often as it is, with its own width and height in pixels."""
    for number in range(len(pdf)):
        page = pdf[number]
        yield from (f"{width}x{height}" for width, height in image_sizes(page))
        page.close()


def _by_poppler(file: Path, wanted: frozenset[Property]) -> Measured:
    if Property.TEXT not in wanted:
        return Measured({}, {})
    text = text_of(file)
    return Measured({}, {Property.TEXT: NO_TEXT}) if text is None else Measured({Property.TEXT: text}, {})


def text_of(file: Path) -> str | None:
    """The text in the order in which it is read, all pages together; None where Poppler does not read it."""
    found = written(["pdftotext", "-q", "-enc", "UTF-8", "-nopgbrk", str(file), "{output}"])
    return found.decode("utf-8", "replace") if found is not None else None
