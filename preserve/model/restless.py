"""Whether a file is at rest, and files that never are: each harvest leaves them for the next, for ever."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

LEAST_HARVESTS = 3
"""In fewer harvests than this a file may have been met at work by chance, however long ago the first was."""


LEAST_SETTLES = 3
"""So many settle times at least pass before it is told that something waits: some sources settle for weeks."""
_DAY_NS = 86_400 * 1_000_000_000


def is_moving(mtime_ns: int, ctime_ns: int, rested_ns: int, now_ns: int) -> bool:
    """Whether a file changed since `rested_ns`, by its own times (`ctime_ns` 0: it has none).

    A `ctime`, which nobody can set, that lies in the future says that the clock of its server is ahead, and that it may
    be written just now.  What is more than a day ahead is some machine's mistake, and says nothing; so is an `mtime`.
    """
    changed_ns = ctime_ns or mtime_ns
    if now_ns < changed_ns:
        return rested_ns < now_ns and changed_ns <= now_ns + _DAY_NS
    return rested_ns < mtime_ns <= now_ns or rested_ns < ctime_ns <= now_ns


def longest_wait(restless_days: int, settle_seconds: int) -> timedelta:
    """For how long something may lie in a drop folder and wait before somebody is told."""
    return max(timedelta(days=restless_days), LEAST_SETTLES * timedelta(seconds=settle_seconds))


@dataclass(frozen=True, slots=True)
class Moving:
    """A file that each of the last `harvests` harvests, the first at `since`, found being changed."""

    path: bytes
    since: datetime
    harvests: int


def looked_at(known: Mapping[bytes, Moving], paths: Iterable[bytes], now: datetime) -> dict[bytes, Moving]:
    """The files that are being changed now, each with when that began: what was at rest in between begins anew."""
    return {path: _once_more(known.get(path), path, now) for path in paths}


def _once_more(before: Moving | None, path: bytes, now: datetime) -> Moving:
    if before is None or before.since > now:  # the clock was ahead
        return Moving(path, now, 1)
    return Moving(path, before.since, before.harvests + 1)


def never_at_rest(moving: Mapping[bytes, Moving], longest: timedelta, now: datetime) -> tuple[Moving, ...]:
    """Those that were never met at rest for as long as a source allows, by path."""
    stuck = [each for each in moving.values() if each.harvests >= LEAST_HARVESTS and now - each.since >= longest]
    return tuple(sorted(stuck, key=lambda each: each.path))


def moving_text(moving: Mapping[bytes, Moving]) -> str:
    """As a note; names that are no UTF-8 come back as they were."""
    rows = [
        [each.path.decode("utf-8", "surrogateescape"), each.since.isoformat(), each.harvests]
        for each in moving.values()
    ]
    return json.dumps(rows)


def moving_from(text: str | None) -> dict[bytes, Moving]:
    """The inverse of `moving_text`; nothing where there is no note."""
    rows = [
        Moving(path.encode("utf-8", "surrogateescape"), datetime.fromisoformat(since), harvests)
        for path, since, harvests in json.loads(text or "[]")
    ]
    return {each.path: each for each in rows}
