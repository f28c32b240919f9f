"""Moments as people type them: 2026-03-01, 2026-03-01T18:30, 2026-03-01T18:30:00+08:00."""

from __future__ import annotations

from datetime import date, datetime, time

from preserve.clock import stamp
from preserve.errors import Misused


def parsed_moment(text: str, option: str) -> str:
    """A moment as the books write it; a day alone means its end, and without an offset the machine's time zone counts.

    Raises `Misused`.
    """
    try:
        if len(text) == len("2026-03-01"):
            return stamp(datetime.combine(date.fromisoformat(text), time.max).astimezone())
        return stamp(datetime.fromisoformat(text).astimezone())
    except (ValueError, OverflowError) as error:
        raise Misused(
            "{option}: {text} is no moment; write it like 2026-03-01, 2026-03-01T18:30 or 2026-03-01T18:30+08:00",
            option=option,
            text=text,
        ) from error
