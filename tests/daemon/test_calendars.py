"""Does each run fall when its policy says, once, whatever the clocks do?"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preserve.model.calendars import Calendar, Window, calendar_of, window_of
from preserve.model.policy import BackupRule, Weekday

DAY, HOUR = 86_400, 3_600
SHANGHAI, BERLIN, NEW_YORK, LORD_HOWE = map(
    ZoneInfo, ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
)
ZONES: list[tzinfo] = [
    UTC,
    SHANGHAI,
    BERLIN,
    NEW_YORK,
    LORD_HOWE,
    ZoneInfo("Africa/Casablanca"),
    ZoneInfo("Asia/Kabul"),
]


def local(zone: tzinfo, *moment: int) -> datetime:
    return datetime(*moment, tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type,misc]


def runs(calendar: Calendar, after: datetime, days: int) -> list[datetime]:
    return list(calendar.occurrences(after, after + timedelta(days=days)))


def test_a_nightly_run_falls_at_its_hour_in_its_own_time_zone() -> None:
    nightly = calendar_of(BackupRule(DAY, at="01:30", timezone="Asia/Shanghai"), SHANGHAI)
    noon = local(SHANGHAI, 2026, 5, 1, 12)
    assert nightly.last(noon) == local(SHANGHAI, 2026, 5, 1, 1, 30)
    assert nightly.next(noon) == local(SHANGHAI, 2026, 5, 2, 1, 30)


def test_a_moment_of_a_run_belongs_to_it_and_the_next_comes_after_it() -> None:
    nightly = Calendar(DAY, SHANGHAI, time(1, 30))
    run = local(SHANGHAI, 2026, 5, 2, 1, 30)
    assert nightly.last(run) == run and nightly.next(run) == run + timedelta(days=1)
    assert nightly.last(run - timedelta(microseconds=1)) == run - timedelta(days=1)


def test_weekdays_and_every_second_week_are_kept_over_the_turn_of_a_year() -> None:
    calendar = Calendar(14 * DAY, BERLIN, time(3), (Weekday.MONDAY, Weekday.THURSDAY))
    found = [each.astimezone(BERLIN) for each in runs(calendar, local(BERLIN, 2026, 12, 1), 60)]
    assert {each.weekday() for each in found} == {0, 3} and {each.time() for each in found} == {time(3)}
    assert {later - earlier for earlier, later in itertools.pairwise(found)} == {
        timedelta(days=3),
        timedelta(days=11),
    }


def test_the_night_that_skips_the_hour_has_its_run_once() -> None:
    nightly = Calendar(DAY, BERLIN, time(2, 30))  # 2026-03-29 has no 02:30
    found = runs(nightly, local(BERLIN, 2026, 3, 27, 12), 4)
    assert [each.astimezone(BERLIN).date().day for each in found] == [28, 29, 30, 31]
    assert found[1] == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_the_night_that_has_the_hour_twice_has_its_run_once() -> None:
    nightly = Calendar(DAY, BERLIN, time(2, 30))  # 2026-10-25 has 02:30 twice
    found = runs(nightly, local(BERLIN, 2026, 10, 23, 12), 4)
    assert [each.astimezone(BERLIN).date().day for each in found] == [24, 25, 26, 27]
    assert found[1] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 5, 1), 24)])
def test_a_day_has_as_many_hourly_runs_as_it_has_hours(day: tuple[int, int, int], hours: int) -> None:
    begin = local(BERLIN, *day)
    end = (begin.astimezone(BERLIN) + timedelta(days=1)).astimezone(UTC)
    found = list(Calendar(HOUR, BERLIN).occurrences(begin - timedelta(microseconds=1), end - timedelta(microseconds=1)))
    assert len(found) == hours == len(set(found))


@settings(max_examples=300, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    every=st.sampled_from([900, HOUR, 5 * HOUR, DAY, 2 * DAY, 7 * DAY, 28 * DAY]),
    at=st.times().map(lambda each: each.replace(microsecond=0, second=0)),
    weekdays=st.sets(st.sampled_from(list(Weekday))).map(lambda each: tuple(sorted(each))),
    now=st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)).map(lambda each: each.replace(tzinfo=UTC)),
)
def test_runs_are_the_same_from_wherever_one_looks(
    zone: tzinfo, every: int, at: time, weekdays: tuple[Weekday, ...], now: datetime
) -> None:
    """`last` and `next` enclose now with nothing between, and walking from either finds the other."""
    calendar = Calendar(every, zone, at, weekdays)
    last, after = calendar.last(now), calendar.next(now)
    assert last <= now < after
    assert calendar.next(last) == after and calendar.last(after) == after
    assert list(calendar.occurrences(last, after)) == [after]
    found = list(calendar.occurrences(last - timedelta(days=3), after + timedelta(days=3)))
    assert found == sorted(set(found)) and last in found and after in found


def test_missed_runs_are_counted_up_to_a_bound() -> None:
    hourly = Calendar(HOUR)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    assert hourly.count(begin, begin + timedelta(hours=29), 1000) == 29
    assert hourly.count(begin, begin + timedelta(days=3650), 1000) == 1000


# Windows


def test_a_window_over_midnight_is_open_on_both_sides_of_it() -> None:
    window = window_of("22:00-06:00", SHANGHAI)
    hours = [hour for hour in range(24) if window.is_open(local(SHANGHAI, 2026, 5, 1, hour))]
    assert hours == [0, 1, 2, 3, 4, 5, 22, 23]
    assert window.closes_at(local(SHANGHAI, 2026, 5, 1, 23)) == local(SHANGHAI, 2026, 5, 2, 6)
    assert window.closes_at(local(SHANGHAI, 2026, 5, 2, 1)) == local(SHANGHAI, 2026, 5, 2, 6)
    assert window.opens_at(local(SHANGHAI, 2026, 5, 1, 12)) == local(SHANGHAI, 2026, 5, 1, 22)
    assert window.opens_at(local(SHANGHAI, 2026, 5, 1, 23)) == local(SHANGHAI, 2026, 5, 1, 23)


def test_a_window_by_day_shuts_at_its_end() -> None:
    window = window_of("09:00-17:30", BERLIN)
    assert not window.is_open(local(BERLIN, 2026, 5, 1, 17, 30)) and window.is_open(local(BERLIN, 2026, 5, 1, 9))


def test_midnight_may_be_written_as_the_end_of_the_day() -> None:
    window = window_of("20:00-24:00", UTC)
    assert window.is_open(datetime(2026, 5, 1, 23, 59, tzinfo=UTC))
    assert not window.is_open(datetime(2026, 5, 2, 0, 0, tzinfo=UTC))


@settings(max_examples=200, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    opens=st.times().map(lambda each: each.replace(microsecond=0, second=0)),
    closes=st.times().map(lambda each: each.replace(microsecond=0, second=0)),
    now=st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)).map(lambda each: each.replace(tzinfo=UTC)),
)
def test_a_window_that_is_shut_opens_and_one_that_is_open_shuts(
    zone: tzinfo, opens: time, closes: time, now: datetime
) -> None:
    window = Window(opens, closes, zone)
    if window.is_open(now):
        assert window.opens_at(now) == now < window.closes_at(now) <= now + timedelta(hours=26)
    else:
        assert now < window.opens_at(now) <= now + timedelta(hours=26)
