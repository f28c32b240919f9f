"""Attempts: when work that failed is tried again, when that becomes an incident, and when a lease is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=12)
"""Work that failed is tried again after five minutes, then after twice as long each time, up to this."""
MOST_ATTEMPTS = 4
"""After so many failures in a row a person has to know; it is still tried."""
LEASE = timedelta(minutes=15)
"""How long work is left to a machine that gives no sign of life any more."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is noted of the work on one duty, by its kind and subject.

    `holder` is the machine that is at it until `lease_until`, `token` counts the holders there were.  `attempts` are
    failures in a row, the last for the reason `why`; the next is due at `not_before`.
    """

    kind: str
    subject: str
    holder: str | None = None
    token: int = 0
    lease_until: datetime | None = None
    attempts: int = 0
    not_before: datetime | None = None
    why: str | None = None

    def is_held(self, now: datetime) -> bool:
        """Whether a machine is at it.  A lease longer than any is that of a clock that was wrong: it is over."""
        return self.holder is not None and self.lease_until is not None and now < self.lease_until <= now + LEASE

    def is_held_elsewhere(self, machine: str, now: datetime) -> bool:
        """Whether another machine is at it."""
        return self.holder != machine and self.is_held(now)

    def may_be_tried(self, now: datetime) -> bool:
        """Whether the wait after the last failure is over; one longer than any is that of a clock that was wrong."""
        return self.not_before is None or not now < self.not_before <= now + LONGEST_WAIT


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    doubled: timedelta = FIRST_WAIT * 2 ** min(attempts - 1, 16)
    return min(doubled, LONGEST_WAIT)
