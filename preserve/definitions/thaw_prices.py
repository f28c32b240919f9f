"""Read a table of what thawing costs (policies/standards/cold-storage.toml, or an archive's own)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from preserve.errors import Misused
from preserve.model.thawing import ThawPrices, ThawRate, Tier

_MOST_HOURS = 24 * 30


def read_thaw_prices(text: str, file: str) -> ThawPrices:
    """What `text` (TOML) says of prices; `file` is its name, for messages.

    Raises `Misused` where a price lacks, is negative, or does not say where it comes from.
    """
    try:
        plain = tomllib.loads(text, parse_float=Decimal)
        source, is_verified = _provenance(plain["keeping"])
        return ThawPrices(
            title=_text(plain["title"]),
            currency=_text(plain["currency"]),
            rates={(_text(each["storage_class"]), Tier(each["tier"])): _rate(each) for each in plain["rate"]},
            micros_per_gib_day=_micros(plain["keeping"]["per_gib_day"]),
            micros_per_gib_read=_micros(plain["keeping"]["per_gib_read"]),
            source=source,
            is_verified=is_verified,
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise Misused("{file} holds no prices of thawing: {reason}", file=file, reason=repr(error)) from error


def _rate(plain: Mapping[str, Any]) -> ThawRate:
    hours = plain["hours"]
    if not isinstance(hours, int) or isinstance(hours, bool) or not 0 < hours <= _MOST_HOURS:
        raise ValueError(f"{hours!r} is no number of hours")
    source, is_verified = _provenance(plain)
    return ThawRate(hours, _micros(plain["per_gib"]), _micros(plain["per_1000_requests"]), source, is_verified)


def _provenance(plain: Mapping[str, Any]) -> tuple[str, bool]:
    is_verified = plain["verified"]
    if not isinstance(is_verified, bool):
        raise ValueError("a price says whether it was compared with its source")
    return _text(plain["source"]), is_verified


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is no text")
    return value


def _micros(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value < 1_000_000:
        raise ValueError(f"{value!r} is no price")
    return round(value * 1_000_000)
