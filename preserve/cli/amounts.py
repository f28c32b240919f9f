"""Amounts as people type them: 20MiB, 1.5GB, 30m, 2h."""

from __future__ import annotations

import re

from preserve.errors import Misused
from preserve.model.audit import NO_LIMIT, Budget

_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)", re.IGNORECASE)
_MONEY = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,6}))?")
_BYTES = {"b": 1}
_BYTES |= {f"{letter}ib": 1024**power for power, letter in enumerate("kmgtp", 1)}
_BYTES |= {f"{letter}b": 1000**power for power, letter in enumerate("kmgtp", 1)}
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def size_bytes(text: str, option: str) -> int:
    """A size in bytes.  Raises `Misused`."""
    amount = _amount(text, _BYTES)
    if not amount:
        raise Misused("{option}: {text} is no size; write it like 20MiB or 1.5GB", option=option, text=text)
    return amount


def rate_bytes(text: str, option: str) -> int:
    """A rate in bytes a second; without "/s" too.  Raises `Misused`."""
    amount = _amount(text.strip().lower().removesuffix("/s"), _BYTES)
    if not amount:
        raise Misused("{option}: {text} is no rate; write it like 20MiB/s or 1.5GB/s", option=option, text=text)
    return amount


def money_micros(text: str, option: str) -> int:
    """An amount of money in millionths.  Raises `Misused`."""
    match = _MONEY.fullmatch(text.strip())
    if match is None:
        raise Misused("{option}: {text} is no amount of money; write it like 12.50", option=option, text=text)
    return int(match[1]) * 1_000_000 + int((match[2] or "").ljust(6, "0"))


def span_seconds(text: str) -> int | None:
    """A span of time in seconds, or None where `text` is none."""
    return _amount(text, _SECONDS)


def _amount(text: str, units: dict[str, int]) -> int | None:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or match[2].lower() not in units:
        return None
    return int(float(match[1]) * units[match[2].lower()])


def parsed_budget(text: str | None) -> Budget:
    """What an audit may cost: a span of time or a size.  Raises `Misused`."""
    if text is None:
        return NO_LIMIT
    seconds = span_seconds(text)
    if seconds is not None:
        return Budget(seconds=seconds)
    amount = _amount(text, _BYTES)
    if not amount:
        raise Misused("--budget: {text} is neither a time nor a size; write it like 30m, 2h or 50GiB", text=text)
    return Budget(bytes=amount)
