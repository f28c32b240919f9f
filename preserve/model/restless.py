"""Files that never come to rest: each harvest finds them being changed, and leaves them for the next, for ever."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

LEAST_HARVESTS = 3
"""In fewer harvests than this a file may have been met at work by chance, however long ago the first was."""


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
