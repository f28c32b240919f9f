"""What a web page needs to be shown: in which encoding it is written, and which files it names.

A page is text that names its pictures and styles; saved pages have them beside.  Before a page is in the sandbox its
references are found by patterns alone; there, by Python's `html.parser`.
"""

from __future__ import annotations

import codecs
import posixpath
import re
from collections.abc import Iterable, Iterator
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

from preserve.model.formats.encodings import LIKELY, family, likeness, reads_as

HEAD_BYTES = 4096
"""Where a page says its encoding: the HTML Standard asks for the first 1,024 bytes; real pages are later."""
MOST_BYTES = 64 * 1024 * 1024
STYLE = ".css"
PACKED = ".beside.zip"
"""The ending under which what a page names lies beside it, packed, by its place relative to the page."""
_SAID = re.compile(rb"<meta[^>]{0,500}charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml[^>]{0,200}encoding\s*=\s*[\"']([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_LABELS = {
    "gb2312": "gb18030", "gb_2312-80": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "chinese": "gb18030",
    "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "cn-big5": "big5hkscs", "x-x-big5": "big5hkscs",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252",
    "utf-16": "utf-8", "utf-16le": "utf-8", "utf-16be": "utf-8",
}  # fmt: skip
"""Labels that browsers read otherwise than Python (WHATWG, Encoding Standard, 4.2): larger tables for smaller ones."""
_UNSAID = ("gb18030", "big5hkscs")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SHOWN_BY = {
    "img": ("src",), "input": ("src",), "link": ("href",), "body": ("background",), "table": ("background",),
    "td": ("background",), "th": ("background",), "tr": ("background",), "image": ("href", "xlink:href"),
}  # fmt: skip
_IN_STYLE = re.compile(
    r"url\(\s{0,20}(?:\"([^\"]{0,1000})\"|'([^']{0,1000})'|([^)\"'\s]{1,1000}))"
    r"|@import\s{1,20}(?:\"([^\"]{0,1000})\"|'([^']{0,1000})')"
)
_SHOWING = re.compile(rf"<({'|'.join(_SHOWN_BY)})\b([^<>]{{0,2000}})", re.IGNORECASE)
_NAMED = re.compile(r"([\w:-]{1,40})\s{0,10}=\s{0,10}(?:\"([^\"]{0,1000})\"|'([^']{0,1000})'|([^\s\"'>]{1,1000}))")


def encoding_of(page: bytes) -> str:
    """The encoding of a page: by its mark, by what it says, else as it reads; "" where it says one and reads as
    another, so that somebody has to look."""
    for mark, encoding in _MARKS:
        if page.startswith(mark):
            return encoding
    said = _said(page[:HEAD_BYTES])
    if said:
        return said if _agrees(reads_as(page, said), said) else ""
    if _is_in("utf-8", page):
        return "utf-8"
    shares = [(likeness(page, each, strict=True) or 0.0, each) for each in _UNSAID]
    best, encoding = max(shares)
    return encoding if best >= LIKELY else "cp1252"


def text_of(page: bytes, encoding: str) -> str:
    """A page as text; what means nothing in the encoding is U+FFFD."""
    return page.decode(encoding, "replace")


def references_of_page(text: str) -> tuple[str, ...]:
    """What a page is shown with, as it is named there: pictures, styles, and what its own styles name."""
    reader = _References()
    reader.feed(text)
    reader.close()
    return tuple(dict.fromkeys(each.strip() for each in reader.found if each.strip()))


def likely_references(text: str) -> tuple[str, ...]:
    """The same as nearly as can be told in time by the length of a page, whatever stands in it: `html.parser` takes
    18 seconds for 24 kB of `<a `, and nothing bounds whoever packs what a page names."""
    found = [
        unescape("".join(filter(None, each.groups("")[1:])))
        for tag in _SHOWING.finditer(text)
        for each in _NAMED.finditer(tag[2])
        if each[1].lower() in _SHOWN_BY[tag[1].lower()]
    ]
    named = (*found, *references_of_style(unescape(text)))
    return tuple(dict.fromkeys(each.strip() for each in named if each.strip()))


def references_of_style(text: str) -> tuple[str, ...]:
    """What a style sheet names."""
    return tuple(dict.fromkeys(filter(None, ("".join(found.groups("")).strip() for found in _IN_STYLE.finditer(text)))))


def place_of(reference: str, named_in: str = "") -> str | None:
    """Where what is named lies, relative to the page; `named_in` is the place of the style sheet that names it.

    None for what does not lie beside the page: it is remote, within the page (`data:`), or at the root of a site.
    """
    try:
        parts = urlsplit(reference.replace("\\", "/"))
    except ValueError:
        return None
    path = unquote(parts.path)
    if parts.scheme or parts.netloc or not path or path.startswith("/") or "\0" in path:
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(named_in), path))


def places_of(references: Iterable[str], named_in: str = "") -> tuple[str, ...]:
    """The places of those that lie beside the page, each once."""
    found = (place_of(each, named_in) for each in references)
    return tuple(dict.fromkeys(each for each in found if each is not None))


class _References(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._is_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_style = tag == "style"
        for name, value in attrs:
            if name in _SHOWN_BY.get(tag, ()):
                self.found.append(value or "")
            elif name == "style":
                self.found += references_of_style(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._is_style = False

    def handle_data(self, data: str) -> None:
        if self._is_style:
            self.found += references_of_style(data)


def _said(head: bytes) -> str:
    for each in _labels(head):
        label = each.decode("ascii").lower()
        try:
            return _LABELS.get(label) or codecs.lookup(label).name
        except LookupError:
            continue
    return ""


def _labels(head: bytes) -> Iterator[bytes]:
    xml = _XML.match(head)
    if xml is not None:
        yield xml[1]
    yield from _SAID.findall(head)


def _agrees(reads: str, said: str) -> bool:
    return reads == family(said) or (family(said) == "gb18030" and reads == "gb18030")


def _is_in(encoding: str, page: bytes) -> bool:
    try:
        page.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
