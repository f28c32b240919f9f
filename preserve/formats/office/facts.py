"""What is read of a text document, in whichever format: the same words on both sides of a conversion."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


class UnreadableError(ValueError):
    """A document that is not what its format says, or that is locked; the message says why."""


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """A text document as it was read.

    `text` is what a reader sees of the body: first the body, then foot- and endnotes, then text boxes; without headers,
    footers, comments and hidden text, with the results of fields, inserted text and deleted text that is still shown.
    Numbers that a program makes by itself (of lists, notes, pages) are not in it.
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


def one_line(text: str) -> str:
    """A text without the white space that only layout needs."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def font_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names of fonts as they are compared: each once, without regard to case and blanks."""
    return tuple(sorted({"".join(name.split()).casefold().strip("'\"@") for name in names} - {""}))


def external_links(links: Iterable[str]) -> tuple[str, ...]:
    """Links that lead out of the document; each place that has one counts."""
    return tuple(sorted(each.strip().rstrip("/") for each in links if each.strip() and not each.strip().startswith("#")))


def program_of(class_name: str) -> str:
    """The program of an embedded object by its class: `Excel` of `Excel.Sheet.8`."""
    return class_name.split(".")[0].strip() or "?"
