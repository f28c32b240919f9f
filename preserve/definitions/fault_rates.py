"""Read the priors of fault rates (policies/standards/fault-rates.toml): data that archivists may review and change."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from preserve.errors import Misused
from preserve.model.fault_rates import Rate, Threat
from preserve.model.media import Family
from preserve.model.threats import SHARED_BY, Durations, FaultModel

NOT_KNOWN = "unknown"
_SHARED = (*SHARED_BY, Threat.OPERATOR)


def read_fault_model(text: str, file: str) -> FaultModel:
    """What `text` (TOML) believes of faults; `file` is its name, for messages.

    Raises `Misused` where a rate lacks, is no positive number, or does not say where it comes from.
    """
    try:
        plain = tomllib.loads(text)
        return FaultModel(
            decay=_by_family(plain["decay"]),
            device=_by_family(plain["device"]),
            shared={threat: _rate(plain["shared"][threat.value]) for threat in _SHARED},
            durations=_durations(plain["durations"]),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise Misused("{file} holds no fault rates: {reason}", file=file, reason=repr(error)) from error


def _by_family(plain: Mapping[str, Any]) -> dict[Family | None, Rate]:
    known: dict[Family | None, Rate] = {family: _rate(plain[family.value]) for family in Family}
    return {**known, None: _rate(plain[NOT_KNOWN])}


def _rate(plain: Mapping[str, Any]) -> Rate:
    source, is_verified = _provenance(plain)
    return Rate(_positive(plain["per_year"]), _positive(plain["worth"]), source, is_verified)


def _provenance(plain: Mapping[str, Any]) -> tuple[str, bool]:
    source, is_verified = plain["source"], plain["verified"]
    if not isinstance(is_verified, bool) or not isinstance(source, str) or not source.strip():
        raise ValueError("a figure says where it comes from, and whether that was verified")
    return source, is_verified


def _durations(plain: Mapping[str, Any]) -> Durations:
    _provenance(plain)
    names = ("notice_online", "mend_online", "mend_offline", "rebuild", "nobody_looks")
    return Durations(*(_positive(plain[name]) for name in names))


def _positive(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise ValueError(f"{value!r} is no positive number")
    return float(value)
