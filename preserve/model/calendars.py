"""Calendars: when a policy's times of day fall, in which time zone, and when its windows are open (RFC 5545 in spirit).

A day that begins or ends daylight saving time loses no run and has none twice: a time of day that a day skips is taken
as the moment that it would have been by the clock of before, and of one that a day has twice the first counts.  Moments
are in UTC; only time zones are handed in, so that nothing is read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from preserve.model.policy import DAY_SECONDS, BackupRule, Weekday

_MONDAY = date(1970, 1, 5)
"""From which days and weeks are counted, where something falls on every nth."""
_WEEK_DAYS = 7
_WEEKDAYS = list(Weekday)
WHOLE_DAY = "00:00-24:00"
_DAYS_ABOUT = range(-2, 4)
"""Days from today on which a window may open that is open now, or opens next, whatever the clocks skip."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of each day, by the clocks of a time zone, which may reach over midnight; from `opens` until `closes`.

    Both being the same, it is always open.  It opens once a day and closes once: what a day has twice is its first, and
    where the clocks skip all of it, it does not open on that day.
    """

    opens: time
    closes: time
    zone: tzinfo

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"

    def is_open(self, now: datetime) -> bool:
        return any(begin <= now < end for begin, end in self._spans(now))

    def closes_at(self, now: datetime) -> datetime:
        """When the window that is open now closes; for one that is always open, in a day."""
        return next(end for _, end in self._spans(now) if end > now)

    def opens_at(self, now: datetime) -> datetime:
        """When it opens next; now, where it is open."""
        return max(now, next(begin for begin, end in self._spans(now) if end > now))

    def opened_at(self, now: datetime) -> datetime:
        """When the window that is open now was opened."""
        return next(begin for begin, end in self._spans(now) if begin <= now < end)

    def _spans(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The spans about now, in order."""
        today = now.astimezone(self.zone).date()
        for number in _DAYS_ABOUT:
            day = today + timedelta(days=number)
            last = day if self.opens < self.closes else day + timedelta(days=1)
            begin, end = _moment(day, self.opens, self.zone), _moment(last, self.closes, self.zone)
            if begin < end:
                yield begin, end


@dataclass(frozen=True, slots=True)
class Hours:
    """When something may go on: while any of its windows is open; without windows, always."""

    windows: tuple[Window, ...] = ()

    def __str__(self) -> str:
        zones = dict.fromkeys(str(window.zone) for window in self.windows)
        return f"{', '.join(map(str, self.windows))} {', '.join(zones)}"

    def shown(self, moment: datetime) -> str:
        """The time of day of a moment by their clocks."""
        return f"{moment.astimezone(self.windows[0].zone) if self.windows else moment:%H:%M}"

    def is_open(self, now: datetime) -> bool:
        return not self.windows or any(window.is_open(now) for window in self.windows)

    def opens_at(self, now: datetime) -> datetime:
        """When they begin next; now, where they have begun."""
        return min((window.opens_at(now) for window in self.windows), default=now)

    def closes_at(self, now: datetime) -> datetime | None:
        """When the hours that have begun end, windows that meet counting as one; None where that is not in a week."""
        moment, horizon = now, now + timedelta(days=_WEEK_DAYS)
        while self.windows and moment < horizon:
            ends = [window.closes_at(moment) for window in self.windows if window.is_open(moment)]
            if not ends:
                return moment
            moment = max(ends)
        return None

    def opened_at(self, now: datetime) -> datetime | None:
        """When the hours that go on now began, windows that meet counting as one; None where they do not go on, or
        always."""
        begins = self._begins(now)
        if not begins:
            return None
        moment, horizon = now, now - timedelta(days=_WEEK_DAYS)
        while begins and moment > horizon:
            moment = min(begins)
            begins = self._begins(moment - timedelta.resolution)
        return None if begins else moment

    def _begins(self, now: datetime) -> list[datetime]:
        return [window.opened_at(now) for window in self.windows if window.is_open(now)]


ALWAYS = Hours()


def open_together(several: Sequence[Hours], now: datetime) -> datetime | None:
    """The first moment from now on at which all of these hours go on; None where there is none in a week."""
    moment = now
    while moment <= now + timedelta(days=_WEEK_DAYS):
        later = max((hours.opens_at(moment) for hours in several), default=moment)
        if later == moment:
            return moment
        moment = later
    return None


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


def never_closes(text: str) -> bool:
    """Whether a window begins when it ends, and is not written as the whole day: whoever wrote it may have meant none.

    Raises ValueError.
    """
    window = window_of(text, UTC)
    return window.opens == window.closes and text != WHOLE_DAY


def hours_of(texts: Iterable[str], zone: tzinfo) -> Hours:
    """The hours that several windows make.  Raises ValueError."""
    return Hours(tuple(window_of(text, zone) for text in texts))


def _time(text: str) -> time:
    return time() if text.strip() == "24:00" else time.fromisoformat(text.strip())


def _moment(day: date, at: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
