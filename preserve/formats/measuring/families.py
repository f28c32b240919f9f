"""Which module measures which files: one table, by the ending that a format has."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from preserve.formats.measuring.side import Family

MODULES: Mapping[str, str] = {
    ".accdb": "tables",
    ".dbf": "tables",
    ".doc": "documents",
    ".docx": "documents",
    ".eml": "mail",
    ".mbox": "mail",
    ".mdb": "tables",
    ".msg": "mail",
    ".odt": "documents",
    ".ofd": "ofd",
    ".pdf": "pdf",
    ".rtf": "documents",
    **dict.fromkeys((".tif", ".tiff", ".bmp", ".dib", ".jpg", ".jpeg", ".jpe", ".png", ".jp2"), "pictures"),
    **dict.fromkeys((".wav", ".flac"), "sound"),
    **dict.fromkeys(
        (".avi", ".mov", ".qt", ".mpg", ".mpeg", ".m1v", ".m2v", ".mpv", ".vob", ".wmv", ".asf", ".mkv"), "moving"
    ),
    **dict.fromkeys((".htm", ".html", ".xhtml", ".xht"), "web_pages"),
    ".txt": "plain_text",
    ".ppt": "slides",
    ".pptx": "slides",
    ".xls": "sheets",
    ".xlsx": "sheets",
}
"""The module of this folder that measures originals with an ending, and what was made of them; PUIDs tell versions of a
format apart, which a module is told by `Side.puid`.  Loaded when it is wanted: each brings libraries of its own."""


PUIDS: Mapping[str, str] = {
    "fmt/278": "mail",
    "fmt/720": "mail",
    "fmt/950": "mail",
    "x-fmt/15": "plain_text",
    "x-fmt/111": "plain_text",
    "x-fmt/130": "plain_text",
    "x-fmt/282": "plain_text",
}
"""The module for formats whose files have any ending or none: texts, mailboxes that are called `Inbox` or, with one
message in them, `1.eml`, and messages that are named by a number.  It goes before what the ending says."""


IN_PYTHON = frozenset(("mail", "ofd", "plain_text", "tables"))
"""Modules that read originals in Python alone, and by the code tables of the C library: a file may make them fail, and
does not corrupt the memory of the process that reads it.  So one process reads many files, one after another."""


def family_of(ending: str, puid: str = "") -> Family | None:
    """Who measures originals with this ending, or in this format, and what was made of them; None: nobody."""
    name = _module(ending, puid)
    return cast(Family, import_module(f"{__package__}.{name}").measure) if name is not None else None


def is_in_python(ending: str, puid: str = "") -> bool:
    """Whether originals with this ending, or in this format, are read by one of `IN_PYTHON`."""
    return _module(ending, puid) in IN_PYTHON


def _module(ending: str, puid: str) -> str | None:
    return PUIDS.get(puid) or MODULES.get(ending.lower())
