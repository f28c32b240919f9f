"""Can Prometheus ask a runner that goes on, on this machine alone unless somebody says otherwise?"""

from __future__ import annotations

import urllib.request
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from preserve.cli.metrics_address import is_loopback, metrics_address
from preserve.clock import SystemClock
from preserve.daemon.metrics import OK, families
from preserve.daemon.showing import shown
from preserve.errors import Misused, Refused, Unavailable

if TYPE_CHECKING:
    from prometheus_client.core import Metric

ALERTS = Path(__file__).parents[2] / "ops" / "monitoring"


class Minutes(SystemClock):
    """A clock whose pauses end when a test lets them."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.may_go_on, self.sleeps = Event(), Event()

    def sleep(self, seconds: float, unless: Event | None = None) -> None:
        self.slept.append(seconds)
        self.sleeps.set()
        while not (self.may_go_on.wait(0.01) or (unless and unless.is_set())):
            pass
        self.may_go_on.clear()


def asked(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_figures_are_made_anew_and_stay_when_they_cannot_be() -> None:
    clock, made = Minutes(), iter([1.0, 0.0])

    def make() -> Sequence[Metric]:
        value = next(made, None)
        if value is None:
            raise Unavailable("the books are away")
        return families([(OK, (), value)])

    with shown(make, "127.0.0.1", 0, clock) as port:
        told = []
        for _ in range(3):
            assert clock.sleeps.wait(10)
            clock.sleeps.clear()
            told.append("preserve_ok 1.0" in asked(port))
            clock.may_go_on.set()
    assert told == [True, False, False] and min(clock.slept) >= 60
    with pytest.raises(OSError, match="refused"):
        asked(port)


def test_an_address_that_is_taken_is_refused() -> None:
    def nothing() -> Sequence[Metric]:
        return ()

    with (
        shown(nothing, "127.0.0.1", 0, Minutes()) as port,
        pytest.raises(Refused, match="in use"),
        shown(nothing, "127.0.0.1", port, Minutes()),
    ):
        pass


def test_without_a_host_nobody_but_this_machine_is_answered() -> None:
    assert metrics_address("9108") == ("127.0.0.1", 9108) and is_loopback("127.0.0.1")
    assert metrics_address("[::1]:9108") == ("::1", 9108) and is_loopback("::1") and is_loopback("localhost")
    assert metrics_address("0.0.0.0:9108") == ("0.0.0.0", 9108) and not is_loopback("0.0.0.0")  # noqa: S104
    for text in ("", "here", "a:b", "127.0.0.1:9108/metrics", ":9108", "127.0.0.1:99999"):
        with pytest.raises(Misused, match="--metrics"):
            metrics_address(text)


def test_the_configuration_for_prometheus_asks_where_the_guide_says() -> None:
    text = (ALERTS / "prometheus.yml").read_text(encoding="utf-8")
    assert "127.0.0.1:9108" in text and "rule_files: [alerts.yml]" in text
    for guide in ("watching.md", "watching.zh.md"):
        assert "run --metrics 9108" in (ALERTS.parent / "guides" / guide).read_text(encoding="utf-8")
