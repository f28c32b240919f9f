"""Text documents of OpenDocument (ODT), read from their XML (ISO/IEC 26300-1)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from preserve.formats.office.compound import Compound
from preserve.formats.office.facts import (
    DocumentFacts,
    UnreadableError,
    external_links,
    font_names,
    kind_of_object,
    one_line,
)
from preserve.formats.office.packages import RASTER, Parts

_OASIS = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
OFFICE, TEXT, TABLE, DRAW, STYLE, META = (
    _OASIS % name for name in ("office", "text", "table", "drawing", "style", "meta")
)
SVG = _OASIS % "svg-compatible"
LINK = "{http://www.w3.org/1999/xlink}href"
DC = "{http://purl.org/dc/elements/1.1/}"
_PROPERTIES = {
    f"{DC}title": "title", f"{DC}subject": "subject", f"{META}initial-creator": "author",
    f"{DC}description": "description", f"{META}creation-date": "created",
}  # fmt: skip
_CONTROLS = "{urn:oasis:names:tc:opendocument:xmlns:form:1.0}"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


def read_open_document(path: Path) -> DocumentFacts:
    """Raises `UnreadableError` for what is locked, damaged, or no such document."""
    parts = Parts(path)
    try:
        manifest = parts.xml_if_there("META-INF/manifest.xml")
        if manifest is not None and any("encryption-data" in str(each.tag) for each in manifest.iter()):
            raise UnreadableError("it is encrypted")
        return _facts(parts)
    finally:
        parts.close()


def _facts(parts: Parts) -> DocumentFacts:
    content, styles = parts.xml("content.xml"), parts.xml_if_there("styles.xml")
    roots = [content, *([styles] if styles is not None else [])]
    body = content.find(f"{OFFICE}body")
    if body is None or body.find(f"{OFFICE}text") is None:
        raise UnreadableError("it is no text document")
    walk = _Walk(parts, _hidden_styles(content), _deleted(content))
    walk.part(body)
    return DocumentFacts(
        text="\n".join(["".join(walk.text), *walk.notes, *walk.boxes]),
        images=pictures_in(parts, roots),
        fonts=font_names(fonts_named(roots)),
        links=external_links(walk.links),
        comments=tuple(walk.comments),
        changes=_changes(content),
        macros=macros_in(parts),
        embedded=tuple(sorted(walk.embedded)),
        signatures=signatures_in(parts),
        fields={str(number): value for number, value in enumerate(walk.fields, 1)},
        properties=properties_of(parts),
    )


def fonts_named(roots: list[ET.Element]) -> list[str]:
    """The families that documents declare (16.23)."""
    return [face.get(f"{SVG}font-family", "") for root in roots for face in root.iter(f"{STYLE}font-face")]


def macros_in(parts: Parts) -> int:
    """Modules of Basic and scripts of others that lie in the package."""
    return sum(
        1
        for name in parts.names
        if (
            name.startswith("Basic/")
            and name.endswith(".xml")
            and not name.endswith(("script-lb.xml", "script-lc.xml"))
        )
        or (name.startswith("Scripts/") and not name.endswith("/"))
    )


def signatures_in(parts: Parts) -> int:
    """Signatures of the document (ISO/IEC 26300-3, 5)."""
    root = parts.xml_if_there("META-INF/documentsignatures.xml")
    return sum(1 for _ in root.iter(_SIGNATURE)) if root is not None else 0


def properties_of(parts: Parts) -> Mapping[str, str]:
    """What an OpenDocument says of itself (4.3), by names that all formats share."""
    root = parts.xml_if_there("meta.xml")
    found: dict[str, str] = {}
    keywords = []
    for each in root.iter() if root is not None else ():
        if each.tag in _PROPERTIES and each.text:
            value = one_line(each.text)
            found[_PROPERTIES[each.tag]] = value[:16] if _PROPERTIES[each.tag] == "created" else value
        elif each.tag == f"{META}keyword" and each.text:
            keywords.append(one_line(each.text))
        elif each.tag == f"{META}user-defined" and each.text:
            name = each.get(f"{META}name", "").lower()
            if name in ("company", "manager", "category"):
                found[name] = one_line(each.text)
    if keywords:
        found["keywords"] = ", ".join(keywords)
    return {name: value for name, value in found.items() if value}


def pictures_in(parts: Parts, roots: list[ET.Element]) -> int:
    """How many different pictures of pixels documents show."""
    found: set[bytes] = set()
    for root in roots:
        for each in root.iter(f"{DRAW}image"):
            name = each.get(LINK, "").removeprefix("./")
            inside = each.find(f"{OFFICE}binary-data")
            if name in parts.names and name.lower().endswith(RASTER):
                found.add(hashlib.sha256(parts.bytes_of(name)).digest())
            elif inside is not None and inside.text:
                found.add(hashlib.sha256(base64.b64decode(inside.text)).digest())
        for each in root.iter(f"{STYLE}background-image"):
            name = each.get(LINK, "").removeprefix("./")
            if name in parts.names and name.lower().endswith(RASTER):
                found.add(hashlib.sha256(parts.bytes_of(name)).digest())
    return len(found)


def kind_of(parts: Parts, name: str) -> str:
    """What an embedded object is: an OpenDocument of its own below this name, or an OLE2 file."""
    inner = parts.xml_if_there(f"{name}/content.xml")
    body = inner.find(f"{OFFICE}body") if inner is not None else None
    if body is not None and len(body):
        return kind_of_object(body[0].tag.rsplit("}", 1)[-1])
    if inner is not None:
        return "formula"  # MathML has no body
    if name not in parts.names:
        return "file"
    try:
        compound = Compound(parts.bytes_of(name))
    except UnreadableError:
        return "file"
    try:
        return compound.kind()
    finally:
        compound.close()


def _changes(content: ET.Element) -> int:
    found = set()
    for region in content.iter(f"{TEXT}changed-region"):
        for kind in ("insertion", "deletion"):
            for change in region.findall(f"{TEXT}{kind}"):
                author, date = change.find(f".//{DC}creator"), change.find(f".//{DC}date")
                found.add((
                    kind,
                    author.text or "" if author is not None else "",
                    (date.text or "")[:16] if date is not None else "",
                ))  # fmt: skip
    return len(found)


def _hidden_styles(content: ET.Element) -> frozenset[str]:
    """Styles of characters that are not shown (20.403)."""
    return frozenset(
        style.get(f"{STYLE}name", "")
        for style in content.iter(f"{STYLE}style")
        if any(each.get(f"{TEXT}display") == "none" for each in style.iter(f"{STYLE}text-properties"))
    )


def _deleted(content: ET.Element) -> Mapping[str, ET.Element]:
    """What was deleted and is still shown, by the mark where it stood (5.5.5)."""
    found = {}
    for region in content.iter(f"{TEXT}changed-region"):
        deletion = region.find(f"{TEXT}deletion")
        name = region.get(f"{TEXT}id") or region.get("{http://www.w3.org/XML/1998/namespace}id") or ""
        if deletion is not None:
            found[name] = deletion
    return found


@dataclass(slots=True)
class _Walk:
    """The body, read in its order; notes and text boxes stand apart."""

    parts: Parts
    hidden: frozenset[str]
    deleted: Mapping[str, ET.Element]
    text: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)

    def part(self, element: ET.Element) -> None:
        """Raises `UnreadableError` for what is nested too deeply."""
        try:
            self._walk(element)
        except RecursionError as error:
            raise UnreadableError("it is nested too deeply") from error

    def _walk(self, element: ET.Element) -> None:
        tag = element.tag
        if tag in _APART or (tag == f"{TEXT}span" and element.get(f"{TEXT}style-name") in self.hidden):
            return
        if tag == f"{TEXT}note":
            self.notes.append(self._aside(element.find(f"{TEXT}note-body")))
        elif tag == f"{OFFICE}annotation":
            self.comments.append(one_line(self._aside(element)))
        elif tag == f"{DRAW}text-box":
            self.boxes.append(self._aside(element))
        elif tag in _ALONE:
            self.text.append(_ALONE[tag] * int(element.get(f"{TEXT}c", "1")))
        elif tag == f"{TEXT}change" and element.get(f"{TEXT}change-id") in self.deleted:
            self._deletion(self.deleted[element.get(f"{TEXT}change-id", "")])
        else:
            self._others(element)

    def _others(self, element: ET.Element) -> None:
        tag = element.tag
        if tag == f"{TEXT}a":
            self.links.append(element.get(LINK, ""))
        elif tag in (f"{DRAW}object", f"{DRAW}object-ole"):
            self.embedded.append(kind_of(self.parts, element.get(LINK, "").removeprefix("./")))
        is_text = tag in _WITH_TEXT
        if is_text and element.text:
            self.text.append(element.text)
        for child in element:
            self._walk(child)
            if is_text and child.tail:
                self.text.append(child.tail)
        if tag in (f"{TEXT}p", f"{TEXT}h"):  # each paragraph of a cell is a line of its own too
            self.text.append("\n")

    def _deletion(self, deletion: ET.Element) -> None:
        """Its first and last paragraph go on in those around it."""
        outer, self.text = self.text, []
        for child in deletion:
            if child.tag != f"{OFFICE}change-info":
                self._walk(child)
        inner = "".join(self.text).removesuffix("\n")
        self.text = [*outer, inner]

    def _aside(self, element: ET.Element | None) -> str:
        outer, self.text = self.text, []
        for child in element if element is not None else ():
            self._walk(child)
        found, self.text = "".join(self.text), outer
        return found


_ALONE = {f"{TEXT}s": " ", f"{TEXT}tab": "\t", f"{TEXT}line-break": "\n"}
_APART = frozenset((
    f"{TEXT}tracked-changes", f"{TEXT}number", f"{TEXT}note-citation", f"{TEXT}hidden-text", f"{DC}creator",
    f"{DC}date", f"{META}creator-initials", f"{META}date-string", f"{TEXT}sequence-decls", f"{TEXT}variable-decls",
    f"{TEXT}user-field-decls", f"{OFFICE}forms", f"{SVG}title", f"{SVG}desc", f"{OFFICE}binary-data",
    f"{TEXT}table-of-content-source", f"{TEXT}alphabetical-index-source", f"{TEXT}bibliography-source",
))  # fmt: skip
_FIELDS = (
    "page-number", "page-count", "date", "time", "title", "subject", "author-name", "author-initials", "chapter",
    "sequence", "variable-set", "variable-get", "user-field-get", "expression", "bookmark-ref", "reference-ref",
    "note-ref", "file-name", "creation-date", "modification-date", "initial-creator", "creator", "description",
    "placeholder", "text-input", "conditional-text", "database-display", "sequence-ref", "keywords", "sheet-name",
    "drop-down", "word-count", "character-count", "paragraph-count", "print-date", "editing-cycles",
    "user-defined", "creation-time", "modification-time", "toc-mark", "bibliography-mark", "sender-company",
)  # fmt: skip
_WITH_TEXT = frozenset(f"{TEXT}{name}" for name in ("p", "h", "span", "a", "ruby-base", "ruby-text", "meta", *_FIELDS))
