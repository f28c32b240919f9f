"""What is measured of OFD documents and of what was taken out of them, by a reader of our own: the order of pages and
texts as the XML has it, the files beside, the signatures."""

from __future__ import annotations

import hashlib
import posixpath
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, fromstring

from ofdkit import TextRun
from ofdkit.layout import page_text

from preserve.errors import Refused
from preserve.formats.contents import ENTRY_FAULTS
from preserve.formats.converters.csv_schema import TableError, read_csv
from preserve.formats.converters.ofd import INFO, PAGE_END, PART, PARTS, RUNS, RUNS_HEADER, content_parts
from preserve.formats.measuring.side import Side
from preserve.model.formats.properties import Measured, Property, Value
from preserve.model.phrases import phrase

LARGEST_XML_BYTES = 64 * 1024 * 1024
DEEPEST = 60
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".jb2", ".jbig2", ".jp2")
HEAD = {
    "DocID": "doc_id", "Title": "title", "Author": "author", "Subject": "subject", "Abstract": "abstract",
    "CreationDate": "creation_date", "Creator": "creator", "Keyword": "keywords",
}  # fmt: skip
"""What a document says of itself (GB/T 33190-2016, 7.4), and what that is called in the table of its head."""
NO_DOCUMENT = phrase("it is no OFD document that can be read")
TWO_TEXTS = phrase("the text and the table of where it stood do not say the same")
_UNREADABLE = (*ENTRY_FAULTS, ParseError, Refused)


class TwoTextsError(ValueError):
    """The text and the table of its pieces differ."""


def measure(side: Side, wanted: frozenset[Property]) -> Measured:
    """All of `wanted` that there is of a document (`preserve.formats.measuring.side`)."""
    try:
        tell = _of_result(side.files) if side.is_result else _of_document(side.files[0])
        return Measured({name: value() for name, value in tell.items() if name in wanted}, {})
    except TwoTextsError:
        return Measured({}, dict.fromkeys(wanted, TWO_TEXTS))
    except _UNREADABLE:
        return Measured({}, dict.fromkeys(wanted, NO_DOCUMENT))


def _of_document(file: Path) -> Mapping[Property, Callable[[], Value]]:
    with zipfile.ZipFile(file) as package:
        document = _Document(package)
        pages = [_text_of(each, document) for each in document.pages]
        digests = tuple(sorted(_digest(package, each) for each in content_parts(package)))
        pictures = sum(each.filename.lower().endswith(PICTURES) for each in content_parts(package))
        signatures = tuple(f"{at}" for at, _ in enumerate(document.signatures, 1))
        head = [(HEAD[_name(each)], (each.text or "").strip()) for each in document.head if _name(each) in HEAD]
    return {
        Property.PAGES: lambda: len(pages),
        Property.TEXT: lambda: "\n".join("\n".join(page) for page in pages),
        Property.ATTACHMENTS: lambda: digests,
        Property.IMAGES: lambda: pictures,
        Property.SIGNATURES: lambda: signatures,
        Property.METADATA: lambda: _told(head),
    }


def _of_result(files: Sequence[Path]) -> Mapping[Property, Callable[[], Value]]:
    by_ending = {each.name[each.name.index(".") :]: each for each in files}
    parts = [file for ending, file in by_ending.items() if ending.startswith(PART)]
    pages = by_ending[".txt"].read_bytes().decode().split(PAGE_END)
    runs = list(_runs(by_ending[RUNS]))
    texts = [run.text for _, run in runs]
    if not {INFO, PARTS} <= by_ending.keys():
        raise TableError("a table is missing")
    laid_out = [page_text([run for at, run in runs if at == number]) for number in range(1, len(pages) + 1)]
    if laid_out != pages or any(at > len(pages) for at, _ in runs):
        raise TwoTextsError
    return {
        Property.PAGES: lambda: len(pages),
        Property.TEXT: lambda: "\n".join(texts),
        Property.ATTACHMENTS: lambda: tuple(sorted(hashlib.sha256(each.read_bytes()).hexdigest() for each in parts)),
        Property.IMAGES: lambda: sum(each.name.endswith(PICTURES) for each in parts),
        Property.SIGNATURES: lambda: (),
        Property.METADATA: lambda: _told((name, value.strip()) for name, value in read_csv(by_ending[INFO])),
    }


def _told(head: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """What there is of the head by name; of several keywords all."""
    found: dict[str, list[str]] = {}
    for name, value in head:
        if value and name in HEAD.values():
            found.setdefault(name, []).append(value)
    return {name: ", ".join(values) for name, values in found.items()}


def _runs(file: Path) -> Iterator[tuple[int, TextRun]]:
    lines = read_csv(file)
    if next(lines, None) != RUNS_HEADER:
        raise TableError(file.name)
    for page, x, y, size, width, _, text in lines:
        yield int(page), TextRun(text, float(x), float(y), float(size), float(width))


class _Document:
    """The XML of a document; names in it are taken without their name space, which some programs leave out."""

    def __init__(self, package: zipfile.ZipFile) -> None:
        self._package = package
        self._names = {each.lower().lstrip("/"): each for each in package.namelist()}
        self.pages: list[tuple[str, Element]] = []
        self.signatures: list[Element] = []
        self.templates: dict[str, tuple[str, Element]] = {}
        self.units: dict[str, Element] = {}
        root = self._xml("OFD.xml")
        self.head = [each for info in islice(_all(root, "DocInfo"), 1) for each in info.iter()]
        for body in _all(root, "DocBody"):
            self._take_body(body)

    def _take_body(self, body: Element) -> None:
        root_at = _child_text(body, "DocRoot")
        root = self._xml(root_at)
        for each in _all(root, "TemplatePage"):
            self.templates[each.get("ID", "")] = self._at(root_at, each.get("BaseLoc", ""))
        for kind in ("PublicRes", "DocumentRes"):
            for each in _all(root, kind):
                self.take_resources(root_at, (each.text or "").strip())
        pages = next(_all(root, "Pages"), None)
        for each in _all(pages, "Page") if pages is not None else ():
            self.pages.append(self._at(root_at, each.get("BaseLoc", "")))
        signatures = _child_text(body, "Signatures")
        if signatures:
            self.signatures += _all(self._xml(signatures), "Signature")

    def take_resources(self, base: str, name: str) -> None:
        """Units that pages are composed of."""
        with suppress(KeyError):  # some programs name resources that they did not write
            for each in _all(self._at(base, name)[1], "CompositeGraphicUnit"):
                self.units.setdefault(each.get("ID", ""), each)

    def _at(self, base: str, name: str) -> tuple[str, Element]:
        path = name if name.startswith("/") else posixpath.join(posixpath.dirname(base), name)
        return path, self._xml(path)

    def _xml(self, path: str) -> Element:
        wanted = posixpath.normpath(path).lstrip("/").lower()
        info = self._package.getinfo(self._names[wanted])
        if info.file_size > LARGEST_XML_BYTES:
            raise ValueError("too large for a part of a document")
        with self._package.open(info) as part:
            return fromstring(part.read(LARGEST_XML_BYTES + 1))  # noqa: S314 - expat bounds what entities may grow to


def _text_of(page: tuple[str, Element], document: _Document) -> list[str]:
    """The texts of a page, those of its templates first."""
    path, root = page
    for each in _children(root, "PageRes"):
        document.take_resources(path, (each.text or "").strip())
    found: list[str] = []
    for each in _children(root, "Template"):
        if each.get("TemplateID", "") in document.templates:
            found += _texts(document.templates[each.get("TemplateID", "")][1], document)
    return found + _texts(root, document)


def _texts(root: Element, document: _Document) -> list[str]:
    layers = [layer for content in _children(root, "Content") for layer in _children(content, "Layer")]
    return [text for layer in layers for text in _walked(layer, document, 0)]


def _walked(element: Element, document: _Document, depth: int) -> Iterator[str]:
    for each in element:
        name = _name(each)
        if name == "TextObject":
            yield from (code.text for code in _children(each, "TextCode") if code.text)
        elif name == "PageBlock" and depth < DEEPEST:
            yield from _walked(each, document, depth + 1)
        elif name == "CompositeObject" and depth < DEEPEST:
            unit = document.units.get(each.get("ResourceID", ""))
            for content in _children(unit, "Content") if unit is not None else ():
                yield from _walked(content, document, depth + 1)


def _digest(package: zipfile.ZipFile, part: zipfile.ZipInfo) -> str:
    with package.open(part) as content:
        return hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _children(element: Element, name: str) -> Iterator[Element]:
    return (each for each in element if _name(each) == name)


def _all(element: Element, name: str) -> Iterator[Element]:
    return (each for each in element.iter() if _name(each) == name)


def _child_text(element: Element, name: str) -> str:
    return next((each.text or "" for each in _children(element, name)), "").strip()
