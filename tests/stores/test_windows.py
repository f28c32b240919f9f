"""Is a store asked within its hours alone, and does its pace follow the time of day?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preserve.errors import Expected, Unavailable, Unidentified, is_interruption
from preserve.model import links
from preserve.model.calendars import ALWAYS, Hours, Window, hours_of, open_together, window_of
from preserve.model.keys import Key
from preserve.model.links import Pace, PaceAt, is_away_as_expected
from preserve.model.nouns import Role, StoreEntry
from preserve.ports import Asked, Cold, ErasableStore, Frost, Temperature
from preserve.stores.throttle import ThrottledStore, TokenBucket
from preserve.stores.windows import WindowedStore
from tests.daemon.test_calendars import BERLIN, SHANGHAI, ZONES, local
from tests.stores.clocks import SetClock
from tests.stores.memory import MemoryStore

KEY = Key("packages/ab/one/bag.tar")
NIGHT = hours_of(["22:00-06:00"], SHANGHAI)
NOON, EVENING = local(SHANGHAI, 2026, 5, 1, 12), local(SHANGHAI, 2026, 5, 1, 22)


def windowed(inner: ErasableStore, now: datetime, hours: Hours = NIGHT) -> tuple[WindowedStore, SetClock]:
    clock = SetClock(now)
    return WindowedStore(inner, hours, clock), clock


ASKED: dict[str, Callable[[WindowedStore], object]] = {
    "create": lambda store: store.create(KEY, 1),
    "read": lambda store: store.read(KEY, 0, memoryview(bytearray(1))),
    "stat": lambda store: store.stat(KEY),
    "list": lambda store: list(store.list("packages")),
    "search": lambda store: list(store.search()),
    "free_bytes": lambda store: store.free_bytes(),
    "erase": lambda store: store.erase(KEY),
    "locks": lambda store: store.locks(),
}


@pytest.mark.parametrize("asked", ASKED)
def test_outside_its_window_a_store_is_asked_for_nothing(asked: str) -> None:
    inner = MemoryStore()
    inner.away = True  # whoever reaches it is told something else
    store, _ = windowed(inner, NOON)
    with pytest.raises(Expected, match=r"until 22:00 \(22:00-06:00 Asia/Shanghai\)"):
        ASKED[asked](store)


class Freezer(MemoryStore):
    """A store with cold storage, which says how often it was asked about it."""

    calls = 0

    def cold(self) -> Cold:
        return self

    def frost(self, key: Key) -> Frost | None:
        self.calls += 1
        return Frost("GLACIER", Temperature.FROZEN)

    def ask(self, key: Key, days: int, tier: str) -> Asked:
        self.calls += 1
        return Asked.ACCEPTED


def test_outside_its_window_a_store_is_not_asked_what_lies_frozen_nor_for_it() -> None:
    inner = Freezer()
    store, clock = windowed(inner, EVENING)
    cold = store.cold()
    assert cold is not None
    assert cold.frost(KEY) is not None
    cold.ask(KEY, 1, "bulk")
    clock.sleep(10 * 3600)
    with pytest.raises(Expected):
        cold.frost(KEY)
    with pytest.raises(Expected):
        cold.ask(KEY, 1, "bulk")
    assert inner.calls == 2


def test_within_its_window_a_store_that_fails_is_not_as_expected() -> None:
    inner = MemoryStore()
    inner.away = True
    store, _ = windowed(inner, EVENING)
    with pytest.raises(Unavailable) as caught:
        store.stat(KEY)
    far = StoreEntry("far", "id", Role.REMOTE_OFFLINE, "s3://far", {links.WINDOWS: "22:00-06:00"})
    assert not is_away_as_expected(far, caught.value)
    assert is_away_as_expected(StoreEntry("far", "id", Role.REMOTE_OFFLINE, "s3://far"), caught.value)


def test_a_transfer_stops_at_the_part_under_way_when_the_window_closes_and_goes_on_in_the_next() -> None:
    inner = MemoryStore()
    store, clock = windowed(inner, local(SHANGHAI, 2026, 5, 2, 5, 59))
    parts = [b"one!", b"two!", b"end."]
    with pytest.raises(Expected) as caught, store.create(KEY, 12, part_bytes=4, resume=True) as upload:
        for number, part in enumerate(parts):
            upload.write(number * 4, memoryview(part))
            clock.sleep(40)
    assert is_interruption(caught.value) and KEY not in inner.objects
    clock.moment = local(SHANGHAI, 2026, 5, 2, 22, 0)
    with store.create(KEY, 12, part_bytes=4, resume=True) as upload:
        missing = [number for number, part in enumerate(parts) if not upload.holds(number * 4, _sha256(part))]
        for number in missing:
            upload.write(number * 4, memoryview(parts[number]))
        upload.commit()
    assert missing == [2] and inner.objects[KEY] == b"".join(parts)


def test_what_is_whole_when_the_window_closes_is_made_visible_in_the_next() -> None:
    inner = MemoryStore()
    store, clock = windowed(inner, EVENING)
    with pytest.raises(Expected), store.create(KEY, 1, resume=True) as upload:
        upload.write(0, memoryview(b"x"))
        clock.sleep(10 * 3600)
        upload.commit()
    assert KEY not in inner.objects


def test_a_listing_ends_with_the_window() -> None:
    inner = MemoryStore()
    for number in range(3):
        inner.objects[Key(f"packages/{number}")] = b""
    store, clock = windowed(inner, EVENING)
    listing = store.list("packages")
    assert next(listing).key == "packages/0"
    clock.sleep(10 * 3600)
    with pytest.raises(Expected):
        next(listing)


def test_whoever_waits_for_the_pace_until_the_window_closes_sends_nothing_more() -> None:
    inner = MemoryStore()
    store, clock = windowed(inner, local(SHANGHAI, 2026, 5, 2, 5, 59))
    slow = ThrottledStore(store, clock, bytes_at=Pace(1))
    with pytest.raises(Expected), slow.create(KEY, 100) as upload:
        upload.write(0, memoryview(bytes(100)))
    assert not inner.objects


def test_a_clock_that_is_set_back_makes_nobody_wait_for_what_was_paid() -> None:
    clock = SetClock(NOON)
    bucket = TokenBucket(Pace(10), clock)
    bucket.take(20)
    assert clock.slept == [1]
    clock.moment -= timedelta(days=1)
    bucket.take(20)
    assert clock.slept == [1, 2]


# Hours


def test_windows_that_meet_are_one() -> None:
    hours = hours_of(["20:00-24:00", "00:00-06:00", "12:00-13:00"], BERLIN)
    late = local(BERLIN, 2026, 5, 1, 23)
    assert hours.closes_at(late) == local(BERLIN, 2026, 5, 2, 6)
    assert hours.opened_at(local(BERLIN, 2026, 5, 2, 3)) == local(BERLIN, 2026, 5, 1, 20)
    assert hours.opens_at(local(BERLIN, 2026, 5, 2, 7)) == local(BERLIN, 2026, 5, 2, 12)
    assert hours.opened_at(local(BERLIN, 2026, 5, 2, 7)) is None


def test_hours_without_windows_never_end() -> None:
    assert ALWAYS.is_open(NOON) and ALWAYS.closes_at(NOON) is None and ALWAYS.opens_at(NOON) == NOON
    assert hours_of(["00:00-24:00"], SHANGHAI).closes_at(NOON) is None


def test_a_window_that_the_clocks_skip_does_not_open_on_that_day() -> None:
    window = window_of("02:30-03:30", BERLIN)  # on 2026-03-29 clocks go from 02:00 to 03:00
    begin = local(BERLIN, 2026, 3, 29, 0)
    assert not any(window.is_open(begin + timedelta(minutes=each)) for each in range(0, 300, 5))
    assert window.opens_at(begin) == local(BERLIN, 2026, 3, 30, 2, 30)


def test_a_window_opens_once_in_the_night_that_has_its_hours_twice() -> None:
    window = window_of("22:00-02:30", BERLIN)  # 2026-10-25 has 02:00 to 03:00 twice: the first counts
    evening = local(BERLIN, 2026, 10, 24, 23)
    assert window.closes_at(evening) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert not window.is_open(datetime(2026, 10, 25, 1, 15, tzinfo=UTC))  # 02:15 for the second time


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    times=st.lists(st.tuples(*[st.times().map(lambda each: each.replace(microsecond=0, second=0))] * 2), max_size=3),
    now=st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)).map(lambda each: each.replace(tzinfo=UTC)),
)
def test_hours_are_open_between_opening_and_closing_and_nowhere_else(
    zone: ZoneInfo, times: list[tuple[time, time]], now: datetime
) -> None:
    hours = Hours(tuple(Window(opens, closes, zone) for opens, closes in times))
    opens_at = hours.opens_at(now)
    assert hours.is_open(opens_at) and (opens_at == now) == hours.is_open(now)
    closes_at, opened_at = hours.closes_at(opens_at), hours.opened_at(opens_at)
    if closes_at is not None:
        assert not hours.is_open(closes_at) and hours.is_open(closes_at - timedelta(microseconds=1))
        assert opened_at is not None and opened_at <= opens_at < closes_at
    if opened_at is not None:
        assert hours.is_open(opened_at) and not hours.is_open(opened_at - timedelta(microseconds=1))


def test_hours_that_never_go_on_together_are_told() -> None:
    day, evening = hours_of(["08:00-18:00"], SHANGHAI), hours_of(["17:00-23:00"], SHANGHAI)
    assert open_together([NIGHT, day], NOON) is None
    assert open_together([day, evening, ALWAYS], NOON) == local(SHANGHAI, 2026, 5, 1, 17)
    assert open_together([NIGHT, evening], NOON) == EVENING


# Pace


def test_a_pace_changes_while_a_long_transfer_runs() -> None:
    pace = Pace(100, (PaceAt(window_of("08:00-18:00", SHANGHAI), 10),))
    begin = local(SHANGHAI, 2026, 5, 1, 7, 59)
    assert pace.after(begin, 6_000 + 600) == begin + timedelta(minutes=2)  # a minute at 100, a minute at 10
    clock = SetClock(begin)
    bucket = TokenBucket(pace, clock, timedelta(0))
    for _ in range(660):
        bucket.take(10)
    assert clock.moment == begin + timedelta(minutes=2)


def test_a_bound_that_falls_away_lets_the_rest_pass() -> None:
    pace = Pace(None, (PaceAt(window_of("08:00-18:00", SHANGHAI), 1),))
    assert pace.after(local(SHANGHAI, 2026, 5, 1, 17, 59), 1e9) == local(SHANGHAI, 2026, 5, 1, 18)
    assert pace.after(local(SHANGHAI, 2026, 5, 1, 19), 1e9) == local(SHANGHAI, 2026, 5, 1, 19)


def test_what_stands_in_the_attributes_is_read() -> None:
    facts = {
        links.WINDOWS: "22:00-06:00 12:00-13:00",
        links.TIMEZONE: "Asia/Shanghai",
        links.SPEED_LIMIT: "100",
        links.RATES_AT: "08:00-18:00=10",
    }
    store = StoreEntry("far", "id", Role.SAME_CITY, "s3://far", facts)
    assert str(links.hours(store, lambda name: ZoneInfo(name or "UTC"))) == "22:00-06:00, 12:00-13:00 Asia/Shanghai"
    pace = links.pace(store, lambda name: ZoneInfo(name or "UTC"))
    assert (pace.per_second(NOON), pace.per_second(EVENING)) == (10, 100)
    plain = StoreEntry("far", "id", Role.SAME_CITY, "s3://far")
    assert links.hours(plain, lambda _: UTC) == ALWAYS and links.pace(plain, lambda _: UTC) == Pace()


def test_another_store_in_the_place_is_never_as_expected() -> None:
    far = StoreEntry("far", "id", Role.REMOTE_OFFLINE, "file:///far")
    assert not is_away_as_expected(far, Unidentified("another store lies there"))


def _sha256(content: bytes) -> bytes:
    from preserve.model.digests import sha256

    return sha256(content)
