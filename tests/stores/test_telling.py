"""Is the person told when a store has to be asked again and again, and spared what passes by itself?"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from preserve.cli import voices
from preserve.errors import Unavailable
from preserve.model.keys import Key
from preserve.ports import ObjectFacts
from preserve.stores.retry import Perseverance, RetryingStore
from preserve.stores.telling import TOLD_AFTER, TOLD_EVERY
from tests.stores.clocks import SetClock
from tests.stores.memory import MemoryStore

KEY = Key("packages/ab/one/bag.tar")
BOUNDS = Perseverance(attempts=5, first_wait_seconds=0.5, total_seconds=100)


class HangingStore(MemoryStore):
    """Answers nothing, each time only after `seconds`."""

    def __init__(self, seconds: float, clock: SetClock) -> None:
        super().__init__()
        self._seconds, self._clock = seconds, clock

    def stat(self, key: Key) -> ObjectFacts:
        self._clock.sleep(self._seconds)
        raise Unavailable("store {store}: the credentials are gone", store=self.name)


def told(seconds: float) -> list[dict[str, object]]:
    """What was said, with which values, while a store was asked that hangs for `seconds` each time."""
    clock = SetClock()
    said: list[dict[str, object]] = []

    def alert(template: str, **values: object) -> None:
        said.append({"template": template, "at": clock.now(), **values})

    with pytest.raises(Unavailable):
        RetryingStore(HangingStore(seconds, clock), clock, random.Random(1), BOUNDS, alert).stat(KEY)
    return said


def test_a_site_that_hangs_is_told_of_with_how_often_and_until_when() -> None:
    began = SetClock().now()
    first, second, *_ = told(30)
    assert (first["attempt"], second["attempt"], first["attempts"]) == (1, 2, 5)
    assert first["until"] == began + timedelta(seconds=BOUNDS.total_seconds)
    values = {name: value for name, value in first.items() if name not in ("template", "at")}
    english = voices.english().said(str(first["template"]), **values)
    assert "the credentials are gone: attempt 1 of at most 5 failed; it is tried again, until 20" in english
    chinese = voices.chinese().said(str(first["template"]), **values)
    assert "凭据" in chinese and "第 1 次" in chinese


def test_what_passes_in_a_moment_is_not_told() -> None:
    assert told(0.01) == []


def test_one_line_tells_for_a_while() -> None:
    moments = [line["at"] for line in told(6)]
    times = [moment for moment in moments if isinstance(moment, datetime)]
    assert len(times) == len(moments) > 0
    assert times[0] - SetClock().now() >= TOLD_AFTER
    assert all(later - earlier >= TOLD_EVERY for earlier, later in pairwise(times))
