"""When a store can be reached and how fast: windows of its link, rates by the time of day, a medium that is mounted.

All of it stands in the store's attributes, as text (preserve/FORMAT.md, section 6); a store without them is always
there, at any speed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from preserve.errors import Expected, Refused, Unidentified
from preserve.model.calendars import ALWAYS, Hours, Window, hours_of, window_of
from preserve.model.nouns import Role, StoreEntry

WINDOWS = "windows"
"""The attribute that holds windows, such as "22:00-06:00 12:00-13:00"."""
TIMEZONE = "timezone"
"""The attribute that says by which clocks windows and rates go."""
SPEED_LIMIT = "bytes_per_second"
"""The attribute of a store that bounds how fast it is written and read."""
RATES_AT = "bytes_per_second_at"
"""The attribute that holds other bounds for parts of the day, such as "08:00-18:00=5242880"."""
MOUNTED_AT = "mounted_at"
"""The attribute that names the mount point of a medium without which the store is not there."""
LINK_FACTS = (WINDOWS, TIMEZONE, SPEED_LIMIT, RATES_AT, MOUNTED_AT)

ZoneOf = Callable[[str | None], tzinfo]


@dataclass(frozen=True, slots=True)
class PaceAt:
    """While `window` is open, so many units a second."""

    window: Window
    per_second: float


@dataclass(frozen=True, slots=True)
class Pace:
    """So many units a second (None: no bound), and other numbers at parts of the day; the first that applies counts."""

    usual: float | None = None
    at: tuple[PaceAt, ...] = ()

    def per_second(self, now: datetime) -> float | None:
        """The bound in force at a moment."""
        return next((each.per_second for each in self.at if each.window.is_open(now)), self.usual)

    def after(self, begin: datetime, units: float) -> datetime:
        """When so many units have passed that began to pass at `begin`; a bound that falls away lets the rest pass."""
        moment, left = begin, units
        while (rate := self.per_second(moment)) is not None:
            change = self.changes_at(moment)
            end = moment + timedelta(seconds=left / rate)
            if change is None or end <= change:
                return end
            left -= (change - moment).total_seconds() * rate
            moment = change
        return moment

    def changes_at(self, now: datetime) -> datetime | None:
        """When another bound may be in force."""
        windows = (each.window for each in self.at)
        changes = (window.closes_at(now) if window.is_open(now) else window.opens_at(now) for window in windows)
        return min(changes, default=None)


UNBOUNDED = Pace()


def hours(store: StoreEntry, zone_of: ZoneOf) -> Hours:
    """When a store may be reached.  Raises what `zone_of` raises."""
    text = store.attributes.get(WINDOWS)
    return hours_of(text.split(), zone_of(store.attributes.get(TIMEZONE))) if text else ALWAYS


def pace(store: StoreEntry, zone_of: ZoneOf) -> Pace:
    """How fast a store may be written and read, in bytes.  Raises what `zone_of` raises."""
    usual, text = store.attributes.get(SPEED_LIMIT), store.attributes.get(RATES_AT, "")
    zone = zone_of(store.attributes.get(TIMEZONE)) if text else None
    parts = (part.split("=") for part in text.split())
    at = tuple(PaceAt(window_of(window, zone), int(rate)) for window, rate in parts if zone is not None)
    return Pace(int(usual) if usual else None, at)


def fitting_bytes(reachable: Hours, at_pace: Pace, begin: datetime, end: datetime) -> int | None:
    """How much can be moved between two moments; None where nothing bounds the rate while the store can be reached."""
    moment, total = begin, 0.0
    while moment < end:
        if not reachable.is_open(moment):
            moment = reachable.opens_at(moment)
            continue
        rate = at_pace.per_second(moment)
        if rate is None:
            return None
        changes = (reachable.closes_at(moment), at_pace.changes_at(moment), end)
        until = min(change for change in changes if change is not None)
        total += rate * (until - moment).total_seconds()
        moment = until
    return int(total)


def out_of_window(store: str, reachable: Hours, now: datetime) -> Expected | None:
    """Why a store is not to be asked now, where its hours say so."""
    if reachable.is_open(now):
        return None
    return Expected(
        "store {store} is out of its window until {until} ({hours}); --outside-window reaches it all the same, where"
        " the command has that option",
        store=store,
        until=reachable.shown(reachable.opens_at(now)),
        hours=str(reachable),
    )


def is_away_as_expected(store: StoreEntry, why: Exception) -> bool:
    """Whether a store that does not serve is where it should be, and nobody has to be told.

    An offline store is away by its nature; one with windows is meant to answer within them.
    """
    if isinstance(why, Expected):
        return True
    is_offline = store.role is Role.REMOTE_OFFLINE and WINDOWS not in store.attributes
    return is_offline and not isinstance(why, Unidentified)


def require_sound(store: StoreEntry) -> None:
    """Make sure that what a store says of its link can be carried out.  Raises `Refused`."""
    if TIMEZONE not in store.attributes and store.attributes.keys() & {WINDOWS, RATES_AT}:
        raise Refused(
            "store {store} has hours, and nobody said by which clocks they go; give --timezone too, such as"
            " Asia/Shanghai",
            store=store.name,
        )
