"""PowerPoint presentations in OOXML (PPTX), read from their XML (ISO/IEC 29500-1, 19 and 21)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from preserve.formats.office.facts import (
    DocumentFacts,
    PresentationFacts,
    UnreadableError,
    external_links,
    font_names,
    kind_of_object,
    one_line,
)
from preserve.formats.office.packages import ALTERNATE, CHOICE, FALLBACK, RELATIONSHIP, Parts
from preserve.formats.office.word_xml import properties_of

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_ID = f"{RELATIONSHIP}id"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_DRAWN = "{http://schemas.microsoft.com/office/drawing/2008/diagram}"
_FOOTERS = ("ftr", "hdr")
_RECKONED = {"dt": re.compile(r"datetime\d+"), "sldNum": re.compile("slidenum")}
"""Placeholders (19.7.10) for date and number, and the fields (21.1.2.2.4) that make them a master's and no slide's:
with other words in them, or with a date that PowerPoint does not reckon anew, they are text of their slide."""
_SCRIPTS = ("latin", "ea", "cs", "sym")

Relations = Mapping[str, tuple[str, bool]]
"""What a part leads to, by id: where, and whether that lies outside."""


def read_powerpoint_xml(path: Path) -> PresentationFacts:
    """Raises `UnreadableError` for what is locked, damaged, or no such presentation."""
    parts = Parts(path)
    try:
        return _facts(parts)
    except RecursionError as error:
        raise UnreadableError("it is nested too deeply") from error
    finally:
        parts.close()


def _facts(parts: Parts) -> PresentationFacts:
    main = parts.main()
    root = parts.xml(main)
    if root.tag != f"{P}presentation":
        raise UnreadableError("the package holds another document")
    relations = parts.relations(main)
    names = [relations.get(each.get(_ID, ""), ("", False))[0] for each in root.iterfind(f"{P}sldIdLst/{P}sldId")]
    slides = [(name, parts.xml(name)) for name in names]
    shown = [(name, slide) for name, slide in slides if slide.get("show", "1") not in ("0", "false")]
    walks = [_Walk(parts, name, number).slide(slide) for number, (name, slide) in enumerate(shown, 1)]
    return PresentationFacts(
        len(shown),
        len(slides) - len(shown),
        DocumentFacts(
            text="\n".join("\n".join(each.texts) for each in walks),
            images=parts.pictures(_pictures(parts, [name for name, _ in shown])),
            fonts=font_names(_fonts(parts)),
            links=external_links(link for each in walks for link in each.links),
            comments=tuple(one_line(text) for name in names for text in _comments(parts, name)),
            macros=parts.macros(),
            embedded=tuple(sorted(kind for each in walks for kind in each.embedded)),
            signatures=parts.signatures(),
            properties=properties_of(parts),
        ),
    )


@dataclass(slots=True)
class _Walk:
    """What a slide says, shape by shape in the order in which they are drawn."""

    parts: Parts
    name: str
    number: int
    texts: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)

    def slide(self, root: ET.Element) -> _Walk:
        self._walk(root, self.parts.relations(self.name))
        return self

    def _walk(self, element: ET.Element, relations: Relations) -> None:
        if element.tag == f"{P}sp" and _is_of_master(element):
            return
        if element.tag == ALTERNATE:
            chosen = element.find(CHOICE)
            chosen = chosen if chosen is not None else element.find(FALLBACK)
            element = chosen if chosen is not None else ET.Element("")
        if element.tag in (f"{A}hlinkClick", f"{A}hlinkHover"):
            target, is_outside = relations.get(element.get(_ID, ""), ("", False))
            self.links += [target] if is_outside else []
        elif element.tag == f"{P}oleObj":
            self.embedded.append(kind_of_object(element.get("progId", "")))
        elif element.tag == _CHART:
            self.embedded.append("chart")
        elif element.tag == _DIAGRAM:
            self._diagram(element, relations)
        elif element.tag.endswith("}txBody"):
            self.texts += [self._paragraph(each) for each in element.iterfind(f"{A}p")]
        for child in element:
            self._walk(child, relations)

    def _diagram(self, element: ET.Element, relations: Relations) -> None:
        """A diagram as PowerPoint drew it last, in a part that its data name ([MS-ODRAWXML] 2.6.1)."""
        data = relations.get(element.get(f"{RELATIONSHIP}dm", ""), ("", False))[0]
        if data not in self.parts.names:
            return
        drawn = next((each.get("relId", "") for each in self.parts.xml(data).iter(f"{_DRAWN}dataModelExt")), "")
        name = relations.get(drawn, ("", False))[0]
        if name in self.parts.names:
            self._walk(self.parts.xml(name), self.parts.relations(name))

    def _paragraph(self, paragraph: ET.Element) -> str:
        parts = []
        for child in paragraph:
            kind = child.tag.removeprefix(A)
            if kind == "r":
                parts.append(child.findtext(f"{A}t") or "")
            elif kind == "br":
                parts.append("\n")
            elif kind == "fld":
                is_number = child.get("type") == "slidenum"
                parts.append(str(self.number) if is_number else child.findtext(f"{A}t") or "")
        return "".join(parts)


def _is_of_master(shape: ET.Element) -> bool:
    """Whether a shape only says that a footer, date or number is shown, which the master draws."""
    holder = shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
    kind = holder.get("type", "") if holder is not None else ""
    said = [each for each in shape.iterfind(f"{P}txBody/{A}p/*") if each.tag in (f"{A}r", f"{A}br", f"{A}fld")]
    reckoned = _RECKONED.get(kind)
    if reckoned is None:
        return kind in _FOOTERS
    return all(each.tag == f"{A}fld" and reckoned.fullmatch(each.get("type", "")) for each in said)


def _pictures(parts: Parts, slides: Sequence[str]) -> Iterator[str]:
    """The pictures that slides show, their layouts and masters included."""
    waiting, seen = list(slides), set(slides)
    while waiting:
        name = waiting.pop()
        relations = parts.relations(name)
        shown = {each.get(f"{RELATIONSHIP}embed", "") for each in parts.xml(name).iter(f"{A}blip")}
        yield from (target for id_, (target, is_outside) in relations.items() if id_ in shown and not is_outside)
        for target, is_outside in relations.values():
            is_behind = target.startswith(("ppt/slideLayouts/", "ppt/slideMasters/")) and "slideMasters" not in name
            if is_behind and not is_outside and target in parts.names and target not in seen:
                seen.add(target)
                waiting.append(target)


def _fonts(parts: Parts) -> Iterator[str]:
    """The fonts that slides and themes name; those of themes (`+mn-lt`) by their names."""
    for name in sorted(parts.names):
        if name.startswith(("ppt/slides/slide", "ppt/theme/theme")) and name.endswith(".xml"):
            root = parts.xml(name)
            faces = (each.get("typeface", "") for script in _SCRIPTS for each in root.iter(f"{A}{script}"))
            yield from (face for face in faces if not face.startswith("+"))


def _comments(parts: Parts, slide: str) -> Iterator[str]:
    """Comments on a slide (19.4), and those of newer programs, which have replies ([MS-PPTX] 2.6)."""
    for target, is_outside in parts.relations(slide).values():
        if target.startswith("ppt/comments/") and not is_outside and target in parts.names:
            for each in parts.xml(target).iter():
                if each.tag == f"{P}text":
                    yield each.text or ""
                elif each.tag.endswith("}txBody"):
                    yield " ".join("".join(text.text or "" for text in line.iter(f"{A}t")) for line in each)
