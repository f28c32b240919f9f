"""A web page (HTML) to one PDF/A-2b, by WeasyPrint: laid out as on a screen, on pages wide enough for all of it.

    python -m preserve.formats.converters.web_page FOLDER FILE...

What lies beside the page comes with it in a ZIP (`1.beside.zip` beside `1.html`, `preserve.model.formats.web_pages`)
whose names are relative to the page.  Nothing is brought from anywhere else: the sandbox has no network, and this asks
for none.  Scripts are not run.
"""

from __future__ import annotations

import math
import mimetypes
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from weasyprint import CSS, HTML
from weasyprint.document import Document
from weasyprint.formatting_structure.boxes import ReplacedBox, TextBox
from weasyprint.urls import URLFetcher, URLFetcherResponse

from preserve.errors import Refused
from preserve.formats.converters.calls import each_of
from preserve.formats.page_packs import beside
from preserve.model.formats.web_pages import MOST_BYTES, encoding_of, place_of, text_of
from preserve.opening.pictures import is_torn

NOWHERE = "page:///"
"""No address at all: what is named relative to it stays as it is named, in links and when it is asked for."""
A4_WIDTH, A4_HEIGHT, MARGIN = 210, 297, 15
WIDEST = 5000
"""Millimetres; PDF has no wider pages (ISO 32000-1, annex C: 14,400 units)."""
_PIXEL = 25.4 / 96
_OPTIONS = {"pdf_variant": "pdf/a-2b", "pdf_tags": True, "pdf_forms": False}
_ADDED_BY_NOBODY = "select::before, input[type=submit]:not([value])::before, input[type=reset]:not([value])::before"
"""Words and signs of WeasyPrint's own, which do not stand in the page."""


def convert(source: Path, folder: Path, number: str) -> None:
    """Make `1.pdf` of a page.  Raises `Refused`."""
    data = source.read_bytes()
    if len(data) > MOST_BYTES:
        raise Refused("the page is too long to be laid out")
    encoding = encoding_of(data)
    if not encoding:
        raise Refused("the page says one encoding and reads as another; convert it by hand, or correct what it says")
    page = HTML(string=text_of(data, encoding), base_url=NOWHERE, url_fetcher=_Beside(beside(source)),
                media_type="screen")  # fmt: skip
    try:
        laid_out(page).write_pdf(folder / f"{number}.pdf", finisher=_show_metadata, **_OPTIONS)
    except RecursionError as error:  # WeasyPrint lays out what is within an element by calling itself
        raise Refused(
            "elements of the page stand within each other too deep to be laid out; convert it by hand, or keep it as"
            " it is"
        ) from error


def _show_metadata(_: Document, pdf: Any) -> None:
    """Write the metadata as they are: PRONOM's signatures find the claim of PDF/A in no compressed stream."""
    for each in pdf.objects:
        if getattr(each, "extra", {}).get("Type") == "/Metadata":
            each.compress = False


def laid_out(page: HTML) -> Document:
    """A page on A4, or on wider sheets where words or pictures would be cut off."""
    document = page.render(stylesheets=[_sheets(A4_WIDTH, "")], **_OPTIONS)
    needed = min(WIDEST, math.ceil(_right_edge(document) * _PIXEL) + MARGIN)
    if needed > A4_WIDTH - 1:
        document = page.render(stylesheets=[_sheets(max(needed, A4_WIDTH), "!important")], **_OPTIONS)
    return document


def _sheets(width: int, weight: str) -> CSS:
    page = f"@page {{ size: {width}mm {A4_HEIGHT}mm {weight}; margin: {MARGIN}mm {weight} }}"
    return CSS(string=f"{page} {_ADDED_BY_NOBODY} {{ content: none !important }}")


def _right_edge(document: Document) -> float:
    """How far words and pictures reach to the right, in pixels of CSS."""
    boxes = (box for page in document.pages for box in page._page_box.descendants())
    return max((box.position_x + box.width for box in boxes if isinstance(box, TextBox | ReplacedBox)), default=0.0)


class _Beside(URLFetcher):  # type: ignore[misc]  # it has no types
    """Gives what came with the page, and what is within it (`data:`); asks nobody else."""

    def __init__(self, held: Mapping[str, bytes]) -> None:
        super().__init__(allowed_protocols=("data",))
        self._held = held

    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
        content, kind = self._found(url)
        if is_torn(content):  # half of it would be drawn, or all of it filled up, without a word
            raise ValueError(f"the picture cannot be decoded to its end: {url[:200]}")
        return URLFetcherResponse(url, content, {"Content-Type": kind})

    def _found(self, url: str) -> tuple[bytes, str]:
        """What an address leads to, and of what kind it is."""
        if url.startswith("data:"):
            with closing(super().fetch(url)) as within:
                return within.read(), within.content_type
        place = place_of(url.removeprefix(NOWHERE))
        if place is None or place not in self._held:
            raise ValueError(f"it did not come with the page: {url}")
        return self._held[place], mimetypes.guess_type(place)[0] or "application/octet-stream"


def main(arguments: Sequence[str]) -> int:
    """Convert files, and say how it ended by the exit status."""
    folder, *files = arguments
    return each_of(files, Path(folder), convert)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
