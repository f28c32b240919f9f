"""Moments as people type them: 2026-03-01, 2026-03-01T18:30, 2026-03-01T18:30:00+08:00."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from preserve.clock import stamp
from preserve.errors import Misused

_FRACTION = re.compile(r"\d[.,]\d")


def parsed_moment(text: str, option: str) -> str:
    """A moment as the books write it; a day alone means its end, and without an offset the machine's time zone counts.

    A second alone means its end too: so moments are printed, and what was booked within one is meant by it.  Raises
    `Misused`.
    """
    try:
        if len(text) == len("2026-03-01"):
            return stamp(datetime.combine(date.fromisoformat(text), time.max).astimezone())
        moment = datetime.fromisoformat(text)
        if not _FRACTION.search(text):
            moment = moment.replace(microsecond=999_999)
        return stamp(moment.astimezone())
    except (ValueError, OverflowError) as error:
        raise Misused(
            "{option}: {text} is no moment; write it like 2026-03-01, 2026-03-01T18:30 or 2026-03-01T18:30+08:00",
            option=option,
            text=text,
        ) from error
