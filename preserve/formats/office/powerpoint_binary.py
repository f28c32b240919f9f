"""PowerPoint 97-2003 presentations, read as [MS-PPT] says (Microsoft Open Specifications).

Sections in comments are those of [MS-PPT].
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from preserve.formats.office.compound import Compound
from preserve.formats.office.drawings import picture_digests
from preserve.formats.office.facts import (
    DocumentFacts,
    PresentationFacts,
    UnreadableError,
    external_links,
    font_names,
    kind_of_object,
    one_line,
)

DEEPEST = 40
MOST_EDITS = 10_000
_ENCRYPTED = 0xF3D1C4DF
_DOCUMENT, _SLIDE, _TEXTS, _PERSIST = 0x03E8, 0x03EE, 0x0FF0, 0x03F3
_USER_EDIT, _DIRECTORY = 0x0FF5, 0x1772
_CHARS, _BYTES, _OUTLINE_REF, _NUMBER_FIELD, _BOX = 0x0FA0, 0x0FA8, 0x0F9E, 0x0FD8, 0xF00D
_FONT, _COMMENT, _STRING, _LINK, _OBJECT = 0x0FB7, 0x2EE0, 0x0FBA, 0x0FD7, 0x0FCC
_OTHER_FIELDS = (0x0FF7, 0x0FF8, 0x0FF9, 0x0FFA)
_HIDDEN_FLAG_AT = 10
_BREAKS = re.compile(r"[\r\x0b]")


@dataclass(frozen=True, slots=True)
class _Record:
    """2.3.1: what it is, and its bytes; a container holds records."""

    kind: int
    instance: int
    is_container: bool
    body: bytes

    def records(self) -> Iterator[_Record]:
        return _records(self.body) if self.is_container else iter(())

    def all(self, depth: int = 0) -> Iterator[_Record]:
        """Itself and all below it."""
        yield self
        if depth < DEEPEST:
            for each in self.records():
                yield from each.all(depth + 1)


def read_powerpoint_binary(path: Path) -> PresentationFacts:
    """Raises `UnreadableError` for what is locked, damaged, or no such presentation."""
    compound = Compound(str(path))
    try:
        return _facts(compound)
    except (struct.error, IndexError, KeyError, RecursionError) as error:
        raise UnreadableError(f"the presentation contradicts itself: {error}") from error
    finally:
        compound.close()


def _facts(compound: Compound) -> PresentationFacts:
    user = compound.stream("Current User")
    stream = compound.stream("PowerPoint Document")
    if struct.unpack_from("<I", user, 12)[0] == _ENCRYPTED:
        raise UnreadableError("it is encrypted")
    places, top = _places(stream, struct.unpack_from("<I", user, 16)[0])
    document = _record_at(stream, places[top])
    if document.kind != _DOCUMENT:
        raise UnreadableError("it has no document")
    texts, ids = _outline(document)
    slides = [_record_at(stream, places[each]) for each in ids]
    shown = [(at, slide) for at, slide in enumerate(slides) if not _is_hidden(slide)]
    pages = [_page(slide, texts[at], number) for number, (at, slide) in enumerate(shown, 1)]
    pictures = compound.stream("Pictures") if compound.has("Pictures") else b""
    return PresentationFacts(
        len(shown),
        len(slides) - len(shown),
        DocumentFacts(
            text="\n".join(pages),
            images=len(set(picture_digests(pictures))),
            fonts=font_names(_name(each.body[:64]) for each in document.all() if each.kind == _FONT),
            links=external_links(_links(document)),
            comments=tuple(_comment(each) for slide in slides for each in slide.all() if each.kind == _COMMENT),
            macros=compound.macros() or int(_has_macros(document)),
            embedded=tuple(sorted(_objects(document))),
            signatures=compound.signatures(),
            properties=compound.properties(),
        ),
    )


def _records(content: bytes) -> Iterator[_Record]:
    at = 0
    while at + 8 <= len(content):
        version, kind, length = struct.unpack_from("<HHI", content, at)
        yield _Record(kind, version >> 4, version & 0xF == 0xF, content[at + 8 : at + 8 + length])
        at += 8 + length


def _record_at(stream: bytes, at: int) -> _Record:
    return next(_records(stream[at:]), _Record(0, 0, False, b""))


def _places(stream: bytes, at: int) -> tuple[dict[int, int], int]:
    """Where each persistent object lies (2.3.3 to 2.3.5): later edits come first; and which of them is the document."""
    places: dict[int, int] = {}
    top = -1
    for _ in range(MOST_EDITS):
        edit = _record_at(stream, at)
        if edit.kind != _USER_EDIT:
            raise UnreadableError("its list of edits is broken")
        before, directory, document = struct.unpack_from("<III", edit.body, 8)
        top = document if top < 0 else top
        body = _record_at(stream, directory).body
        place = 0
        while place + 4 <= len(body):
            (head,) = struct.unpack_from("<I", body, place)
            first, count = head & 0xFFFFF, head >> 20
            for number in range(count):
                places.setdefault(first + number, struct.unpack_from("<I", body, place + 4 + 4 * number)[0])
            place += 4 + 4 * count
        if not before:
            return places, top
        at = before
    raise UnreadableError("it has too many edits")


def _outline(document: _Record) -> tuple[list[list[str]], list[int]]:
    """The slides in their order (2.4.14.3), and of each the texts that its shapes refer to."""
    texts: list[list[str]] = []
    ids: list[int] = []
    for each in document.records():
        if each.kind != _TEXTS or each.instance != 0:
            continue
        for record in each.records():
            if record.kind == _PERSIST:
                ids.append(struct.unpack_from("<I", record.body)[0])
                texts.append([])
            elif record.kind in (_CHARS, _BYTES) and texts:
                texts[-1].append(_text(record))
    return texts, ids


def _is_hidden(slide: _Record) -> bool:
    """SlideShowSlideInfoAtom (2.5.6)."""
    info = next((each for each in slide.records() if each.kind == 0x03F9), None)
    return info is not None and len(info.body) > _HIDDEN_FLAG_AT and bool(info.body[_HIDDEN_FLAG_AT] & 4)


def _page(slide: _Record, outline: list[str], number: int) -> str:
    """The texts of a slide's shapes in the order in which they are drawn."""
    found = []
    for box in slide.all():
        if box.kind != _BOX:
            continue
        for record in _records(box.body):
            if record.kind in (_CHARS, _BYTES):
                found.append(_text(record))
            elif record.kind == _OUTLINE_REF:
                at = struct.unpack_from("<I", record.body)[0]
                found.append(outline[at] if at < len(outline) else "")
            elif record.kind == _NUMBER_FIELD and found:
                place = struct.unpack_from("<I", record.body)[0]
                found[-1] = f"{found[-1][:place]}{number}{found[-1][place + 1 :]}"
            elif record.kind in _OTHER_FIELDS and found:
                place = struct.unpack_from("<I", record.body)[0]
                found[-1] = f"{found[-1][:place]}{found[-1][place + 1 :]}"
    return "\n".join(_BREAKS.sub("\n", each) for each in found)


def _text(record: _Record) -> str:
    return record.body.decode("utf-16-le" if record.kind == _CHARS else "latin-1", "replace")


def _name(content: bytes) -> str:
    return content.decode("utf-16-le", "replace").split("\0")[0]


def _links(document: _Record) -> Iterator[str]:
    """ExHyperlinkContainer (2.10.16): the second string is where it leads."""
    for each in document.all():
        if each.kind == _LINK and each.is_container:
            yield from (_name(text.body) for text in each.records() if text.kind == _STRING and text.instance == 1)


def _comment(comment: _Record) -> str:
    """Comment10Container (2.5.20): author, text, initials."""
    texts = [_name(each.body) for each in comment.records() if each.kind == _STRING and each.instance == 1]
    return one_line(texts[0]) if texts else ""


def _objects(document: _Record) -> Iterator[str]:
    """ExOleEmbedContainer (2.10.27): the program stands in the second string."""
    for each in document.all():
        if each.kind == _OBJECT:
            names = {text.instance: _name(text.body) for text in each.records() if text.kind == _STRING}
            yield kind_of_object(names.get(2, ""))


def _has_macros(document: _Record) -> bool:
    """VBAInfoAtom (2.4.11)."""
    return any(each.kind == 0x0400 and each.body[4:8] == b"\x01\0\0\0" for each in document.all())
