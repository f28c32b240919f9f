"""Formulas of OpenDocument (ISO/IEC 26300-2) as Excel writes them, so that wordings can be compared."""

from __future__ import annotations

import re

_PREFIX = re.compile(r"^(?:of|oooc|msoxl):")
_TOKEN = re.compile(
    r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'|\[[^\]]*\]|\{[^}]*\}|[A-Za-z_][A-Za-z0-9_.]*(?=\()|\s+|.', re.DOTALL
)
_SHEET = re.compile(r"^\$?('(?:[^']|'')*'|[^.'$]*)\.(.*)$", re.DOTALL)
_FOREIGN = ("COM.MICROSOFT.", "LEGACY.", "ORG.OPENOFFICE.", "ORG.LIBREOFFICE.", "_XLFN.", "_XLWS.")
"""What either family of programs puts before functions of the other or of later versions."""


def same_wording(formula: str) -> str:
    """A formula of either family as both are compared: references without brackets, arguments parted by commas.

    `of:=SUM([.A1:.B2];[$'Year 1'.C3])` and `=SUM(A1:B2,'Year 1'!C3)` come to the same.
    """
    text, times = _PREFIX.subn("", formula)
    return "".join(_open(token) if times else _plain(token) for token in _TOKEN.findall(text))


def _plain(token: str) -> str:
    """A token as Excel writes it, without what does not count: blanks, capitals and prefixes of functions."""
    if token.startswith('"'):
        return token
    if token.isspace():
        return ""
    name = token.upper()
    for prefix in _FOREIGN:
        name = name.removeprefix(prefix)
    return name.replace("'", "")


def _open(token: str) -> str:
    """A token of OpenFormula (5.8, 5.10.2, 5.13)."""
    if token.startswith("["):
        return ":".join(_reference(each) for each in _halves(token[1:-1]))
    if token.startswith("{"):
        return _plain(token.replace(";", ",").replace("|", ";"))
    return {";": ",", "!": "", "~": ","}.get(token) or _plain(token)


def _halves(reference: str) -> list[str]:
    """The two ends of a range; a sheet's name may hold a colon, but then it is quoted."""
    return re.findall(r"(?:'(?:[^']|'')*'|[^:'])+", reference)


def _reference(cell: str) -> str:
    found = _SHEET.match(cell)
    sheet, place = (found[1], found[2]) if found else ("", cell)
    return _plain(f"{sheet}!{place}" if sheet else place)
