"""What is measured of web pages, read by Lexbor, and of the PDF made of them, read by PDFium and QPDF.

None of these lays anything out.  What a style sheet hides (`display: none`) is not of the text; which one of several
rules wins is not reckoned: a page where that matters differs, and is stopped for a person.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import urlopen

import tinycss2
from PIL import Image
from selectolax.lexbor import LexborHTMLParser, LexborNode

from preserve.formats.measuring.documents import NOT_DRAWN, NOT_READ
from preserve.formats.measuring.other_tables import NoTableError, recoded
from preserve.formats.measuring.side import PDF, Side
from preserve.formats.office.facts import UnreadableError, external_links, one_line
from preserve.formats.office.laid_out import pages_of, read_laid_out
from preserve.formats.office.tagged_pdf import Element, PageTexts, tree
from preserve.formats.page_packs import beside
from preserve.model.formats.properties import Measured, Property, Value
from preserve.model.formats.web_pages import (
    STYLE,
    encoding_of,
    place_of,
    references_of_page,
    references_of_style,
    text_of,
)
from preserve.model.phrases import phrase
from preserve.opening.pictures import is_torn

TWO_ENCODINGS = phrase("the page says one encoding and reads as another")
MOST_RULES = 20_000
OTHER_TABLES = ("gb18030", "big5hkscs")
_UNSEEN = frozenset((
    "script", "style", "head", "title", "template", "meta", "link", "datalist", "param", "source", "track", "noembed",
    "noframes", "area", "rp",
))  # fmt: skip
_ANOTHER = frozenset(("iframe", "frame", "object", "embed", "video", "audio", "applet", "canvas"))
"""What a page shows that is no part of it, or that scripts draw."""
_BLOCKS = frozenset((
    "p", "br", "div", "tr", "td", "th", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "hr", "pre",
    "dt", "dd", "caption", "section", "article", "blockquote", "form", "option", "textarea", "button", "body",
))  # fmt: skip
_FIELDS = frozenset(("input", "select", "textarea"))
_NOT_TYPED = frozenset(("hidden", "checkbox", "radio", "image", "file", "password"))
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_DATA = re.compile(r"data:", re.IGNORECASE)
_ABOUT = {"author": "author", "description": "subject", "keywords": "keywords"}
_SCRIPTS = re.compile(r"(|module|(text|application)/(java|ecma|j|live)script.*)", re.IGNORECASE)
_BY_TREE = frozenset(("Lbl", "Artifact"))


def measure(side: Side, wanted: frozenset[Property]) -> Measured:
    """All of `wanted` that can be told of a page (`preserve.formats.measuring.side`)."""
    values: dict[Property, Value] = {}
    failed: dict[Property, str] = {}
    if Property.PAGES in wanted:
        try:
            values[Property.PAGES] = pages_of(side.pages) if side.pages is not None else 0
        except UnreadableError:
            failed[Property.PAGES] = NOT_DRAWN
    try:
        tell = _of_result(side.files[0]) if side.is_result else _of_page(side.files[0])
    except UnreadableError as why:
        reason = TWO_ENCODINGS if str(why) == TWO_ENCODINGS else NOT_READ
        return Measured(values, failed | dict.fromkeys(wanted - {Property.PAGES}, reason))
    return Measured(values | {name: value() for name, value in tell.items() if name in wanted}, failed)


def _of_result(file: Path) -> Mapping[Property, Callable[[], Value]]:
    if file.suffix != PDF:
        raise UnreadableError("no PDF")
    root = tree(file, on_paper=True)
    text = None if root is None else "\n".join(_tagged(root))
    facts = read_laid_out(file, PageTexts(text, ""))
    return {
        Property.TEXT: lambda: facts.text.casefold(),
        Property.IMAGES: lambda: facts.images,
        Property.HYPERLINKS: lambda: facts.links,
        Property.MACROS: lambda: facts.macros,
        Property.EMBEDDED: lambda: facts.embedded,
        Property.FORM_FIELDS: lambda: facts.fields,
        Property.METADATA: lambda: facts.properties,
    }


def _tagged(element: Element) -> Iterator[str]:
    """The text of a tree but for what programs number by themselves: WeasyPrint tags each mark of a list as a label."""
    for child in element.children:
        if isinstance(child, str):
            yield child
        elif child.kind not in _BY_TREE:
            yield from _tagged(child)


@dataclass
class _Page:
    """What is seen of a page; `held` came with it."""

    held: Mapping[str, bytes]
    hidden: frozenset[int]
    base: str = ""
    text: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    pictures: set[str] = field(default_factory=set)
    another: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


def _of_page(file: Path) -> Mapping[Property, Callable[[], Value]]:
    text = _read(file.read_bytes())
    document = LexborHTMLParser(text)
    held = beside(file)
    root = document.root
    if root is None:
        raise UnreadableError("there is nothing in it")
    seen = _Page(held, frozenset(_hidden(document, held)), _base(document))
    _walk(root, seen)
    lost = _lost(text, held, seen.base)
    return {
        Property.TEXT: lambda: "".join(seen.text).casefold(),
        Property.IMAGES: lambda: len(seen.pictures),
        Property.HYPERLINKS: lambda: external_links(seen.links),
        Property.MACROS: lambda: sum(_scripts(each) for each in document.css("*")),
        Property.EMBEDDED: lambda: tuple(sorted([*seen.another, *lost])),
        Property.FORM_FIELDS: lambda: seen.fields,
        Property.METADATA: lambda: _about(document),
    }


def _read(data: bytes) -> str:
    """The page by the tables of the C library, where it has any: Python's made the PDF."""
    encoding = encoding_of(data)
    if not encoding:
        raise UnreadableError(TWO_ENCODINGS)
    try:
        if encoding in OTHER_TABLES:
            return recoded(data, encoding, "utf-8").decode()
    except NoTableError:
        pass
    return text_of(data, encoding)


def _lost(text: str, held: Mapping[str, bytes], base: str) -> list[str]:
    """What the page and the style sheets that came with it name, and what did not come, or not whole."""
    named = [(each, None if base else place_of(each)) for each in references_of_page(text)]
    for place, content in held.items():
        if place.lower().endswith(STYLE):
            style = content.decode("utf-8", "replace")
            named += [(each, place_of(each, place)) for each in references_of_style(style)]
    absent = [f"not held: {each[:200]}" for each, place in named if place not in held and not _DATA.match(each)]
    torn = {place for place in {place for _, place in named} if place is not None and is_torn(held.get(place, b""))}
    return absent + [f"torn: {each[:200]}" for each, place in named if place in torn]


def _base(document: LexborHTMLParser) -> str:
    found = document.css_first("base[href]")
    return _of(found, "href") if found is not None else ""


def _hidden(document: LexborHTMLParser, held: Mapping[str, bytes]) -> Iterator[int]:
    """The elements that a rule of a style sheet hides, by their place in memory."""
    sheets = [each.text() for each in document.css("style")]
    for each in document.css("link[rel~=stylesheet]"):
        content = held.get(place_of(_of(each, "href")) or "", b"")
        sheets.append(content.decode("utf-8", "replace"))
    for selector in _hiding(sheets):
        try:
            yield from (node.mem_id for node in document.css(selector))
        except ValueError:  # one that Lexbor does not know
            continue


def _hiding(sheets: Sequence[str]) -> Iterator[str]:
    left = MOST_RULES
    for sheet in sheets:
        for rule in tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True):
            left -= 1
            if left < 0:
                return
            if rule.type == "qualified-rule" and _HIDDEN.search(tinycss2.serialize(rule.content)):
                selector = tinycss2.serialize(rule.prelude).strip()
                if ":" not in selector:
                    yield selector


def _walk(root: LexborNode, seen: _Page) -> None:
    """All that is seen below an element, in its order; pages nest thousands deep, so nothing calls itself."""
    stack: list[LexborNode | str] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            seen.text.append(node)
            continue
        if node.is_text_node:
            seen.text.append(node.text_content or "")
        if not node.is_element_node:
            continue
        if _is_hidden(node, seen):
            continue
        _note(node, seen)
        if node.tag in _BLOCKS:
            seen.text.append("\n")
            stack.append("\n")
        if node.tag not in _ANOTHER and node.tag not in _FIELDS:
            stack.extend(reversed(list(_children(node))))


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.child
    while child is not None:
        yield child
        child = child.next


def _is_hidden(node: LexborNode, seen: _Page) -> bool:
    marks = node.attributes
    is_said = "hidden" in marks or _HIDDEN.search(marks.get("style") or "") is not None
    return node.tag in _UNSEEN or is_said or node.mem_id in seen.hidden


def _scripts(node: LexborNode) -> int:
    """Programs in an element: a script, and what is done when it is clicked or loaded."""
    own = node.tag == "script" and _SCRIPTS.fullmatch(_of(node, "type").strip()) is not None
    return own + sum(1 for name in node.attributes if name.startswith("on"))


def _note(node: LexborNode, seen: _Page) -> None:
    if node.tag == "a" and _of(node, "href") and _is_seen(node):
        seen.links.append(_joined(seen.base, _of(node, "href").strip()))
    elif node.tag == "img" or (node.tag == "input" and _of(node, "type").lower() == "image"):
        _note_picture(node, seen)
    elif node.tag in _ANOTHER:
        seen.another.append(f"{node.tag}: {(_of(node, 'src') or _of(node, 'data'))[:200]}".rstrip(": "))
    if node.tag in _FIELDS and _of(node, "type").lower() != "hidden":
        value = _value(node)
        seen.fields[_of(node, "name") or str(len(seen.fields) + 1)] = one_line(value)
        if _of(node, "type").lower() not in _NOT_TYPED:
            seen.text.append(value)


def _note_picture(node: LexborNode, seen: _Page) -> None:
    source = _of(node, "src").strip()
    content = _content(source, seen)
    if content is not None:
        seen.pictures |= {hashlib.sha256(content).hexdigest()} if _is_of_pixels(content) else set()
    else:
        seen.text.append(_of(node, "alt"))


def _content(source: str, seen: _Page) -> bytes | None:
    """What a reference leads to, as far as it came with the page; None where it did not."""
    if _DATA.match(source):
        try:
            with urlopen(source) as within:  # noqa: S310 - `data:` alone, which is within the page
                return bytes(within.read())
        except (ValueError, OSError):
            return None
    return None if seen.base else seen.held.get(place_of(source) or "")


def _is_of_pixels(content: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return picture.width > 0
    except (OSError, ValueError, Image.DecompressionBombError):
        return b"<svg" not in content[:4096]  # a broken picture counts, and is missed


def _value(node: LexborNode) -> str:
    if node.tag == "textarea":
        return node.text()
    if node.tag == "select":
        options = node.css("option")
        chosen = [each for each in options if "selected" in each.attributes] or options[:1]
        return "\n".join(each.text() for each in (options if "multiple" in node.attributes else chosen[:1]))
    return _of(node, "value")


def _is_seen(node: LexborNode) -> bool:
    return bool(node.text().strip()) or node.css_first("img") is not None


def _joined(base: str, reference: str) -> str:
    return urljoin(base, reference) if base else reference


def _of(node: LexborNode, name: str) -> str:
    return node.attributes.get(name) or ""


def _about(document: LexborHTMLParser) -> dict[str, str]:
    title = document.css_first("title")
    found: dict[str, list[str]] = {"title": [one_line(title.text())]} if title is not None else {}
    for each in document.css("meta[name][content]"):
        name = _ABOUT.get(_of(each, "name").strip().lower())
        if name == "keywords":
            found.setdefault(name, []).extend(word.strip() for word in _of(each, "content").split(","))
        elif name is not None and not (name == "subject" and name in found):
            found.setdefault(name, []).append(one_line(_of(each, "content")))
    told = {name: ", ".join(dict.fromkeys(filter(None, values))) for name, values in found.items()}
    return {name: value for name, value in told.items() if value}
