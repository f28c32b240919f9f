"""Word documents in OOXML (DOCX), read from their XML (ISO/IEC 29500-1, 17)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from preserve.formats.office.facts import (
    DocumentFacts,
    UnreadableError,
    external_links,
    font_names,
    kind_of_object,
    one_line,
)
from preserve.formats.office.packages import ALTERNATE, CHOICE, FALLBACK, RELATIONSHIP, Parts

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OLE = "{urn:schemas-microsoft-com:office:office}OLEObject"
_BLIP = "{http://schemas.openxmlformats.org/drawingml/2006/main}blip"
_IMAGE_DATA = "{urn:schemas-microsoft-com:vml}imagedata"
_CHANGES = ("ins", "del", "moveFrom", "moveTo")
_LINK = re.compile(r'\bHYPERLINK\s+(?:"([^"]*)"|(\S+))', re.IGNORECASE)
_CORE = {
    "{http://purl.org/dc/elements/1.1/}title": "title",
    "{http://purl.org/dc/elements/1.1/}subject": "subject",
    "{http://purl.org/dc/elements/1.1/}creator": "author",
    "{http://purl.org/dc/elements/1.1/}description": "description",
    "{http://schemas.openxmlformats.org/package/2006/metadata/core-properties}keywords": "keywords",
    "{http://schemas.openxmlformats.org/package/2006/metadata/core-properties}category": "category",
    "{http://purl.org/dc/terms/}created": "created",
}
_EXTENDED = "{http://schemas.openxmlformats.org/officeDocument/2006/extended-properties}"


def read_word_xml(path: Path) -> DocumentFacts:
    """Raises `UnreadableError` for what is locked, damaged, or no such document."""
    parts = Parts(path)
    try:
        return _facts(parts)
    finally:
        parts.close()


def _facts(parts: Parts) -> DocumentFacts:
    main = parts.main()
    folder = main.rsplit("/", 1)[0] if "/" in main else ""
    walk = _Walk(parts.relations(main))
    walk.part(parts.xml(main))
    notes = []
    for name, kind in (("footnotes.xml", "footnote"), ("endnotes.xml", "endnote")):
        part = f"{folder}/{name}" if folder else name
        root = parts.xml_if_there(part)
        if root is not None:
            inner = _Walk(parts.relations(part))
            for note in root.iter(f"{W}{kind}"):
                if note.get(f"{W}type") in (None, "normal"):
                    inner.part(note)
            notes.append(inner)
    walks = [walk, *notes]
    comments = parts.xml_if_there(f"{folder}/comments.xml" if folder else "comments.xml")
    return DocumentFacts(
        text="\n".join(["".join(each.text) for each in walks] + [box for each in walks for box in each.boxes]),
        images=parts.pictures(_pictures(parts)),
        fonts=font_names(_fonts(parts, folder)),
        links=external_links(link for each in walks for link in each.links),
        comments=tuple(_comment(each) for each in comments.iter(f"{W}comment")) if comments is not None else (),
        changes=len(set().union(*(each.changes for each in walks))),
        macros=parts.macros(),
        embedded=tuple(sorted(each for walk in walks for each in walk.embedded)),
        signatures=parts.signatures(),
        fields={str(number): value for number, value in enumerate((f for each in walks for f in each.fields), 1)},
        properties=properties_of(parts),
    )


def properties_of(parts: Parts) -> Mapping[str, str]:
    """What an OOXML document says of itself (ISO/IEC 29500-2, 11; 29500-1, 22.2), by names that all formats share."""
    found = {}
    core = parts.xml_if_there("docProps/core.xml")
    for each in core if core is not None else ():
        if each.tag in _CORE and each.text:
            value = one_line(each.text)
            found[_CORE[each.tag]] = value[:16] if _CORE[each.tag] == "created" else value
    extended = parts.xml_if_there("docProps/app.xml")
    for each in extended if extended is not None else ():
        name = each.tag.removeprefix(_EXTENDED).lower()
        if name in ("company", "manager") and each.text:
            found[name] = one_line(each.text)
    return {name: value for name, value in found.items() if value}


def _pictures(parts: Parts) -> Iterable[str]:
    """The pictures that any part of the document shows, and not merely holds."""
    for name in sorted(parts.names):
        if name.startswith("word/") and name.endswith(".xml"):
            shown = {
                each.get(f"{RELATIONSHIP}{word}", "")
                for each in parts.xml(name).iter()
                if each.tag in (_BLIP, _IMAGE_DATA)
                for word in ("embed", "id")
            }
            yield from (
                target for id_, (target, is_outside) in parts.relations(name).items() if id_ in shown and not is_outside
            )


def _fonts(parts: Parts, folder: str) -> Iterable[str]:
    table = parts.xml_if_there(f"{folder}/fontTable.xml" if folder else "fontTable.xml")
    for each in table if table is not None else ():
        yield each.get(f"{W}name", "")


def _comment(element: ET.Element) -> str:
    walk = _Walk({})
    walk.part(element)
    return one_line("".join(walk.text))


@dataclass(slots=True)
class _Walk:
    """One part, read in its order; text boxes and notes stand apart."""

    relations: Mapping[str, tuple[str, bool]]
    text: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    changes: set[tuple[str, str, str]] = field(default_factory=set)
    embedded: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    _instructions: list[list[str]] = field(default_factory=list)

    def part(self, element: ET.Element) -> None:
        """Raises `UnreadableError` for what is nested too deeply."""
        try:
            self._walk(element)
        except RecursionError as error:
            raise UnreadableError("it is nested too deeply") from error

    def _walk(self, element: ET.Element) -> None:
        name = element.tag.removeprefix(W) if isinstance(element.tag, str) else ""
        if element.tag == ALTERNATE:
            self._either(element)
        elif element.tag == _OLE:
            self.embedded.append(kind_of_object(element.get("ProgID", "")))
        elif name in ("t", "delText"):
            self.text.append(element.text or "")
        elif name == "txbxContent":
            self._box(element)
        elif name == "r" and _is_hidden(element):
            return
        elif name in _ALONE:
            self.text.append(_ALONE[name])
        elif name == "sym":
            self.text.append(chr(int(element.get(f"{W}char", "FFFD"), 16)))
        elif name in ("instrText", "delInstrText"):
            self._instruction(element.text or "")
        elif name == "fldChar":
            self._field(element)
        elif name in _APART:
            return
        else:
            self._others(element, name)

    def _others(self, element: ET.Element, name: str) -> None:
        if name in _CHANGES and len(element):
            kind = "inserted" if name in ("ins", "moveTo") else "deleted"
            self.changes.add((kind, element.get(f"{W}author", ""), element.get(f"{W}date", "")[:16]))
        if name == "hyperlink":
            target, is_outside = self.relations.get(element.get(f"{RELATIONSHIP}id", ""), ("", False))
            if is_outside:
                self.links.append(target + _anchor(element))
        if name == "fldSimple":
            self._instruction_done(element.get(f"{W}instr", ""))
        start = len(self.text)
        for child in element:
            self._walk(child)
        if name == "sdtContent":
            return
        if name == "sdt" and _is_filled_in(element):
            self.fields.append(one_line("".join(self.text[start:])))
        if name == "p":  # each paragraph of a cell is a line of its own too
            self.text.append("\n")

    def _either(self, element: ET.Element) -> None:
        """One of several ways to say the same: the first, or what stands for it."""
        chosen = element.find(CHOICE)
        chosen = chosen if chosen is not None else element.find(FALLBACK)
        for child in chosen if chosen is not None else ():
            self._walk(child)

    def _box(self, element: ET.Element) -> None:
        outer, self.text = self.text, []
        for child in element:
            self._walk(child)
        self.boxes.append("".join(self.text))
        self.text = outer

    def _field(self, element: ET.Element) -> None:
        kind = element.get(f"{W}fldCharType")
        if kind == "begin":
            self._instructions.append([])
            data = element.find(f"{W}ffData")
            if data is not None:
                self.fields.append(_form_value(data))
        elif kind == "end" and self._instructions:
            self._instruction_done("".join(self._instructions.pop()))

    def _instruction(self, text: str) -> None:
        if self._instructions:
            self._instructions[-1].append(text)

    def _instruction_done(self, text: str) -> None:
        found = _LINK.search(text)
        if found and not (found[1] or found[2] or "").startswith("\\"):
            self.links.append(found[1] or found[2] or "")


_ALONE = {
    "tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": "", "ptab": "\t",
}  # fmt: skip
_APART = (
    "pPr", "rPr", "tblPr", "trPr", "tcPr", "sectPr", "tblGrid", "sdtPr", "footnoteReference", "endnoteReference",
    "commentReference", "footnoteRef", "endnoteRef", "annotationRef",
)  # fmt: skip


def _is_hidden(run: ET.Element) -> bool:
    settings = run.find(f"{W}rPr")
    vanish = settings.find(f"{W}vanish") if settings is not None else None
    return vanish is not None and vanish.get(f"{W}val", "1") not in ("0", "false", "off")


def _is_filled_in(element: ET.Element) -> bool:
    """Whether a structured tag is a field of a form: it asks for a text, a date or a choice."""
    settings = element.find(f"{W}sdtPr")
    return settings is not None and any(
        settings.find(f"{W}{kind}") is not None for kind in ("text", "date", "comboBox", "dropDownList")
    )


def _form_value(data: ET.Element) -> str:
    box = data.find(f"{W}checkBox")
    if box is not None:
        checked = box.find(f"{W}checked")
        checked = checked if checked is not None else box.find(f"{W}default")
        return "1" if checked is not None and checked.get(f"{W}val", "1") not in ("0", "false") else "0"
    return ""


def _anchor(element: ET.Element) -> str:
    anchor = element.get(f"{W}anchor", "")
    return f"#{anchor}" if anchor else ""
