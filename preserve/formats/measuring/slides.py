"""What is measured of presentations, and of the PDF that was made of them; by no program that converts any.

PowerPoint 97-2003 is read from its records, PPTX from its XML, PDF by PDFium and QPDF.  What a master adds to each
slide (footer, number, date) is of no slide's text on either side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from preserve.formats.measuring.documents import NOT_READ, SEVERAL, told_of
from preserve.formats.measuring.side import PDF, Side
from preserve.formats.office.facts import DocumentFacts, PresentationFacts, UnreadableError
from preserve.formats.office.laid_out import pages_of, read_laid_out
from preserve.formats.office.powerpoint_binary import read_powerpoint_binary
from preserve.formats.office.powerpoint_xml import read_powerpoint_xml
from preserve.model.formats.properties import Measured, Property

READERS: Mapping[str, Callable[[Path], PresentationFacts]] = {
    ".ppt": read_powerpoint_binary,
    ".pptx": read_powerpoint_xml,
}


def measure(side: Side, wanted: frozenset[Property]) -> Measured:
    """All of `wanted` that can be told of a presentation."""
    if len(side.files) != 1:
        return Measured({}, dict.fromkeys(wanted, SEVERAL))
    try:
        count, facts = _read(side.files[0], side.ending.lower())
    except UnreadableError:
        return Measured({}, dict.fromkeys(wanted, NOT_READ))
    told = told_of(facts, side, wanted)
    slides = {Property.SLIDES: count} if Property.SLIDES in wanted else {}
    return Measured({**told.values, **slides}, told.failed)


def _read(file: Path, ending: str) -> tuple[int, DocumentFacts]:
    if ending == PDF:
        return pages_of(file), read_laid_out(file)
    if ending not in READERS:
        raise UnreadableError(f"nothing here reads {ending}")
    told = READERS[ending](file)
    return told.slides, told.document
