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
NOTED_EVERY_SECONDS = 60.0
"""A reading that is trusted is noted no oftener, unless something was written since."""
LONGEST_SILENCE = timedelta(days=180)
"""After a start of the machine the counter tells nothing: a longer time since the last sign of life is doubted."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clock showed, the counter of seconds since start `boot` of the machine, and how many entries the ledger
    had then."""

    at: datetime
    counter_seconds: float
    boot: str
    entries: int = 0


@dataclass(frozen=True, slots=True)
class ClockNote:
    """What a machine noted: the last `reading` that was trusted, and the incident that it opened because the clock no
    longer is.  `newest` is the newest moment in the ledger then: what it writes itself meanwhile does not refute it."""

    reading: Reading | None = None
    incident: str | None = None
    newest: datetime | None = None

    def is_behind(self, now: Reading) -> bool:
        """Whether a reading that is trusted now is to be noted in the place of this."""
        last = self.reading
        if last is None or self.incident is not None or last.boot != now.boot:
            return True
        return not 0 <= now.counter_seconds - last.counter_seconds < NOTED_EVERY_SECONDS or now.entries != last.entries


def doubt(now: Reading, last: Reading | None, newest_written: datetime | None) -> Sentence | None:
    """Why the clock is not to be trusted now; None where it is.

    `last` is the last reading that was trusted, `newest_written` the newest moment in the ledger of what was written
    since; what was written before, a clock that was wrong may have dated.
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
