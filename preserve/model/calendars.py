"""Calendars: when a policy's times of day fall, in which time zone, and when its windows are open (RFC 5545 in spirit).

A day that begins or ends daylight saving time loses no run and has none twice: a time of day that a day skips is taken
as the moment that it would have been by the clock of before, and of one that a day has twice the first counts.  Moments
are in UTC; only time zones are handed in, so that nothing is read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from preserve.model.policy import DAY_SECONDS, BackupRule, Weekday

_MONDAY = date(1970, 1, 5)
"""From which days and weeks are counted, where something falls on every nth."""
_WEEK_DAYS = 7
_WEEKDAYS = list(Weekday)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of each day, by the clocks of a time zone, which may reach over midnight; from `opens` until `closes`.

    Both being the same, it is always open.
    """

    opens: time
    closes: time
    zone: tzinfo

    def is_open(self, now: datetime) -> bool:
        local = now.astimezone(self.zone).time()
        if self.opens < self.closes:
            return self.opens <= local < self.closes
        return local >= self.opens or local < self.closes

    def closes_at(self, now: datetime) -> datetime:
        """When the window that is open now closes; for one that is always open, in a day."""
        return _next_time(self.closes, now, self.zone)

    def opens_at(self, now: datetime) -> datetime:
        """When it opens next; now, where it is open."""
        return now if self.is_open(now) else _next_time(self.opens, now, self.zone)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Runs each `every_seconds`; of a day or more at time `at`, of less from `at` on through the day.

    `weekdays` are those on which runs fall, empty: all.  Spans of several days are counted from a Monday in 1970, and
    of several weeks too, so that the runs depend on nothing that happened.
    """

    every_seconds: int
    zone: tzinfo = UTC
    at: time = time()
    weekdays: tuple[Weekday, ...] = ()

    def occurrences(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The runs after a moment, up to and including another, in order."""
        day = after.astimezone(self.zone).date() - timedelta(days=1)
        last = until.astimezone(self.zone).date() + timedelta(days=1)
        while day <= last:
            for moment in self._on(day) if self._falls_on(day) else ():
                if after < moment <= until:
                    yield moment
            day += timedelta(days=1)

    def last(self, now: datetime) -> datetime:
        """The latest run up to now."""
        return max(self.occurrences(now - self._longest_gap, now))

    def next(self, now: datetime) -> datetime:
        """The first run after now."""
        return min(self.occurrences(now, now + self._longest_gap))

    def count(self, after: datetime, until: datetime, most: int) -> int:
        """How many runs there were after a moment up to another, counted up to `most`."""
        found = 0
        for _ in self.occurrences(after, until):
            found += 1
            if found == most:
                break
        return found

    @property
    def _longest_gap(self) -> timedelta:
        """No two runs are further apart, whatever the weekdays and the time zone do."""
        return timedelta(seconds=self.every_seconds) + timedelta(days=_WEEK_DAYS + 2)

    def _falls_on(self, day: date) -> bool:
        number = (day - _MONDAY).days
        days = max(1, self.every_seconds // DAY_SECONDS)
        if not self.weekdays:
            return number % days == 0
        weeks = max(1, days // _WEEK_DAYS)
        return _WEEKDAYS[day.weekday()] in self.weekdays and number // _WEEK_DAYS % weeks == 0

    def _on(self, day: date) -> Iterator[datetime]:
        first = _moment(day, self.at, self.zone)
        yield first
        if self.every_seconds >= DAY_SECONDS:
            return
        # Less than a day: elapsed time, so that a day of 23 or 25 hours has fewer or more runs and none twice.
        end = _moment(day + timedelta(days=1), self.at, self.zone)
        step = timedelta(seconds=self.every_seconds)
        moment = first + step
        while moment < end:
            yield moment
            moment += step


def calendar_of(rule: BackupRule, zone: tzinfo) -> Calendar:
    """The calendar that a policy's backup rule means; `zone` is that of the rule's name."""
    return Calendar(rule.every_seconds, zone, _time(rule.at) if rule.at else time(), rule.weekdays)


def window_of(text: str, zone: tzinfo) -> Window:
    """The window that a policy writes as "22:00-06:00"; "24:00" is midnight.  Raises ValueError."""
    opens, closes = text.split("-")
    return Window(_time(opens), _time(closes), zone)


def _time(text: str) -> time:
    return time() if text.strip() == "24:00" else time.fromisoformat(text.strip())


def _moment(day: date, at: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)


def _next_time(at: time, now: datetime, zone: tzinfo) -> datetime:
    """The first moment after now at which the clocks of a zone show a time of day."""
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=number) for number in (-1, 0, 1, 2))
    return next(moment for moment in (_moment(day, at, zone) for day in days) if moment > now)
