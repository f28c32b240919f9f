"""What a PDF keeps of a text document or a presentation, read by QPDF (pikepdf) and PDFium; neither made it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pikepdf

from preserve.formats.office.facts import (
    DocumentFacts,
    UnreadableError,
    external_links,
    family_of_face,
    font_names,
    one_line,
)
from preserve.formats.office.tagged_pdf import PageTexts, pictures_on, texts_of

DEEPEST = 20
_INFO = {"/Title": "title", "/Subject": "subject", "/Author": "author", "/Keywords": "keywords"}


def read_laid_out(path: Path, texts: PageTexts | None = None) -> DocumentFacts:
    """What stands in a PDF; `texts` are its texts where somebody has read them.

    Raises `UnreadableError` where it does not open, or has no tags by which to tell text from headers.
    """
    texts = texts or texts_of(path)
    try:
        with pikepdf.open(path) as pdf:
            annotations = [each for page in pdf.pages for each in _listed(page.obj, "/Annots")]
            if texts.body is None and not _is_tagged(pdf):
                raise UnreadableError("its text is not tagged")
            form = pdf.Root.get("/AcroForm")
            fields = list(_fields(form)) if isinstance(form, pikepdf.Dictionary) else []
            return DocumentFacts(
                text=texts.body or "",
                beside=texts.beside,
                images=len(set(pictures_on(path))),
                fonts=font_names(
                    family_of_face(name) for page in pdf.pages for name in _fonts(page.obj.get("/Resources"), 0)
                ),
                links=external_links(_links(annotations)),
                comments=tuple(
                    one_line(str(each.get("/Contents", ""))) for each in annotations if each.get("/Subtype") == "/Text"
                ),
                macros=_scripts(pdf),
                embedded=tuple(sorted(pdf.attachments)),
                signatures=sum(1 for each in fields if each.get("/FT") == "/Sig" and "/V" in each),
                fields={
                    str(each.get("/T", number)): one_line(str(each.get("/V", "")))
                    for number, each in enumerate(fields, 1)
                    if each.get("/FT") != "/Sig"
                },
                properties=_properties(pdf),
            )
    except (pikepdf.PdfError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableError(f"QPDF does not read it: {error}") from error


def pages_of(path: Path) -> int:
    """How many pages a PDF has.  Raises `UnreadableError`."""
    try:
        with pikepdf.open(path) as pdf:
            return len(pdf.pages)
    except pikepdf.PdfError as error:
        raise UnreadableError(f"QPDF does not open it: {error}") from error


def _is_tagged(pdf: pikepdf.Pdf) -> bool:
    """ISO 32000-1:2008, 14.7.1: a page without any text has no tree either."""
    marked = pdf.Root.get("/MarkInfo")
    return isinstance(marked, pikepdf.Dictionary) and bool(marked.get("/Marked", False))


def _listed(holder: pikepdf.Object, name: str) -> Iterator[pikepdf.Object]:
    found = holder.get(name)
    if isinstance(found, pikepdf.Array):
        yield from (each for each in found if isinstance(each, pikepdf.Dictionary))


def _named(holder: pikepdf.Object | None, name: str) -> Iterator[pikepdf.Object]:
    found = holder.get(name) if isinstance(holder, pikepdf.Dictionary) else None
    if isinstance(found, pikepdf.Dictionary):
        yield from found.values()


def _fonts(resources: pikepdf.Object | None, depth: int) -> set[str]:
    found = {str(each.get("/BaseFont", "")) for each in _named(resources, "/Font")}
    for each in _named(resources, "/XObject"):
        if isinstance(each, pikepdf.Stream) and each.get("/Subtype") == "/Form" and depth < DEEPEST:
            found |= _fonts(each.get("/Resources"), depth + 1)
    return found - {""}


def _links(annotations: list[pikepdf.Object]) -> Iterator[str]:
    for each in annotations:
        action = each.get("/A")
        if isinstance(action, pikepdf.Dictionary) and action.get("/S") == "/URI":
            yield str(action.get("/URI", ""))


def _fields(form: pikepdf.Object) -> Iterator[pikepdf.Object]:
    waiting = list(_listed(form, "/Fields"))
    for _ in range(100_000):
        if not waiting:
            return
        field = waiting.pop(0)
        kids = list(_listed(field, "/Kids"))
        if "/FT" in field or not kids:
            yield field
        else:
            waiting.extend(kids)


def _scripts(pdf: pikepdf.Pdf) -> int:
    names = pdf.Root.get("/Names")
    scripts = names.get("/JavaScript") if isinstance(names, pikepdf.Dictionary) else None
    return sum(1 for _ in _listed(scripts, "/Names")) if isinstance(scripts, pikepdf.Dictionary) else 0


def _properties(pdf: pikepdf.Pdf) -> Mapping[str, str]:
    found = {ours: one_line(str(pdf.docinfo.get(theirs, ""))) for theirs, ours in _INFO.items()}
    return {name: value for name, value in found.items() if value}
