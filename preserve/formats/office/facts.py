"""What is read of a text document, in whichever format: the same words on both sides of a conversion."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

_REGION = re.compile(r"cjk(?:sc|tc|hk|jp|kr)$")
"""Fonts of one file for all regions: a PDF names the first of them."""
_STYLE = re.compile(r"(?:PS)?(?:MT)?(?:[-,].*)?$")


_KINDS = {
    "excel": "sheet", "calc": "sheet", "spreadsheet": "sheet", "word": "text", "writer": "text", "powerpoint": "slides",
    "presentation": "slides", "impress": "slides", "equation": "formula", "math": "formula", "msgraph": "chart",
    "package": "file", "ole2link": "link", "drawing": "drawing", "staroffice": "file",
}  # fmt: skip


class UnreadableError(ValueError):
    """A document that is not what its format says, or that is locked; the message says why."""


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """A text document as it was read.

    `text` is what a reader sees of the body: first the body, then foot- and endnotes, then text boxes; without headers,
    footers, comments and hidden text, with the results of fields, inserted text and deleted text that is still shown.
    Numbers that a program makes by itself (of lists, notes, pages) are not in it.
    `beside` is what stands beside it on the pages, of what is laid out on pages alone.
    `changes` counts tracked changes by kind, author and minute, since programs cut one change into runs at will.
    """

    text: str
    images: int = 0
    fonts: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    changes: int = 0
    macros: int = 0
    embedded: tuple[str, ...] = ()
    signatures: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    beside: str | None = None


@dataclass(frozen=True, slots=True)
class PresentationFacts:
    """A presentation as it was read: how many slides are shown, and what they have in the words of documents."""

    slides: int
    hidden: int
    document: DocumentFacts


def one_line(text: str) -> str:
    """A text without the white space that only layout needs."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def properties_compared(properties: Mapping[str, str]) -> Mapping[str, str]:
    """What a document says of itself, as it is compared: keywords by their words, since LibreOffice parts them anew."""
    return {
        name: " ".join(re.split(r"[\s,;，；、]+", value)) if name == "keywords" else value
        for name, value in properties.items()
    }


def font_names(names: Iterable[str]) -> tuple[str, ...]:
    """Families of fonts as they are compared: each once, without regard to case and blanks."""
    found = {_REGION.sub("cjk", "".join(name.split()).casefold().strip("'\"@")) for name in names}
    return tuple(sorted(found - {""}))


def family_of_face(name: str) -> str:
    """The family of a face by its PostScript name in a PDF: `Times New Roman` of `ABCDEF+TimesNewRomanPS-BoldMT`."""
    return _STYLE.sub("", name.removeprefix("/").split("+")[-1])


def external_links(links: Iterable[str]) -> tuple[str, ...]:
    """Links that lead out of the document, each once: who lays a link out on two lines makes two of it."""
    found = {unquote(each.strip()).rstrip("/") for each in links}
    return tuple(sorted(each for each in found if each and not each.startswith("#")))


def kind_of_object(class_name: str) -> str:
    """What an embedded object is, by the class of its program (`Excel.Sheet.8`) or its element in OpenDocument.

    A kind and no program, since a conversion may hand an object on to another program.
    """
    name = class_name.split(".")[0].strip()
    return _KINDS.get(name.casefold(), name.casefold()) or "file"
