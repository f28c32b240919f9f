"""Sizes and spans as policies write them ("8 GiB", "90 days"): whole numbers with a unit, nothing else."""

from __future__ import annotations

import re

_UNITS: dict[str, int] = {f"{letter}IB": 2 ** (10 * power) for power, letter in enumerate("KMGT", 1)}
_UNITS |= {f"{letter}B": 10 ** (3 * power) for power, letter in enumerate("KMGT", 1)} | {"B": 1}
SIZE = r"^[0-9]{1,15}\s*([KkMmGgTt]?[Ii]?[Bb])$"
SPAN = r"^[0-9]{1,9}\s*(minute|hour|day|week|month|year)s?$"
DAYS = r"^[0-9]{1,9}\s*(day|week|month|year)s?$"
_SECONDS = {
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400,
    "year": 365 * 86_400,
}


def spans_up_to(days: int, *units: str) -> str:
    """The pattern of a span of at most so many days, in these units, so that a JSON Schema knows the bound too."""
    spans = (rf"{_from_one_to(days * _SECONDS['day'] // _SECONDS[unit])}\s*{unit}s?" for unit in units)
    return f"^0*(?:{'|'.join(spans)})$"


def _from_one_to(most: int) -> str:
    """The pattern of the whole numbers from 1 to `most`, without leading zeros."""
    digits = str(most)
    shorter = ["[1-9]" + "[0-9]?" * (len(digits) - 2)] if len(digits) > 1 else []
    smaller = [
        f"{digits[:place]}[{least}-{int(digit) - 1}]" + "[0-9]" * (len(digits) - place - 1)
        for place, digit in enumerate(digits)
        if int(digit) > (least := 0 if place else 1)
    ]
    return f"(?:{'|'.join([*shorter, *smaller, digits])})"


def size_bytes(text: str) -> int:
    """A size in bytes.  Raises `ValueError` where `text` is none."""
    match = re.fullmatch(SIZE, text)
    if match is None or match[1].upper() not in _UNITS:
        raise ValueError(text)
    return int(text[: match.start(1)]) * _UNITS[match[1].upper()]


def span_seconds(text: str) -> int:
    """A span of time in seconds; a month has 30 days, a year 365.  Raises `ValueError` where `text` is none."""
    match = re.fullmatch(SPAN, text)
    if match is None:
        raise ValueError(text)
    return int(text[: match.start(1)]) * _SECONDS[match[1]]


def span_days(text: str) -> int:
    """A span of whole days.  Raises `ValueError` where `text` is none."""
    if re.fullmatch(DAYS, text) is None:
        raise ValueError(text)
    return span_seconds(text) // 86_400
