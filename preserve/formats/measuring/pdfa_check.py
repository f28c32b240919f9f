"""What this program itself looks at in a PDF/A-2b (ISO 19005-2): claims, colours, fonts, and what it forbids.

Checks of our own, after the published outlines of the standard and the names of veraPDF's rules; its text was not at
hand.  They find what converters get wrong, and prove no conformity.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf

from preserve.formats.measuring.pdf_parts import dictionaries

_PART, _LEVEL = (
    re.compile(rf"pdfaid:{name}\s*(?:=\s*['\"]|>)\s*([^'\"<\s]+)".encode()) for name in ("part", "conformance")
)
_LARGEST_XMP = 4 * 1024 * 1024
_FORBIDDEN_ACTIONS = {
    "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/Hide", "/SetOCGState", "/Rendition", "/Trans",
    "/GoTo3DView", "/JavaScript",
}  # fmt: skip
"""6.5.1 of ISO 19005-2, as veraPDF's profile lists them."""
_FORBIDDEN_ANNOTATIONS = {"/3D", "/Sound", "/Screen", "/Movie"}
"""6.3.1."""
_MOST_SAID = 10


def complaints_about_pdfa_2b(file: Path) -> tuple[str, ...]:
    """What speaks against a file being PDF/A-2b, as far as we look."""
    try:
        with pikepdf.open(file) as pdf:
            found = dict.fromkeys(_complaints(pdf))
    except (pikepdf.PdfError, pikepdf.PasswordError) as error:
        return (f"QPDF does not open it: {error}",)
    return tuple(found)[:_MOST_SAID]


def _complaints(pdf: pikepdf.Pdf) -> Iterator[str]:
    if pdf.is_encrypted:
        yield "it is encrypted (6.1.3)"
    yield from _of_claims(pdf)
    yield from _of_colours(pdf)
    yield from _of_attachments(pdf)
    for thing in dictionaries(pdf):
        yield from _of_object(thing)


def _of_claims(pdf: pikepdf.Pdf) -> Iterator[str]:
    metadata = pdf.Root.get("/Metadata")
    if not isinstance(metadata, pikepdf.Stream):
        yield "it has no XMP metadata (6.6.2)"
        return
    xmp = metadata.read_bytes()[:_LARGEST_XMP]
    part, level = _PART.search(xmp), _LEVEL.search(xmp)
    if part is None or part[1] != b"2" or level is None or level[1] not in (b"B", b"U", b"A"):
        yield "its metadata do not say that it is PDF/A-2 (6.6.4)"


def _of_colours(pdf: pikepdf.Pdf) -> Iterator[str]:
    intents = pdf.Root.get("/OutputIntents")
    of_pdfa = [each for each in intents if each.get("/S") == "/GTS_PDFA1"] if isinstance(intents, pikepdf.Array) else []
    if not of_pdfa:
        yield "it has no output intent of PDF/A (6.2.3)"
    if any("/DestOutputProfile" not in each for each in of_pdfa):
        yield "its output intent has no colour profile (6.2.3)"


def _of_attachments(pdf: pikepdf.Pdf) -> Iterator[str]:
    """PDF/A-2 allows files within that are PDF/A themselves (6.8); whether they keep what they say is not looked at."""
    for thing in dictionaries(pdf):
        files = thing.get("/EF")
        content = files.get("/F", files.get("/UF")) if isinstance(files, pikepdf.Dictionary) else None
        if isinstance(content, pikepdf.Stream) and not _PART.search(_plain(content)):
            yield f"attachment {thing.get('/UF', thing.get('/F', ''))} is no PDF/A (6.8)"


def _plain(content: Any) -> bytes:
    """The beginning of an attachment, as far as its metadata stand in it."""
    try:
        with pikepdf.open(io.BytesIO(content.read_bytes())) as pdf:
            metadata = pdf.Root.get("/Metadata")
            return bytes(metadata.read_bytes()[:_LARGEST_XMP]) if isinstance(metadata, pikepdf.Stream) else b""
    except (pikepdf.PdfError, pikepdf.PasswordError):
        return b""


def _of_object(thing: Any) -> Iterator[str]:
    kind = thing.get("/Type")
    if kind == "/FontDescriptor" and not {"/FontFile", "/FontFile2", "/FontFile3"} & set(thing.keys()):
        yield f"font {thing.get('/FontName', '')} is not embedded (6.2.11.4)"
    if kind == "/Font" and _is_bare(thing):
        yield f"font {thing.get('/BaseFont', '')} is not embedded (6.2.11.4)"
    if kind == "/Action" or (kind is None and "/JS" in thing):
        action = str(thing.get("/S", "/JavaScript"))
        if action in _FORBIDDEN_ACTIONS:
            yield f"it has an action {action} (6.5.1)"
    if str(thing.get("/Subtype", "")) in _FORBIDDEN_ANNOTATIONS and "/Rect" in thing:
        yield f"it has an annotation {thing.get('/Subtype')} (6.3.1)"
    if "/AA" in thing and isinstance(thing.get("/AA"), pikepdf.Dictionary) and kind in ("/Page", "/Catalog"):
        yield "something is done when it is opened or turned over (6.5.2)"
    if isinstance(thing, pikepdf.Stream):
        yield from _of_stream(thing)


def _is_bare(font: Any) -> bool:
    """A font that is not drawn by the file itself, nor made of others, and has no descriptor that could embed it."""
    return str(font.get("/Subtype")) not in ("/Type0", "/Type3") and "/FontDescriptor" not in font


def _of_stream(stream: Any) -> Iterator[str]:
    filters = stream.get("/Filter", [])
    names = [str(filters)] if isinstance(filters, pikepdf.Name) else [str(each) for each in filters]
    if "/LZWDecode" in names:
        yield "a stream is compressed by LZW (6.1.7.2)"
    if "/F" in stream:
        yield "a stream lies in another file (6.1.7.1)"
    if stream.get("/Subtype") == "/PS" or "/PS" in stream:
        yield "there is PostScript in it (6.2.9)"
