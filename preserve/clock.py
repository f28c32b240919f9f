"""The only module that asks what time it is; tests set it, nothing sleeps elsewhere."""

from __future__ import annotations

import time
from datetime import UTC, datetime, tzinfo
from threading import Event
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from preserve.errors import Misused


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""

    def sleep(self, seconds: float, unless: Event | None = None) -> None:
        """Wait, but no longer than until `unless` is set."""

    def counter_seconds(self) -> float:
        """Seconds since the machine was started, time asleep included; nobody can set it."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float, unless: Event | None = None) -> None:
        (unless or Event()).wait(seconds)

    def counter_seconds(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)


def stamp(moment: datetime) -> str:
    """`moment` as RFC 3339 in UTC with microseconds and `Z`: sorts as text, and reads back by `moment_of`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment_of(text: str) -> datetime:
    """The inverse of `stamp`."""
    return datetime.fromisoformat(text)


def monotonic_seconds() -> float:
    """A counter for durations, unaffected by changes of the wall clock."""
    return time.monotonic()


def zone(name: str | None) -> tzinfo:
    """The time zone of an IANA name, as the machine's tables or those of the `tzdata` package have it; None: UTC.

    Raises `Misused` for a name that neither knows.
    """
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Misused(
            "{name} is no time zone that this machine knows; write one such as Asia/Shanghai", name=name
        ) from error
