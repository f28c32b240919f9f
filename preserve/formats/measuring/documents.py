"""What is measured of text documents, and of what was made of them; by no program that converts any.

Word 97-2003, RTF, DOCX and ODT are read by `preserve.formats.office` from their bytes as their specifications say, PDF
by PDFium and QPDF.  Text is compared without regard to case: capitals may be a matter of style, which layout shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from preserve.formats.measuring.side import Side
from preserve.formats.office.facts import DocumentFacts, UnreadableError, properties_compared
from preserve.formats.office.laid_out import pages_of, read_laid_out
from preserve.formats.office.open_document import read_open_document
from preserve.formats.office.rtf import read_rtf
from preserve.formats.office.tagged_pdf import pictures_on, texts_of
from preserve.formats.office.word_binary import read_word_binary
from preserve.formats.office.word_xml import read_word_xml
from preserve.model.formats.properties import Measured, Property, Value
from preserve.model.phrases import phrase

READERS: Mapping[str, Callable[[Path], DocumentFacts]] = {
    ".doc": read_word_binary,
    ".docx": read_word_xml,
    ".odt": read_open_document,
    ".pdf": read_laid_out,
    ".rtf": read_rtf,
}
NOT_READ = phrase("it cannot be read by the program that measures it: it is damaged, locked, older, or another format")
NOT_DRAWN = phrase("it was not drawn, so nothing can be told of its pages")
NOT_SEEN = phrase("what stands beside the text on its pages cannot be read")
SEVERAL = phrase("there are several files where one is wanted")
_OF_FACTS: Mapping[Property, Callable[[DocumentFacts], Value]] = {
    Property.TEXT: lambda facts: facts.text.casefold(),
    Property.IMAGES: lambda facts: facts.images,
    Property.FONTS: lambda facts: facts.fonts,
    Property.HYPERLINKS: lambda facts: facts.links,
    Property.COMMENTS: lambda facts: facts.comments,
    Property.TRACKED_CHANGES: lambda facts: facts.changes,
    Property.MACROS: lambda facts: facts.macros,
    Property.EMBEDDED: lambda facts: facts.embedded,
    Property.SIGNATURES: lambda facts: tuple(f"signature {number + 1}" for number in range(facts.signatures)),
    Property.FORM_FIELDS: lambda facts: facts.fields,
    Property.METADATA: lambda facts: properties_compared(facts.properties),
}

_OF_PAGES: Mapping[Property, Callable[[Path], Value]] = {
    Property.PAGES: pages_of,
    Property.PICTURES: pictures_on,
}


def measure(side: Side, wanted: frozenset[Property]) -> Measured:
    """All of `wanted` that can be told of a text document."""
    values: dict[Property, Value] = {}
    failed: dict[Property, str] = {}
    reader = READERS.get(side.ending.lower())
    for name in wanted & _OF_PAGES.keys():
        _put(name, _drawn(side, _OF_PAGES[name]), values, failed)
    of_facts = wanted & _OF_FACTS.keys()
    if reader is None or len(side.files) != 1:
        return Measured(values, failed | dict.fromkeys(of_facts, SEVERAL if reader else NOT_READ))
    try:
        facts = reader(side.files[0])
    except UnreadableError:
        return Measured(values, failed | dict.fromkeys(of_facts, NOT_READ))
    told = told_of(facts, side, wanted)
    return Measured({**values, **told.values}, {**failed, **told.failed})


def told_of(facts: DocumentFacts, side: Side, wanted: frozenset[Property]) -> Measured:
    """What was read, as it is compared.

    After the text comes what stands beside it on its pages: of an original as LibreOffice draws it, so that it shows
    whether a header was lost on the way, and not whether it was misread.
    """
    found = {name: _OF_FACTS[name](facts) for name in wanted & _OF_FACTS.keys()}
    if Property.TEXT in found and side.pages is not None:
        try:
            beside = texts_of(side.pages).beside if facts.beside is None else facts.beside
            found[Property.TEXT] = f"{found[Property.TEXT]}\n{beside.casefold()}"
        except UnreadableError:
            del found[Property.TEXT]
            return Measured(found, {Property.TEXT: NOT_SEEN})
    return Measured(found, {})


def _drawn(side: Side, tell: Callable[[Path], Value]) -> Value | None:
    """What is told of the pages as they are drawn; None where they are not."""
    try:
        return tell(side.pages) if side.pages is not None else None
    except UnreadableError:
        return None


def _put(name: Property, told: Value | None, values: dict[Property, Value], failed: dict[Property, str]) -> None:
    if told is None:
        failed[name] = NOT_DRAWN
    else:
        values[name] = told
