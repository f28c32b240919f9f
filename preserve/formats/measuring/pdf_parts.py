"""What stands in a PDF beside what is drawn (ISO 32000-1), as QPDF tells it: links, comments, attachments, fields.

Files are as their makers left them: whatever is not as the standard says is passed over, not taken for damage of the
conversion.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

COMMENTS = {
    "/Text", "/FreeText", "/Line", "/Square", "/Circle", "/Polygon", "/PolyLine", "/Highlight", "/Underline",
    "/Squiggly", "/StrikeOut", "/Stamp", "/Caret", "/Ink", "/Redact",
}  # fmt: skip
"""Markup annotations (12.5.6.2) but attachments, which are told as such, and sounds."""
INFO = {"/Title": "title", "/Author": "author", "/Subject": "subject", "/Keywords": "keywords", "/Creator": "creator",
        "/CreationDate": "created"}  # fmt: skip
"""Metadata of the record itself (14.3.3).  Producer and modification say who wrote the file last, which is us."""
_DEEPEST = 32
_MOST_FIELDS = 5000
_LONGEST_TEXT = 2000
_SUBSET = re.compile(r"^[A-Z]{6}\+")


def fonts(pdf: Pdf) -> tuple[str, ...]:
    """The fonts that are named, each once, without the mark of a subset (9.6.4)."""
    names = {_SUBSET.sub("", _name(thing.get("/BaseFont")).removeprefix("/")) for thing in dictionaries(pdf, "/Font")}
    return tuple(sorted(names - {""}))


def scripts(pdf: Pdf) -> int:
    """How many actions run scripts or start programs (12.6.4.5, 12.6.4.16)."""
    kinds = {"/JavaScript", "/Launch"}
    return sum(1 for thing in dictionaries(pdf) if _name(thing.get("/S")) in kinds and "/Rect" not in thing)


def links(pdf: Pdf) -> tuple[str, ...]:
    """Where links lead: an address, another file, or a page of this one (12.5.6.5); and bookmarks, by their titles."""
    pages = {page.obj.objgen: number for number, page in enumerate(pdf.pages, 1)}
    found = [
        _target(pdf, annotation, pages)
        for annotation in page_annotations(pdf)
        if _name(annotation.get("/Subtype")) == "/Link"
    ]
    return (*found, *(f"{_text(each.get('/Title'))}: {_target(pdf, each, pages)}" for each in _bookmarks(pdf)))


def _target(pdf: Pdf, link: Dictionary, pages: dict[tuple[int, int], int]) -> str:
    action = link.get("/A")
    target = _led_by(pdf, action, pages) if isinstance(action, Dictionary) else ""
    return target or _page_led_to(pdf, link.get("/Dest"), pages) or "nowhere"


def _bookmarks(pdf: Pdf) -> Iterator[Dictionary]:
    """The outline (12.3.3), in its order, each once: a file may lead in a circle."""
    outline = pdf.Root.get("/Outlines")
    waiting = [outline.get("/First")] if isinstance(outline, Dictionary) else []
    seen = set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, Dictionary) and item.is_indirect and item.objgen not in seen:
            seen.add(item.objgen)
            yield item
            waiting += [item.get("/Next"), item.get("/First")]


def comments(pdf: Pdf) -> tuple[str, ...]:
    """Comments and marks that were put on pages: their kind and text."""
    return tuple(
        f"{_name(each.get('/Subtype')).removeprefix('/')}: {_text(each.get('/Contents'))}"
        for each in page_annotations(pdf)
        if _name(each.get("/Subtype")) in COMMENTS
    )


def attachments(pdf: Pdf) -> tuple[str, ...]:
    """Files within the file: the name, and the SHA-256 of the content (7.11.4)."""
    found: dict[tuple[int, int], str] = {}
    for thing in dictionaries(pdf):
        files = thing.get("/EF")
        content = _first(files, "/UF", "/F") if isinstance(files, Dictionary) else None
        if isinstance(content, Stream):
            name = _text(_first(thing, "/UF", "/F"))
            found.setdefault(content.objgen, f"{name} sha256:{_digest(content)}")
    return tuple(sorted(found.values()))


def fields(pdf: Pdf) -> dict[str, str]:
    """The fields of forms that hold something, by their full names (12.7.3); signatures are told as such."""
    form = pdf.Root.get("/AcroForm")
    top = form.get("/Fields") if isinstance(form, Dictionary) else None
    found: dict[str, str] = {}
    for name, field, kind in _fields(top, "", "", 0):
        value = field.get("/V")
        if value is not None and kind != "/Sig" and len(found) < _MOST_FIELDS:
            found[name] = _text(value) or _name(value)
    return found


def signed_fields(pdf: Pdf) -> Iterator[tuple[str, Dictionary]]:
    """The fields that are signed, by name, with their signatures (12.8)."""
    form = pdf.Root.get("/AcroForm")
    top = form.get("/Fields") if isinstance(form, Dictionary) else None
    for name, field, kind in _fields(top, "", "", 0):
        value = field.get("/V")
        if kind == "/Sig" and isinstance(value, Dictionary):
            yield name, value


def metadata(pdf: Pdf) -> dict[str, str]:
    """What the document information dictionary says of the record."""
    info = pdf.trailer.get("/Info")
    if not isinstance(info, Dictionary):
        return {}
    told = {said: _text(info.get(key)) for key, said in INFO.items()}
    if told["created"]:
        told["created"] = _moment(told["created"])
    return {key: value for key, value in told.items() if value}


def page_annotations(pdf: Pdf) -> Iterator[Dictionary]:
    """All annotations, page by page."""
    for page in pdf.pages:
        listed = page.obj.get("/Annots")
        for each in listed if isinstance(listed, Array) else ():
            if isinstance(each, Dictionary):
                yield each


def _led_by(pdf: Pdf, action: Dictionary, pages: dict[tuple[int, int], int]) -> str:
    match _name(action.get("/S")):
        case "/URI":
            return _text(action.get("/URI"))
        case "/GoTo":
            return _page_led_to(pdf, action.get("/D"), pages)
        case "/GoToR" | "/Launch":
            file = action.get("/F")
            return f"file {_text(_first(file, '/UF', '/F') if isinstance(file, Dictionary) else file)}"
        case other:
            return other.removeprefix("/")


def destination(pdf: Pdf, target: Any) -> Any:
    """The page and place that a destination leads to (12.3.2), also where it is told by name."""
    if isinstance(target, Name | String):
        target = _named_target(pdf, target)
    return target.get("/D") if isinstance(target, Dictionary) else target


def _page_led_to(pdf: Pdf, target: Any, pages: dict[tuple[int, int], int]) -> str:
    target = destination(pdf, target)
    if not isinstance(target, Array) or not len(target):
        return ""
    page = target[0]
    number = pages.get(page.objgen) if isinstance(page, Dictionary) else None
    return f"page {number}" if number is not None else "page elsewhere"


def _named_target(pdf: Pdf, name: Name | String) -> Any:
    """A destination by name (12.3.2.3): old files have a dictionary of them, newer ones a tree."""
    old = pdf.Root.get("/Dests")
    if isinstance(name, Name):
        return old.get(str(name)) if isinstance(old, Dictionary) else None
    names = pdf.Root.get("/Names")
    tree = names.get("/Dests") if isinstance(names, Dictionary) else None
    return pikepdf.NameTree(tree).get(str(name)) if isinstance(tree, Dictionary) else None


def _fields(listed: Any, above: str, kind: str, depth: int) -> Iterator[tuple[str, Dictionary, str]]:
    """Fields with their full names and kinds, which they have from those above them."""
    for field in listed if isinstance(listed, Array) and depth < _DEEPEST else ():
        if not isinstance(field, Dictionary):
            continue
        own = _text(field.get("/T"))
        name = f"{above}.{own}" if above and own else above or own
        its = _name(field.get("/FT")) or kind
        yield name, field, its
        yield from _fields(field.get("/Kids"), name, its, depth + 1)


def dictionaries(pdf: Pdf, kind: str = "") -> Iterator[Any]:
    """All dictionaries, also those within others (an action within its annotation), of a type or of all."""
    for thing in pdf.objects:
        yield from _within(thing, kind, 0)


def _within(thing: Any, kind: str, depth: int) -> Iterator[Any]:
    is_dictionary = isinstance(thing, Dictionary | Stream)
    if is_dictionary and (not kind or _name(thing.get("/Type")) == kind):
        yield thing
    if depth < _DEEPEST and (is_dictionary or isinstance(thing, Array)):
        for each in thing.values() if is_dictionary else thing:
            if isinstance(each, Dictionary | Array) and not each.is_indirect:
                yield from _within(each, kind, depth + 1)


def _first(thing: Any, *keys: str) -> Any:
    return next((thing[key] for key in keys if key in thing), None)


def _name(thing: Any) -> str:
    return str(thing) if isinstance(thing, Name) else ""


def _text(thing: Any) -> str:
    """A text, if it is one, without regard to spaces and line ends; of a long one the beginning, and the digest."""
    if isinstance(thing, Array):
        text = ", ".join(_text(each) or _name(each) for each in thing)
    else:
        text = " ".join(str(thing).split()) if isinstance(thing, String) else ""
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[:_LONGEST_TEXT]}… sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _digest(content: Stream) -> str:
    try:
        return hashlib.sha256(content.read_bytes()).hexdigest()
    except pikepdf.PdfError:
        return f"{hashlib.sha256(content.read_raw_bytes()).hexdigest()} (as it is stored)"


def _moment(text: str) -> str:
    """A date (7.9.4) to the second, however its time zone is written."""
    return re.sub(r"^D:|[^0-9+-Z]", "", text)[:14]
