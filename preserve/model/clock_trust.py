"""Whether the clock may be trusted: it is held against a counter that nobody can set, and what was written last.

A clock that is wrong must not make anything happen early: no copy may be given up, no lock be reckoned too short, no
run be left out or done twice.  So it is judged before anything that hangs on it is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from preserve.model.sentences import Sentence, sentence

TOLERATED = timedelta(hours=1)
"""What a clock may be set by without anybody having to say that it is right: corrections, not mistakes."""
LONGEST_SILENCE = timedelta(days=180)
"""After a start of the machine the counter tells nothing: a longer time since the last sign of life is doubted."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clock showed while it was trusted, and the counter of seconds since start `boot` of the machine."""

    at: datetime
    counter_seconds: float
    boot: str


def doubt(now: Reading, last: Reading | None, newest_written: datetime | None) -> Sentence | None:
    """Why the clock is not to be trusted now; None where it is.

    `last` is the last reading that was trusted, `newest_written` the newest moment in the ledger.
    """
    if last is not None and last.boot == now.boot:
        passed = timedelta(seconds=now.counter_seconds - last.counter_seconds)
        jump = now.at - last.at - passed
        if abs(jump) > TOLERATED:
            template = "the clock shows {now}, and by the machine's counter it should show {expected}"
            return sentence(template, now=_shown(now.at), expected=_shown(last.at + passed))
        return None  # the counter knows better than the ledger, which an earlier jump may have written into
    last_at = None if last is None else last.at
    written = max((at for at in (newest_written, last_at) if at is not None), default=None)
    if written is None:
        return None
    if now.at < written - TOLERATED:
        return sentence(
            "the clock shows {now}, and something was written at {written}", now=_shown(now.at), written=_shown(written)
        )
    if last is not None and now.at > last.at + LONGEST_SILENCE:
        template = "the clock shows {now}; the last sign of life was at {written}, and the machine was started since"
        return sentence(template, now=_shown(now.at), written=_shown(last.at))
    return None


def _shown(moment: datetime) -> str:
    return moment.isoformat(" ", "seconds")
