"""RTF documents, read as their specification says (Microsoft, "Rich Text Format (RTF) Specification", 1.9.1)."""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from preserve.formats.office.facts import (
    DocumentFacts,
    UnreadableError,
    external_links,
    font_names,
    kind_of_object,
    one_line,
)

LARGEST_BYTES = 512 * 1024 * 1024
DEEPEST = 2000
_TOKEN = re.compile(
    rb"\\(?:(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})?[ ]?|'(?P<hex>[0-9a-fA-F]{2})|(?P<symbol>[^a-zA-Z]))"
    rb"|(?P<open>\{)|(?P<close>\})|[\r\n]+|(?P<text>[^\\{}\r\n]+)",
    re.DOTALL,
)
_LINK = re.compile(r'HYPERLINK\s+(?:"([^"]*)"|([^\s\\]+))', re.IGNORECASE)
_CHARSETS = {
    0: "cp1252", 2: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251",
    222: "cp874", 238: "cp1250", 255: "cp437",
}  # fmt: skip
_MARKS = {
    "par": "\n", "line": "\n", "page": "\n", "sect": "\n", "column": "\n", "row": "\n", "nestrow": "\n", "tab": "\t",
    "cell": "\n", "nestcell": "\n", "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“",
    "rdblquote": "”", "bullet": "•", "emspace": "\u2003", "enspace": "\u2002", "qmspace": "\u2005",
}  # fmt: skip
_SYMBOLS = {
    b"~": "\u00a0",
    b"_": "-",
    b"-": "",
    b"\\": "\\",
    b"{": "{",
    b"}": "}",
    b"\t": "\t",
    b"\n": "\n",
    b"\r": "\n",
}
_SILENT = frozenset((
    "fonttbl", "colortbl", "stylesheet", "listtable", "listoverridetable", "revtbl", "rsidtbl", "generator", "info",
    "header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf", "listtext", "pntext", "pict",
    "fldinst", "objdata", "objclass", "datafield", "xmlnstbl", "themedata", "colorschememapping", "datastore",
    "latentstyles", "bkmkstart", "bkmkend", "atnid", "atnauthor", "atnref", "atndate", "atrfstart", "atrfend",
    "nonshppict", "mmathPr", "shpinst", "ftnsep", "ftnsepc", "ftncn", "aftnsep", "aftnsepc", "aftncn", "pgdsctbl",
    "formfield", "falt", "panose", "userprops", "listpicture", "xe", "tc", "private", "template",
))  # fmt: skip
_ASIDE = frozenset(("footnote", "annotation", "shptxt"))
_OPEN = frozenset(("shppict", "ud", "shpgrp", "do"))
"""Groups whose content is of the document, although older readers leave it out."""
_PROPERTIES = {
    "title": "title", "subject": "subject", "author": "author", "keywords": "keywords", "doccomm": "description",
    "category": "category", "manager": "manager", "company": "company",
}  # fmt: skip
_RASTER = ("pngblip", "jpegblip", "dibitmap", "wbitmap")


@dataclass(slots=True)
class _State:
    """What holds within a group, and ends with it."""

    goes_to: str = "body"
    font: int | None = None
    skip: int = 1
    is_hidden: bool = False
    is_starred: bool = False
    destination: str = ""
    change: tuple[str, int, int] | None = None


@dataclass(slots=True)
class _Reading:
    texts: dict[str, list[str]] = field(default_factory=dict)
    fonts: dict[int, str] = field(default_factory=dict)
    charsets: dict[int, str] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)
    pictures: set[bytes] = field(default_factory=set)
    changes: set[tuple[str, int, int]] = field(default_factory=set)
    properties: dict[str, str] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)


def read_rtf(path: Path) -> DocumentFacts:
    """Raises `UnreadableError` for what is cut short, nested too deeply, or no RTF."""
    if path.stat().st_size > LARGEST_BYTES:
        raise UnreadableError("it is too large")
    content = path.read_bytes()
    if not content.lstrip().startswith(b"{\\rtf"):
        raise UnreadableError("it does not begin as RTF")
    return _Reader(content).facts()


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._found = _Reading()
        self._codepage = "cp1252"
        self._pending = bytearray()
        self._to_skip = 0
        self._default_font = 0
        self._font_in_table = 0
        self._high = 0
        self._destinations = 0

    def facts(self) -> DocumentFacts:
        self._read()
        found = self._found
        return DocumentFacts(
            text="\n".join(["".join(found.texts.get("body", [])), *found.notes, *found.boxes]),
            images=len(found.pictures),
            fonts=font_names(name.strip().rstrip(";") for name in found.fonts.values()),
            links=external_links(found.links),
            comments=tuple(found.comments),
            changes=len(found.changes),
            embedded=tuple(sorted(found.embedded)),
            fields={str(number): value for number, value in enumerate(found.fields, 1)},
            properties=found.properties,
        )

    def _read(self) -> None:
        stack = [_State()]
        at, end = 0, len(self._content)
        while at < end:
            token = _TOKEN.match(self._content, at)
            if token is None:
                at += 1
                continue
            at = token.end()
            if token.lastgroup not in ("hex", None):
                self._flush(stack[-1])
            if token["open"]:
                if len(stack) > DEEPEST:
                    raise UnreadableError("it is nested too deeply")
                top = stack[-1]
                stack.append(_State(top.goes_to, top.font, top.skip, top.is_hidden, change=top.change))
            elif token["close"]:
                if len(stack) == 2:
                    self._closed(stack.pop(), stack[-1])
                    return
                self._closed(stack.pop(), stack[-1])
            elif token["word"]:
                number = int(token["number"]) if token["number"] else None
                if token["word"] == b"bin" and number:
                    at += number
                else:
                    self._word(stack[-1], token["word"].decode(), number)
            elif token["hex"]:
                if self._to_skip:
                    self._to_skip -= 1
                else:
                    self._pending.append(int(token["hex"], 16))
            elif token["symbol"]:
                self._symbol(stack[-1], token["symbol"])
            elif token["text"]:
                self._plain(stack[-1], token["text"])
        raise UnreadableError("it ends before it is complete")

    def _plain(self, state: _State, content: bytes) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(content))
            self._to_skip -= skipped
            content = content[skipped:]
        if content:
            self._pending += content
            self._flush(state)

    def _flush(self, state: _State) -> None:
        """Bytes become text when they are complete: a character of two bytes may be told in two tokens."""
        if not self._pending:
            return
        font = self._font_in_table if state.goes_to == "fonttbl" else state.font
        encoding = self._found.charsets.get(self._default_font if font is None else font, self._codepage)
        text = bytes(self._pending).decode(encoding, "replace")
        self._pending.clear()
        self._put(state, text)

    def _put(self, state: _State, text: str) -> None:
        if state.goes_to == "fonttbl":
            self._found.fonts[self._font_in_table] = self._found.fonts.get(self._font_in_table, "") + text
        elif not (state.is_hidden and state.goes_to == "body"):
            self._found.texts.setdefault(state.goes_to, []).append(text)
            if state.change and state.goes_to == "body" and text.strip():
                self._found.changes.add(state.change)

    def _symbol(self, state: _State, symbol: bytes) -> None:
        if symbol == b"*":
            state.is_starred = True
        elif symbol in _SYMBOLS:
            if self._to_skip:
                self._to_skip -= 1
            else:
                self._put(state, _SYMBOLS[symbol])

    def _word(self, state: _State, word: str, number: int | None) -> None:
        if word == "u" and number is not None:
            self._unicode(state, number % 0x10000)
        elif word in _MARKS:
            self._put(state, _MARKS[word])
        elif word in _ASIDE or word in _SILENT or word in _PROPERTIES or state.is_starred:
            self._destination(state, word)
        else:
            self._setting(state, word, number)

    def _unicode(self, state: _State, code: int) -> None:
        self._to_skip = state.skip
        if 0xD800 <= code < 0xDC00:
            self._high = code
            return
        if 0xDC00 <= code < 0xE000 and self._high:
            self._put(state, chr(0x10000 + ((self._high - 0xD800) << 10) + code - 0xDC00))
        else:
            self._put(state, chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd")
        self._high = 0

    def _destination(self, state: _State, word: str) -> None:
        state.is_starred = False
        if word in _OPEN:
            return
        if state.goes_to.startswith("nonshppict"):
            return  # the same picture again, for programs of 1995
        if word == "pict" and "".join(self._found.texts.get(state.goes_to, [])).endswith("fillBlip"):
            word = "private"  # what fills a shape, which LibreOffice writes of each picture a second time
        if word == "footnote" and state.goes_to != "body":
            word = "header"  # a note in what is not of the body
        state.destination = word
        self._destinations += 1
        state.goes_to = word if word == "fonttbl" else f"{word}:{self._destinations}"
        state.is_hidden = False

    def _setting(self, state: _State, word: str, number: int | None) -> None:
        match word:
            case "f" if number is not None:
                state.font = number
                if state.goes_to == "fonttbl":
                    self._font_in_table = number
            case "fcharset" if state.goes_to == "fonttbl" and number in _CHARSETS:
                self._found.charsets[self._font_in_table] = _CHARSETS[number]
            case "ansicpg" if number:
                self._codepage = _known(f"cp{number}" if number != 65001 else "utf-8")
            case "deff" if number is not None:
                self._default_font = number
            case "uc":
                state.skip = number or 0
            case "v":
                state.is_hidden = number != 0
            case "plain":
                state.is_hidden, state.change, state.font = False, None, None
            case "revised" | "deleted":
                state.change = (word, 0, 0) if number != 0 else None
            case "revauth" | "revauthdel" if state.change:
                state.change = (state.change[0], number or 0, state.change[2])
            case "revdttm" | "revdttmdel" if state.change:
                state.change = (state.change[0], state.change[1], number or 0)
            case word if word in _RASTER and state.destination == "pict":
                state.destination = "raster"

    def _closed(self, state: _State, outer: _State) -> None:
        """A group ends: what it held goes where it belongs."""
        if state.goes_to == outer.goes_to:
            return
        text = "".join(self._found.texts.pop(state.goes_to, []))
        found = self._found
        match state.destination:
            case "footnote":
                found.notes.append(text)
            case "annotation":
                found.comments.append(one_line(text))
            case "shptxt":
                found.boxes.append(text)
            case "fldinst":
                link = _LINK.search(text)
                if link and "\\l" not in text.split('"')[0]:
                    found.links.append(link[1] or link[2] or "")
            case "objclass":
                found.embedded.append(kind_of_object(text))
            case "raster":
                found.pictures.add(hashlib.sha256("".join(text.split()).lower().encode()).digest())
            case name if name in _PROPERTIES and text.strip():
                found.properties[_PROPERTIES[name]] = one_line(text)


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return "cp1252"
