"""The text of a tagged PDF in its logical order (ISO 32000-1:2008, 14.8), read by PDFium.

Who lays text out on pages adds what is not of the record: headers and footers on each page, numbers of lists and
notes, line ends.  LibreOffice marks the first as artifacts, which stand outside the tree, and lists and notes as such.
So this is nearer to what was written than the text of the pages.  Poppler tells the tree too (`pdfinfo -struct-text`)
and was rejected: it reads each page anew for each element, and was not done with 228 pages after a minute.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from preserve.formats.office.facts import UnreadableError

MOST_PAGES = 20_000
DEEPEST = 200
SLACK = 2.0
"""Points by which a glyph may reach over the edge of its page and still be read."""
_HYPHEN_AT_LINE_END = "\x02"
"""As PDFium tells it."""
_LABEL = re.compile(r"^\S{1,12}$")
_BULLET = re.compile(r"^[•◦▪■□●○◆◇➢✓✔»›‣⁃–—*\ue000-\uf8ff-]$")
_PARAGRAPHS = frozenset(("P", "H", "H1", "H2", "H3", "H4", "H5", "H6"))
_BLOCKS = frozenset((
    "P", "H", "H1", "H2", "H3", "H4", "H5", "H6", "LI", "TR", "TD", "TH", "Caption", "Title", "TOCI", "Div", "Table",
))  # fmt: skip


@dataclass(slots=True, eq=False)
class Element:
    """An element of the tree: its type, and its children and texts in their order."""

    kind: str
    children: list[Element | str] = field(default_factory=list)

    def elements(self) -> Iterator[Element]:
        """Itself and all below it, in their order."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.elements()

    def texts(self) -> Iterator[str]:
        """All texts below it, in their order."""
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child.texts()


@dataclass(frozen=True, slots=True)
class PageTexts:
    """The text of a PDF: `body`, which is first the body and then notes, without the numbers of lists and notes (None
    where nothing is tagged); `beside`, which is headers, footers, what masters add, and the numbers of pages, lists and
    notes."""

    body: str | None
    beside: str


def texts_of(path: Path) -> PageTexts:
    """Both texts, in one reading.  Raises `UnreadableError` where PDFium does not open it."""
    beside: list[str] = []
    root = tree(path, beside)
    body = None if root is None else text_of(root, beside)
    return PageTexts(body, "\n".join(beside))


def tree(path: Path, beside: list[str] | None = None, *, on_paper: bool = False) -> Element | None:
    """The trees of all pages, one after the other; None where no page has any.  Text outside of them goes to `beside`.

    With `on_paper`, text that lies wholly or partly off the page is left out: nobody sees it.

    Raises `UnreadableError` where PDFium does not open it.
    """
    try:
        pdf = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise UnreadableError(f"PDFium does not open it: {error}") from error
    root = Element("")
    try:
        for number in range(min(len(pdf), MOST_PAGES)):
            root.children.extend(_of_page(pdf[number], [] if beside is None else beside, on_paper))
    except pypdfium2.PdfiumError as error:
        raise UnreadableError(f"PDFium does not read a page: {error}") from error
    finally:
        pdf.close()
    return root if root.children else None


def pictures_on(path: Path) -> tuple[str, ...]:
    """The digests of the pictures of pixels on the pages, each as often as it is shown.

    Raises `UnreadableError` where PDFium does not open it.
    """
    found: list[str] = []
    try:
        pdf = pypdfium2.PdfDocument(path)
        for number in range(min(len(pdf), MOST_PAGES)):
            page = pdf[number]
            for each in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=DEEPEST):
                found.append(_digest_of(each.raw))
            page.close()
        pdf.close()
    except pypdfium2.PdfiumError as error:
        raise UnreadableError(f"PDFium does not read a page: {error}") from error
    return tuple(found)


def _digest_of(picture: object) -> str:
    size = pdfium.FPDFImageObj_GetImageDataRaw(picture, None, 0)
    buffer = ctypes.create_string_buffer(max(size, 1))
    pdfium.FPDFImageObj_GetImageDataRaw(picture, buffer, size)
    return hashlib.sha256(buffer).hexdigest()


def text_of(root: Element, beside: list[str] | None = None) -> str:
    """The text of a tree, which is changed by this; what is left out goes to `beside`."""
    left = [] if beside is None else beside
    _drop_marks(root, left)
    _drop_what_masters_add(root, left)
    _drop_what_charts_say(root, left)
    for each in root.elements():
        left += [
            "".join(child.texts()) for child in each.children if isinstance(child, Element) and child.kind == "Lbl"
        ]
        each.children = [child for child in each.children if isinstance(child, str) or child.kind != "Lbl"]
    for item in [each for each in root.elements() if each.kind == "LBody"]:
        _drop_label(item, left)
    for paragraph in [each for each in root.elements() if each.kind in _PARAGRAPHS]:
        _drop_bullet(paragraph, left)
    parts: list[str] = []
    _written(root, parts)
    for note in [each for each in root.elements() if each.kind == "Note"]:
        parts.append("\n")
        for child in note.children:
            if isinstance(child, str):
                parts.append(child)
            else:
                _written(child, parts)
    return "".join(parts)


def _of_page(page: pypdfium2.PdfPage, beside: list[str], on_paper: bool) -> list[Element | str]:
    texts = _texts_of(page, beside, on_paper)
    top = pdfium.FPDF_StructTree_GetForPage(page.raw)
    try:
        count = pdfium.FPDF_StructTree_CountChildren(top) if top else 0
        made = [_element(pdfium.FPDF_StructTree_GetChildAtIndex(top, at), texts, 0) for at in range(max(count, 0))]
        return [each for each in made if each is not None]
    finally:
        if top:
            pdfium.FPDF_StructTree_Close(top)
        page.close()


def _texts_of(page: pypdfium2.PdfPage, beside: list[str], on_paper: bool) -> dict[int, str]:
    """The text of each marked content of a page, by its number; what is not marked, or an artifact, goes `beside`."""
    found: dict[int, list[str]] = {}
    textpage = page.get_textpage()
    try:
        for each in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT], max_depth=DEEPEST):
            if on_paper and not _is_on(page, each):
                continue
            number = pdfium.FPDFPageObj_GetMarkedContentID(each.raw)
            text = _text_of(each.raw, textpage.raw)
            if number >= 0:
                found.setdefault(number, []).append(text)
            else:
                beside.append(text)
    finally:
        textpage.close()
    return {number: "".join(texts) for number, texts in found.items()}


def _is_on(page: pypdfium2.PdfPage, text: pypdfium2.PdfObject) -> bool:
    left, bottom, right, top = text.get_bounds()
    width, height = page.get_size()
    return bool(left >= -SLACK and bottom >= -SLACK and right <= width + SLACK and top <= height + SLACK)


def _text_of(text: object, textpage: object) -> str:
    size = pdfium.FPDFTextObj_GetText(text, textpage, None, 0)
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    pdfium.FPDFTextObj_GetText(text, textpage, buffer, size)
    return bytes(buffer)[:size].decode("utf-16-le", "replace").rstrip("\0").replace(_HYPHEN_AT_LINE_END, "-")


def _element(raw: object, texts: dict[int, str], depth: int) -> Element | None:
    if not raw or depth > DEEPEST:
        return None
    made = Element(_kind(raw))
    for at in range(max(pdfium.FPDF_StructElement_CountChildren(raw), 0)):
        number = pdfium.FPDF_StructElement_GetChildMarkedContentID(raw, at)
        if number >= 0:
            if number in texts:
                made.children.append(texts.pop(number))
            continue
        child = _element(pdfium.FPDF_StructElement_GetChildAtIndex(raw, at), texts, depth + 1)
        if child is not None:
            made.children.append(child)
    return made


def _kind(raw: object) -> str:
    size = pdfium.FPDF_StructElement_GetType(raw, None, 0)
    buffer = ctypes.create_string_buffer(size)
    pdfium.FPDF_StructElement_GetType(raw, buffer, size)
    return buffer.raw.decode("utf-16-le", "replace").rstrip("\0")


def _written(element: Element, into: list[str]) -> None:
    is_block = element.kind in _BLOCKS
    if is_block and into and into[-1][-1:] not in ("\n", ""):
        into.append("\n")
    for child in element.children:
        if isinstance(child, str):
            into.append(child)
        elif child.kind != "Note":
            _written(child, into)
    if is_block and into and into[-1] != "\n":
        into.append("\n")


def _drop_marks(root: Element, left: list[str]) -> None:
    """Take away the mark with which each note begins, and the last link before it that shows the same."""
    links: list[Element] = []
    for each in list(root.elements()):
        if each.kind == "Link":
            links.append(each)
        elif each.kind == "Note":
            mark = next(each.texts(), "").strip()
            if _LABEL.match(mark):
                left.append(_drop_first(each))
                same = next((link for link in reversed(links) if "".join(link.texts()).strip() == mark), None)
                if same is not None:
                    left += same.texts()
                    same.children.clear()


def _drop_what_masters_add(root: Element, left: list[str]) -> None:
    """LibreOffice tags footers, dates and numbers of slides outside of any block (7.4): as items of presentations that
    were binary, as paragraphs of others.  What is of the slide itself lies in one, as all of a text document does."""
    tops = [each for each in root.children if isinstance(each, Element) and _is_of_master(each)]
    left += [text for each in tops for text in each.texts()]
    root.children = [each for each in root.children if isinstance(each, str) or each not in tops]


def _is_of_master(top: Element) -> bool:
    items = top.children if top.kind == "L" else [top]
    return bool(items) and all(
        isinstance(each, Element)
        and each.kind in ("LI", "P")
        and all(isinstance(child, str) for child in each.children)
        for each in items
    )


def _drop_what_charts_say(root: Element, left: list[str]) -> None:
    """The words of charts on slides: they follow from data that stand in no slide's text."""
    for figure in [each for top in root.children if isinstance(top, Element) and top.kind != "Document"
                   for each in top.elements() if each.kind == "Figure"]:  # fmt: skip
        left += figure.texts()
        figure.children.clear()


def _drop_label(item: Element, left: list[str]) -> None:
    """The number or bullet with which an item begins is a text of its own before the first span."""
    texts = list(item.texts())
    if len(texts) > 1 and _LABEL.match(texts[0].strip()):
        left.append(_drop_first(item))


def _drop_bullet(paragraph: Element, left: list[str]) -> None:
    """Slides have bullets without lists."""
    texts = list(paragraph.texts())
    if len(texts) > 1 and _BULLET.match(texts[0].strip()):
        left.append(_drop_first(paragraph))


def _drop_first(element: Element) -> str:
    """Take the first text out of an element, and say which."""
    for number, child in enumerate(element.children):
        if isinstance(child, str):
            del element.children[number]
            return child
        if found := _drop_first(child):
            return found
    return ""
