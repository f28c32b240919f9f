"""What is read of a workbook, in whichever format: values by their kind, and not by the clothes of their numbers.

What is shown as a date by date and time, since formats count days from different
beginnings; an error by its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

_FRACTION = re.compile(r"^-?\d+\.\d+(?:e[-+]?\d+)?$")
_DAY_0 = datetime(1899, 12, 30)
"""Day 0 of serial numbers, if February 1900 had had 28 days; true of all days since March 1900."""
ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")
"""[MS-XLS] 2.5.10, and as ISO/IEC 29500-1 writes them."""
_MOST_DAYS = 2_958_465
"""31 December 9999."""


@dataclass(frozen=True, slots=True)
class WorkbookFacts:
    """A workbook as it was read.

    `rows` says of each sheet how many rows there are up to the last that holds anything; `cells` and `formulas` go by
    sheet and address (`Sheet1!B7`); a formula is "=", where its text cannot be had.
    """

    sheets: tuple[str, ...] = ()
    rows: Mapping[str, str] = field(default_factory=dict)
    cells: Mapping[str, str] = field(default_factory=dict)
    formulas: Mapping[str, str] = field(default_factory=dict)
    images: int = 0
    fonts: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    changes: int = 0
    macros: int = 0
    embedded: tuple[str, ...] = ()
    signatures: int = 0
    properties: Mapping[str, str] = field(default_factory=dict)


def column_name(column: int) -> str:
    """The letters of a column, counted from 0."""
    name = ""
    while column >= 0:
        name = chr(ord("A") + column % 26) + name
        column = column // 26 - 1
    return name


def address(sheet: str, row: int, column: int) -> str:
    """Where a cell lies; row and column are counted from 0."""
    return f"{sheet}!{column_name(column)}{row + 1}"


def number_text(value: float) -> str:
    """A number as shortly as it can be written and read again the same, without an exponent if that is not long."""
    if value == 0:
        return "0"
    text = repr(float(value)).removesuffix(".0")
    return format(Decimal(text), "f") if "e" in text and 1e-7 < abs(value) < 1e21 else text


def settled(text: str) -> str:
    """A value as it is compared: of a number with a fraction 12 digits.

    Programs write 15 and round the last of them one way or the other (LibreOffice 7.4: 6.54205607476635 for what ends
    in 6355); whole numbers, such as those of persons, count to the last digit.  What is not written as a number is here
    (1.10) is a text, and every sign of it counts.
    """
    if not _FRACTION.match(text) or number_text(float(text)) != text:
        return text
    return number_text(float(f"{float(text):.12g}"))


def truth_text(value: bool) -> str:
    return "TRUE" if value else "FALSE"


def serial_text(days: float) -> str:
    """A date, or a time of day, that a serial number stands for, to the second."""
    if not 0 <= days <= _MOST_DAYS:
        return number_text(days)
    moment = _DAY_0 + timedelta(seconds=round(days * 86_400))
    if days < 1:
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%Y-%m-%d" if moment.time() == _DAY_0.time() else "%Y-%m-%dT%H:%M:%S")


def moment_text(value: datetime) -> str:
    """The same of a moment."""
    return serial_text((value - _DAY_0) / timedelta(days=1))
